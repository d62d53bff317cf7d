//! A camera records into a small ring, and every judge looks at every file on the card all the while.
//! `PICAM_LIVE_SECONDS` says how long: 40 by default, 300 by `scripts/soak`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::time::{Duration, Instant};

use picam_system_tests::camera::Camera;
use picam_system_tests::card::segments;
use picam_system_tests::frames::{assert_consecutive, numbers};
use picam_system_tests::judge;

const SLOTS: u64 = 8;
const FPS: f64 = 30.0;
const CAMERA: &str = "front=sim:?size=640x360&fps=30&bitrate=1M";

fn live_time() -> Duration {
    let asked = std::env::var("PICAM_LIVE_SECONDS").ok();
    Duration::from_secs(asked.map_or(40, |seconds| seconds.parse().unwrap()))
}

#[test]
fn every_file_is_good_at_every_moment_and_no_frame_is_missing() {
    if !judge::installed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let card = tempfile::tempdir().unwrap();
    let live = live_time();
    // A segment ends at the first key frame after twice its nominal length: 8 slots in 16 s.
    let args = [
        ["--camera", CAMERA],
        ["--segment", "1s"],
        ["--slots", "8"],
        ["--slot-size", "2MiB"],
    ];
    let mut camera = Camera::start("record", card.path(), args.as_flattened());
    let start = Instant::now();
    let mut judged = HashSet::new();
    let (mut looks, mut unfinished) = (0, 0);
    while start.elapsed() < live {
        camera.assert_running();
        // Oldest first: these are the next to go.
        for segment in segments(card.path()) {
            let key = (segment.record.sequence, segment.state);
            if segment.finished() && judged.contains(&key) {
                continue;
            }
            if judge::judge(&segment, scratch.path()).is_some() {
                looks += 1;
                unfinished += u32::from(!segment.finished());
                judged.insert(key);
            }
        }
    }
    let lived = camera.started.elapsed();
    camera.stop();

    let left = segments(card.path());
    assert!(left.iter().all(|segment| segment.finished()));
    let newest = left.last().unwrap().record.sequence;
    assert!(
        left[0].record.sequence > 1 && newest > SLOTS,
        "the ring has not turned over"
    );
    let mut all = Vec::new();
    for segment in &left {
        let record = &segment.record;
        assert_eq!(record.counters.dropped_queue, 0, "{record:?}");
        assert_eq!(record.counters.io_faults, 0, "{record:?}");
        let shown = numbers(&segment.path, 640, 360);
        assert_eq!(shown.len(), record.counters.frames as usize);
        assert_eq!(judge::judge(segment, scratch.path()), Some(shown.len()));
        all.extend(shown);
    }
    assert_consecutive(&all, "over all segments");
    let last = f64::from(*all.last().unwrap());
    let expected = lived.as_secs_f64() * FPS;
    assert!(
        (expected - last).abs() < 2.0 * FPS,
        "{last} of {expected} frames"
    );
    println!(
        "{newest} segments in {SLOTS} slots, {looks} judged ({unfinished} while being recorded), \
         the last {} frames without a gap",
        all.len()
    );
}
