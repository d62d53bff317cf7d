//! `kill -9` at random moments. `PICAM_KILLS` says how often: 20 by default, 200 by `scripts/soak`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use picam_system_tests::camera::{Camera, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::flush_probe::FlushProbe;
use picam_system_tests::frames::{assert_consecutive_but, numbers};
use picam_system_tests::judge;
use picam_testkit::sim_disk::Rng;
use picam_time::{Clock, SystemClock};

// Key frames are rare, so that only the length of fragments bounds what is lost.
const ARGS: [&str; 8] = [
    "--camera",
    "front=sim:?size=320x240&fps=30&gop=90&bitrate=500k",
    "--segment",
    "1s",
    "--slots",
    "8",
    "--slot-size",
    "1MiB",
];
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 30);
/// What may be lost: a second, and the frame that was being taken; and what the disk itself holds
/// the recorder up, which a probe beside it measures.
const MOST_LOST: Duration = Duration::from_secs(1).saturating_add(FRAME);
/// Whoever was killed before this had hardly begun.
const START: Duration = Duration::from_secs(2);

fn kills() -> u64 {
    let asked = std::env::var("PICAM_KILLS").ok();
    asked.map_or(20, |kills| kills.parse().unwrap())
}

/// Finished segments by sequence, with their bytes.
fn finished(card: &Path) -> BTreeMap<u64, Vec<u8>> {
    let finished = segments(card).into_iter().filter(Segment::finished);
    finished
        .filter_map(|segment| Some((segment.record.sequence, fs::read(&segment.path).ok()?)))
        .collect()
}

#[test]
fn a_killed_recorder_loses_a_second_at_most_and_harms_nothing() {
    if !judge::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let card = tempfile::tempdir().unwrap();
    let probe = FlushProbe::start(scratch.path());
    let mut rng = Rng(9);
    let mut judged = BTreeMap::new();
    let mut most_lost = Duration::ZERO;
    let mut withheld = Duration::ZERO;
    for kill in 0..kills() {
        let before_start = segments(card.path())
            .last()
            .map_or(0, |s| s.record.sequence);
        let camera = Camera::start("record", card.path(), &ARGS);
        std::thread::sleep(Duration::from_millis(200 + rng.below(4300)));
        let untouchable = finished(card.path());
        let lived = camera.started.elapsed();
        let killed_at = SystemClock.now();
        let held_up = probe.longest();
        withheld = withheld.max(camera.withheld());
        let said = camera.kill();

        let left = segments(card.path());
        for segment in &left {
            let sequence = segment.record.sequence;
            if let Some(bytes) = untouchable.get(&sequence) {
                let now = fs::read(&segment.path).unwrap();
                assert!(&now == bytes, "kill {kill}: segment {sequence} was changed");
            }
        }
        // The ring may have gone on to the oldest between the two looks, and no further.
        let gone = untouchable
            .keys()
            .filter(|sequence| left.iter().all(|s| s.record.sequence != **sequence));
        assert!(gone.count() <= 1, "kill {kill}: finished segments are gone");

        for segment in &left {
            let key = (segment.record.sequence, segment.record.clone());
            if judged.get(&key.0) == Some(&key.1) {
                continue;
            }
            let shown = numbers(&segment.path, 320, 240);
            let of = format!("kill {kill}, segment {}", key.0);
            assert_consecutive_but(&shown, FRAME, withheld, &of);
            assert_eq!(judge::judge(segment, scratch.path()), Some(shown.len()));
            judged.insert(key.0, key.1);
        }

        let newest = left.last().filter(|s| s.record.sequence > before_start);
        let Some(newest) = newest else {
            assert!(
                lived < START,
                "kill {kill}: nothing was recorded in {lived:?}
{said}"
            );
            continue;
        };
        let frames = numbers(&newest.path, 320, 240).len() as u32;
        let end = newest.record.start_boot + frames * FRAME;
        let lost = killed_at.since(end);
        most_lost = most_lost.max(lost);
        assert!(
            lost <= MOST_LOST + held_up,
            "kill {kill}: {} ms were lost, and the disk flushes in {} ms",
            lost.as_millis(),
            held_up.as_millis()
        );
    }

    // The next start puts everything in order, and goes on behind it.
    let camera = Camera::start("record", card.path(), &ARGS);
    wait_for(
        "all but the current segment to be finished",
        Duration::from_secs(40),
        || {
            let all = segments(card.path());
            let unfinished = all.iter().filter(|segment| !segment.finished()).count();
            (unfinished <= 1 && camera.started.elapsed() > START).then_some(())
        },
    );
    camera.stop();
    for segment in segments(card.path()) {
        assert!(segment.finished(), "{segment:?}");
        judge::judge(&segment, scratch.path()).unwrap();
    }
    println!(
        "{} kills, at most {} ms lost",
        kills(),
        most_lost.as_millis()
    );
}
