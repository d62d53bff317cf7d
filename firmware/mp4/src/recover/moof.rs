//! What samples a fragment holds, by its `moof`.

use mp4_atom::{Decode, Moof, Traf, TrunSamples};

use crate::tables::TableSample;
use crate::track::VIDEO_TRACK;

/// More than any `moof` takes that picam writes; the samples begin there at the latest.
pub(super) const FRONT: usize = 4096;
/// Where the samples of the first track begin: behind the `mdat` header, by the number of tracks.
const ROOMS: [usize; 2] = [1024, ROOM];
/// The larger of them.
pub(super) const ROOM: usize = 2048;

/// The samples of one track in one fragment, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// Index of the track.
    pub(crate) track: usize,
    /// Where the first of them stands in the file.
    pub(crate) offset: u64,
    /// Decode time of the first.
    pub(crate) base_dts: u64,
    pub(crate) samples: Vec<TableSample>,
}

impl Part {
    pub(super) fn is_video(&self) -> bool {
        self.track == VIDEO_TRACK
    }

    pub(super) fn bytes(&self) -> u64 {
        self.samples.iter().map(|s| u64::from(s.size)).sum()
    }

    pub(super) fn duration(&self) -> u64 {
        self.samples.iter().map(|s| u64::from(s.duration)).sum()
    }
}

/// The parts of an intact fragment of `len` bytes at `at`, which begins with `front`. `None` if its `moof` is
/// nonsense after all: a checksum holds for that, too, if somebody made it so.
pub(super) fn sound_parts(front: &[u8], at: u64, len: u64) -> Option<Vec<Part>> {
    let moof = Moof::decode(&mut &*front).ok()?;
    let mut parts = Vec::with_capacity(moof.traf.len());
    for traf in &moof.traf {
        let part = part(traf, at)?;
        if (part.offset + part.bytes()).checked_sub(at)? > len {
            return None;
        }
        parts.push(part);
    }
    Some(parts)
}

/// The parts of a damaged fragment, as far as its `traf` boxes can be found and lie before `limit`. Whatever a
/// player of the fragments would still show is among them.
pub(super) fn damaged_parts(front: &[u8], at: u64, limit: u64) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut end = at;
    for (kind, _) in front.windows(4).enumerate().filter(|(_, w)| w == b"traf") {
        let header = kind.checked_sub(4).and_then(|start| front.get(start..));
        let traf = header.and_then(|mut bytes| Traf::decode(&mut bytes).ok());
        let Some(mut part) = traf.and_then(|traf| part(&traf, at)) else {
            continue;
        };
        if parts.iter().any(|known| known.track == part.track) {
            continue;
        }
        part.offset = match (part.track, samples_begin(front)) {
            (VIDEO_TRACK, Some(room)) => at + room as u64,
            _ if part.offset >= end && part.offset < limit => part.offset,
            _ => end,
        };
        let mut offset = part.offset;
        part.samples.retain_mut(|sample| {
            let room = limit.saturating_sub(offset);
            sample.size = sample.size.min(u32::try_from(room).unwrap_or(u32::MAX));
            offset += u64::from(sample.size);
            sample.size > 0
        });
        end = part.offset + part.bytes();
        if !part.samples.is_empty() {
            parts.push(part);
        }
    }
    parts
}

/// Where the `mdat` header says that samples begin.
fn samples_begin(front: &[u8]) -> Option<usize> {
    ROOMS
        .into_iter()
        .find(|room| front.get(room - 4..*room) == Some(b"mdat"))
}

fn part(traf: &Traf, at: u64) -> Option<Part> {
    let track = (traf.tfhd.track_id as usize).checked_sub(1)?;
    let trun = traf.trun.first()?;
    // picam states the size of every sample; a run without sizes is damage, and may claim any length.
    let TrunSamples::Explicit(entries) = &trun.samples else {
        return None;
    };
    if entries.iter().any(|entry| entry.size.is_none()) {
        return None;
    }
    let offset = u64::try_from(trun.data_offset.unwrap_or(0)).ok()?;
    let base_dts = traf.tfdt.as_ref().map_or(0, |t| t.base_media_decode_time);
    Some(Part {
        track,
        offset: at.checked_add(offset)?,
        base_dts: Some(base_dts).filter(|&base| base < 1 << 48)?,
        samples: entries.iter().copied().map(TableSample::from).collect(),
    })
}
