//! What footage there is, read from the card.

mod clip;
mod footage;
mod index;
mod library;
mod segment;
mod snapshot;
mod text;

pub use clip::{CameraError, Clip, ClipError, When};
pub use footage::open_slot;
pub use index::{Foreign, Listing};
pub use library::Library;
pub use segment::{BootTime, Dropped, Segment, State, USB_MARK, is_id, unwrap_sequence};
pub use snapshot::{Snapshot, SnapshotError};
pub use text::utc;
