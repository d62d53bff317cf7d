//! MP4 files.

use std::fs::File;

use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Codec, MediaError, UnitBuilder};
use picam_mp4::ReadAt;
use picam_mp4::read::{self, Movie, Sample, SampleEntry, Track};

use super::{Demuxer, to_ticks};
use crate::CaptureError;
use crate::source::stream_error;

pub(super) struct Mp4 {
    file: File,
    name: String,
    timescale: u32,
    samples: Vec<Sample>,
    entries: Vec<SampleEntry>,
    builder: UnitBuilder,
    /// The sample entry whose parameter sets were taken, and the size of its lengths.
    entry: Option<(u32, LengthSize)>,
    next: usize,
    /// Added to decode times: minus that of the first sample, plus the length of earlier rounds.
    offset: i64,
    /// Added to presentation times besides, so that none is before its decode time.
    delay: i64,
    /// Length of one round in the track's ticks.
    length: i64,
    started: bool,
    scratch: Vec<u8>,
}

impl Mp4 {
    pub(super) fn open(file: File, name: &str) -> Result<Self, CaptureError> {
        let unusable = |what: &str| CaptureError::Stream(format!("{name}: {what}"));
        let movie = Movie::read(&file).map_err(|e| unusable(&e.to_string()))?;
        let coded = |track: &Track| track.entries.iter().any(|e| e.parameter_sets.is_some());
        let track = movie.tracks.into_iter().find(|t| t.is_video() && coded(t));
        let track = track.ok_or_else(|| unusable("it holds no H.264 or H.265 video"))?;
        let sets = track.entries.iter().find_map(|e| e.parameter_sets.as_ref());
        let codec = match sets.map(|s| s.codec) {
            Some(read::Codec::H265) => Codec::H265,
            _ => Codec::H264,
        };
        let (Some(first), Some(last)) = (track.samples.first(), track.samples.last()) else {
            return Err(unusable("its video track is empty"));
        };
        let earliest = track
            .samples
            .iter()
            .map(|s| s.cts_offset)
            .min()
            .unwrap_or(0);
        let before_last = track
            .samples
            .iter()
            .rev()
            .nth(1)
            .map_or(last.dts, |s| s.dts);
        let last_length = match last.duration {
            0 => last.dts.saturating_sub(before_last),
            duration => i64::from(duration),
        };
        Ok(Self {
            name: name.to_owned(),
            timescale: track.timescale,
            offset: first.dts.saturating_neg(),
            delay: -i64::from(earliest.min(0)),
            length: last
                .dts
                .saturating_sub(first.dts)
                .saturating_add(last_length.max(1)),
            samples: track.samples,
            entries: track.entries,
            builder: UnitBuilder::new(codec),
            entry: None,
            next: 0,
            started: false,
            scratch: Vec::new(),
            file,
        })
    }

    /// Takes the parameter sets of the sample's entry, if it is another one.
    fn enter(&mut self, description: u32) -> Result<LengthSize, CaptureError> {
        if let Some((_, length_size)) = self.entry.filter(|&(current, _)| current == description) {
            return Ok(length_size);
        }
        let index = usize::try_from(description)
            .ok()
            .and_then(|d| d.checked_sub(1));
        let entry = index.and_then(|i| self.entries.get(i));
        let sets = entry.and_then(|e| e.parameter_sets.as_ref());
        let usable = sets.and_then(|sets| {
            Some((
                sets,
                LengthSize::from_minus_one(sets.length_size.checked_sub(1)?)?,
            ))
        });
        let Some((sets, length_size)) = usable else {
            return Err(CaptureError::Stream(format!(
                "{}: its sample entry {description} is no H.264 or H.265",
                self.name
            )));
        };
        for set in [&sets.vps, &sets.sps, &sets.pps].into_iter().flatten() {
            let taken = self.builder.take_parameter_set(set);
            taken.map_err(|e| stream_error(&self.name, e))?;
        }
        self.entry = Some((description, length_size));
        Ok(length_size)
    }

    fn fill(&mut self, unit: &mut AccessUnit, sample: &Sample) -> Result<bool, CaptureError> {
        let length_size = self.enter(sample.description)?;
        self.scratch.resize(sample.size as usize, 0);
        let read = self.file.read_exact_at(sample.offset, &mut self.scratch);
        read.map_err(|source| CaptureError::Io {
            context: format!("reading {}", self.name),
            source,
        })?;
        push_all(&mut self.builder, unit, &self.scratch, length_size)
            .map_err(|e| stream_error(&self.name, e))
    }
}

/// Fills `unit` from a sample; whether it is of use.
pub(super) fn push_all(
    builder: &mut UnitBuilder,
    unit: &mut AccessUnit,
    sample: &[u8],
    length_size: LengthSize,
) -> Result<bool, MediaError> {
    builder.begin(unit);
    for nal in length_prefixed_nals(sample, length_size) {
        builder.push(unit, nal?)?;
    }
    Ok(builder.finish(unit))
}

impl Demuxer for Mp4 {
    fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, CaptureError> {
        while let Some(sample) = self.samples.get(self.next).copied() {
            self.next += 1;
            if !self.fill(unit, &sample)? || !(self.started || unit.key) {
                continue;
            }
            self.started = true;
            let dts = sample.dts.saturating_add(self.offset);
            let pts = dts
                .saturating_add(i64::from(sample.cts_offset))
                .saturating_add(self.delay);
            unit.dts = to_ticks(dts, self.timescale.into());
            unit.pts = to_ticks(pts, self.timescale.into());
            return Ok(true);
        }
        Ok(false)
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        self.offset = self.offset.saturating_add(self.length);
        self.next = 0;
        self.started = false;
        Ok(())
    }
}
