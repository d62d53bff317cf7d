//! The card as a ring of preallocated segments.

mod class;
mod directory;
mod name;

pub use class::{Class, MIN_NORMAL_SHARE, Shares, SharesError};
pub use directory::{Directory, Entry, Space};
pub use name::{
    BOOT_MODULUS, NAME_LEN, NameTime, SEQUENCE_MODULUS, SegmentName, SlotName, is_camera_letter,
};
