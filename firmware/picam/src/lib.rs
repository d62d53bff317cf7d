//! A dashcam for the Raspberry Pi, as one binary: configuration, subcommands, wiring.
//!
//! Here belong what a subcommand does with the other crates, what `picam.toml` means, the recorder that puts cameras,
//! ring and orders together, and the process around it: signals, log, systemd.
//!
//! What another program could use by itself does not: how footage is stored, read, captured, shown and spoken about
//! is in the crates that this one may use (`scripts/lib/crate-arrows`).

mod answers;
pub mod cli;
mod commands;
pub mod config;
mod disk_note;
pub mod inspect;
mod orders;
pub mod record;
mod service;
mod settings;
mod settings_service;
mod support;
mod text;
