//! picam's segment file: an MP4 that is valid at every instant.
//!
//! A segment is recorded as fragments behind a hidden head region and becomes an ordinary
//! fast-start MP4 by one sector write, with its fragments still in place. The crate knows no clock,
//! no thread and no device: storage is handed in ([`storage`]), time comes with the samples.
//! `docs/card-format.md` describes the bytes.

pub mod layout;
pub mod record;
pub mod storage;
mod wire;

pub use record::{Counters, Record, RecordError, SegmentState};
pub use storage::{Flush, ReadAt, SlotFile};
