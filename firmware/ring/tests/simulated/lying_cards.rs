//! What a power cut costs on a card that breaks its word: one that lies about flushes, or takes the erase block
//! around what was being written with it. docs/recording.md states the figures.
//!
//! Sizes are those of a device, 1:1: 8 Mbit/s, erase blocks of 4 MiB, and slots behind each other where exFAT puts
//! them. Only the slots are shorter. `PICAM_CUTS` says how many cuts there are, and each card here is given a
//! thousandth of them (20 by default).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use picam_mp4::salvage;
use picam_ring::{
    Boot, Catalog, Directory, Lend, Lenders, Needs, Recorder, RingConfig, SlotName, look,
    recover_slot,
};
use picam_testkit::numbered::{Numbered, SESSION};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{
    Card, DiskImage, EraseBlocks, Lies, Mutant, Op, Replay, Rng, SimDisk,
};

use super::camera::{picture, ring};

/// 8 Mbit/s.
const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 30,
    key_len: (120_000, 40_000),
    delta_len: (20_000, 20_000),
};
const SLOT_SIZE: u64 = 12 << 20;
const SLOTS: usize = 5;
const BLOCK: u64 = 4 << 20;
/// Bitmap, up-case table and root directory of a card of 32 GB, in clusters of 32 KiB behind a border of 4 MiB.
const FIRST_FILE: u64 = 6 * 32 * 1024;
/// Pictures that an honest card may lose.
const SECOND: usize = FOOTAGE.fps as usize;

fn config() -> RingConfig {
    ring(SLOT_SIZE, SLOTS, 64, 60)
}

/// Records one session on a card that refuses nothing.
fn record(disk: &SimDisk, session: u64, seconds: u64) {
    let catalog = Catalog::read(disk).unwrap();
    let boot = Boot::after(disk, &catalog, [session as u8 + 1; 16]);
    let mut recorder = Recorder::new(disk.clone(), config(), boot, listed(disk));
    let tracks = Arc::new(FOOTAGE.tracks());
    for n in 0..seconds * FOOTAGE.fps {
        let data = FOOTAGE.coded(session * SESSION + n);
        recorder
            .push(&picture(&FOOTAGE, n, &data), &tracks)
            .unwrap();
        disk.mark(n + 1);
    }
    if session == 0 {
        recorder.finish().unwrap();
    }
}

/// The pictures of one file: those a player shows, and those in fragments that lie whole in it.
#[derive(Clone, Default)]
struct Found {
    shown: Vec<u64>,
    lying: Vec<u64>,
}

/// Looks at files; those that were looked at before are known by where they lie in memory.
#[derive(Default)]
struct Judge {
    known: HashMap<*const u8, (Rc<[u8]>, Found)>,
}

impl Judge {
    /// The pictures of a file as the next start leaves it.
    fn look(&mut self, name: &str, bytes: &Rc<[u8]>, lend: Lend<'_>) -> Found {
        if self.known.len() > 4 * SLOTS {
            self.known.clear();
        }
        let entry = self.known.entry(bytes.as_ptr());
        let (_, found) = entry.or_insert_with(|| (bytes.clone(), examine(name, bytes, lend)));
        found.clone()
    }
}

/// Recovers a file as the next start does, and looks what is in it.
fn examine(name: &str, bytes: &Rc<[u8]>, lend: Lend<'_>) -> Found {
    let lying = FOOTAGE.lying(bytes);
    let image = DiskImage {
        files: BTreeMap::from([(name.to_owned(), bytes.clone())]),
    };
    let disk = SimDisk::from_image(&image, Mutant::None);
    let slot = SlotName::parse(name).unwrap();
    let needs = look(&disk, slot).map(|look| look.needs);
    // Spare slots are looked at for footage without a name, segments for all that can be damaged.
    if matches!(needs, Ok(Needs::Recovery)) || matches!(slot, SlotName::Segment(_)) {
        let _ = recover_slot(&disk, slot, lend);
    }
    let files = disk.image().files;
    let mut shown = Vec::new();
    for (name, bytes) in &files {
        if matches!(SlotName::parse(name), Some(SlotName::Segment(_))) {
            shown.extend(FOOTAGE.shown(bytes));
        }
    }
    Found { shown, lying }
}

