//! Cuts the power at every step of recording, finishing, naming, recovering and recycling, on a
//! disk that keeps a random part of what was not flushed, and looks at every file that is left.
//!
//! `PICAM_CUTS` says how many cuts (20,000 by default; `scripts/power-cuts` asks for a million).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use picam_mp4::layout::{PAGE, SECTOR};
use picam_ring::{
    Boot, Catalog, Claim, Class, Directory, Needs, Owner, Recorder, RingConfig, SlotName,
    SlotTable, date_claimed, look, recover_claimed,
};
use picam_testkit::numbered::{Numbered, SESSION};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{DiskImage, Mutant, Op, Replay, Rng, SimDisk};
use picam_testkit::surroundings::{KINDS, shown};
use picam_time::{BootNs, UtcUs};

use super::camera::{Surroundings, captured, four_tracks, picture, ring};

const FOOTAGE: Numbered = Numbered {
    fps: 30,
    gop: 15,
    key_len: (4000, 9000),
    delta_len: (60, 3000),
};
const SLOT_SIZE: u64 = 384 * 1024;

fn config() -> RingConfig {
    ring(SLOT_SIZE, 5, 32, 4)
}

/// Brings one slot into order, as the housekeeper does while recording runs; now and then holding on to it for a while, or
/// making one.
fn housekeep(
    disk: &SimDisk,
    table: &SlotTable,
    todo: &mut Vec<SlotName>,
    held: &mut Vec<Claim>,
    rng: &mut Rng,
) {
    if rng.below(3) == 0 {
        held.clear();
    }
    if rng.below(4) == 0 {
        table.look(disk).unwrap();
    }
    if table.catalog().ring(b'F').len() < config().slots && rng.below(2) == 0 {
        let made = Claim::make(table, disk, b'F', SLOT_SIZE, Owner::Provisioning);
        held.push(made.unwrap().0);
    }
    let Some(slot) = todo.pop() else { return };
    let Some(mut claim) = table.claim(slot, Owner::Housekeeper) else {
        return;
    };
    let utc = UtcUs(1_795_000_000_000_000);
    match look(disk, slot) {
        Ok(seen) if seen.needs == Needs::Recovery => {
            recover_claimed(&mut claim, disk, &|_| None).unwrap();
        }
        Ok(seen) if seen.start.is_some_and(|start| start.start_utc.is_none()) => {
            date_claimed(&mut claim, disk, utc).unwrap();
        }
        _ => {}
    }
    if rng.below(2) == 0 {
        held.push(claim);
    }
}

/// Records one session, with an event and the time of day coming in somewhere.
fn record(disk: &SimDisk, session: u64, frames: u64, rng: &mut Rng) {
    let catalog = Catalog::read(disk).unwrap();
    let entries = disk.list().unwrap();
    let mut todo: Vec<SlotName> = entries
        .iter()
        .filter_map(|entry| SlotName::parse(&entry.name))
        .collect();
    let boot = Boot::after(disk, &catalog, [session as u8 + 1; 16]);
    let table = listed(disk);
    let mut held = Vec::new();
    let mut recorder = Recorder::new(disk.clone(), config(), boot, table.clone());
    let tracks = Arc::new(four_tracks(&FOOTAGE));
    let late = [40, 3, 120].map(Duration::from_millis);
    let mut surroundings = Surroundings::new(Duration::ZERO, late);
    let (event, clock) = (rng.below(frames * 2), rng.below(frames * 2));
    for n in 0..frames {
        let data = FOOTAGE.coded(session * SESSION + n);
        let mut picture = picture(&FOOTAGE, n, &data);
        picture.sample.dts += 7_000;
        // A card that refuses once or twice: the same picture again, and nothing is lost.
        disk.refuse(if rng.below(12) == 0 {
            1 + rng.below(2) as u32
        } else {
            0
        });
        while recorder.push(&picture, &tracks).is_err() {}
        disk.refuse(0);
        disk.mark(n + 1);
        let now = captured(&FOOTAGE, n);
        surroundings.push(&mut recorder, now.since(BootNs::ZERO), now);
        if n.is_multiple_of(3) {
            recorder.tick(now).unwrap();
        }
        if n == event {
            recorder.lock(Class::Event).unwrap();
        }
        if n == clock {
            recorder.set_utc(UtcUs(1_795_000_000_000_000)).unwrap();
        }
        if n > 20 && n.is_multiple_of(7) {
            housekeep(disk, &table, &mut todo, &mut held, rng);
        }
    }
    if rng.below(2) == 0 {
        recorder.finish().unwrap();
    }
}

