//! What comes along with numbered pictures: sound, motion and text whose every sample can be told from its bytes.

use std::time::Duration;

use picam_mp4::read::Movie;
use picam_mp4::{TrackConfig, TrackKind, sample_entry};

use crate::sim_disk::Rng;

/// The kinds of side tracks.
pub const KINDS: [TrackKind; 3] = [TrackKind::Audio, TrackKind::Camm, TrackKind::Text];

/// From sample to sample of a kind.
///
/// # Panics
/// For video.
pub fn period(kind: TrackKind) -> Duration {
    Duration::from_millis(match kind {
        TrackKind::Audio => 20,
        TrackKind::Camm => 10,
        TrackKind::Text => 1000,
        TrackKind::Video => panic!("video is no side track"),
    })
}

/// Their tracks, to follow the video: PCM at 8 kHz, `camm` and `tx3g`.
pub fn tracks() -> [TrackConfig; 3] {
    let pcm = sample_entry::pcm_s16le(8000, 1).unwrap();
    [
        TrackConfig::audio(pcm, 8000),
        TrackConfig::camm().unwrap(),
        TrackConfig::text().unwrap(),
    ]
}

/// The bytes of one sample.
pub fn coded(kind: TrackKind, number: u64) -> Vec<u8> {
    let mut rng = Rng(number ^ (kind as u64) << 60);
    let mut bytes = vec![0; 12 + rng.below(20) as usize];
    let (head, body) = bytes.split_at_mut(8);
    head.copy_from_slice(&number.to_be_bytes());
    rng.fill(body);
    bytes
}

/// The samples of a kind that a file shows, and their times in it; an error where one holds other bytes than were recorded,
/// comes twice, or lies before the one before it.
pub fn shown(bytes: &[u8], kind: TrackKind) -> Result<Vec<(u64, Duration)>, String> {
    let movie = Movie::read(bytes).map_err(|error| error.to_string())?;
    let n = 1 + KINDS.iter().position(|&other| other == kind).unwrap();
    let Some(track) = movie.tracks.get(n) else {
        return Err(format!("no track of {kind:?}"));
    };
    let mut shown: Vec<(u64, Duration)> = Vec::new();
    for sample in &track.samples {
        let data = bytes.get(sample.offset as usize..sample.end() as usize);
        let data = data.ok_or("a sample lies outside the file")?;
        let number = data.first_chunk().copied().map(u64::from_be_bytes);
        let number = number.filter(|&number| data == coded(kind, number));
        let number = number.ok_or_else(|| format!("a sample of {kind:?} holds other bytes"))?;
        let at = track.presentation(sample).max(0) as f64 / f64::from(track.timescale);
        let at = Duration::from_secs_f64(at);
        if let Some(&(_, before)) = shown.last()
            && at < before
        {
            return Err(format!(
                "{kind:?} {number} at {at:?} behind one at {before:?}"
            ));
        }
        if shown
            .iter()
            .rev()
            .take(64)
            .any(|&(other, _)| other == number)
        {
            return Err(format!("{kind:?} {number} comes twice"));
        }
        shown.push((number, at));
    }
    Ok(shown)
}
