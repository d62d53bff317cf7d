//! What is wrong with a file, and where.

use std::io;

use super::boxes::FourCc;

/// Why a file could not be read as an MP4. Offsets are bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The storage failed.
    #[error("reading at byte {offset}: {source}")]
    Io {
        /// Where it was read.
        offset: u64,
        /// The cause.
        source: io::Error,
    },
    /// A box states a size smaller than its own header.
    #[error("box `{kind}` at byte {offset} states a size of {size} bytes, less than its header")]
    BoxTooShort {
        /// Type of the box.
        kind: FourCc,
        /// Where the box starts.
        offset: u64,
        /// Its stated size.
        size: u64,
    },
    /// A box reaches over the end of the file or of the box around it.
    #[error(
        "box `{kind}` at byte {offset} ends at byte {end}, behind the end of what holds it \
         (byte {limit}): the file is cut off or damaged"
    )]
    BoxPastEnd {
        /// Type of the box.
        kind: FourCc,
        /// Where the box starts.
        offset: u64,
        /// Where it claims to end.
        end: u64,
        /// Where it must end at the latest.
        limit: u64,
    },
    /// An index box is larger than any honest one.
    #[error("box `{kind}` at byte {offset} has {size} bytes; at most {limit} are read")]
    BoxTooLarge {
        /// Type of the box.
        kind: FourCc,
        /// Where the box starts.
        offset: u64,
        /// Its size.
        size: u64,
        /// What would have been read.
        limit: u64,
    },
    /// A box that the file cannot do without is not there.
    #[error("box `{kind}` is missing in the box (or file) at byte {offset}")]
    Missing {
        /// Type of the missing box.
        kind: FourCc,
        /// Where the box starts that must hold it; 0 for the file itself.
        offset: u64,
    },
    /// The fields of a box contradict the standard or each other.
    #[error("box `{kind}` at byte {offset}: {what}")]
    Malformed {
        /// Type of the box.
        kind: FourCc,
        /// Where the box starts.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A sample lies outside the file.
    #[error(
        "sample {sample} of track {track} is at bytes {offset}..{end} of a file of {size} bytes: \
         the file is cut off or damaged"
    )]
    SampleOutside {
        /// Track id.
        track: u32,
        /// Sample, counted from 1 as in the standard.
        sample: usize,
        /// Its first byte.
        offset: u64,
        /// The byte behind its last.
        end: u64,
        /// Length of the file.
        size: u64,
    },
    /// More samples than the file can hold, or than this reader takes on.
    #[error("box `{kind}` at byte {offset} brings the number of samples over {limit}")]
    TooManySamples {
        /// Type of the box that lists them.
        kind: FourCc,
        /// Where that box starts.
        offset: u64,
        /// The most that are read from this file.
        limit: u64,
    },
}
