//! The plug pulled at any moment of a thousand starts on a battery that runs down: the next start knows how the last one ended,
//! as far as it was written down, and every one before.

use std::fs;
use std::path::Path;

use picam_control::power::Cause;
use picam_sensors::battery::Reading;
use picam_time::BootNs;
use proptest::test_runner::{RngAlgorithm, TestRng};

use super::*;
use crate::guard::{Expected, Guard};
use crate::ladder::Limits;

const CUTS: usize = 1_000;

/// Random numbers, the same in each run.
struct Dice(TestRng);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        use proptest::prelude::Rng as _;
        self.0.next_u64() % n
    }
}

/// What a cut leaves of writing `new` over `old`: a replaced file is the old or the new one, what was not named yet may be
/// there in part.
fn cut_while_written(path: &Path, old: Option<&[u8]>, new: &[u8], dice: &mut Dice) -> bool {
    let beside = path.with_extension("new");
    let kept = dice.below(2) == 0;
    if kept {
        fs::write(path, new).unwrap();
    } else {
        match old {
            Some(old) => fs::write(path, old).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
        let part = dice.below(new.len() as u64 + 1) as usize;
        fs::write(beside, &new[..part]).unwrap();
    }
    kept
}

/// One start until the plug is pulled or the guard ends it: the end, and when, if it does before `cut`.
fn run_down(dice: &mut Dice, cut: u64) -> Option<End> {
    let mut guard = Guard::new(BootNs::from_secs(10), Limits::default(), Expected::Yes);
    let (mut microvolts, slope) = (3_000_000 + dice.below(1_000_000), dice.below(4_000));
    for second in 10..10 + cut {
        microvolts = microvolts.saturating_sub(slope).max(2_900_000);
        let reading = Reading {
            cell_mv: (microvolts / 1_000) as u16,
            charge: None,
        };
        if let Some(end) = guard.hear(BootNs::from_secs(second), Ok(reading)) {
            assert!(
                end.after_s >= 70 || end.cause == Cause::BatteryEmpty,
                "{end:?}"
            );
            return Some(end);
        }
    }
    None
}

#[test]
fn a_thousand_pulled_plugs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("starts.json");
    let mut dice = Dice(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    // The last start first.
    let mut expected: Vec<Option<End>> = Vec::new();
    let (mut written, mut lost) = (0, 0);
    for start in 0..CUTS {
        let old = fs::read(&path).ok();
        let (mut history, kept) = History::open(&path, &start.to_string());
        kept.unwrap();
        expected.truncate(STARTS - 1);
        assert_eq!(
            history.ends().collect::<Vec<_>>(),
            expected,
            "start {start}"
        );
        let begun = fs::read(&path).unwrap();
        // In the very moment in which the start is noted: then nobody knows of it, or it has no end.
        if dice.below(10) == 0 {
            if cut_while_written(&path, old.as_deref(), &begun, &mut dice) {
                expected.insert(0, None);
            }
            continue;
        }
        let cut = dice.below(600);
        let Some(end) = run_down(&mut dice, cut) else {
            expected.insert(0, None);
            continue;
        };
        history.end(end).unwrap();
        let ended = fs::read(&path).unwrap();
        // Pulled while it is written, or while the files are being closed.
        let kept = dice.below(2) == 0 || cut_while_written(&path, Some(&begun), &ended, &mut dice);
        expected.insert(0, kept.then_some(end));
        written += usize::from(kept);
        lost += usize::from(!kept);
    }
    println!("{written} ends written down, {lost} cut off");
    assert!(written > 100 && lost > 30, "{written} {lost}");
}
