//! Cards that say that they are larger than they are, and cards that forget.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use picam_mp4::{Flush, ReadAt, SlotFile, TrackConfig, check};
use picam_ring::{
    Boot, Catalog, Directory, Entry, Found, Readback, Recorder, SegmentName, SlotName, SlotTable,
    Space, Taken,
};
use picam_testkit::recording::AtKeyFrames as _;

use super::camera::{plain_picture, plain_track, ring};

const SLOT_SIZE: usize = 512 * 1024;
/// Slots that the card says it has room for, and those that it has.
const SAID: usize = 64;
const REAL: usize = 8;

/// What becomes of bytes beyond the card's end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Beyond {
    /// They land where the card began.
    Wrap,
    /// They are dropped, and read as zeros.
    Drop,
    /// There is nothing beyond: it is as large as it says.
    Nothing,
}

struct State {
    beyond: Beyond,
    bytes: Vec<u8>,
    /// Which slot of the medium a file lies in.
    files: BTreeMap<String, usize>,
    made: usize,
}

#[derive(Clone)]
struct Card(Rc<RefCell<State>>);

struct File(Card, usize);

impl Card {
    fn new(beyond: Beyond) -> Self {
        let real = if beyond == Beyond::Nothing {
            SAID
        } else {
            REAL
        };
        let card = Self(Rc::new(RefCell::new(State {
            beyond,
            bytes: vec![0; real * SLOT_SIZE],
            files: BTreeMap::new(),
            made: 0,
        })));
        for sequence in 0..SAID as u32 {
            let name = SlotName::Spare {
                camera: b'F',
                sequence,
            };
            card.create(&name.to_string(), SLOT_SIZE as u64).unwrap();
        }
        card
    }
}

impl State {
    fn at(&self, slot: usize, offset: u64) -> Option<usize> {
        let at = slot * SLOT_SIZE + offset as usize;
        match self.beyond {
            Beyond::Wrap => Some(at % self.bytes.len()),
            _ => (at < self.bytes.len()).then_some(at),
        }
    }
}

impl Directory for Card {
    type File = File;

    fn list(&self) -> io::Result<Vec<Entry>> {
        let entry = |name: &String| Entry {
            name: name.clone(),
            size: SLOT_SIZE as u64,
        };
        Ok(self.0.borrow().files.keys().map(entry).collect())
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let slot = self.0.borrow().files.get(name).copied();
        Ok(File(self.clone(), slot.ok_or(io::ErrorKind::NotFound)?))
    }

    fn create(&self, name: &str, _: u64) -> io::Result<File> {
        let mut state = self.0.borrow_mut();
        if state.made == SAID {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let slot = state.made;
        state.made += 1;
        state.files.insert(name.to_owned(), slot);
        drop(state);
        Ok(File(self.clone(), slot))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let slot = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), slot);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.borrow_mut().files.remove(name);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        Ok(Space {
            total: 0,
            available: 0,
        })
    }
}

impl ReadAt for File {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let state = self.0.0.borrow();
        let len = buf.len().min(SLOT_SIZE.saturating_sub(offset as usize));
        for (n, byte) in buf[..len].iter_mut().enumerate() {
            *byte = state
                .at(self.1, offset + n as u64)
                .map_or(0, |at| state.bytes[at]);
        }
        Ok(len)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(SLOT_SIZE as u64)
    }
}

impl SlotFile for File {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.0.0.borrow_mut();
        for (n, byte) in data.iter().enumerate() {
            if let Some(at) = state.at(self.1, offset + n as u64) {
                state.bytes[at] = *byte;
            }
        }
        Ok(())
    }

    fn flush(&mut self, _: Flush) -> io::Result<()> {
        Ok(())
    }
}

struct Camera {
    recorder: Recorder<Card>,
    tracks: Arc<Vec<TrackConfig>>,
    n: u64,
}

impl Camera {
    fn new(card: &Card, table: &SlotTable) -> Self {
        table.look(card).unwrap();
        let config = ring(SLOT_SIZE as u64, SAID, 32, 1);
        let boot = Boot::after(card, &Catalog::default(), [1; 16]);
        Self {
            recorder: Recorder::new(card.clone(), config, boot, table.clone()),
            tracks: plain_track(),
            n: 0,
        }
    }

    /// Records two seconds, a segment's worth.
    fn segment(&mut self) {
        for _ in 0..60 {
            let data: Vec<u8> = (0..2500u64)
                .map(|n| (n * 7 + self.n * 31 + n * n) as u8)
                .collect();
            let picture = plain_picture(self.n, 30, &data);
            self.n += 1;
            let taken = self.recorder.push(&picture, &self.tracks).unwrap();
            assert_eq!(taken, Taken::Yes);
        }
    }
}

/// Records until a forged card is found out; says after how many segments.
fn found_after(beyond: Beyond, card: &Card, table: &SlotTable) -> Option<usize> {
    let mut camera = Camera::new(card, table);
    let mut readback = Readback::default();
    assert_eq!(readback.next(card, table), []);
    let mut found = None;
    for n in 1..SAID {
        camera.segment();
        let forged = |found: &Found| matches!(found, Found::Forged(_));
        if readback.next(card, table).iter().any(forged) {
            assert!(readback.is_forged());
            found = found.or(Some(n));
        }
        if beyond == Beyond::Nothing {
            assert!(
                !readback.is_forged(),
                "a good card is called forged after {n}"
            );
        }
    }
    found
}

#[test]
fn a_card_that_drops_what_lies_beyond_its_end_is_reported_with_the_first_segment_there() {
    let card = Card::new(Beyond::Drop);
    let table = SlotTable::default();
    let found = found_after(Beyond::Drop, &card, &table).unwrap();
    assert!(found <= REAL + 3, "found out after {found} segments");
    // What it can hold is recorded to from then on: the newest segments can be played.
    let mut names: Vec<SegmentName> = card
        .list()
        .unwrap()
        .iter()
        .filter_map(|entry| SegmentName::parse(&entry.name))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.sequence));
    for name in &names[1..5] {
        let checked = check(&card.open(&name.to_string()).unwrap()).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_card_that_begins_anew_beyond_its_end_is_reported_before_its_second_lap() {
    let card = Card::new(Beyond::Wrap);
    let found = found_after(Beyond::Wrap, &card, &SlotTable::default()).unwrap();
    assert!(found < 3 * REAL, "found out after {found} segments");
}

#[test]
fn a_card_that_is_what_it_says_is_called_nothing_else() {
    let card = Card::new(Beyond::Nothing);
    assert_eq!(
        found_after(Beyond::Nothing, &card, &SlotTable::default()),
        None
    );
}

#[test]
fn a_bit_that_turned_is_found_and_the_slot_set_aside() {
    let card = Card::new(Beyond::Nothing);
    let table = SlotTable::default();
    let mut camera = Camera::new(&card, &table);
    let mut readback = Readback::default();
    for _ in 0..6 {
        camera.segment();
    }
    readback.next(&card, &table);
    // In the middle of the first fragments of the first slot.
    card.0.borrow_mut().bytes[32 * 1024 + 10_000] ^= 1;
    let found: Vec<Found> = (0..200)
        .flat_map(|_| readback.next(&card, &table))
        .collect();
    assert!(matches!(found[..], [Found::Rotten(_)]), "{found:?}");
    assert_eq!(table.failed_slots(b'F'), 1);
}
