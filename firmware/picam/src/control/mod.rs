//! The recorder's door on the device itself: a Unix socket, for the processes beside it.
//!
//! One request a connection: a line of JSON in, a line of JSON out. Whoever may open the socket may
//! ask; nothing that can be asked stops or delays recording.

mod client;
mod message;
mod server;

pub(crate) use client::{RemoteRecorder, ask};
pub(crate) use message::{Reply, Request};
pub(crate) use server::ControlThread;
