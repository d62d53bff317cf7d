//! The guest: a virtual machine whose footage disk is logged, in which a recorder runs.

mod clock;
mod qemu;

pub use clock::Clock;
pub use picam_guest_tests::kit::{Kit, cache};
pub use qemu::{Guest, Recording};
