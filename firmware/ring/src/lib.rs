//! The card as a ring of preallocated segments.

mod directory;

pub use directory::{Directory, Entry, Space};
