//! Movie fragments (ISO/IEC 14496-12 8.8).

use std::ops::Range;

use mp4_atom::{Tfdt, Tfhd, Trex, Trun, TrunSamples};

use super::boxes::{BoxHeader, InMemory, load};
use super::error::ReadError;
use super::moov::is_pcm;
use super::tables::PCM_RUN;
use super::{Budget, MAX_MOOF, Sample, Track};
use crate::storage::ReadAt;

/// `sample_depends_on` says that the sample depends on others (8.8.3.1).
const DEPENDS_ON_OTHERS: u32 = 0x0100_0000;
const IS_NON_SYNC: u32 = 0x0001_0000;

/// A `moof` and the `mdat` behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Offset of the `moof`.
    pub offset: u64,
    /// Offset of the byte behind its last `mdat`.
    pub end: u64,
    /// Which of [`Track::samples`] it holds, for every track in the order of the movie's tracks.
    pub samples: Vec<Range<usize>>,
    header: BoxHeader,
}

impl Fragment {
    pub(super) fn at(header: BoxHeader) -> Self {
        Self {
            offset: header.offset,
            end: header.end,
            samples: Vec::new(),
            header,
        }
    }
}

/// What holds for the samples of a track unless a fragment says otherwise.
pub(super) struct Defaults {
    pub(super) trex: Trex,
    /// Decode time of the next sample where no `tfdt` states it.
    pub(super) next_dts: i64,
}

impl Defaults {
    pub(super) fn new(trex: Trex) -> Self {
        Self { trex, next_dts: 0 }
    }
}

/// Reads one fragment and adds its samples to the tracks.
pub(super) fn read(
    src: &(impl ReadAt + ?Sized),
    fragment: &mut Fragment,
    tracks: &mut [Track],
    defaults: &mut [Defaults],
    budget: &mut Budget,
) -> Result<(), ReadError> {
    let payload = load(src, fragment.header, MAX_MOOF)?;
    let moof = InMemory {
        header: fragment.header,
        payload: &payload,
    };
    let before: Vec<usize> = tracks.iter().map(|track| track.samples.len()).collect();
    // Without base-data-offset and default-base-is-moof, data starts at the moof for the first
    // track fragment and behind the data of the one before for all others (8.8.7.1).
    let mut data_end = fragment.offset;
    for traf in moof.children(0) {
        let traf = traf?;
        if traf.header.kind != b"traf" {
            continue;
        }
        let tfhd_box = traf.need(b"tfhd")?;
        let tfhd: Tfhd = tfhd_box.decode()?;
        let track = tracks.iter_mut().find(|track| track.id == tfhd.track_id);
        let defaults = defaults
            .iter_mut()
            .find(|defaults| defaults.trex.track_id == tfhd.track_id);
        let (Some(track), Some(defaults)) = (track, defaults) else {
            let what = format!("track {} is not announced in the moov", tfhd.track_id);
            return Err(tfhd_box.header.malformed(what));
        };
        let base = match tfhd.base_data_offset {
            Some(base) => base,
            None if tfhd.default_base_is_moof => fragment.offset,
            None => data_end,
        };
        if let Some(tfdt) = traf.child(b"tfdt")? {
            let start = tfdt.decode::<Tfdt>()?.base_media_decode_time;
            defaults.next_dts = i64::try_from(start)
                .ok()
                .filter(|&start| start < i64::MAX / 4)
                .ok_or_else(|| tfdt.header.malformed("states a time beyond any duration"))?;
        }
        let mut runs = Runs {
            pcm: is_pcm(track.handler, track.codec),
            track,
            defaults,
            tfhd: &tfhd,
            base,
            data_end: base,
        };
        for trun in traf.children(0) {
            let trun = trun?;
            if trun.header.kind == b"trun" {
                runs.add(&trun, budget)?;
            }
        }
        data_end = runs.data_end;
    }
    let ranges = before.iter().zip(tracks.iter());
    fragment.samples = ranges
        .map(|(&before, track)| before..track.samples.len())
        .collect();
    Ok(())
}

/// The runs of one track fragment.
struct Runs<'a> {
    track: &'a mut Track,
    defaults: &'a mut Defaults,
    tfhd: &'a Tfhd,
    pcm: bool,
    base: u64,
    /// Where a run without an offset of its own starts.
    data_end: u64,
}

impl Runs<'_> {
    fn add(&mut self, trun_box: &InMemory<'_>, budget: &mut Budget) -> Result<(), ReadError> {
        let trun: Trun = trun_box.decode()?;
        let trex = &self.defaults.trex;
        let tfhd = self.tfhd;
        let duration = tfhd.default_sample_duration;
        let duration = duration.unwrap_or(trex.default_sample_duration);
        let size = tfhd.default_sample_size.unwrap_or(trex.default_sample_size);
        let flags = tfhd.default_sample_flags;
        let flags = flags.unwrap_or(trex.default_sample_flags);
        let description = tfhd.sample_description_index;
        let description = description.unwrap_or(trex.default_sample_description_index);
        let known = usize::try_from(description).unwrap_or(0);
        if !(1..=self.track.entries.len()).contains(&known) {
            let what = format!("names sample entry {description}, which is not there");
            return Err(trun_box.header.malformed(what));
        }
        let mut offset = match trun.data_offset {
            Some(relative) => self
                .base
                .checked_add_signed(relative.into())
                .ok_or_else(|| trun_box.header.malformed("its data lies outside the file"))?,
            None => self.data_end,
        };
        let mut dts = self.defaults.next_dts;
        let mut push = |size: u32, duration: u32, flags: u32, cts: i64, run: u32| {
            let sample = Sample {
                offset,
                dts,
                size,
                // Version 0 offsets are unsigned by the standard and negative in practice.
                cts_offset: cts as i32,
                duration,
                description,
                run,
                key: !self.track.is_video() || flags & (IS_NON_SYNC | DEPENDS_ON_OTHERS) == 0,
            };
            let before = self.track.samples.len();
            budget.take(&trun_box.header, self.track.id, before, &sample)?;
            self.track.samples.push(sample);
            offset = sample.end();
            dts = dts.saturating_add(i64::from(duration));
            Ok::<(), ReadError>(())
        };
        match &trun.samples {
            TrunSamples::Inherited { count, .. } if self.pcm => {
                let mut left = *count;
                while left > 0 {
                    let run = left.min(PCM_RUN);
                    let too_long = || trun_box.header.malformed("a run of PCM overflows 32 bits");
                    let size = size.checked_mul(run).ok_or_else(too_long)?;
                    let duration = duration.checked_mul(run).ok_or_else(too_long)?;
                    push(size, duration, flags, 0, run)?;
                    left -= run;
                }
            }
            samples => {
                for entry in samples {
                    push(
                        entry.size.unwrap_or(size),
                        entry.duration.unwrap_or(duration),
                        entry.flags.unwrap_or(flags),
                        entry.cts.unwrap_or(0),
                        1,
                    )?;
                }
            }
        }
        self.data_end = offset;
        self.defaults.next_dts = dts;
        Ok(())
    }
}
