//! Sound in clips: heard when it was, for as long as it was, and from whom.

use picam_mp4::cut::Keep;
use picam_mp4::read::{Movie, Track};

use crate::recording::{PICTURE_NS, Recording, Sound, h264, ns, segment};

#[test]
fn sound_that_begins_late_or_has_a_gap_is_heard_when_it_was() {
    for (sound, gap_ns) in [(Sound::Aac, 0), (Sound::Pcm, 0), (Sound::Pcm, 200_000_000)] {
        let files = vec![segment(0, sound, h264(30)), segment(1, sound, h264(30))];
        let mut recording = Recording::new(files, gap_ns);
        let late = &mut recording.movies[0].tracks[1];
        let begins = late.presentation(&late.samples[4]);
        late.samples.drain(..4);
        let end = late.samples.last().copied().unwrap();
        let (_, bytes) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
        let clip = Movie::read(&bytes).unwrap();
        let heard = clip.tracks.iter().find(|track| track.is_audio()).unwrap();
        assert_eq!(heard.presentation(&heard.samples[0]), begins);
        // Each lasts as long as it did, and only the last before the gap stands for the silence.
        let source = &recording.movies[0].tracks[1];
        let count: u32 = source.samples.iter().map(|s| s.run).sum();
        let mut at = 0;
        let mut last = 0;
        for sample in &heard.samples {
            if at >= count {
                break;
            }
            at += sample.run;
            last = heard.presentation(sample) + i64::from(sample.duration / sample.run);
        }
        let until = source.presentation(&end) + i64::from(end.duration);
        assert!(
            last <= until + gap_ns * 16 / 1_000_000 + 16,
            "{last} {until}"
        );
        let each = |track: &Track| track.samples[0].duration / track.samples[0].run;
        assert_eq!(each(heard), each(source));
    }
}

/// Sound that ends just before the clip starts would be taken for sound that is heard from there on.
#[test]
fn sound_that_ends_before_the_clip_is_not_in_it() {
    for sound in [Sound::Aac, Sound::Pcm] {
        let mut recording = Recording::new(vec![segment(0, sound, h264(30))], 0);
        let track = &mut recording.movies[0].tracks[1];
        track.samples.truncate(track.samples.len() / 2);
        let last = track.samples.last().copied().unwrap();
        let end = track.presentation(&last) + i64::from(last.duration);
        let end_ns = recording.starts_ns[0] + ns(&recording.movies[0].tracks[1], end);
        let is_heard = |from_ns: i64| {
            let (_, bytes) = recording.cut(from_ns, i64::MAX, Keep::ALL).unwrap();
            let clip = Movie::read(&bytes).unwrap();
            assert!(clip.video().is_some());
            clip.tracks.iter().any(Track::is_audio)
        };
        assert!(is_heard(end_ns - 2 * PICTURE_NS));
        for later in [0, 1, PICTURE_NS, 2 * PICTURE_NS, 10 * PICTURE_NS] {
            assert!(!is_heard(end_ns + PICTURE_NS + later), "{later} ns");
        }
    }
}

#[test]
fn two_microphones_stay_two_tracks_and_one_camera_has_one_entry() {
    let files = vec![
        segment(0, Sound::Aac, h264(30)),
        segment(1, Sound::Aac, h264(30)),
    ];
    let mut recording = Recording::new(files, 0);
    for (n, movie) in recording.movies.iter_mut().enumerate() {
        let mut second = movie.tracks[1].clone();
        second.id = 9;
        let every_other = second.samples.iter().step_by(2).copied().collect();
        second.samples = every_other;
        movie.tracks.push(second);
        // The bit rate of an entry may differ, and the rest of it does not.
        movie.tracks[0].entries[0].bytes.extend([n as u8; 4]);
        // Nothing was said: texts without a letter.
        movie.tracks[3].samples.iter_mut().for_each(|s| s.size = 0);
    }
    let (_, bytes) = recording.cut(0, i64::MAX, Keep::ALL).unwrap();
    let clip = Movie::read(&bytes).unwrap();
    let of = |movie: &Movie, n: usize| movie.tracks[n].samples.len();
    let all = |n| {
        recording
            .movies
            .iter()
            .map(|movie| of(movie, n))
            .sum::<usize>()
    };
    assert_eq!(clip.tracks.len(), 5);
    assert_eq!(clip.tracks[0].entries.len(), 1);
    let ids: Vec<u32> = clip.tracks.iter().map(|track| track.id).collect();
    assert_eq!(ids[4], 9);
    for (n, track) in clip.tracks.iter().enumerate() {
        // A joint may cost a frame of sound.
        let lost = all(n) - track.samples.len();
        assert!(
            lost <= usize::from(track.is_audio()),
            "track {n}: {lost} lost"
        );
    }
    assert!(clip.tracks[3].samples.iter().all(|s| s.size == 0));
}
