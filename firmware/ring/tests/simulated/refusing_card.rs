//! A card that refuses what it is told to, and a camera whose recorder has to live with that.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use picam_mp4::{Flush, ReadAt, SlotFile, TrackConfig};
use picam_ring::{
    Boot, Directory, Entry, Recorder, RingConfig, SegmentName, SlotTable, Space, Taken,
};
use picam_testkit::recording::AtKeyFrames as _;
use picam_testkit::sim_disk::{Mutant, SimDisk, SimFile};
use picam_time::BootNs;

use super::camera::{plain_picture, plain_track, ring};

pub(super) const SLOT_SIZE: u64 = 512 * 1024;

/// What a card does wrong.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) flushes: bool,
    pub(super) writes: bool,
    pub(super) renames: bool,
    /// What becomes of the next creations.
    pub(super) creations: VecDeque<Creation>,
    /// A file whose bytes cannot be written any more, by the name it was opened under.
    pub(super) bad: Option<String>,
}

pub(super) enum Creation {
    /// Somebody else was faster.
    Taken,
    /// The card refuses.
    Refused,
}

#[derive(Clone)]
pub(super) struct Card {
    pub(super) disk: SimDisk,
    pub(super) faults: Rc<RefCell<Faults>>,
}

pub(super) struct CardFile {
    pub(super) file: SimFile,
    pub(super) faults: Rc<RefCell<Faults>>,
    pub(super) name: String,
}

pub(super) fn refused() -> io::Error {
    io::Error::from_raw_os_error(5)
}

impl Card {
    pub(super) fn new() -> Self {
        Self {
            disk: SimDisk::new(Mutant::None),
            faults: Rc::default(),
        }
    }

    fn file(&self, name: &str, file: SimFile) -> CardFile {
        CardFile {
            file,
            faults: self.faults.clone(),
            name: name.to_owned(),
        }
    }
}

impl Directory for Card {
    type File = CardFile;

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<CardFile> {
        Ok(self.file(name, self.disk.open(name)?))
    }

    fn create(&self, name: &str, size: u64) -> io::Result<CardFile> {
        match self.faults.borrow_mut().creations.pop_front() {
            Some(Creation::Taken) => drop(self.disk.create(name, size)?),
            Some(Creation::Refused) => return Err(refused()),
            None => {}
        }
        Ok(self.file(name, self.disk.create(name, size)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        if self.faults.borrow().renames {
            return Err(refused());
        }
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync()
    }

    fn space(&self) -> io::Result<Space> {
        self.disk.space()
    }
}

impl ReadAt for CardFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

impl SlotFile for CardFile {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let faults = self.faults.borrow();
        if faults.writes || faults.bad.as_ref() == Some(&self.name) {
            return Err(refused());
        }
        self.file.write_at(offset, data)
    }

    fn granule(&mut self) -> usize {
        self.file.granule()
    }

    fn flush(&mut self, scope: Flush) -> io::Result<()> {
        if self.faults.borrow().flushes {
            return Err(refused());
        }
        self.file.flush(scope)
    }
}

pub(super) fn config(slots: usize) -> RingConfig {
    ring(SLOT_SIZE, slots, 32, 1)
}

/// A camera at 30 pictures a second, a key frame each second, and the clock of whoever records it.
pub(super) struct Camera<D: Directory> {
    pub(super) recorder: Recorder<D>,
    pub(super) tracks: Arc<Vec<TrackConfig>>,
    pub(super) n: u64,
    pub(super) now: BootNs,
    pub(super) skipped: u64,
}

impl<D: Directory + Clone> Camera<D> {
    pub(super) fn new(card: &D, slots: usize, table: &SlotTable, boot: u8) -> Self {
        table.look(card).unwrap();
        let boot = Boot::after(card, &table.catalog(), [boot; 16]);
        Self {
            recorder: Recorder::new(card.clone(), config(slots), boot, table.clone()),
            tracks: plain_track(),
            n: 0,
            now: BootNs::ZERO,
            skipped: 0,
        }
    }

    /// Tries to record the next picture once; the picture waits if it was refused, as in the queue.
    pub(super) fn turn(&mut self) -> bool {
        let data = [self.n as u8; 2000];
        let picture = plain_picture(self.n, 30, &data);
        self.now = self.now.max(picture.sample.captured);
        self.recorder.set_now(self.now);
        match self.recorder.push(&picture, &self.tracks) {
            Ok(taken) => {
                self.skipped += u64::from(taken == Taken::Skipped);
                self.n += 1;
                true
            }
            Err(_) => {
                // The writer's pause.
                self.now += Duration::from_millis(200);
                false
            }
        }
    }

    /// Records until the clock shows so many seconds.
    pub(super) fn until(&mut self, seconds: u64) {
        while self.now.seconds() < seconds {
            self.turn();
        }
    }
}

pub(super) fn segments(directory: &impl Directory) -> Vec<SegmentName> {
    let entries = directory.list().unwrap();
    let mut names: Vec<SegmentName> = entries
        .iter()
        .filter_map(|entry| SegmentName::parse(&entry.name))
        .collect();
    names.sort_by_key(|name| name.sequence);
    names
}

pub(super) fn sequences(directory: &impl Directory) -> Vec<u32> {
    segments(directory)
        .iter()
        .map(|name| name.sequence)
        .collect()
}

/// A ring of 20 segments and no spare slot.
pub(super) fn full_ring() -> (Card, Camera<Card>) {
    let card = Card::new();
    let mut camera = Camera::new(&card, 20, &SlotTable::default(), 1);
    while sequences(&card).last() < Some(&25) {
        camera.turn();
    }
    (card, camera)
}

/// Which segments of the beginning are gone at the end.
pub(super) fn given_up(before: &[u32], after: &[u32]) -> usize {
    before
        .iter()
        .filter(|sequence| !after.contains(sequence))
        .count()
}
