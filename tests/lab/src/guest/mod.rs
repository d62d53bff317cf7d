//! The guest: a virtual machine whose footage disk is logged, in which a recorder runs.

mod clock;
pub mod cpio;
mod kit;
mod qemu;

pub use clock::Clock;
pub use kit::{Kit, cache};
pub use qemu::{Guest, Recording};
