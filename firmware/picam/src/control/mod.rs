//! The recorder's door on the device itself: a Unix socket, for the processes beside it.
//!
//! One request a connection: a line of JSON in, a line of JSON out. Whoever may open the socket may
//! ask; what changes something is for root, the recorder's own user and those named to it ([`peer`]),
//! and within the bounds of [`crate::orders`]. Nothing that can be asked delays recording, and nothing stops it
//! for long.

mod client;
mod message;
mod peer;
mod server;

pub(crate) use client::{RemoteRecorder, ask};
pub(crate) use message::{Reply, Request, Right, Source};
pub(crate) use peer::{Peers, user_of};
pub(crate) use server::ControlThread;
