//! Who alone reads and writes the owner's settings on a device: a process without a network, behind a Unix socket.
//!
//! One request a connection: a line of JSON in, a line of JSON out. The page asks it and never sees a passphrase that is set.

mod client;
mod message;
mod server;

pub(crate) use client::{RemoteSettings, ask};
pub(crate) use message::{Place, Reply, Request};
pub(crate) use server::serve;
