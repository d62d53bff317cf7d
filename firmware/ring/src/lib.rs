//! The card as a ring of preallocated segments.

mod catalog;
mod class;
mod directory;
mod letters;
mod lock;
mod name;
mod policy;
mod retention;
mod sequence;

pub use catalog::{Catalog, Foreign, Ring, Segment, Spare};
pub use class::{Class, MIN_NORMAL_SHARE, Shares, SharesError};
pub use directory::{Directory, Entry, Space};
pub use letters::{TooManyCameras, assign_letters};
pub use lock::{LockPlan, Rename, lock, unlock};
pub use name::{
    BOOT_MODULUS, NAME_LEN, NameTime, SEQUENCE_MODULUS, SegmentName, SlotName, is_camera_letter,
};
pub use policy::{Choice, ShareWarning, WARN_PERCENT, Why, next_slot, share_warnings, surplus};
pub use retention::{Retention, expired};
pub use sequence::{digits_of, distance, newest_candidates, next_sequence};
