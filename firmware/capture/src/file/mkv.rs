//! Matroska files.

use std::fs::File;
use std::path::{Path, PathBuf};

use matroska_demuxer::{DemuxError, Frame, MatroskaFile, TrackEntry, TrackType};
use picam_media::length_prefixed::LengthSize;
use picam_media::{AccessUnit, Codec, ConfigRecord, FrameRate, UnitBuilder, UnitKind};

use super::mp4::fill;
use super::sound::{FileSound, FrameTimes};
use super::window::Window;
use super::{Demuxer, open_regular, to_ticks};
use crate::CaptureError;
use crate::reorder::DecodeTimes;
use crate::source::stream_error;

const NS: u32 = 1_000_000_000;
/// Frame length in [`picam_media::TIMESCALE`] ticks where the file states none.
const USUAL_FRAME: i64 = 3000;

pub(super) struct Mkv {
    path: PathBuf,
    name: String,
    file: MatroskaFile<Window>,
    track: u64,
    /// Nanoseconds of one unit of time.
    scale: u64,
    /// Length of a frame in ticks, if the file states it.
    stated_frame: Option<i64>,
    length_size: LengthSize,
    builder: UnitBuilder,
    frame: Frame,
    times: Option<DecodeTimes>,
    round: Round,
    /// Added to presentation times: the length of earlier rounds.
    offset: i64,
    started: bool,
    sound: FileSound,
    heard: Option<Heard>,
}

/// The track of sound that is recorded.
struct Heard {
    track: u64,
    /// Ticks that a decoder takes to begin.
    delay: i64,
    times: FrameTimes,
}

/// Presentation times seen since the start of the file.
#[derive(Default)]
struct Round {
    first: Option<i64>,
    last: i64,
    before_last: i64,
}

impl Round {
    fn note(&mut self, pts: i64) {
        let Some(first) = self.first else {
            *self = Self {
                first: Some(pts),
                last: pts,
                before_last: pts,
            };
            return;
        };
        self.first = Some(first.min(pts));
        if pts > self.last {
            self.before_last = std::mem::replace(&mut self.last, pts);
        } else if pts < self.last {
            self.before_last = self.before_last.max(pts);
        }
    }

    /// From the first picture to the end of the last, which is as long as `frame` or as the one before.
    fn length(&self, frame: Option<i64>) -> i64 {
        let frame = frame.unwrap_or(self.last - self.before_last).max(1);
        self.last - self.first.unwrap_or(self.last) + frame
    }
}

impl Mkv {
    pub(super) fn open(file: File, path: &Path, name: &str) -> Result<Self, CaptureError> {
        let unusable = |what: &str| CaptureError::Stream(format!("{name}: {what}"));
        let file = open(file, name)?;
        let (sound, heard) = choose_sound(file.tracks());
        let video = |t: &&TrackEntry| codec(t).is_some();
        let track = file.tracks().iter().find(video);
        let track = track.ok_or_else(|| unusable("it holds no H.264 or H.265 video"))?;
        if track.content_encodings().is_some_and(|e| !e.is_empty()) {
            return Err(unusable(
                "its video is compressed or encrypted a second time by the container; remux it without",
            ));
        }
        let codec = codec(track).unwrap_or(Codec::H264);
        let record = track.codec_private().unwrap_or_default();
        let record = ConfigRecord::parse(codec, record).map_err(|e| stream_error(name, e))?;
        let mut builder = UnitBuilder::new(codec);
        for nal in &record.nals {
            builder
                .take_parameter_set(nal)
                .map_err(|e| stream_error(name, e))?;
        }
        let stated = track.default_duration().map(|ns| ns.get());
        let stated = stated
            .and_then(|ns| i64::try_from(ns).ok())
            .map(|ns| to_ticks(ns, NS));
        Ok(Self {
            path: path.to_owned(),
            name: name.to_owned(),
            track: track.track_number().get(),
            scale: file.info().timestamp_scale().get(),
            stated_frame: stated.filter(|&ticks| ticks > 0),
            length_size: record.length_size,
            builder,
            frame: Frame::default(),
            times: None,
            round: Round::default(),
            offset: 0,
            started: false,
            sound,
            heard,
            file,
        })
    }

