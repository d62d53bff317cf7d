//! A dashcam for the Raspberry Pi: configuration, subcommands, wiring.

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
