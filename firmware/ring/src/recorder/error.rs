//! Why a picture cannot be recorded.

use std::io;

use picam_mp4::WriteError;

/// Why a picture could not be taken (yet).
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The card refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// There is no slot to record into, and none can be made.
    #[error("there is no slot for the next segment: {0}")]
    NoSlot(io::Error),
    /// The stream cannot be stored.
    #[error(transparent)]
    Write(WriteError),
}

impl RecordError {
    /// The operating system's error, where there is one.
    pub fn io(&self) -> Option<&io::Error> {
        match self {
            Self::Io { source, .. } | Self::NoSlot(source) => Some(source),
            Self::Write(WriteError::Io(source)) => Some(source),
            Self::Write(_) => None,
        }
    }
}

pub(super) fn doing(doing: &'static str) -> impl FnOnce(io::Error) -> RecordError {
    move |source| RecordError::Io { doing, source }
}

pub(super) fn write_error(error: WriteError) -> RecordError {
    match error {
        WriteError::Io(source) => RecordError::Io {
            doing: "writing a segment",
            source,
        },
        other => RecordError::Write(other),
    }
}

/// A slot is always claimed while it is recorded into.
pub(super) fn unclaimed() -> RecordError {
    RecordError::NoSlot(io::ErrorKind::ResourceBusy.into())
}
