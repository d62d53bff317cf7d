//! Goes through a log, puts together the disks that cuts could have left, and has each of them judged.

mod look;
mod plan;
mod truth;

pub use look::{Filed, Inspector, State};
pub use plan::{Cut, Plan, Where};
pub use truth::Truth;

use crate::judge::Soundness;

/// What a cut left.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The cut.
    pub cut: Cut,
    /// Footage that was lost, in nanoseconds: taken before the cut, and in no file.
    pub lost: u64,
    /// The same without regard to how long the recorder was held up by a slow machine: of the footage that
    /// had come as far as the fragment that the recorder was about to write, how much is in no file.
    pub lost_of_begun: Option<u64>,
    /// Files of footage that a reader finds.
    pub files: usize,
    /// Files that show nothing, or not what they should, and why.
    pub broken: Vec<(String, String)>,
    /// Files that the recorder was done with, and that are not what they were.
    pub earlier: Vec<(String, String)>,
    /// Pictures that are missing although they were on the disk before these writes and after them.
    pub vanished: usize,
    /// What the filesystem's own check says.
    pub soundness: Soundness,
    /// Directory entries that no reader can use.
    pub torn: usize,
}

impl Outcome {
    /// Whether a driver would have lost nothing but the last moments.
    pub fn is_good(&self) -> bool {
        self.broken.is_empty()
            && self.earlier.is_empty()
            && self.vanished == 0
            && self.soundness == Soundness::Clean
            && self.torn == 0
    }
}
