//! The plug is pulled, over and over. `PICAM_PULLS` says how often: 5 by default; `scripts/board-tests --pulls N` for more.
//!
//! Each start is the judge of the last cut, and its next victim. What the recorder had taken by then is known from
//! the clocks: that of the board, as read over its serial line, and that in each segment's header, to which the
//! numbers in its pictures are counted. What the host withholds from the emulated processor no recorder can save:
//! a watcher on the board, ahead of the recorder, says how long that was.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use common::*;
use picam_board_tests::board::power_off;
use picam_board_tests::card::Card;
use picam_board_tests::run::Run;
use picam_board_tests::shell::Shell;
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::frames::numbers;
use picam_testkit::judges;
use picam_testkit::sim_disk::Rng;

/// Small pictures and short segments: a start that is soon over, and a rotation every two seconds.
const SETTINGS: &str = "segment = \"2s\"\nslot-size = \"1MiB\"\nslots = 12\n\
    [[camera]]\nname = \"front\"\nsource = \"sim:?size=160x120&fps=10&bitrate=200k\"\n\
    [wifi]\ncountry = \"DE\"\npassphrase = \"emulated board\"\n[web]\npassword = \"emulated board\"\n";
const WIDTH: usize = 160;
const HEIGHT: usize = 120;
const FRAME: Duration = Duration::from_millis(100);

/// When the plug is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// While a blank card is being made ready, or shortly after.
    FirstStart,
    /// Anywhere between the kernel and the recorder.
    Start,
    /// While it records, anywhere.
    Recording,
    /// Just behind the change to the next file.
    Rotation,
    /// While it is being switched off.
    Shutdown,
}

impl Moment {
    fn of(cut: u64) -> Self {
        match (cut, cut % 10) {
            (0, _) | (_, 9) => Self::FirstStart,
            (_, 2 | 6) => Self::Rotation,
            (_, 3 | 8) => Self::Shutdown,
            (_, 5) => Self::Start,
            _ => Self::Recording,
        }
    }
}

/// What lay on the card after a cut.
#[derive(Default)]
struct Ledger {
    /// Bytes of the finished segments, by sequence.
    finished: BTreeMap<u64, Vec<u8>>,
    newest: u64,
}

fn blank(image: &picam_board_tests::image::Image, run: &Run) -> Card {
    let card = new_card(image, run);
    card.put_boot_file("picam.toml", SETTINGS.as_bytes())
        .unwrap();
    card
}

/// The segment that the recorder writes to now.
fn current(shell: &mut Shell) -> String {
    status(shell)["status"]["cameras"][0]["segment"].to_string()
}

/// Looks at everything on the card. The end of the newest segment of the start that was cut off, on the board's clock.
fn judge(card: &Card, run: &Run, ledger: &mut Ledger, what: &str) -> Option<Duration> {
    if card.partition(2).unwrap().kind != 0x07 {
        // Cut off before the footage partition was made; nothing can have been recorded.
        assert!(
            ledger.finished.is_empty(),
            "{what}: the footage partition is gone"
        );
        return None;
    }
    let footage = card.footage(run.dir()).unwrap();
    assert_eq!(footage.check.0, 0, "{what}: {}", footage.check.1);
    let (code, said) = picam_check(footage.path());
    assert_eq!(code, 0, "{what}: {said}");
    let all = segments(footage.path());
    let mut end = None;
    for segment in &all {
        let sequence = segment.record.sequence;
        let bytes = fs::read(&segment.path).unwrap();
        if let Some(before) = ledger.finished.get(&sequence) {
            // It has played before.
            assert!(*before == bytes, "{what}: segment {sequence} was changed");
            continue;
        }
        judges::ffprobe(&segment.path, false).unwrap_or_else(|error| panic!("{what}: {error}"));
        judges::ffmpeg_decodes(&segment.path).unwrap_or_else(|error| panic!("{what}: {error}"));
        if sequence > ledger.newest {
            let shown = numbers(&segment.path, WIDTH, HEIGHT);
            for pair in shown.windows(2) {
                assert!(pair[0] < pair[1], "{what}, segment {sequence}: {shown:?}");
            }
            let pictures = shown.last().unwrap() - shown.first().unwrap() + 1;
            let start = Duration::from_nanos(segment.record.start_boot.0);
            end = Some(start + FRAME * pictures);
        }
    }
    // The ring goes on to the oldest ones, and never touches another.
    let oldest = all.first().map_or(0, |segment| segment.record.sequence);
    for sequence in ledger
        .finished
        .keys()
        .filter(|sequence| **sequence > oldest)
    {
        assert!(
            all.iter().any(|s| s.record.sequence == *sequence),
            "{what}: segment {sequence} is gone"
        );
    }
    ledger.newest = all
        .iter()
        .map(|s| s.record.sequence)
        .max()
        .unwrap_or(0)
        .max(ledger.newest);
    let finished = all.iter().filter(|segment| Segment::finished(segment));
    ledger.finished = finished
        .map(|s| (s.record.sequence, fs::read(&s.path).unwrap()))
        .collect();
    end
}