/// The pictures that salvage finds on a card whose filesystem is gone: of its files nothing is left but their bytes.
fn salvaged(image: &DiskImage) -> BTreeSet<u64> {
    let raw: Vec<u8> = image
        .files
        .values()
        .flat_map(|bytes| bytes.iter().copied())
        .collect();
    let mut card = salvage::Card::default();
    card.scan(&raw, raw.len() as u64).unwrap();
    let disk = SimDisk::new(Mutant::None);
    for (n, segment) in card.segments().iter().enumerate() {
        let Some(init) = card.init(segment) else {
            continue;
        };
        let header = card.header(segment.key);
        let name = format!("{n}.mp4");
        let mut out = disk.create(&name, segment.file_len(init, header)).unwrap();
        segment.write(&raw, init, header, &mut out).unwrap();
    }
    let files = disk.image().files;
    files
        .values()
        .flat_map(|bytes| FOOTAGE.shown(bytes))
        .collect()
}

/// What one cut cost, in pictures.
struct Loss {
    /// Of this session's, those that are in no fragment that lies whole on the card.
    lying: usize,
    /// The same of those that a player shows after recovery.
    shown: usize,
    /// The same of those that salvage finds, where it was tried.
    salvaged: Option<usize>,
    /// Of segments that had been finished for a second or longer, and how many of those segments.
    earlier: usize,
    touched: usize,
}

/// Pictures by the file that holds them.
type Segments = BTreeMap<String, BTreeSet<u64>>;

fn segments(image: &DiskImage) -> Segments {
    let pictures = |bytes: &Rc<[u8]>| FOOTAGE.shown(bytes).into_iter().collect();
    image
        .files
        .iter()
        .map(|(name, bytes)| (name.clone(), pictures(bytes)))
        .collect()
}

/// Everything that is needed to judge a cut of the second session.
struct Session {
    base: DiskImage,
    /// Segments that it found.
    earlier: Segments,
    /// Segments that it made.
    own: Segments,
    log: Vec<Op>,
}

impl Session {
    /// A ring that was filled and taken up again, so that segments of the first lap are given up one by one.
    fn new() -> Self {
        let disk = SimDisk::new(Mutant::None);
        record(&disk, 0, 56);
        let base = disk.image();
        let disk = SimDisk::from_image(&base, Mutant::None);
        record(&disk, 1, 30);
        let mut own = segments(&disk.image());
        own.retain(|_, pictures| pictures.first() >= Some(&SESSION));
        Self {
            earlier: segments(&base),
            own,
            base,
            log: disk.take_log(),
        }
    }

    /// Judges a cut after so many pictures. Of the segments it found, the recorder had given up those that begin
    /// with these.
    fn loss(
        &self,
        image: &DiskImage,
        handed_over: u64,
        given_up: &BTreeSet<u64>,
        judge: &mut Judge,
    ) -> Loss {
        let base = SimDisk::from_image(&self.base, Mutant::None);
        let slots = base.list().unwrap();
        let slots = slots
            .iter()
            .filter_map(|entry| SlotName::parse(&entry.name));
        let lenders = Lenders::new(&base, slots.collect());
        let (mut shown, mut lying) = (BTreeSet::new(), BTreeSet::new());
        for (name, bytes) in &image.files {
            let found = judge.look(name, bytes, &|crc| lenders.lend(crc));
            shown.extend(found.shown);
            lying.extend(found.lying);
        }
        let end = SESSION + handed_over;
        let missing =
            |found: &BTreeSet<u64>| handed_over as usize - found.range(SESSION..end).count();
        let safe = end - end.min(FOOTAGE.fps);
        let found = self.earlier.values().filter(|pictures| {
            let first = pictures.first().copied().unwrap_or_default();
            !given_up.contains(&first)
        });
        let finished = self
            .own
            .values()
            .filter(|pictures| pictures.last() < Some(&safe));
        let (mut earlier, mut touched) = (0, 0);
        for pictures in found.chain(finished) {
            let gone = pictures.difference(&shown).count();
            earlier += gone;
            touched += usize::from(gone > 0);
        }
        Loss {
            lying: missing(&lying),
            shown: missing(&shown),
            salvaged: None,
            earlier,
            touched,
        }
    }

