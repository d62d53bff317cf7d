//! Video files as cameras.

mod annexb;
mod mkv;
mod mp4;
mod params;
mod sniff;
mod sound;
mod window;

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use picam_media::{AccessUnit, TIMESCALE, UnitKind};
use picam_time::{Clock, Ticks};
use rustix::fs::OFlags;

use self::sniff::Format;
use self::sound::FileSound;
use crate::pace::Pacer;
use crate::{CaptureError, Config, Event, Source};

pub use self::params::FileParams;

/// Takes a file apart. What is damaged is left out and counted.
trait Demuxer: Send {
    /// Fills data, parameter sets, start, times and damage of the next picture in decoding order, or the sound that is
    /// heard before it; `false` at the end. What comes before the first start is left out.
    fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, CaptureError>;

    /// Begins again; times go on behind the last frame.
    fn restart(&mut self) -> Result<(), CaptureError>;

    /// Damage that no unit followed; counts from 0 again.
    fn take_damage(&mut self) -> u32;

    /// What sound the file has.
    fn sound(&self) -> FileSound {
        FileSound::None
    }
}

/// The open file.
pub(crate) struct FileSource {
    name: String,
    demuxer: Box<dyn Demuxer>,
    pacer: Pacer,
    repeat: bool,
    /// The next unit, read ahead while it is not due.
    waiting: AccessUnit,
    is_waiting: bool,
    /// Whether the file gave a unit since it was opened or began again.
    productive: bool,
    /// Whether the first event was delivered.
    begun: bool,
    /// Whether the file has nothing more.
    ended: bool,
}

/// Opens a file for reading. Does not wait for the other end of a FIFO, and takes nothing but files.
fn open_regular(path: &Path) -> io::Result<File> {
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits() as i32)
        .open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is no file, but a directory, a device or a FIFO",
    ))
}

impl FileSource {
    pub(crate) fn open(params: &FileParams, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        let name = params.path.display().to_string();
        let open_error = |source| CaptureError::Io {
            context: format!("opening {name}"),
            source,
        };
        let file = open_regular(&params.path).map_err(open_error)?;
        let format = sniff::sniff(&file, &params.path)
            .map_err(open_error)?
            .ok_or_else(|| {
                CaptureError::Stream(format!(
                    "{name} is neither MP4 nor MKV nor a raw H.264 or H.265 stream (Annex B)"
                ))
            })?;
        if params.fps.is_some() && !matches!(format, Format::AnnexB(_)) {
            return Err(CaptureError::Config(format!(
                "fps= is for raw streams; {name} states its own times: leave it out"
            )));
        }
        let demuxer = demuxer(format, file, &params.path, &name, params)?;
        Ok(Self {
            name,
            demuxer,
            pacer: Pacer::new(clock, params.pace),
            repeat: params.repeat,
            waiting: AccessUnit::new(),
            is_waiting: false,
            productive: false,
            begun: false,
            ended: false,
        })
    }

    /// Reads ahead; `false` at the end for good.
    fn fetch(&mut self) -> Result<bool, CaptureError> {
        while !self.is_waiting {
            self.waiting.kind = UnitKind::Video;
            if self.demuxer.read(&mut self.waiting)? {
                self.is_waiting = true;
                self.productive = true;
            } else if !self.productive {
                return Err(CaptureError::Stream(format!(
                    "{} holds no frame that decoding can start at",
                    self.name
                )));
            } else if self.repeat {
                self.demuxer.restart()?;
                self.productive = false;
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn demuxer(
    format: Format,
    file: File,
    path: &Path,
    name: &str,
    params: &FileParams,
) -> Result<Box<dyn Demuxer>, CaptureError> {
    Ok(match format {
        Format::AnnexB(codec) => Box::new(annexb::AnnexB::new(file, path, name, codec, params.fps)),
        Format::Mp4 => Box::new(mp4::Mp4::open(file, name)?),
        Format::Mkv => Box::new(mkv::Mkv::open(file, path, name)?),
    })
}

/// `value` of `scale` a second in [`TIMESCALE`] ticks, rounded to the nearest.
fn to_ticks(value: i64, scale: u32) -> i64 {
    Ticks::new(value, scale).nearest(TIMESCALE).value
}

impl Source for FileSource {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        if !std::mem::replace(&mut self.begun, true) {
            let (sound, sound_left_out) = match self.demuxer.sound() {
                FileSound::None => (None, None),
                FileSound::Recorded(format) => (Some(format), None),
                FileSound::LeftOut(what) => (None, Some(what)),
            };
            return Ok(Event::Config(Config {
                epoch: 0,
                sound,
                sound_left_out,
            }));
        }
        if self.ended || !self.fetch()? {
            self.ended = true;
            return Ok(match self.demuxer.take_damage() {
                0 => Event::End,
                damaged => Event::Gap { damaged },
            });
        }
        let due = self.pacer.due(self.waiting.dts);
        if !self.pacer.wait(due, timeout) {
            return Ok(Event::Timeout);
        }
        std::mem::swap(unit, &mut self.waiting);
        self.is_waiting = false;
        unit.captured = due;
        unit.dropped_before = 0;
        Ok(Event::Unit)
    }

    fn is_live(&self) -> bool {
        self.pacer.is_live()
    }

    fn replays(&self) -> bool {
        true
    }

    fn describe(&self) -> String {
        let sound = match self.demuxer.sound() {
            FileSound::LeftOut(_) => " (its sound is not recorded)",
            FileSound::None | FileSound::Recorded(_) => "",
        };
        format!("file:{}{sound}", self.name)
    }
}
