//! Rings as their owner finds them after a recording.

use crate::support::{FRAMES, command, input, picam, segments};

/// The housekeeper makes slots while an unpaced source fills them: nothing that was finished is overwritten while there
/// is room. `PICAM_RUNS` says how often: 8 times by default.
#[test]
fn a_ring_in_the_making_loses_no_segment() {
    let runs = std::env::var("PICAM_RUNS").ok();
    let runs = runs.map_or(8, |runs| runs.parse().unwrap());
    for run in 0..runs {
        let dir = tempfile::tempdir().unwrap();
        let footage = dir.path().to_str().unwrap();
        let camera = format!("front=file:{}?pace=off", input().display());
        let options = "--segment 2s --slots 16 --slot-size 16MiB".split(' ');
        let mut recorder = command(&["record", "--camera", &camera, "--footage", footage]);
        let done = recorder.args(options).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let checked = picam(&["check", "--json", footage]).json();
        assert_eq!(checked["frames"], FRAMES, "run {run}: {checked}");
        assert_eq!(checked["frames_lost"], 0, "run {run}: {checked}");
        let names = segments(dir.path());
        let numbers = names.iter().map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            name.rsplit('_').next().unwrap().parse::<usize>().unwrap()
        });
        let expected: Vec<usize> = (1..=names.len()).collect();
        assert_eq!(numbers.collect::<Vec<_>>(), expected, "run {run}");
    }
}