/// First and last picture of a file, all of whose tracks are in order.
fn play(bytes: &[u8]) -> Result<(u64, u64), String> {
    for kind in KINDS {
        shown(bytes, kind)?;
    }
    FOOTAGE.play(bytes)
}

/// A file's pictures, and the file itself so that its address stays taken.
type Known = (Rc<[u8]>, Result<(u64, u64), String>);

/// Looks at disks; files that were looked at before are known by where they lie in memory.
#[derive(Default)]
struct Judge {
    known: HashMap<*const u8, Known>,
}

impl Judge {
    fn play(&mut self, bytes: &Rc<[u8]>) -> Result<(u64, u64), String> {
        if self.known.len() > 64 {
            self.known.clear();
        }
        let entry = self.known.entry(bytes.as_ptr());
        entry
            .or_insert_with(|| (bytes.clone(), play(bytes)))
            .1
            .clone()
    }

    /// The pictures of every file that bears a segment's name, by sequence number.
    fn segments(&mut self, image: &DiskImage) -> Result<Segments, String> {
        let mut segments = Segments::new();
        for (name, bytes) in &image.files {
            match SlotName::parse(name) {
                Some(SlotName::Segment(segment)) => {
                    let range = self.play(bytes).map_err(|what| format!("{name}: {what}"))?;
                    if segments.insert(segment.sequence, range).is_some() {
                        return Err(format!("{name}: another file has its number"));
                    }
                }
                Some(SlotName::Spare { .. }) => {}
                None => return Err(format!("{name}: not a name of ours")),
            }
        }
        Ok(segments)
    }

    /// Checks a cut disk. Of the segments that were on the card when this session began (`safe`),
    /// and of those it made, only the ones that the ring gave up may be missing; of the current
    /// session's pictures, so many were `handed_over`.
    fn check(
        &mut self,
        image: &DiskImage,
        session: u64,
        handed_over: u64,
        safe: &Segments,
        given_up: &BTreeSet<u32>,
    ) -> Result<(), String> {
        let segments = self.segments(image)?;
        for (sequence, was) in safe
            .iter()
            .filter(|(sequence, _)| !given_up.contains(sequence))
        {
            let is = segments.get(sequence);
            if is.is_none_or(|is| is.0 != was.0 || is.1 < was.1) {
                return Err(format!(
                    "segment {sequence} held pictures {was:?} and now {is:?}"
                ));
            }
        }
        let own = |range: &(u64, u64)| range.0 / SESSION == session;
        let mut before: Option<(u32, u64)> = None;
        for (&sequence, range) in segments.iter().filter(|(_, range)| own(range)) {
            if let Some((number, last)) = before {
                let gap = (number + 1..sequence).find(|missing| !given_up.contains(missing));
                let follows = number + 1 < sequence || range.0 == last + 1;
                if gap.is_some() || !follows {
                    return Err(format!("pictures {last} to {} are missing", range.0));
                }
            }
            before = Some((sequence, range.1));
        }
        let lost = handed_over
            - before
                .map_or(0, |(_, last)| last % SESSION + 1)
                .min(handed_over);
        if lost > FOOTAGE.fps {
            return Err(format!(
                "{lost} of {handed_over} pictures lost: more than a second"
            ));
        }
        Ok(())
    }
}

