//! The page, the HTTP API and the file index of a picam.
//!
//! [`serve`] shows what lies in a footage directory: it only ever reads there, keeps no database,
//! and shares no lock with whoever records. Beyond loopback it lets nobody in without a password.
//! `docs/api/openapi.yaml` describes the API.

mod admission;
mod app;
mod asker;
mod auth;
mod body;
mod captive;
mod commands;
pub mod conditional;
mod door;
mod error;
mod file;
mod headers;
mod health;
mod idle;
mod list;
mod page;
mod peer;
mod query;
pub mod range;
mod request_body;
mod routes;
mod server;
pub mod settings;

pub use auth::{
    Access, MIN_PASSWORD_LEN, PasswordError, PasswordHash, Role, Sessions, hash_password,
    hash_password_with,
};
pub use captive::{probe_hosts, probe_routes};
pub use routes::api_routes;
pub use server::{Limits, ServeError, WebConfig, serve};
