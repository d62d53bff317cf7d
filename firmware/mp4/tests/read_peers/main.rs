//! Reading, cutting and playlists against ffmpeg, ffprobe, GStreamer and the `mp4` crate.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod cut;
mod hls;
mod hostile;
mod peers;
mod playlist;
mod read;
mod serve;
mod slots;
