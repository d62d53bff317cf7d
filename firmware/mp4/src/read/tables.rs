//! Sample tables (ISO/IEC 14496-12 8.6.1, 8.7): from compact tables to one [`Sample`] each.

use mp4_atom::{Co64, Ctts, Stco, Stsc, Stss, Stsz, StszSamples, Stts};

use super::boxes::InMemory;
use super::error::ReadError;
use super::{Budget, Sample};

/// The longest run of PCM that is handed out as one sample.
pub(super) const PCM_RUN: u32 = 1024;

/// What the tables do not say themselves.
pub(super) struct Table {
    pub(super) track: u32,
    pub(super) video: bool,
    pub(super) pcm: bool,
    pub(super) descriptions: usize,
}

/// Sample sizes as the file stores them.
enum Sizes {
    Same { size: u32, count: u32 },
    Each(Vec<u32>),
}

impl Sizes {
    fn count(&self) -> u32 {
        match self {
            Self::Same { count, .. } => *count,
            Self::Each(sizes) => u32::try_from(sizes.len()).unwrap_or(u32::MAX),
        }
    }

    fn get(&self, index: u32) -> u32 {
        match self {
            Self::Same { size, .. } => *size,
            Self::Each(sizes) => {
                let size = usize::try_from(index).ok().and_then(|i| sizes.get(i));
                size.copied().unwrap_or(0)
            }
        }
    }
}

/// Values that hold for a number of samples each; the last holds on behind the table's end.
struct Runs<I> {
    runs: I,
    left: u32,
    value: i64,
}

impl<I: Iterator<Item = (u32, i64)>> Runs<I> {
    fn new(runs: I) -> Self {
        Self {
            runs,
            left: 0,
            value: 0,
        }
    }

    /// The value in force and for how many samples it holds at least (1 or more).
    fn current(&mut self) -> (i64, u32) {
        while self.left == 0 {
            match self.runs.next() {
                Some((count, value)) => (self.left, self.value) = (count, value),
                None => self.left = u32::MAX,
            }
        }
        (self.value, self.left)
    }

    fn advance(&mut self, n: u32) {
        self.left = self.left.saturating_sub(n);
    }
}

/// Expands the tables of one track. A track without samples (as in an init) gives none.
pub(super) fn expand(
    stbl: &InMemory<'_>,
    table: &Table,
    budget: &mut Budget,
) -> Result<Vec<Sample>, ReadError> {
    let Some((sizes_box, sizes)) = sizes(stbl)? else {
        return Ok(Vec::new());
    };
    let count = sizes.count();
    if count == 0 {
        return Ok(Vec::new());
    }
    let stts: Stts = stbl.need(b"stts")?.decode()?;
    let stsc_box = stbl.need(b"stsc")?;
    let stsc: Stsc = stsc_box.decode()?;
    let ctts = stbl
        .child(b"ctts")?
        .map(|b| b.decode::<Ctts>())
        .transpose()?;
    let stss = match stbl.child(b"stss")? {
        // Sound decodes from anywhere; some writers list its first sample only.
        Some(stss) if table.video => Some(stss.decode::<Stss>()?),
        _ => None,
    };
    let chunks = chunk_offsets(stbl)?;

    let deltas = stts.entries.iter();
    let mut deltas = Runs::new(deltas.map(|e| (e.sample_count, i64::from(e.sample_delta))));
    let offsets = ctts.iter().flat_map(|ctts| &ctts.entries);
    // Composition offsets of version 0 are unsigned by the standard and negative in practice.
    let offsets = offsets.map(|e| (e.sample_count, i64::from(e.sample_offset as i32)));
    // Behind the table's end there is no offset.
    let mut offsets = Runs::new(offsets.chain([(u32::MAX, 0)]));
    let mut groups = stsc.entries.iter().peekable();
    let mut group = None;

    let mut samples = Vec::new();
    let mut dts = 0i64;
    let mut index = 0u32;
    for (chunk, &start) in (1u32..).zip(&chunks) {
        while let Some(next) = groups.next_if(|next| next.first_chunk <= chunk) {
            group = Some(next);
        }
        let group = group.ok_or_else(|| stsc_box.header.malformed("does not start at chunk 1"))?;
        let description = group.sample_description_index;
        if !(1..=table.descriptions).contains(&usize::try_from(description).unwrap_or(0)) {
            let what =
                format!("chunk {chunk} names sample entry {description}, which is not there");
            return Err(stsc_box.header.malformed(what));
        }
        let mut offset = start;
        let mut left = group.samples_per_chunk.min(count.saturating_sub(index));
        while left > 0 {
            let (delta, same_delta) = deltas.current();
            let (cts_offset, _) = offsets.current();
            let run = match (&sizes, table.pcm) {
                (Sizes::Same { .. }, true) => left.min(same_delta).min(PCM_RUN),
                _ => 1,
            };
            let bytes = u64::from(sizes.get(index)) * u64::from(run);
            let ticks = u64::try_from(delta).unwrap_or(0) * u64::from(run);
            let too_long = || sizes_box.header.malformed("a run of PCM overflows 32 bits");
            let sample = Sample {
                offset,
                dts,
                size: u32::try_from(bytes).map_err(|_| too_long())?,
                cts_offset: i32::try_from(cts_offset).unwrap_or(0),
                duration: u32::try_from(ticks).map_err(|_| too_long())?,
                description,
                run,
                key: stss.is_none(),
            };
            budget.take(&sizes_box.header, table.track, samples.len(), &sample)?;
            samples.push(sample);
            offset = offset.saturating_add(bytes);
            dts = dts.saturating_add(i64::from(sample.duration));
            deltas.advance(run);
            offsets.advance(run);
            index = index.saturating_add(run);
            left = left.saturating_sub(run);
        }
        if index == count {
            break;
        }
    }
    if index < count {
        let what = format!("lists {count} samples, but the chunks hold {index}");
        return Err(sizes_box.header.malformed(what));
    }
    for number in stss.iter().flat_map(|stss| &stss.entries) {
        let index = usize::try_from(*number).ok().and_then(|n| n.checked_sub(1));
        if let Some(sample) = index.and_then(|index| samples.get_mut(index)) {
            sample.key = true;
        }
    }
    Ok(samples)
}

