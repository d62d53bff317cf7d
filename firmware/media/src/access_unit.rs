//! One coded picture on its way from a camera to the card and to live viewers.

use std::sync::Arc;

/// Ticks a second of every video timestamp (the RTP and MPEG clock).
pub const TIMESCALE: u32 = 90_000;

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

/// One access unit. Sources fill the same few over and over, so that recording allocates nothing
/// a frame in steady state.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// Slices and SEI, each behind its length in 4 bytes big-endian (ISO/IEC 14496-15 5.2.3);
    /// parameter sets and access unit delimiters are not among them.
    pub data: Vec<u8>,
    /// Parameter sets in force. The same `Arc` as long as they do not change.
    pub parameter_sets: Option<Arc<ParameterSets>>,
    /// Decode time in [`TIMESCALE`] ticks from the source's own zero; never decreases.
    pub dts: i64,
    /// Presentation time on the same scale; `pts >= dts`.
    pub pts: i64,
    /// Whether decoding can start here (IDR, or IRAP in H.265).
    pub key: bool,
    /// Capture time on the boot clock, nanoseconds since boot.
    pub captured_boot_ns: u64,
    /// Frames known lost in the encoder since the unit before.
    pub dropped_before: u32,
    /// Which camera, as an index into the configuration's cameras.
    pub camera: u8,
}

impl AccessUnit {
    /// An empty unit to be filled.
    pub const fn new() -> Self {
        Self {
            data: Vec::new(),
            parameter_sets: None,
            dts: 0,
            pts: 0,
            key: false,
            captured_boot_ns: 0,
            dropped_before: 0,
            camera: 0,
        }
    }
}

impl Default for AccessUnit {
    fn default() -> Self {
        Self::new()
    }
}
