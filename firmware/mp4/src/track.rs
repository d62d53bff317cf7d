//! What a track is, apart from its samples.

use picam_time::{BootNs, TIMESCALE};

use crate::sample_entry::{self, EntryError};

/// The kinds of track that a segment may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// H.264 or H.265; the first track of every segment.
    Video,
    /// AAC, Opus, PCM or G.711.
    Audio,
    /// Camera motion metadata: fixes, speed, acceleration.
    Camm,
    /// Timed text.
    Text,
}

impl TrackKind {
    /// The `hdlr` type: what exiftool, mapillary_tools and VLC look for.
    pub(crate) const fn handler(self) -> &'static [u8; 4] {
        match self {
            Self::Video => b"vide",
            Self::Audio => b"soun",
            Self::Camm => b"camm",
            Self::Text => b"sbtl",
        }
    }

    pub(crate) const fn handler_name(self) -> &'static str {
        match self {
            Self::Video => "picam video",
            Self::Audio => "picam audio",
            Self::Camm => "CameraMetadataMotionHandler",
            Self::Text => "picam text",
        }
    }

    pub(crate) fn from_handler(handler: [u8; 4]) -> Option<Self> {
        [Self::Video, Self::Audio, Self::Camm, Self::Text]
            .into_iter()
            .find(|kind| *kind.handler() == handler)
    }
}

/// One track of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackConfig {
    /// What it holds.
    pub kind: TrackKind,
    /// Ticks a second of its samples' times.
    pub timescale: u32,
    /// The whole `stsd` box, from [`sample_entry`].
    pub stsd: Vec<u8>,
    /// Picture size for video, else zero.
    pub width: u16,
    /// Picture size for video, else zero.
    pub height: u16,
}

impl TrackConfig {
    /// A video track on the 90 kHz clock.
    pub fn video(stsd: Vec<u8>, width: u16, height: u16) -> Self {
        Self {
            kind: TrackKind::Video,
            timescale: TIMESCALE,
            stsd,
            width,
            height,
        }
    }

    /// An audio track; `timescale` is the sample rate.
    pub fn audio(stsd: Vec<u8>, timescale: u32) -> Self {
        Self {
            kind: TrackKind::Audio,
            timescale,
            stsd,
            width: 0,
            height: 0,
        }
    }

    /// A track of camera motion metadata, in milliseconds.
    pub fn camm() -> Result<Self, EntryError> {
        let stsd = sample_entry::camm()?;
        Ok(Self {
            kind: TrackKind::Camm,
            timescale: 1000,
            stsd,
            width: 0,
            height: 0,
        })
    }

    /// A text track, in milliseconds.
    pub fn text() -> Result<Self, EntryError> {
        let stsd = sample_entry::tx3g()?;
        Ok(Self {
            kind: TrackKind::Text,
            timescale: 1000,
            stsd,
            width: 0,
            height: 0,
        })
    }
}

/// Index of the video track, the first of every segment.
pub const VIDEO_TRACK: usize = 0;

/// One sample handed to the writer.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// Index into the segment's tracks; [`VIDEO_TRACK`] is the video.
    pub track: usize,
    /// Decode time in the track's timescale, on a timeline common to all tracks. What other tracks
    /// hold from before a segment's first picture belongs into the segment before: here it would
    /// be shown from the segment's start.
    pub dts: i64,
    /// Presentation time minus decode time.
    pub composition_offset: u32,
    /// How long it lasts if nothing follows, in the track's timescale.
    pub duration: u32,
    /// Whether decoding can start here; `true` for all but video.
    pub key: bool,
    /// When it was captured: what decides when it must be on
    /// the card.
    pub captured: BootNs,
    /// The coded bytes.
    pub data: &'a [u8],
}

impl Sample<'_> {
    /// Whether it is one of the video, which decides when fragments are closed and what the segment counts.
    pub fn is_picture(&self) -> bool {
        self.track == VIDEO_TRACK
    }
}
