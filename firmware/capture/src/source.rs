//! What every source of pictures looks like to the recorder.

use std::time::Duration;

use picam_media::{AccessUnit, Colour, MediaError, SoundFormat, Yuv420};
use picam_time::BootNs;

use crate::Overlay;
use crate::picture::{Picture, PictureReport};

/// What a call of [`Source::read`] brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// What comes from here on; the first event of every source, and again whenever its timeline breaks.
    Config(Config),
    /// The unit was filled.
    Unit,
    /// Something was left out and no unit follows to carry the count ([`AccessUnit::damage_before`]).
    Gap {
        /// Places where the stream was damaged.
        damaged: u32,
    },
    /// Nothing came within the time given.
    Timeout,
    /// The source ended for good (a file played once).
    End,
}

/// What a source delivers from here on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Times begin anew with each; counts from 0 when the source was opened.
    pub epoch: u32,
    /// How the sound is coded that comes along.
    pub sound: Option<SoundFormat>,
    /// How sound is coded that there is, and that is not recorded.
    pub sound_left_out: Option<String>,
}

/// One picture as it was before it was coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// That.
    pub picture: StillPicture,
    /// When it was taken.
    pub captured: BootNs,
}

/// How a still came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StillPicture {
    /// Uncoded, and by which rules its colours are.
    Plain(Yuv420, Colour),
    /// A JPEG of the camera's own that holds its tables.
    Jpeg(Vec<u8>),
}

/// Why a source delivers nothing.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The description of the source cannot be used; says what to write instead.
    #[error("{0}")]
    Config(String),
    /// The device or file failed; the recorder opens the source again after a while.
    #[error("{context}: {source}")]
    Io {
        /// What was being done to what.
        context: String,
        /// The cause.
        source: std::io::Error,
    },
    /// What came is not what a camera may send; says where and what.
    #[error("{0}")]
    Stream(String),
    /// Whoever opened the source does not want it any more.
    #[error("opening was given up")]
    Cancelled,
}

/// What `subject` delivered is at fault, or reading it.
pub(crate) fn stream_error(subject: &str, error: MediaError) -> CaptureError {
    match error {
        MediaError::Io(source) if source.raw_os_error().is_some() => CaptureError::Io {
            context: format!("reading {subject}"),
            source,
        },
        MediaError::NoRate => CaptureError::Config(format!("{subject}: {error}")),
        other => CaptureError::Stream(format!("{subject}: {other}")),
    }
}

/// Why a file, or a camera that codes its pictures elsewhere, has no settings.
const NO_SETTINGS: &str = "picam cannot set it here: a file is as it was recorded, and a network camera has a page of its own for it";

/// A camera, or what stands in for one. Runs on a thread of its own and never waits for storage.
pub trait Source: Send {
    /// Fills `unit`, which says it is a picture, with the next access unit, waiting for it at most `timeout`.
    /// `unit.data` is cleared first but keeps its capacity.
    /// [`AccessUnit::epoch`] is left to the caller.
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError>;

    /// Asks for a picture that decoding can start at, soon. `false` if the source cannot be asked.
    fn request_key_frame(&mut self) -> bool {
        false
    }

    /// Sets how pictures look from the next ones on, without losing one, and says what has become of it. When it was opened,
    /// that of the camera's description was set.
    fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
        PictureReport::without(wanted, NO_SETTINGS)
    }

    /// How they look, as the camera says now.
    fn picture(&mut self) -> PictureReport {
        PictureReport::without(&Picture::default(), NO_SETTINGS)
    }

    /// Asks for a copy of the next picture from before it is coded. `false` if pictures come coded.
    fn want_still(&mut self) -> bool {
        false
    }

    /// The copy that was asked for, once its picture has come.
    fn take_still(&mut self) -> Option<Still> {
        None
    }

    /// Has this drawn into every picture from now on, before it is coded. `false` if pictures come coded.
    fn set_overlay(&mut self, overlay: Overlay) -> bool {
        drop(overlay);
        false
    }

    /// Whether the same pictures come again when it is opened again (a file).
    fn replays(&self) -> bool {
        false
    }

    /// Whether pictures come in real time and would be lost if nobody took them. A source that is
    /// not live is read only when the queue has room.
    fn is_live(&self) -> bool;

    /// What a person calls it, for logs and the page (`file:/clips/a.mp4`); holds no password.
    fn describe(&self) -> String;
}