/// First and last picture of each segment.
type Segments = BTreeMap<u32, (u64, u64)>;

/// The number of the segment that an operation gives up on purpose.
fn gives_up(op: &Op) -> Option<u32> {
    match op {
        Op::Rename { from, to } => match (SlotName::parse(from)?, SlotName::parse(to)?) {
            (SlotName::Segment(segment), SlotName::Spare { .. }) => Some(segment.sequence),
            _ => None,
        },
        _ => None,
    }
}

/// Records three sessions, each on what a cut left of the one before, and cuts the power all
/// along, until `left` cuts are used up. An error is the first bad disk.
fn campaign(seed: u64, mutant: Mutant, left: &AtomicU64) -> Result<(), String> {
    let mut rng = Rng(seed);
    let mut judge = Judge::default();
    let mut image = DiskImage::default();
    let mut safe = Segments::new();
    for session in 0..3 {
        let disk = SimDisk::from_image(&image, mutant);
        disk.seed(rng.next_u64());
        disk.tear_refused_writes();
        // Past the page cache a sector is written alone, through it the page around it.
        disk.set_granule(if rng.below(2) == 0 { SECTOR } else { PAGE });
        let frames = 150 + rng.below(700);
        record(&disk, session, frames, &mut rng);
        let log = disk.take_log();
        let mut replay = Replay::new(&image);
        let stop = rng.below(log.len() as u64) as usize;
        let mut next = None;
        let mut given_up = BTreeSet::new();
        for (n, op) in log.iter().enumerate() {
            replay.apply(op);
            given_up.extend(gives_up(op));
            let looks = match op {
                Op::Mark(_) => 0,
                Op::Write { .. } | Op::Flush { .. } => 2,
                _ => 4,
            };
            for _ in 0..looks {
                let cut = replay.cut(&mut rng);
                judge
                    .check(&cut, session, replay.frames, &safe, &given_up)
                    .map_err(|what| {
                        format!(
                            "seed {seed}, session {session}, step {n} ({}): {what}",
                            brief(op)
                        )
                    })?;
                if n >= stop && next.is_none() {
                    next = Some(cut);
                }
            }
            let take = |left: u64| Some(left.saturating_sub(looks));
            if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) == Ok(0) {
                return Ok(());
            }
        }
        image = next.unwrap_or_else(|| replay.cut(&mut rng));
        safe = judge.segments(&image)?;
    }
    Ok(())
}

fn brief(op: &Op) -> String {
    match op {
        Op::Write { file, offset, data } => {
            format!("write to file {file} at {offset}, {} bytes", data.len())
        }
        other => format!("{other:?}"),
    }
}

fn cuts_wanted() -> u64 {
    let asked = std::env::var("PICAM_CUTS").ok();
    asked.and_then(|cuts| cuts.parse().ok()).unwrap_or(20_000)
}

#[test]
fn no_cut_breaks_a_file_or_loses_more_than_a_second() {
    let wanted = cuts_wanted();
    let left = AtomicU64::new(wanted);
    let seed = AtomicU64::new(1);
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                while left.load(Ordering::Relaxed) > 0 {
                    let seed = seed.fetch_add(1, Ordering::Relaxed);
                    if let Err(what) = campaign(seed, Mutant::None, &left) {
                        panic!("{what}");
                    }
                }
            });
        }
    });
    println!("{wanted} cuts: no broken file, no loss over a second, no damage to earlier segments");
}

#[test]
fn the_same_test_catches_every_flush_left_out() {
    for mutant in [
        Mutant::FragmentFlush,
        Mutant::IndexFlush,
        Mutant::NamingFlush,
        Mutant::DirectorySync,
    ] {
        let left = AtomicU64::new(200_000);
        let found = (1..20).find_map(|seed| campaign(seed, mutant, &left).err());
        println!(
            "without {mutant:?}: {}",
            found.as_deref().unwrap_or("not caught")
        );
        assert!(found.is_some(), "{mutant:?} was not caught");
    }
}
