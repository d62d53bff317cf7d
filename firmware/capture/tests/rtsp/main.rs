//! Network cameras: GStreamer's server, and small ones of our own that misbehave.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod camera;
mod clocks;
mod copies;
mod hostile;
mod losses;
mod reader;

/// As the program has it: it bounds what a camera can make the client buffer.
#[global_allocator]
static ALLOCATOR: picam_capture::AllocationCounter = picam_capture::AllocationCounter;
