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
    /// A slice header that cannot be read, or that names parameter sets nobody sent.
    #[error("a slice of this stream is damaged")]
    Slice,
    /// So much is damaged that this is no video, or none that anybody could watch.
    #[error(
        "{0} places in a row are damaged: this is no H.264 or H.265, or too little of it is left"
    )]
    Garbage(u32),
    /// Sound that is not recorded; names its codec.
    #[error("{0}")]
    Sound(String),
    /// No still can be made of a picture.
    #[error("no still can be made: {0}")]
    Still(String),
    /// The encoder refused.
    #[error("the software encoder failed: {0}")]
    Encoder(String),
}
