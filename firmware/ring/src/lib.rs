//! The card as a ring of preallocated segments.
//!
//! Here belong the slots and who owns each, names and classes, which footage goes when there must be room, locks, the
//! times of segments once somebody says what time it is, what a cut or a failing card left, and the [`Recorder`] that
//! puts a camera's pictures, sound and motion into segments. Time, storage and randomness are handed in; only
//! [`FsDirectory`] touches a filesystem. `docs/card-format.md` and `docs/recording.md` say why.
//!
//! Bytes within a file are `picam-mp4`'s. Threads, queues and cameras are `picam-recorder`'s.

mod ageing;
mod anchor;
mod card_full;
mod catalog;
mod class;
mod directory;
mod fault;
mod filler;
mod fs_directory;
mod id;
mod interleave;
mod lenders;
mod letters;
mod lock;
#[cfg(test)]
mod memory_directory;
mod mender;
mod name;
mod policy;
mod provision;
mod readback;
mod recorder;
mod recovery;
mod retention;
mod sequence;
mod slots;
mod still;
mod still_list;
mod unnamed;

pub use ageing::{AgeingClock, AgeingPace, ageing_clock, has_aged, newest_footage};
pub use anchor::{Correction, SegmentStart, corrections, name_time};
pub use card_full::{CardFull, too_few_slots};
pub use catalog::{Catalog, Foreign, Ring, Segment, Spare};
pub use class::{Class, MIN_NORMAL_SHARE, Shares, SharesError};
pub use directory::{Directory, Entry, Listing, Space};
pub use fault::Fault;
pub use filler::{CAMERAS_NAMES, LEDGER_NAME, is_filler};
pub use fs_directory::{FsDirectory, FsEntry, FsKind, FsSlot};
pub use id::{SegmentId, Volume};
pub use interleave::{Moment, newest_first};
pub use lenders::{Lend, Lenders};
pub use letters::{TooManyCameras, assign_letters};
pub use lock::{Extent, Rename, lock};
pub use mender::Mender;
pub use name::{
    BOOT_MODULUS, NAME_LEN, NameTime, SEQUENCE_MODULUS, SegmentName, SlotName, is_camera_letter,
};
pub use policy::{Choice, WARN_PERCENT, Why, next_slot, share_warnings, surplus};
pub use provision::{CameraNeed, MIN_SLOTS, Provision, Reserve, Slots, Step};
pub use readback::{Found, Readback};
pub use recorder::{
    ATTEMPTS, Account, Boot, Loss, Picture, Placement, RecordError, Recorder, RingConfig,
    SIDE_HOLD, SideSample, Taken, Urgency, head_len_for,
};
pub use recovery::{
    Look, Needs, date_claimed, look, reclass_claimed, recover_claimed, recover_slot,
};
pub use retention::expired;
pub use sequence::{digits_of, distance, newest_candidates, next_sequence};
pub use slots::{Claim, FIRST_PROBE, LAST_PROBE, Owner, SlotTable};
pub use still::{
    NoStillRoom, STILL_PART, STILLS_FOLDER, StillFile, StillName, StillRoom, stills_to_give_up,
};
pub use still_list::list_stills;
