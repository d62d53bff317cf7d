//! The reader of other people's MP4 files, and the cut that works on what it found.

use picam_mp4::cut::{CutPlan, Source};
use picam_mp4::read::Movie;
use picam_testkit::read_slot;

/// A file. Every sample handed out lies inside it, and a clip of it is as long as it says.
pub fn boxes(input: &[u8]) {
    for movie in [
        Movie::read(input).ok(),
        read_slot(input).ok().map(|(movie, _, _)| movie),
    ]
    .into_iter()
    .flatten()
    {
        check_movie(&movie, input);
    }
}

pub(super) fn check_movie(movie: &Movie, file: &[u8]) {
    for track in &movie.tracks {
        for sample in &track.samples {
            assert!(sample.end() <= file.len() as u64, "a sample lies outside");
            let _ = (track.presentation(sample), track.entry(sample));
        }
        let _ = track.presentation_end();
    }
    let source = Source { movie, start_ns: 0 };
    let Ok(plan) = CutPlan::new(&[source], 200_000_000, i64::MAX) else {
        return;
    };
    // Samples may overlap in a hostile file, so that the clip outgrows it.
    if plan.len() > 64 << 20 {
        return;
    }
    let mut clip = Vec::new();
    plan.write_to(&[file], &mut clip)
        .expect("every sample is inside the file");
    assert_eq!(clip.len() as u64, plan.len());
}
