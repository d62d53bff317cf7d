//! One disk, looked at.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::rc::Rc;

use crate::disk::Disk;
use crate::exfat::{Node, Volume, VolumeError};
use crate::judge::{Fsck, Judge, Soundness, Verdict};

/// A file of footage on a disk.
#[derive(Debug, Clone)]
pub struct Filed {
    /// Where it is.
    pub node: Node,
    /// Identifies its content and its length.
    pub key: u64,
    /// What it is.
    pub verdict: Rc<Verdict>,
}

/// What is on a disk.
#[derive(Debug, Clone)]
pub struct State {
    /// The files of footage, by name.
    pub files: Vec<Filed>,
    /// What the filesystem's own check says.
    pub soundness: Soundness,
    /// Directory entries that no reader can use.
    pub torn: usize,
}

/// Everything that is needed to look at disks of one log.
pub struct Inspector<'a> {
    volume: Volume,
    fsck: Fsck,
    judge: &'a mut dyn Judge,
    known: HashMap<u64, Rc<Verdict>>,
}

impl std::fmt::Debug for Inspector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inspector")
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

fn key(disk: &Disk<'_>, node: &Node) -> u64 {
    let mut hasher = DefaultHasher::new();
    (node.len, node.valid).hash(&mut hasher);
    for &(first, sectors) in &node.extents {
        disk.sources(first, sectors).hash(&mut hasher);
        // Sectors that were never written are known by their place.
        first.hash(&mut hasher);
    }
    hasher.finish()
}

impl<'a> Inspector<'a> {
    /// For disks that are formatted as `disk` is.
    ///
    /// # Errors
    /// [`VolumeError`] if that is no exFAT.
    pub fn new(
        disk: &Disk<'_>,
        judge: &'a mut dyn Judge,
        scratch: &Path,
    ) -> Result<Self, VolumeError> {
        Ok(Self {
            volume: Volume::read(disk)?,
            fsck: Fsck::new(scratch, disk).unwrap(),
            judge,
            known: HashMap::new(),
        })
    }

    /// The volume.
    pub fn volume(&self) -> Volume {
        self.volume
    }

    /// How many different files were judged, and how often the filesystem's check was run.
    pub fn counts(&self) -> (usize, usize) {
        (self.known.len(), self.fsck.runs)
    }

    /// Looks at a disk.
    pub fn look(&mut self, disk: &Disk<'_>) -> State {
        if let Err(error) = Volume::read(disk) {
            return State {
                files: Vec::new(),
                soundness: Soundness::Damaged(error.to_string()),
                torn: 0,
            };
        }
        let listing = self.volume.list(disk);
        let soundness = self.fsck.check(disk, &self.volume, &listing);
        let torn = listing.torn.len();
        let mut files = Vec::new();
        for node in listing.nodes {
            if node.directory || !node.path.ends_with(".mp4") {
                continue;
            }
            let key = key(disk, &node);
            let verdict = match self.known.get(&key) {
                Some(known) => known.clone(),
                None => {
                    let verdict = Rc::new(self.judge.judge(&node.path, &node.read(disk)));
                    self.known.insert(key, verdict.clone());
                    verdict
                }
            };
            files.push(Filed { node, key, verdict });
        }
        files.sort_by(|a, b| a.node.path.cmp(&b.node.path));
        State {
            files,
            soundness,
            torn,
        }
    }
}

impl State {
    /// Which pictures are on the disk, of so many.
    pub fn shown(&self, pictures: u32) -> Vec<bool> {
        let mut shown = vec![false; pictures as usize];
        for number in self
            .files
            .iter()
            .flat_map(|file| &file.verdict.shown.numbers)
        {
            shown[*number as usize] = true;
        }
        shown
    }
}
