//! Why a stream cannot be used.

use std::io;

use crate::length_prefixed::Overrun;

/// What is wrong with a stream, in words for the person who chose it.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A length inside a sample does not hold.
    #[error(transparent)]
    Overrun(#[from] Overrun),
    /// A parameter set does not follow the standard; says which and where.
    #[error("the {set} of this stream is damaged: {reason}")]
    ParameterSet {
        /// `SPS`, `PPS` or a configuration record.
        set: &'static str,
        /// What could not be read.
        reason: String,
    },
    /// A raw stream that says nothing of its frame rate.
    #[error("this raw stream does not state its frame rate: add ?fps=30 (or what it is)")]
    NoRate,
    /// Something raw streams may hold that only a container makes usable.
    #[error("{0}: put the stream into an MP4 or MKV file, which states when each frame is shown")]
    NeedsContainer(&'static str),
    /// No picture is that long: this is not video, or it is damaged.
    #[error("a picture in this stream has more than 16 MiB: it is damaged, or no H.264 or H.265")]
    UnitTooLong,
    /// The encoder refused.
    #[error("the software encoder failed: {0}")]
    Encoder(String),
}
