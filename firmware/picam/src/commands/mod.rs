//! What the subcommands do.

pub(crate) mod check;
pub(crate) mod clip;
pub(crate) mod config;
mod copies;
pub(crate) mod disk;
pub(crate) mod failure;
pub(crate) mod firstboot;
pub(crate) mod guard;
pub(crate) mod hotspot;
pub(crate) mod inspect;
pub(crate) mod lock;
pub(crate) mod password;
pub(crate) mod picture;
pub(crate) mod probe;
pub(crate) mod record;
pub(crate) mod recover;
pub(crate) mod salvage;
pub(crate) mod settings;
pub(crate) mod still;
pub(crate) mod support;
pub(crate) mod tell;
pub(crate) mod token;
pub(crate) mod track;
pub(crate) mod web;
