//! What processes say to the recorder, and what it answers: a Unix socket, for the processes beside it.
//!
//! One request a connection: a line of JSON in, a line of JSON out. Whoever may open the socket may ask; what changes
//! something is for root, the recorder's own user and those named to it ([`Peers`]). Nothing that can be asked delays
//! recording. `docs/recording.md` describes the lines.

mod client;
mod exchange;
pub mod lock;
mod message;
pub mod orders;
mod peer;
mod server;
pub mod status;
pub mod verdict;

pub use client::{RemoteRecorder, ask};
pub use exchange::exchange;
pub use message::{Reply, Request, Right, Source};
pub use peer::Peers;
pub use server::{Answer, ControlThread};
