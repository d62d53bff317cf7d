//! The sample tables of one track, built while fragments are committed.
//!
//! They are kept in the shapes that the `moov` wants, so that finishing a segment copies them out
//! and recording allocates nothing once they have grown to the size of one segment.

use mp4_atom::{
    Co64, Ctts, CttsEntry, Encode, Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry,
    TrunEntry,
};

/// `sample_is_non_sync_sample` of `sample_flags` (ISO/IEC 14496-12 8.8.3.1).
const FLAG_NON_SYNC: u32 = 0x0001_0000;

/// One sample of a fragment, as its `trun` states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableSample {
    pub(crate) size: u32,
    pub(crate) duration: u32,
    pub(crate) composition_offset: u32,
    pub(crate) key: bool,
}

impl From<TrunEntry> for TableSample {
    fn from(entry: TrunEntry) -> Self {
        let offset = entry.cts.and_then(|cts| u32::try_from(cts).ok());
        Self {
            size: entry.size.unwrap_or(0),
            duration: entry.duration.unwrap_or(0),
            composition_offset: offset.unwrap_or(0),
            key: entry.flags.unwrap_or(0) & FLAG_NON_SYNC == 0,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Tables {
    stts: Stts,
    ctts: Ctts,
    stss: Stss,
    sizes: Vec<u32>,
    stsc: Stsc,
    chunks: Vec<u64>,
    /// Decode time of the first sample.
    first_dts: u64,
    /// Decode time after the last sample.
    end_dts: u64,
    /// Presentation offset of the first sample.
    first_offset: u32,
    /// Composition time at which the presentation begins, where it is not the first sample's.
    zero: Option<u64>,
    /// Earliest composition time.
    earliest: Option<u64>,
    /// When the last of the samples but the last one in decode order has been shown.
    latest: u64,
    /// Composition time and duration of the last sample in decode order.
    last: (u64, u64),
    reordered: bool,
    all_key: bool,
}

impl Tables {
    pub(crate) fn new() -> Self {
        Self {
            stts: Stts::default(),
            ctts: Ctts::default(),
            stss: Stss::default(),
            sizes: Vec::new(),
            stsc: Stsc::default(),
            chunks: Vec::new(),
            first_dts: 0,
            end_dts: 0,
            first_offset: 0,
            zero: None,
            earliest: None,
            latest: 0,
            last: (0, 0),
            reordered: false,
            all_key: true,
        }
    }

    /// The same for a track whose first samples may be missing: composition time `zero` is where the
    /// presentation began.
    pub(crate) fn beginning_at(zero: u64) -> Self {
        Self {
            zero: Some(zero),
            ..Self::new()
        }
    }

    /// Empties the tables and keeps their memory.
    pub(crate) fn clear(&mut self) {
        self.stts.entries.clear();
        self.ctts.entries.clear();
        self.stss.entries.clear();
        self.sizes.clear();
        self.stsc.entries.clear();
        self.chunks.clear();
        (self.first_dts, self.end_dts, self.first_offset) = (0, 0, 0);
        (self.zero, self.earliest, self.latest, self.last) = (None, None, 0, (0, 0));
        (self.reordered, self.all_key) = (false, true);
    }

    /// Adds the samples that one fragment holds of this track, as one chunk at `offset`.
    pub(crate) fn add_chunk(
        &mut self,
        offset: u64,
        base_dts: u64,
        samples: impl Iterator<Item = TableSample>,
    ) {
        if self.chunks.is_empty() {
            (self.first_dts, self.end_dts) = (base_dts, base_dts);
        } else {
            self.stretch_last_to(base_dts);
        }
        let mut count = 0;
        for sample in samples {
            count += 1;
            self.add_sample(sample);
        }
        if count == 0 {
            return;
        }
        self.chunks.push(offset);
        if self
            .stsc
            .entries
            .last()
            .is_none_or(|last| last.samples_per_chunk != count)
        {
            self.stsc.entries.push(StscEntry {
                first_chunk: self.chunks.len() as u32,
                samples_per_chunk: count,
                sample_description_index: 1,
            });
        }
    }

    fn add_sample(&mut self, sample: TableSample) {
        if self.sizes.is_empty() {
            self.first_offset = sample.composition_offset;
        }
        self.latest = self.latest.max(self.last.0 + self.last.1);
        let shown = self.end_dts + u64::from(sample.composition_offset);
        self.earliest = Some(self.earliest.map_or(shown, |earliest| earliest.min(shown)));
        self.last = (shown, sample.duration.into());
        self.sizes.push(sample.size);
        push_run(&mut self.stts.entries, sample.duration);
        match self.ctts.entries.last_mut() {
            Some(run) if run.sample_offset == i64::from(sample.composition_offset) => {
                run.sample_count += 1;
            }
            _ => self.ctts.entries.push(CttsEntry {
                sample_count: 1,
                sample_offset: sample.composition_offset.into(),
            }),
        }
        self.reordered |= sample.composition_offset != 0;
        self.all_key &= sample.key;
        if sample.key {
            let number = self.sizes.len() as u32;
            self.stss.entries.push(number);
        }
        self.end_dts += u64::from(sample.duration);
    }

    /// The last sample lasts until the next one begins, whatever was guessed when it was written.
    fn stretch_last_to(&mut self, next_dts: u64) {
        if next_dts == self.end_dts {
            return;
        }
        let Some(run) = self.stts.entries.last_mut() else {
            return;
        };
        let last = u64::from(run.sample_delta);
        let delta = (next_dts + last).saturating_sub(self.end_dts);
        run.sample_count -= 1;
        if run.sample_count == 0 {
            self.stts.entries.pop();
        }
        let delta = u32::try_from(delta).unwrap_or(u32::MAX);
        push_run(&mut self.stts.entries, delta);
        // Where it cannot be made short enough, the samples after it begin late, and are mended later.
        self.end_dts = self.end_dts - last + u64::from(delta);
        self.last.1 = delta.into();
    }

    pub(crate) fn samples(&self) -> usize {
        self.sizes.len()
    }

    /// Decode time of the first sample, in the track's timescale.
    pub(crate) fn first_dts(&self) -> u64 {
        self.first_dts
    }

    /// Composition time at which the presentation begins: that of the segment's first sample.
    pub(crate) fn zero(&self) -> u64 {
        self.zero.unwrap_or(self.first_offset.into())
    }

    /// Composition time of the first sample, in the track's timescale.
    pub(crate) fn shown_from(&self) -> u64 {
        self.earliest.unwrap_or(0)
    }

    /// When the last sample has been shown: with reordering, not the last one in decode order.
    pub(crate) fn shown_until(&self) -> u64 {
        self.latest.max(self.last.0 + self.last.1)
    }

    /// Duration of the samples, in the track's timescale.
    pub(crate) fn duration(&self) -> u64 {
        self.end_dts.saturating_sub(self.first_dts)
    }

    /// Bytes that a sample takes at the most in the tables: its own entries in `stts`, `ctts`, `stss` and `stsz`.
    pub(crate) const SAMPLE_BOUND: usize = 8 + 8 + 4 + 4;

    /// Bytes that the tables will take at the most once `more_chunks` are added, without their samples.
    pub(crate) fn bound(&self, more_chunks: usize) -> usize {
        const HEADERS: usize = 7 * 20;
        HEADERS
            + 8 * (self.stts.entries.len() + more_chunks)
            + 8 * self.ctts.entries.len()
            + 4 * self.stss.entries.len()
            + 4 * self.samples()
            + 12 * (self.stsc.entries.len() + more_chunks)
            + 8 * (self.chunks.len() + more_chunks)
    }

    /// Writes the tables that follow `stsd` in the `stbl`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
        self.stts.encode(out)?;
        if self.reordered {
            self.ctts.encode(out)?;
        }
        if !self.all_key {
            self.stss.encode(out)?;
        }
        self.stsc.encode(out)?;
        Stsz {
            samples: StszSamples::Different {
                sizes: self.sizes.clone(),
            },
        }
        .encode(out)?;
        if self
            .chunks
            .last()
            .is_none_or(|&last| last <= u64::from(u32::MAX))
        {
            let entries = self.chunks.iter().map(|&offset| offset as u32).collect();
            Stco { entries }.encode(out)
        } else {
            Co64 {
                entries: self.chunks.clone(),
            }
            .encode(out)
        }
    }
}

fn push_run(runs: &mut Vec<SttsEntry>, delta: u32) {
    match runs.last_mut() {
        Some(run) if run.sample_delta == delta => run.sample_count += 1,
        _ => runs.push(SttsEntry {
            sample_count: 1,
            sample_delta: delta,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(duration: u32) -> TableSample {
        TableSample {
            size: 10,
            duration,
            composition_offset: 0,
            key: true,
        }
    }

    #[test]
    fn a_guessed_duration_is_mended_by_the_next_fragment() {
        let mut tables = Tables::new();
        tables.add_chunk(100, 0, [sample(10), sample(10)].into_iter());
        tables.add_chunk(200, 25, [sample(10)].into_iter());
        let runs: Vec<_> = tables
            .stts
            .entries
            .iter()
            .map(|e| (e.sample_count, e.sample_delta))
            .collect();
        assert_eq!(runs, [(1, 10), (1, 15), (1, 10)]);
        assert_eq!(tables.end_dts, 35);
        tables.add_chunk(300, 33, [sample(10)].into_iter());
        let total: u64 = tables
            .stts
            .entries
            .iter()
            .map(|e| u64::from(e.sample_count * e.sample_delta))
            .sum();
        assert_eq!(total, 43);
    }

    #[test]
    fn the_bound_holds_for_the_worst_case() {
        let mut tables = Tables::new();
        for n in 0..500u32 {
            let chunk = (0..1 + n % 3).map(|i| TableSample {
                size: n,
                duration: 100 + (n + i) % 7,
                composition_offset: (n + i) % 5,
                key: n % 2 == 0,
            });
            let more = 1 + (n % 3) as usize;
            let bound = tables.bound(1) + more * Tables::SAMPLE_BOUND;
            tables.add_chunk(u64::from(n) << 25, tables.end_dts + u64::from(n % 2), chunk);
            let mut out = Vec::new();
            tables.encode(&mut out).unwrap();
            assert!(out.len() <= bound, "{} > {bound}", out.len());
        }
    }
}
