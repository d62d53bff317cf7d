//! A USB disk for the footage: found by its label, or formatted once if its owner names it.
//!
//! Nothing of a disk is changed unless the word in `picam.toml` names this very disk *and what is on it*: the word ends in a
//! checksum of the disk's first mebibyte. Formatting changes that, so a word that was acted on never fits again, whatever
//! the disk is used for later and whatever the camera has forgotten.

mod device;
mod identity;
mod label;
mod prepare;

pub use device::UsbDevice;
pub use identity::{Identity, word};
pub use label::label;
pub use prepare::{DiskError, FOOTAGE_AT, Partition, Refused, Verdict, examine, format};
