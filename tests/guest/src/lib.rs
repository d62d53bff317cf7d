//! A virtual machine with a real kernel's drivers of cameras and codecs (`vivid`, `uvcvideo`, `vicodec`), in which
//! tests run commands and this machine's picam; and a USB camera made of software, for that kernel to find.
//!
//! A test boots one [`Guest`] and does all it has to show in it: a boot takes ten seconds, or a minute on a busy
//! machine. `scripts/guest-tests` fetches what is needed; without it [`Guest::boot`] says what was skipped. What may be
//! asked of a guest is counts and order, never rates: its processors are emulated.
//!
//! A panic in here is a failed test.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod cpio;
mod error;
mod guest;
pub mod kit;
pub mod numbered;
pub mod uvc;

pub use error::GuestError;
pub use guest::{Guest, Job, Output};

/// What calls give here.
pub type Result<T> = std::result::Result<T, GuestError>;