    /// Cuts the power so many times, evenly over the session.
    fn campaign(&self, card: Card, cuts: usize, seed: u64) -> Vec<Loss> {
        let mut rng = Rng(seed);
        let mut replay = Replay::on(&self.base, card, seed);
        let mut given_up = BTreeSet::new();
        let mut judge = Judge::default();
        let mut losses = Vec::new();
        let span = self.log.len() / cuts;
        for part in self.log.chunks(span.max(1)) {
            let at = rng.below(part.len() as u64) as usize;
            for (n, op) in part.iter().enumerate() {
                replay.apply(op);
                if let Op::Rename { from, .. } = op
                    && let Some(pictures) = self.earlier.get(from)
                {
                    given_up.extend(pictures.first());
                }
                if n == at {
                    let image = replay.cut(&mut rng);
                    let mut loss = self.loss(&image, replay.frames, &given_up, &mut judge);
                    // It takes a while.
                    if losses.len().is_multiple_of(10) {
                        let found = salvaged(&image);
                        let all = SESSION..SESSION + replay.frames;
                        loss.salvaged = Some(all.filter(|number| !found.contains(number)).count());
                    }
                    losses.push(loss);
                }
            }
        }
        losses
    }
}

fn worst(losses: &[Loss], of: impl Fn(&Loss) -> usize) -> usize {
    losses.iter().map(of).max().unwrap_or(0)
}

/// Median, nine of ten, and the worst, in seconds.
fn spread(losses: &[Loss], of: impl Fn(&Loss) -> usize) -> String {
    let mut all: Vec<usize> = losses.iter().map(of).collect();
    all.sort_unstable();
    let seconds = |part: usize| all[(all.len() - 1) * part / 100] as f64 / SECOND as f64;
    format!(
        "{:5.1} {:5.1} {:5.1}",
        seconds(50),
        seconds(90),
        seconds(100)
    )
}

fn cuts_wanted() -> usize {
    let asked = std::env::var("PICAM_CUTS").ok();
    let cuts = asked.and_then(|cuts| cuts.parse().ok()).unwrap_or(20_000);
    (cuts / 1000).max(1)
}

#[test]
fn what_a_cut_costs_on_a_card_that_lies() {
    let lies = |lies| Card {
        lies,
        erase_blocks: None,
    };
    let blocks = Card {
        lies: Lies::Never,
        erase_blocks: Some(EraseBlocks {
            len: BLOCK,
            first_file: FIRST_FILE,
        }),
    };
    // What may be lost, in pictures: of those on their way, if every fragment that lies whole is found; what
    // recovery does not find of that; and of segments that were finished.
    let fragment = SECOND / 4 + 1;
    let block = (BLOCK / 20_000) as usize;
    let segment = (SLOT_SIZE / 20_000) as usize;
    let cards = [
        ("keeps its word", lies(Lies::Never), [SECOND, 0, 0]),
        (
            "one flush in 4 is a lie",
            lies(Lies::OneIn(4)),
            [6 * SECOND, 0, segment],
        ),
        (
            "the last 4 flushes are lies",
            lies(Lies::Last(4)),
            [SECOND + 4 * fragment, 0, segment],
        ),
        (
            "the last 16 flushes are lies",
            lies(Lies::Last(16)),
            [SECOND + 16 * fragment, 0, segment],
        ),
        (
            "an erase block is damaged",
            blocks,
            [SECOND + block, 0, segment],
        ),
    ];
    let session = Session::new();
    println!("seconds of pictures lost: median, nine of ten, worst");
    println!(
        "card, cuts, lost on the card, lost after recovery, of that finished long before, cuts with such"
    );
    for (name, card, [most, most_hidden, most_earlier]) in cards {
        let losses = session.campaign(card, cuts_wanted(), 1);
        let touched = losses.iter().filter(|loss| loss.touched > 0).count();
        println!(
            "{name:29} {:5}  | {}  | {}  | {}  | {touched}",
            losses.len(),
            spread(&losses, |loss| loss.lying),
            spread(&losses, |loss| loss.shown),
            spread(&losses, |loss| loss.earlier),
        );
        let lying = worst(&losses, |loss| loss.lying);
        assert!(lying <= most, "{name}: {lying} pictures lost");
        for loss in &losses {
            let hidden = loss.salvaged.map(|lost| lost.saturating_sub(loss.lying));
            assert_eq!(
                hidden.unwrap_or(0),
                0,
                "{name}: salvage finds fewer than there are"
            );
        }
        let hidden = worst(&losses, |loss| loss.shown.saturating_sub(loss.lying));
        assert!(hidden <= most_hidden, "{name}: {hidden} pictures not found");
        let earlier = worst(&losses, |loss| loss.earlier);
        assert!(
            earlier <= most_earlier,
            "{name}: {earlier} old pictures lost"
        );
    }
}
