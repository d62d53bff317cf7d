//! What processes say to the recorder, and what it answers, through a Unix socket.
//!
//! One request a connection: a line of JSON in, a line of JSON out; behind the answer to one of them, pictures ([`live`]). Whoever may open the socket may ask; what changes
//! something is for root, the recorder's own user and those named to it ([`Peers`]). `docs/recording.md` has the
//! lines.
//!
//! Here belong requests, replies, the status with its [`verdict`], the socket's two ends, what the guard says of the battery in
//! a file ([`power`]), and what the page may know of the [`settings`]. How the recorder
//! carries out what is asked does not ([`Answer`] is its side), nor how a page or a command shows it, nor any clock
//! or card.

mod client;
mod exchange;
pub mod live;
pub mod lock;
mod message;
pub mod orders;
mod peer;
pub mod picture;
pub mod power;
mod server;
pub mod settings;
mod span;
pub mod status;
pub mod stills;
pub mod verdict;

pub use client::{RemoteRecorder, ask};
pub use exchange::exchange;
pub use message::{Reply, Request, Right, Source};
pub use peer::{Peers, user_of};
pub use server::{Answer, ControlThread, Later};
