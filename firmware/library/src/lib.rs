//! What footage there is, read from the card.
//!
//! The list of all segments and of what else lies there ([`Library`]), one version of a segment's file held open
//! while it is read ([`Snapshot`]), clips over any part of it ([`Clip`]), drives ([`Drive`]), where the car was ([`read_track`]), and
//! stills ([`Stills`]). Whoever shows or copies footage reads
//! it through here, beside a recorder that renames and overwrites meanwhile.
//!
//! Nothing here writes to the card, shares a lock with the recorder, or knows of HTTP and of the command line. What a
//! slot's bytes and names mean is picam-mp4's and picam-ring's.

mod clip;
mod drive;
mod footage;
mod index;
mod library;
mod picture;
mod segment;
mod snapshot;
mod stills;
mod text;
mod track;
mod zip;

pub use clip::{CameraError, Clip, ClipError, Keep, LONGEST, When, WhenError};
pub use drive::{
    Drive, DriveBook, DriveCamera, Fix, PAUSE, Part, Travelled, drives, find as find_drive,
};
pub use footage::open_slot;
pub use index::Listing;
pub use library::Library;
pub use picture::{Picture, PictureError};
pub use segment::{Dropped, Segment, SinceBoot, State, unwrap_sequence};
pub use snapshot::{Snapshot, SnapshotError};
pub use stills::{Still, StillBytes, StillId, Stills};
pub use text::utc;
pub use track::{
    TrackError, TrackFormat, TrackPoint, TrackQuery, TrackSummary, TrackWriter, read_track,
};
pub use zip::{DosTime, Member, Zip};
