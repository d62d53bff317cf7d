//! Plausible times for the samples of damaged fragments, so that they stay where their neighbours leave room.

use super::moof::Part;
use super::walk::Piece;
use crate::track::{TrackConfig, VIDEO_TRACK};

/// No picture is shown for longer, or so much later than it is decoded.
const LONGEST_S: u64 = 10;

/// Where a part must lie: behind `from`, and before `to` if that is known.
struct Room {
    from: u64,
    to: Option<u64>,
    longest: u64,
    usual: u64,
}

/// Mends the times of the samples in damaged pieces. `zero` is the composition time at which the presentation
/// begins: an earlier one would be hidden by the edit list.
pub(super) fn settle(pieces: &mut [Piece], tracks: &[TrackConfig], zero: u64) {
    for (n, track) in tracks.iter().enumerate() {
        let timescale = u64::from(track.timescale);
        let mut to = None;
        // What comes after each piece, from the back.
        let mut after = Vec::with_capacity(pieces.len());
        for piece in pieces.iter().rev() {
            after.push(to);
            let part = part_of(piece, n).filter(|_| piece.intact);
            to = part.map_or(to, |part| Some(part.base_dts));
        }
        let mut room = Room {
            from: 0,
            to: None,
            longest: LONGEST_S * timescale,
            usual: timescale / 30,
        };
        for (piece, to) in pieces.iter_mut().zip(after.into_iter().rev()) {
            let intact = piece.intact;
            let parts = piece.parts.iter_mut().flatten();
            let Some(part) = parts.into_iter().find(|part| part.track == n) else {
                continue;
            };
            room.to = to;
            if !intact {
                room.fit(part, if n == VIDEO_TRACK { zero } else { 0 });
            }
            room.from = part.base_dts + part.duration();
            room.usual = part
                .samples
                .first()
                .map_or(room.usual, |s| s.duration.into());
        }
    }
}

fn part_of(piece: &Piece, track: usize) -> Option<&Part> {
    piece
        .parts
        .iter()
        .flatten()
        .find(|part| part.track == track)
}

impl Room {
    fn fit(&self, part: &mut Part, zero: u64) {
        let near = part.base_dts.saturating_sub(self.from) <= self.longest;
        let before = self.to.map_or(near, |to| part.base_dts <= to);
        if part.base_dts < self.from || !before {
            part.base_dts = self.from;
        }
        let last = part.samples.last().map_or(0, |sample| sample.duration);
        let until_last = part.base_dts + part.duration() - u64::from(last);
        let ends = self.to.is_none_or(|to| until_last <= to);
        let short = part
            .samples
            .iter()
            .all(|s| u64::from(s.duration) <= self.longest);
        if !(ends && short) {
            let each = self.to.map_or(self.usual, |to| {
                let room = to.saturating_sub(part.base_dts) / part.samples.len().max(1) as u64;
                room.min(self.usual)
            });
            for sample in &mut part.samples {
                sample.duration = u32::try_from(each).unwrap_or(u32::MAX);
            }
        }
        let mut dts = part.base_dts;
        for sample in &mut part.samples {
            let offset = u64::from(sample.composition_offset);
            let offset = if offset > self.longest { zero } else { offset };
            let offset = offset.max(zero.saturating_sub(dts));
            sample.composition_offset = u32::try_from(offset).unwrap_or(0);
            dts += u64::from(sample.duration);
        }
    }
}
