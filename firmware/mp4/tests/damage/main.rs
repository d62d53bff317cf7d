//! Segments that a card damaged, and what recovery makes of them, judged by ffmpeg.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod golden;
mod random;
mod salvage;
mod segments;
