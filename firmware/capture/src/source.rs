//! What every source of pictures looks like to the recorder.

use std::time::Duration;

use picam_media::{AccessUnit, MediaError};

/// What a call of [`Source::read`] brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The unit was filled.
    Unit,
    /// Nothing came within the time given.
    Timeout,
    /// The source ended for good (a file played once).
    End,
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

/// A camera, or what stands in for one. Runs on a thread of its own and never waits for storage.
pub trait Source: Send {
    /// Fills `unit` with the next access unit, waiting for it at most `timeout`.
    /// `unit.data` is cleared first but keeps its capacity.
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Next, CaptureError>;

    /// Whether pictures come in real time and would be lost if nobody took them. A source that is
    /// not live is read only when the queue has room.
    fn is_live(&self) -> bool;

    /// What a person calls it, for logs and the page (`file:/clips/a.mp4`); holds no password.
    fn describe(&self) -> String;
}
