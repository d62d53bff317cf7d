//! MP4 files.

use std::fs::File;
use std::ops::Range;

use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Codec, MediaError, UnitBuilder, UnitKind};
use picam_mp4::ReadAt;
use picam_mp4::read::{self, Movie, Sample, SampleEntry, Track};

use super::sound::{self, FileSound, SoundTrack};
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
    /// Where this round begins, in the track's ticks.
    round: i64,
    sound: FileSound,
    heard: Option<SoundTrack>,
    /// What was left out at the end of the file, until it was counted.
    damage_behind: u32,
    started: bool,
    scratch: Vec<u8>,
}

impl Mp4 {
    pub(super) fn open(file: File, name: &str) -> Result<Self, CaptureError> {
        let unusable = |what: &str| CaptureError::Stream(format!("{name}: {what}"));
        let (movie, damage) = Movie::read_intact(&file).map_err(|e| unusable(&e.to_string()))?;
        let mut tracks = movie.tracks;
        let (sound, heard) = sound::choose(&mut tracks);
        let coded = |track: &Track| track.entries.iter().any(|e| e.parameter_sets.is_some());
        let movie_timescale = movie.timescale;
        let track = tracks.into_iter().find(|t| t.is_video() && coded(t));
        let mut track = track.ok_or_else(|| unusable("it holds no H.264 or H.265 video"))?;
        let sets = track.entries.iter().find_map(|e| e.parameter_sets.as_ref());
        let codec = match sets.map(|s| s.codec) {
            Some(read::Codec::H265) => Codec::H265,
            _ => Codec::H264,
        };
        let shown = shown(&track);
        let delay = empty_edits(&track, movie_timescale);
        track.samples.truncate(shown.end);
        track.samples.drain(..shown.start);
        let first_shown = track.samples.first().map_or(0, |s| track.presentation(s));
        let first_shown = to_ticks(first_shown, track.timescale);
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
        let length = last
            .dts
            .saturating_sub(first.dts)
            .saturating_add(last_length.max(1))
            .saturating_add(delay);
        Ok(Self {
            name: name.to_owned(),
            timescale: track.timescale,
            offset: delay.saturating_sub(first.dts),
            delay: -i64::from(earliest.min(0)),
            length,
            round: 0,
            sound,
            heard: heard.map(|heard| {
                let shift = to_ticks(delay, track.timescale).saturating_sub(first_shown);
                SoundTrack::new(heard, shift)
            }),
            damage_behind: damage,
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
        fill(
            &mut self.builder,
            unit,
            &self.scratch,
            length_size,
            sample.key,
        )
        .map_err(|e| stream_error(&self.name, e))
    }
}

/// The samples that are shown, as the edit list says, and those that they need: from the last sync sample
/// at or before the first shown picture to the last shown one in decoding order.
fn shown(track: &Track) -> Range<usize> {
    let samples = &track.samples;
    let end = track.presentation_end();
    let is_shown = |sample: &Sample| (0..end).contains(&track.presentation(sample));
    if track.edits.is_empty() {
        return 0..samples.len();
    }
    let Some(first) = samples.iter().position(is_shown) else {
        return 0..0;
    };
    let last = samples.iter().rposition(is_shown).unwrap_or(first);
    let sync = samples.iter().take(first + 1).rposition(|s| s.key);
    sync.unwrap_or(0)..last + 1
}

/// How long nothing is shown at the beginning, in the track's ticks.
fn empty_edits(track: &Track, movie_timescale: u32) -> i64 {
    let empty = track.edits.iter().take_while(|e| e.media_time.is_none());
    let ticks: u128 = empty.map(|e| u128::from(e.duration)).sum();
    let ticks = ticks * u128::from(track.timescale) / u128::from(movie_timescale.max(1));
    i64::try_from(ticks).unwrap_or(0)
}

/// Fills `unit` from a sample that the container calls a start or not; whether it is of use. A sample
/// whose lengths do not hold is left out and counted.
pub(super) fn fill(
    builder: &mut UnitBuilder,
    unit: &mut AccessUnit,
    sample: &[u8],
    length_size: LengthSize,
    flagged: bool,
) -> Result<bool, MediaError> {
    builder.begin(unit);
    for nal in length_prefixed_nals(sample, length_size) {
        match nal {
            Ok(nal) => builder.push(unit, nal)?,
            Err(_) => {
                builder.count_damage()?;
                return Ok(false);
            }
        }
    }
    builder.finish_flagged(unit, flagged)
}

impl Mp4 {
    /// Fills `unit` with sound that is heard before the next picture, or before the end of the last one.
    fn read_sound(&mut self, unit: &mut AccessUnit) -> Result<sound::Next, CaptureError> {
        let (Some(heard), true) = (&mut self.heard, self.started) else {
            return Ok(sound::Next::NotDue);
        };
        let until = match self.samples.get(self.next) {
            Some(sample) => sample.dts.saturating_add(self.offset),
            None => self.round.saturating_add(self.length),
        };
        let round = to_ticks(self.round, self.timescale);
        let until = to_ticks(until, self.timescale);
        let read = heard.read(&self.file, round, until, unit);
        read.map_err(|source| CaptureError::Io {
            context: format!("reading {}", self.name),
            source,
        })
    }
}

impl Demuxer for Mp4 {
    fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, CaptureError> {
        loop {
            match self.read_sound(unit)? {
                sound::Next::Unit => return Ok(true),
                sound::Next::NotDue => {}
                sound::Next::Damaged => {
                    let counted = self.builder.count_damage();
                    counted.map_err(|e| stream_error(&self.name, e))?;
                    continue;
                }
            }
            unit.kind = UnitKind::Video;
            let Some(sample) = self.samples.get(self.next).copied() else {
                break;
            };
            self.next += 1;
            if !self.fill(unit, &sample)? {
                continue;
            }
            if !(self.started || unit.start.is_start()) {
                self.builder.skip(unit);
                continue;
            }
            let dts = sample.dts.saturating_add(self.offset);
            let pts = dts
                .saturating_add(i64::from(sample.cts_offset))
                .saturating_add(self.delay);
            unit.dts = to_ticks(dts, self.timescale);
            unit.pts = to_ticks(pts, self.timescale);
            let begins = !std::mem::replace(&mut self.started, true);
            if let (Some(heard), true) = (&mut self.heard, begins) {
                heard.skip_before(to_ticks(self.round, self.timescale), unit.dts);
            }
            return Ok(true);
        }
        for _ in 0..std::mem::take(&mut self.damage_behind) {
            let counted = self.builder.count_damage();
            counted.map_err(|e| stream_error(&self.name, e))?;
        }
        Ok(false)
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        self.offset = self.offset.saturating_add(self.length);
        self.round = self.round.saturating_add(self.length);
        self.next = 0;
        self.started = false;
        Ok(())
    }

    fn take_damage(&mut self) -> u32 {
        self.builder.take_damage()
    }

    fn sound(&self) -> FileSound {
        self.sound.clone()
    }
}
