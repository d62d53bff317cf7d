//! Passwords, identity and factory reset, on real directories and on a simulated FAT whose power goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod camera;
mod cuts;
mod fat;
mod owner;
mod page;
mod provisioning;
mod reset;
mod support;
