//! The short form of the power-cut laboratory: what picam writes to a real exFAT is cut between its writes.
//! `scripts/power-lab` runs the long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;

use picam_lab::guest::Kit;
use picam_lab::report::Report;
use picam_lab::session::{Bench, Trial};
use picam_system_tests::camera;
use picam_testkit::judges;

const STATES: usize = 350;
/// Disks of the same recording without its flushes: the laboratory must find files that do not play.
const MUTANTS: usize = 60;
/// What may be lost.
const MOST_LOST_S: f64 = 1.0;

fn bench() -> Option<Bench> {
    let judges = judges::have("ffmpeg", "ffmpeg") & judges::have("ffprobe", "ffmpeg");
    let Some(kit) = Kit::find() else {
        judges::skip(
            "QEMU and a kernel with exFAT are not there",
            "scripts/power-lab --fetch",
        );
        return None;
    };
    judges.then(|| Bench {
        kit,
        program: PathBuf::from(env!("CARGO_BIN_EXE_picam-lab")),
        picam: camera::binary().to_owned(),
    })
}

#[test]
fn whatever_a_cut_leaves_plays_and_is_whole_but_for_the_last_second() {
    let Some(bench) = bench() else {
        return;
    };
    let recorded = bench.record(&Trial::one_camera(14)).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (results, judged) = recorded.judge(STATES, 1, 3, scratch.path());
    let mut report = Report::default();
    report.add(&results.outcomes);
    println!("{report}");
    if results.dropped > 0 {
        judges::skip(
            &format!(
                "this machine is too busy for the laboratory's guest, whose queue of 10 s was full: {} pictures dropped",
                results.dropped
            ),
            "scripts/power-lab --short",
        );
        return;
    }
    assert_eq!(report.states, STATES, "there are so many different disks");
    assert_eq!(
        report.good, STATES,
        "{report}\n{}",
        recorded.recording.console
    );
    let most = report.most_of_begun.unwrap();
    assert!(most <= MOST_LOST_S, "{most} s were lost");
    assert!(judged.probed > 50 && judged.decoded > 5, "{judged:?}");

    // A recorder that does not flush, or a card that does not care, is found out.
    let (results, _) = recorded
        .without_flushes()
        .judge(MUTANTS, 1, 0, scratch.path());
    let mut mutants = Report::default();
    mutants.add(&results.outcomes);
    println!("without flushes: {mutants}");
    assert!(mutants.with_broken > 0, "{mutants}");
}
