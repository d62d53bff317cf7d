//! A dashcam for the Raspberry Pi: configuration, subcommands, wiring.

pub mod cli;
pub mod clip;
mod commands;
pub mod config;
mod control;
pub mod inspect;
mod orders;
pub mod record;
mod service;
mod settings;
mod text;
