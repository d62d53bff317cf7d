//! Random damage anywhere: no picture that a player found before is missing afterwards.

use std::ops::Range;
use std::path::Path;

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::read::Movie;
use picam_mp4::recover::read_record;
use picam_mp4::{Help, ReadAt, mend};
use picam_testkit::{ffmpeg, judges};

use crate::segments::{HEAD_LEN, Segments, Slot, segments};

/// How many cases; `scripts/damage` sets the long form's.
const CASES: usize = 150;

/// xorshift64*: the same cases in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
}

/// One damage: where, and what it is called.
fn damage(
    slot: &mut Slot,
    old: &Slot,
    fronts: &[(u64, u64)],
    random: &mut Random,
) -> (Range<u64>, String) {
    let end = fronts.last().map_or(0, |(at, len)| at + len) + 8192;
    // Anywhere; at the boxes of a fragment; in head and init.
    let at = match random.below(4) {
        0 | 1 => random.below(end),
        2 => fronts[random.below(fronts.len() as u64) as usize].0 + random.below(1100),
        _ => match random.below(2) {
            0 => random.below(2048),
            _ => u64::from(HEAD_LEN) - 64 + random.below(1024),
        },
    };
    let len = (1 << random.below(17)).min(slot.0.len() as u64 - at);
    let (range, kind) = match random.below(4) {
        0 => {
            slot.0[at as usize] ^= 1 << random.below(8);
            (at..at + 1, "bit")
        }
        1 => {
            slot.0[at as usize..(at + len) as usize].fill(0);
            (at..at + len, "zeros")
        }
        2 => {
            let len = len.min(512);
            for byte in &mut slot.0[at as usize..(at + len) as usize] {
                *byte = random.next() as u8;
            }
            (at..at + len, "noise")
        }
        _ => {
            let at = at / 4096 * 4096;
            let range = at..(at + len.div_ceil(4096) * 4096).min(slot.0.len() as u64);
            let bytes = range.start as usize..range.end as usize;
            slot.0[bytes.clone()].copy_from_slice(&old.0[bytes]);
            (range, "stale pages")
        }
    };
    let what = format!("{kind} at {}..{}", range.start, range.end);
    (range, what)
}

/// The fragments of a slot: where and how long.
pub(crate) fn fragments(slot: &Slot) -> Vec<(u64, u64)> {
    let (record, _) = read_record(slot).unwrap();
    let mut at = u64::from(record.head_len + record.init_len);
    let mut found = Vec::new();
    while let Some(f) = FragmentRecord::parse(&slot.0[at as usize..])
        && f.sequence == record.sequence
    {
        found.push((at, f.len.into()));
        at += u64::from(f.len);
    }
    found
}

fn sample_places(slot: &Slot) -> Vec<Range<u64>> {
    let movie = Movie::read(slot).ok();
    let samples = movie.iter().flat_map(|movie| &movie.tracks[0].samples);
    samples.map(|s| s.offset..s.end()).collect()
}

/// The file as it would be without the older segment's fragments that a stale page has brought back into view:
/// their pictures are not footage of this segment.
fn without_older(mut slot: Slot, sequence: u64) -> Slot {
    let movie = Movie::read(&slot).ok();
    let shown = movie.iter().flat_map(|movie| &movie.fragments);
    let older = shown.map(|fragment| fragment.offset as usize).find(|at| {
        let record = FragmentRecord::parse(&slot.0[*at..]);
        record.is_some_and(|record| record.sequence != sequence)
    });
    if let Some(at) = older {
        let left = (slot.0.len() - at) as u32;
        slot.0[at..at + 4].copy_from_slice(&left.to_be_bytes());
        slot.0[at + 4..at + 8].copy_from_slice(b"free");
    }
    slot
}

fn decoded(dir: &Path, slot: &Slot) -> usize {
    let path = dir.join("judged.mp4");
    std::fs::write(&path, &slot.0).unwrap();
    judges::decoded_pictures(&path)
}

