//! The binary as a person meets it: what it prints, what it writes, how it exits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod clip;
mod config;
mod damage;
mod firstboot;
mod guard;
mod hotspot;
mod inspect;
mod log;
mod rings;
mod service;
mod settings;
mod sources;
mod support;
