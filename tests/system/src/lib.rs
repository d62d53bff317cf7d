//! What the system tests and the fuzz targets share. A panic in here is a failed test.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
pub mod browser;
pub mod camera;
pub mod card;
pub mod crowd;
pub mod downloads;
pub mod flush_probe;
pub mod frames;
pub mod fuzz;
pub mod gpsd;
pub mod http;
pub mod judge;
pub mod live;
pub mod memory;
pub mod mounts;
pub mod together;
