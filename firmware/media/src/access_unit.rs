//! One coded picture on its way from a camera to the card and to live viewers.

use std::sync::Arc;

use picam_time::{BootNs, TIMESCALE};

/// Nothing is shown later than this behind its decoding, in ticks.
const MAX_COMPOSITION: u32 = 60 * TIMESCALE;

/// How the pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// ITU-T H.264 | ISO/IEC 14496-10.
    H264,
    /// ITU-T H.265 | ISO/IEC 23008-2.
    H265,
}

/// The parameter sets of a stream, apart from its slices, and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterSets {
    /// How the pictures are coded.
    pub codec: Codec,
    /// H.265 video parameter sets as NAL units without start code; empty for H.264.
    pub vps: Vec<Vec<u8>>,
    /// Sequence parameter sets.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub pps: Vec<Vec<u8>>,
    /// Picture width after cropping, in luma samples.
    pub width: u16,
    /// Picture height after cropping, in luma samples.
    pub height: u16,
    /// Frame duration in [`TIMESCALE`] ticks where the VUI states a fixed rate.
    pub frame_ticks: Option<u32>,
}

/// Whether, and how, decoding can start at a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Start {
    /// Nothing before it is needed, and nothing behind it refers to what came before: IDR, and in H.265
    /// also BLA.
    Idr,
    /// H.264 and H.265: a recovery point without being a random access picture by its type (an intra
    /// picture in an open group, or the first picture of an intra refresh).
    Recovery,
    /// H.265: clean random access. Leading pictures behind it may need what came before.
    Cra,
    /// It needs pictures before it.
    #[default]
    None,
}

impl Start {
    /// Whether decoding can start here, in whatever way.
    pub const fn is_start(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether every picture that follows in decoding order can be decoded when decoding starts here.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Idr)
    }
}

/// Pictures that follow a [`Start`] in decoding order and precede it in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Leading {
    /// Not leading.
    #[default]
    No,
    /// Can be decoded when decoding starts at that start (RADL).
    Decodable,
    /// May need what came before that start (RASL; every leading picture in H.264, which does not say).
    Skipped,
}

/// What an access unit is a part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnitKind {
    /// A coded picture.
    #[default]
    Video,
    /// Coded sound, or a stretch of PCM.
    Sound,
    /// Place or motion: a sample of `camm`.
    Motion,
    /// A line of text: a sample of `tx3g`.
    Text,
}

impl UnitKind {
    /// All but the pictures.
    pub const SIDE: [Self; 3] = [Self::Sound, Self::Motion, Self::Text];
}

/// One access unit. Sources fill the same few over and over, so that recording allocates nothing
/// a frame in steady state.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// What it is a part of. What is said of pictures below is nothing for the others.
    pub kind: UnitKind,
    /// Of a picture: slices and SEI, each behind its length in 4 bytes big-endian (ISO/IEC 14496-15 5.2.3);
    /// parameter sets and access unit delimiters are not among them.
    pub data: Vec<u8>,
    /// Parameter sets in force. The same `Arc` as long as they do not change.
    pub parameter_sets: Option<Arc<ParameterSets>>,
    /// Counts the times that the timeline of `dts` was broken: the source was opened anew or restarted its
    /// clock. Its first unit is a start.
    pub epoch: u32,
    /// Decode time in [`TIMESCALE`] ticks; never decreases within an epoch. From a source: since its own
    /// zero. To the recorder: on the boot clock, never decreasing at all.
    pub dts: i64,
    /// Presentation time on the same scale; `pts >= dts`.
    pub pts: i64,
    /// Whether decoding can start here.
    pub start: Start,
    /// With [`Start::Recovery`]: how many pictures (in decoding order) are not right yet when decoding
    /// starts here. 0 where all are at once.
    pub recovery_frames: u16,
    /// Whether it is shown before the start that it follows.
    pub leading: Leading,
    /// Capture time.
    pub captured: BootNs,
    /// Frames known lost in the encoder since the unit before.
    pub dropped_before: u32,
    /// Places since the unit before where the stream was damaged and something was left out.
    pub damage_before: u32,
}

impl AccessUnit {
    /// An empty unit to be filled.
    pub const fn new() -> Self {
        Self {
            kind: UnitKind::Video,
            data: Vec::new(),
            parameter_sets: None,
            epoch: 0,
            dts: 0,
            pts: 0,
            start: Start::None,
            recovery_frames: 0,
            leading: Leading::No,
            captured: BootNs::ZERO,
            dropped_before: 0,
            damage_before: 0,
        }
    }

    /// Empties it for a sample of another kind than a picture.
    pub fn begin(&mut self, kind: UnitKind) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        *self = Self {
            kind,
            data,
            ..Self::new()
        };
    }

    /// Presentation less decode time as files store it; `None` where that does not fit (a presentation
    /// before its decoding, or a minute behind it, which no reordering comes near): to be counted.
    pub fn composition_offset(&self) -> Option<u32> {
        let offset = u32::try_from(self.pts.checked_sub(self.dts)?).ok()?;
        (offset <= MAX_COMPOSITION).then_some(offset)
    }
}

impl ParameterSets {
    /// Appends all sets as NAL units behind lengths of 4 bytes: what goes in front of
    /// [`AccessUnit::data`] where the sets change within a segment.
    pub fn write_in_band(&self, out: &mut Vec<u8>) {
        for set in self.vps.iter().chain(&self.sps).chain(&self.pps) {
            out.extend_from_slice(&(set.len() as u32).to_be_bytes());
            out.extend_from_slice(set);
        }
    }
}

impl Default for AccessUnit {
    fn default() -> Self {
        Self::new()
    }
}
