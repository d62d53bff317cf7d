//! The first picture of a segment, as a tiny MP4: whoever shows it decodes it, and nothing is decoded here.

use std::io;

use picam_mp4::cut::{CutPlan, Source};

use crate::footage;
use crate::library::Library;
use crate::segment::Segment;

/// No key frame of a camera is larger; what says so is damaged.
const MAX: u64 = 8 << 20;

/// A movie of one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The whole MP4. The same for a segment, whether it is being recorded or finished.
    pub bytes: Vec<u8>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The card does not give it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// There is none in it, or none that can be shown.
    #[error("the segment has no picture that can be shown")]
    None,
}

impl Library {
    /// The first picture of a segment.
    ///
    /// # Errors
    /// [`PictureError`]
    pub fn first_picture(&self, segment: &Segment) -> Result<Picture, PictureError> {
        let file = footage::open(self.dir(segment), &segment.parsed)?;
        let movie = footage::movie(&file)?.and_then(|movie| movie.first_picture());
        let movie = movie.ok_or(PictureError::None)?;
        let sources = [Source {
            movie: &movie,
            start_ns: 0,
        }];
        let plan = CutPlan::new(&sources, 0, i64::MAX).map_err(|_| PictureError::None)?;
        let len = usize::try_from(plan.len())
            .ok()
            .filter(|_| plan.len() <= MAX);
        let mut bytes = vec![0; len.ok_or(PictureError::None)?];
        plan.read_at(&[&file], 0, &mut bytes)?;
        // What was read is of this segment if the slot still is.
        let sector = footage::first_sector(&file)?;
        let (record, _) = footage::record_of(&sector, &segment.parsed).map_err(|_| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "the slot was taken for another segment",
            )
        })?;
        match Some(record.boot_id) == segment.boot_id {
            true => Ok(Picture { bytes }),
            false => Err(io::Error::from(io::ErrorKind::NotFound).into()),
        }
    }
}