fn sizes<'a>(stbl: &InMemory<'a>) -> Result<Option<(InMemory<'a>, Sizes)>, ReadError> {
    if let Some(stsz) = stbl.child(b"stsz")? {
        let sizes = match stsz.decode::<Stsz>()?.samples {
            StszSamples::Identical { count, size } => Sizes::Same { size, count },
            StszSamples::Different { sizes } => Sizes::Each(sizes),
        };
        return Ok(Some((stsz, sizes)));
    }
    let Some(stz2) = stbl.child(b"stz2")? else {
        return Ok(None);
    };
    let sizes = compact_sizes(stz2.payload).ok_or_else(|| {
        let what = "its field size is not 4, 8 or 16 bits, or it ends before its last entry";
        stz2.header.malformed(what)
    })?;
    Ok(Some((stz2, Sizes::Each(sizes))))
}

/// The compact sample size box (8.7.3.3): version and flags, 24 reserved bits, the field size in
/// bits, the count, the sizes.
fn compact_sizes(payload: &[u8]) -> Option<Vec<u32>> {
    let (fields, table) = payload.split_first_chunk::<12>()?;
    let [_, _, _, _, _, _, _, bits, count @ ..] = fields;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    let sizes: Vec<u32> = match bits {
        4 => {
            let halves = |byte: &u8| [u32::from(byte >> 4), u32::from(byte & 15)];
            table.iter().flat_map(halves).take(count).collect()
        }
        8 => table.iter().take(count).map(|&size| size.into()).collect(),
        16 => {
            let pairs = table.chunks_exact(2).take(count);
            let size = |pair: &[u8]| pair.iter().fold(0, |n, &byte| n << 8 | u32::from(byte));
            pairs.map(size).collect()
        }
        _ => return None,
    };
    (sizes.len() == count).then_some(sizes)
}

fn chunk_offsets(stbl: &InMemory<'_>) -> Result<Vec<u64>, ReadError> {
    if let Some(co64) = stbl.child(b"co64")? {
        return Ok(co64.decode::<Co64>()?.entries);
    }
    let stco: Stco = stbl.need(b"stco")?.decode()?;
    Ok(stco.entries.into_iter().map(u64::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_sizes_have_4_8_or_16_bits() {
        let read = |bits: u8, count: u8, table: &[u8]| {
            let fields = [0, 0, 0, 0, 0, 0, 0, bits, 0, 0, 0, count];
            compact_sizes(&[&fields, table].concat())
        };
        assert_eq!(read(4, 3, &[0x5f, 0xa0]), Some(vec![5, 15, 10]));
        assert_eq!(read(8, 2, &[200, 7, 9]), Some(vec![200, 7]));
        assert_eq!(read(16, 2, &[0x12, 0x34, 0, 5, 6]), Some(vec![0x1234, 5]));
        assert_eq!(read(8, 0, &[]), Some(vec![]));
        for (bits, table) in [
            (4, &[1][..]),
            (8, &[1, 2]),
            (16, &[1, 2, 3, 4, 5]),
            (12, &[0; 9]),
        ] {
            assert_eq!(read(bits, 3, table), None);
        }
        assert_eq!(compact_sizes(&[0; 11]), None);
    }
}
