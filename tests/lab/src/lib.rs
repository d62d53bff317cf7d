//! The power-cut laboratory: a recorder writes footage to an exFAT disk inside a virtual machine, every
//! write and every flush of that disk is logged in order, and from the log come the disks that a power cut
//! could have left. Each of them is checked, read and played.
//!
//! `docs/power-lab.md` says what is assumed, what is shown and how. A panic in here is a failed test.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
pub mod analysis;
pub mod blklog;
pub mod cuts;
pub mod disk;
pub mod exfat;
pub mod footage;
pub mod fuse;
pub mod guest;
pub mod guest_side;
pub mod judge;
pub mod mounted;
pub mod recorders;
pub mod replay;
pub mod report;
pub mod session;
pub mod source;
pub mod timeline;
pub mod writes;
