//! picam's segment file: an MP4 that is valid at every instant.
//!
//! A segment is recorded as fragments behind a hidden head region and becomes an ordinary
//! fast-start MP4 by one sector write, with its fragments still in place. The crate knows no clock,
//! no thread and no device: storage is handed in ([`storage`]), time comes with the samples.
//! `docs/card-format.md` describes the bytes.
//!
//! Here belong writing, committing, finishing, recovering, checking, carving, reading and cutting of one file, and the
//! samples of its tracks. Which file comes next, what it is called and when it goes is the ring's (`picam-ring`).

mod bits;
mod boxes;
pub mod camm;
pub mod cut;
pub mod fragment;
pub mod layout;
pub mod live;
mod moov;
mod page_buf;
pub mod patch;
pub mod read;
pub mod record;
pub mod recover;
pub mod salvage;
pub mod sample_entry;
mod shown;
pub mod storage;
mod tables;
pub mod timed_text;
pub mod track;
mod wire;
pub mod writer;

pub use page_buf::PageBuf;
pub use patch::patch_record;
pub use record::{Counters, Record, RecordError, SegmentState};
pub use recover::{Checked, DamagedFragment, Help, Mended, Named, RecoverError, check, mend};
pub use shown::{Shown, shown};
pub use storage::{Flush, ReadAt, SlotFile};
pub use track::{Sample, TrackConfig, TrackKind, VIDEO_TRACK};
pub use writer::{FragmentLimits, Pushed, SegmentWriter, WriteError};
