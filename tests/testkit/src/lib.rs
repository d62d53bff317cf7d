//! What tests of several crates share: a simulated disk whose power can be cut, a clock that is
//! turned by hand, the program, and the judges,
//! programs that others wrote. A panic in here is a failed test.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]
mod clock;
pub mod ffmpeg;
pub mod judges;
pub mod netns;
pub mod numbered;
mod program;
pub mod pulse;
pub mod recording;
pub mod rtsp;
pub mod sim_disk;
mod slot;
pub mod steps;
pub mod surroundings;
mod vectors;

pub use clock::TurnedClock;
pub use program::binary;
pub use slot::read_slot;
pub use vectors::secrets;
