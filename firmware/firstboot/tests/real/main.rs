//! First boot on real block devices, filesystems and processes: sparse files behind loop devices, judged
//! by sfdisk, fsck.exfat, dump.exfat and exfat-fuse; the program killed; vfat in User Mode Linux.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod cut;
mod cuts;
mod first_boot;
mod footage;
mod image;
mod killed_card;
mod killed_settings;
mod picam;
mod refused;
mod remount;
mod uml;
