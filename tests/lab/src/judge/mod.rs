//! Who says what is on a disk.

mod fsck;
mod player;
mod segment;

pub use fsck::{Fsck, Soundness};
pub use player::Player;
pub use segment::Segments;

use picam_time::BootNs;

use crate::footage::Shown;

/// What a file of footage turned out to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The pictures that it shows.
    pub shown: Shown,
    /// What is wrong with it, if anything is.
    pub fault: Option<String>,
    /// Whether the recorder is done with it.
    pub finished: bool,
    /// Pictures that the recorder says it had to drop.
    pub dropped: u32,
    /// When the first picture was taken, by the guest's boot clock, if the file says so.
    pub start_boot: Option<BootNs>,
    /// The fragments: where each begins and ends in the file, and its last picture.
    pub fragments: Vec<(u64, u64, u32)>,
}

/// Judges files of one recorder's footage.
pub trait Judge {
    /// What a file with this name and content is.
    fn judge(&mut self, name: &str, content: &[u8]) -> Verdict;
}