    /// Fills `unit` if the frame is sound that is heard beside the pictures.
    fn take_sound(&mut self, unit: &mut AccessUnit) -> bool {
        let pts = self.pts().saturating_add(self.offset);
        let times = self.times.as_ref().filter(|_| self.started);
        let (Some(heard), Some(first)) = (&mut self.heard, times.and_then(DecodeTimes::first))
        else {
            return false;
        };
        if self.frame.track != heard.track || self.frame.data.is_empty() {
            return false;
        }
        // The first picture is decoded at 0, and shown as late as reordering wants it; so is sound heard beside it.
        let at = pts.saturating_sub(first).saturating_sub(heard.delay);
        let Some(at) = heard.times.next(at).filter(|&at| at >= 0) else {
            return false;
        };
        unit.begin(UnitKind::Sound);
        unit.data.extend_from_slice(&self.frame.data);
        (unit.dts, unit.pts) = (at, at);
        true
    }

    fn pts(&self) -> i64 {
        let ns = i128::from(self.frame.timestamp) * i128::from(self.scale);
        to_ticks(i64::try_from(ns).unwrap_or(i64::MAX), NS)
    }
}

fn open(file: File, name: &str) -> Result<MatroskaFile<Window>, CaptureError> {
    let window = Window::new(file).map_err(|source| CaptureError::Io {
        context: format!("opening {name}"),
        source,
    })?;
    MatroskaFile::open(window).map_err(|e| demux_error(name, &e))
}

fn demux_error(name: &str, error: &DemuxError) -> CaptureError {
    CaptureError::Stream(format!(
        "{name} is damaged, cut off, or no Matroska file: {error:?}"
    ))
}

/// The track of sound to be recorded, if there is one.
fn choose_sound(tracks: &[TrackEntry]) -> (FileSound, Option<Heard>) {
    let mut heard = tracks
        .iter()
        .filter(|track| track.track_type() == TrackType::Audio);
    let is_aac = |track: &&TrackEntry| track.codec_id().starts_with("A_AAC");
    let Some(track) = heard.clone().find(is_aac).or_else(|| heard.next()) else {
        return (FileSound::None, None);
    };
    let is_plain = track.content_encodings().is_none_or(<[_]>::is_empty);
    let sound = match track.codec_private().filter(|_| is_aac(&track) && is_plain) {
        Some(config) => FileSound::aac(config),
        None => FileSound::LeftOut(track.codec_id().to_owned()),
    };
    let FileSound::Recorded(format) = sound else {
        return (sound, None);
    };
    let delay = i64::try_from(track.codec_delay().unwrap_or(0)).unwrap_or(0);
    let heard = Heard {
        track: track.track_number().get(),
        delay: to_ticks(delay, NS),
        times: FrameTimes::new(format),
    };
    (sound, Some(heard))
}

fn codec(track: &TrackEntry) -> Option<Codec> {
    match track.codec_id() {
        "V_MPEG4/ISO/AVC" => Some(Codec::H264),
        "V_MPEGH/ISO/HEVC" => Some(Codec::H265),
        _ => None,
    }
}

impl Demuxer for Mkv {
    fn read(&mut self, unit: &mut AccessUnit) -> Result<bool, CaptureError> {
        loop {
            // The demuxer takes any failure to read for the end of the file, and cannot go on behind damage.
            match self.file.next_frame(&mut self.frame) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if !self.started => return Err(demux_error(&self.name, &error)),
                Err(_) => {
                    let counted = self.builder.count_damage();
                    counted.map_err(|e| stream_error(&self.name, e))?;
                    return Ok(false);
                }
            }
            if self.take_sound(unit) {
                return Ok(true);
            }
            if self.frame.track != self.track {
                continue;
            }
            unit.kind = UnitKind::Video;
            let flagged = self.frame.is_keyframe.unwrap_or(false);
            let data = &self.frame.data;
            let useful = fill(&mut self.builder, unit, data, self.length_size, flagged);
            if !useful.map_err(|e| stream_error(&self.name, e))? {
                continue;
            }
            if !(self.started || unit.start.is_start()) {
                self.builder.skip(unit);
                continue;
            }
            self.started = true;
            let pts = self.pts();
            self.round.note(pts);
            let facts = self.builder.sets().facts();
            let frame = self
                .stated_frame
                .or(facts
                    .and_then(|f| f.rate)
                    .map(|r: FrameRate| r.frame_ticks().into()))
                .unwrap_or(USUAL_FRAME);
            let depth = facts.map_or(0, |f| f.max_reorder);
            let times = self
                .times
                .get_or_insert_with(|| DecodeTimes::new(depth, frame));
            (unit.dts, unit.pts) = times.next(pts.saturating_add(self.offset));
            return Ok(true);
        }
    }

    fn restart(&mut self) -> Result<(), CaptureError> {
        let file = open_regular(&self.path).map_err(|source| CaptureError::Io {
            context: format!("opening {} again", self.name),
            source,
        })?;
        self.file = open(file, &self.name)?;
        self.offset = self
            .offset
            .saturating_add(self.round.length(self.stated_frame));
        self.round = Round::default();
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