#[test]
fn a_pulled_plug_costs_a_second_at_most_and_harms_nothing() {
    let Some((image, run)) = prepare("pulls") else {
        return;
    };
    let cuts: u64 = std::env::var("PICAM_PULLS").map_or(5, |cuts| cuts.parse().unwrap());
    let seed = std::env::var("PICAM_SEED").map_or(20_261_120, |seed| seed.parse().unwrap());
    let mut rng = Rng(seed);
    let mut ledger = Ledger::default();
    let mut lost = Vec::new();
    let mut moments: BTreeMap<Moment, u32> = BTreeMap::new();
    let mut card = blank(&image, &run);
    for cut in 0..=cuts {
        let mut moment = Moment::of(cut);
        if cut == cuts {
            // The last start only judges.
            moment = Moment::Recording;
        } else if moment == Moment::FirstStart && cut > 0 {
            card = blank(&image, &run);
            ledger = Ledger::default();
        }
        let what = format!("cut {cut}, {moment:?}");
        let board = start(&image, card, &run, "");
        let pulled = if matches!(moment, Moment::FirstStart | Moment::Start) {
            let wait = 4_000 + rng.below(20_000);
            std::thread::sleep(Duration::from_millis(wait));
            println!("{what}: after {:.1} s", wait as f64 / 1000.0);
            let (pulled, _) = board.pull().unwrap();
            judge(&pulled, &run, &mut ledger, &what);
            pulled
        } else {
            let mut shell = board.shell(&format!("{cut}")).unwrap();
            await_recorder(&mut shell);
            shell.watch_for_stalls().unwrap();
            let clock = shell.clock().unwrap();
            match moment {
                Moment::Rotation => {
                    let before = current(&mut shell);
                    while current(&mut shell) == before {}
                    std::thread::sleep(Duration::from_millis(rng.below(500)));
                }
                Moment::Shutdown => {
                    std::thread::sleep(Duration::from_millis(rng.below(4000)));
                    // Not waiting for its end is the point.
                    let _ = power_off(&mut shell, Duration::from_millis(rng.below(8000)));
                }
                _ => std::thread::sleep(Duration::from_millis(rng.below(6_000))),
            }
            let (pulled, at) = board.pull().unwrap();
            let end = judge(&pulled, &run, &mut ledger, &what);
            let end = end.unwrap_or_else(|| panic!("{what}: nothing of this start is on the card"));
            if moment != Moment::Shutdown {
                let loss = clock.at(at).saturating_sub(end);
                let stall = shell.longest_stall();
                println!(
                    "{what}: {} ms lost (known to {} ms; the emulated processor stood still for up to {} ms)",
                    loss.as_millis(),
                    clock.doubt.as_millis(),
                    stall.as_millis()
                );
                lost.push(loss);
                let most = Duration::from_secs(1) + clock.doubt + stall;
                assert!(loss <= most, "{what}: {loss:?} were lost");
            }
            pulled
        };
        card = pulled;
        *moments.entry(moment).or_default() += 1;
    }
    lost.sort();
    let at = |share: f64| lost[((lost.len() - 1) as f64 * share).round() as usize].as_millis();
    println!(
        "{cuts} cuts and a last start: {moments:?}; {} measured: p50 {} ms, p99 {} ms, max {} ms lost",
        lost.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
