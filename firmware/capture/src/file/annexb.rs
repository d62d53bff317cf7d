//! Raw H.264 and H.265 files.

use std::fs::File;
use std::path::{Path, PathBuf};

use picam_media::{AccessUnit, Codec, FrameRate, RawStream};

use super::{Demuxer, open_regular};
use crate::CaptureError;
use crate::source::stream_error;

pub(super) struct AnnexB {
    path: PathBuf,
    name: String,
    stream: RawStream<File>,
}

impl AnnexB {
    pub(super) fn new(
        file: File,
        path: &Path,
        name: &str,
        codec: Codec,
        rate: Option<FrameRate>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            name: name.to_owned(),
            stream: RawStream::new(file, codec, rate),
        }
    }
}

impl Demuxer for AnnexB {
    fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, CaptureError> {
        self.stream
            .read(unit)
            .map_err(|e| stream_error(&self.name, e))
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        let file = open_regular(&self.path).map_err(|source| CaptureError::Io {
            context: format!("opening {} again", self.name),
            source,
        })?;
        self.stream.restart(file);
        Ok(())
    }

    fn take_damage(&mut self) -> u32 {
        self.stream.take_damage()
    }
}
