//! The page and the HTTP API of a picam.
//!
//! Here belong routes, logins, sessions, limits on connections, ranges, and how a no is said. [`serve`] shows the
//! footage that picam-library reads, passes on what the recorder says and takes (picam-control), and lets nobody in
//! beyond loopback without a password. `docs/api/openapi.yaml` describes the API.
//!
//! What is on the card, how recording goes and what may be done with footage is not found out or decided here.

mod admission;
mod app;
mod archive;
mod asker;
mod auth;
mod body;
mod captive;
mod clip;
mod commands;
pub mod conditional;
mod door;
mod downloads;
mod drives;
mod error;
mod file;
mod headers;
mod health;
mod idle;
mod list;
mod live;
mod look;
mod metrics;
mod page;
mod peer;
mod picture;
mod query;
pub mod range;
mod request_body;
mod routes;
mod saves;
mod server;
pub mod settings;
mod stills;
mod track;
mod version;

pub use auth::{
    Access, MIN_PASSWORD_LEN, PasswordError, PasswordHash, Role, Sessions, TokenHash,
    hash_password, hash_password_with, make_token,
};
pub use captive::{probe_hosts, probe_routes};
pub use routes::api_routes;
pub use server::{Limits, ServeError, WebConfig, serve};
