//! Sources against ffmpeg and ffprobe.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod barcode;
mod damage;
mod files;
mod joints;
mod loops;
mod peer;
mod sim;