struct Sums {
    cases: usize,
    changed: usize,
    refused: usize,
    before: usize,
    after: usize,
    worse: Vec<String>,
}

fn one_case(dir: &Path, segments: &Segments, random: &mut Random, sums: &mut Sums, n: usize) {
    let state = random.below(segments.states.len() as u64) as usize;
    let (name, good) = &segments.states[state];
    let fronts = fragments(good);
    let mut slot = good.clone();
    let (range, what) = damage(&mut slot, &segments.old, &fronts, random);
    let what = format!("case {n}, {name}, {what}");
    let (record, _) = read_record(good).unwrap();
    let mut init = vec![0; record.init_moov_len as usize];
    good.read_exact_at(record.head_len.into(), &mut init)
        .unwrap();
    let lend = |crc: u32| (crc32fast::hash(&init) == crc).then(|| init.clone());
    let damaged = slot.clone();
    let help = Help {
        // Every other has nobody to borrow from.
        lend: if n.is_multiple_of(2) {
            &lend
        } else {
            &|_| None
        },
        named: None,
    };
    sums.cases += 1;
    match mend(&mut slot, &help) {
        Err(_) => {
            sums.refused += 1;
            assert!(slot.0 == damaged.0, "{what}: refused, and changed");
            return;
        }
        Ok(_) if slot.0 == damaged.0 => return,
        Ok(_) => sums.changed += 1,
    }
    let places = sample_places(&slot);
    for place in sample_places(good) {
        let owner = fronts
            .iter()
            .find(|(at, len)| (*at..at + len).contains(&place.start));
        let (at, len) = *owner.unwrap();
        if range.end <= at || range.start >= at + len {
            assert!(
                places.contains(&place),
                "{what}: a sample of an intact fragment is lost"
            );
            let bytes = place.start as usize..place.end as usize;
            assert!(
                slot.0[bytes.clone()] == good.0[bytes],
                "{what}: a sample was changed"
            );
        }
    }
    if ffmpeg::available() {
        let own = without_older(damaged, record.sequence);
        let (before, after) = (decoded(dir, &own), decoded(dir, &slot));
        sums.before += before;
        sums.after += after;
        if after < before {
            sums.worse
                .push(format!("{what}: {before} pictures before, {after} after"));
        }
    }
}

/// `PICAM_DAMAGES` says how many cases, `PICAM_DAMAGES_FROM` where they begin.
#[test]
fn no_damage_is_made_worse() {
    let number = |name: &str, or: usize| {
        let value = std::env::var(name).ok();
        value.map_or(or, |value| value.parse().expect("a number"))
    };
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let clips = [
        segments(
            dir.path(),
            "plain.mp4",
            "-c:v libx264 -preset veryfast -g 25 -bf 0",
        ),
        segments(
            dir.path(),
            "reordered.mp4",
            "-c:v libx264 -preset veryfast -g 20 -bf 3",
        ),
        segments(
            dir.path(),
            "h265.mp4",
            "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25 -tag:v hvc1",
        ),
    ];
    let mut sums = Sums {
        cases: 0,
        changed: 0,
        refused: 0,
        before: 0,
        after: 0,
        worse: Vec::new(),
    };
    let from = number("PICAM_DAMAGES_FROM", 0);
    for n in from..from + number("PICAM_DAMAGES", CASES) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (n as u64 + 1) << 20);
        random.next();
        one_case(
            dir.path(),
            &clips[n % clips.len()],
            &mut random,
            &mut sums,
            n,
        );
    }
    let Sums {
        cases,
        changed,
        refused,
        before,
        after,
        worse,
    } = &sums;
    println!(
        "{cases} damages: {changed} files mended, {refused} left as they were; of those mended \
              ffmpeg decoded {before} pictures before and {after} after"
    );
    assert!(worse.is_empty(), "{}", worse.join("\n"));
    assert!(*cases < 100 || *changed > cases / 4 && after > before);
}
