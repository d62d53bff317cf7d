//! A dashcam for the Raspberry Pi, as one binary: configuration, subcommands, wiring.
//!
//! Here belong what a subcommand does with the other crates, what `picam.toml` means, and the process around it:
//! signals, log, systemd.
//!
//! What another program could use by itself does not: how footage is captured, recorded, stored, read, shown and
//! spoken about is in the crates that this one may use (`scripts/lib/crate-arrows`).

pub mod cli;
mod commands;
pub mod config;
pub mod inspect;
mod service;
mod settings;
mod settings_service;
mod support;
mod text;
