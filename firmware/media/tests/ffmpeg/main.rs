//! Streams and units against ffmpeg and ffprobe.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod encoder;
mod raw_streams;
