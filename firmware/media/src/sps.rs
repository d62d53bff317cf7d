//! What sequence and picture parameter sets say, as far as a recorder needs it.

use picam_time::Ticks;

use crate::{Codec, MediaError, TIMESCALE, h264, h265};

/// Frames a second as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    frames: u32,
    seconds: u32,
}

impl FrameRate {
    /// `frames` in `seconds`; `None` unless between 1 frame an hour and 1000 a second.
    pub fn new(frames: u32, seconds: u32) -> Option<Self> {
        let sane = frames > 0
            && seconds > 0
            && u64::from(frames) <= u64::from(seconds) * 1000
            && u64::from(seconds) <= u64::from(frames) * 3600;
        sane.then_some(Self { frames, seconds })
    }

    /// Frames, and the seconds that they take.
    pub const fn ratio(self) -> (u32, u32) {
        (self.frames, self.seconds)
    }

    /// Frames a second.
    pub fn hz(self) -> f64 {
        f64::from(self.frames) / f64::from(self.seconds)
    }

    /// When frame number `n` begins, in [`TIMESCALE`] ticks, rounded to the nearest.
    pub fn ticks(self, n: u64) -> i64 {
        let seconds = n.saturating_mul(self.seconds.into());
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Ticks::new(seconds, self.frames).nearest(TIMESCALE).value
    }

    /// Length of one frame in [`TIMESCALE`] ticks, rounded to the nearest; at least 1.
    pub fn frame_ticks(self) -> u32 {
        u32::try_from(self.ticks(1)).unwrap_or(u32::MAX).max(1)
    }
}

/// A sequence parameter set's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpsFacts {
    /// `seq_parameter_set_id`.
    pub id: u8,
    /// Width after cropping, in luma samples.
    pub width: u16,
    /// Height after cropping, in luma samples.
    pub height: u16,
    /// The rate in the VUI.
    pub rate: Option<FrameRate>,
    /// Whether the stream promises to keep that rate.
    pub fixed_rate: bool,
    /// How many pictures may precede one in decoding order and follow it in display order.
    pub max_reorder: u8,
    /// What the start of a slice header depends on.
    pub(crate) order: OrderFacts,
}

/// What is needed to read a picture's place in display order from its slice header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderFacts {
    /// H.264.
    H264(h264::OrderFacts),
    /// H.265.
    H265(h265::OrderFacts),
}

/// A picture parameter set's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PpsFacts {
    /// `pic_parameter_set_id`.
    pub id: u8,
    /// The sequence parameter set it belongs to.
    pub sps_id: u8,
    pub(crate) order: PpsOrderFacts,
}

/// What a slice header's start depends on in the picture parameter set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PpsOrderFacts {
    /// H.264 `bottom_field_pic_order_in_frame_present_flag`.
    pub(crate) bottom_field_order: bool,
    /// H.265 `output_flag_present_flag`.
    pub(crate) output_flag: bool,
    /// H.265 `num_extra_slice_header_bits`.
    pub(crate) extra_bits: u8,
}

impl SpsFacts {
    /// Reads a sequence parameter set, header included.
    pub fn parse(codec: Codec, nal: &[u8]) -> Result<Self, MediaError> {
        match codec {
            Codec::H264 => h264::parse_sps(nal),
            Codec::H265 => h265::parse_sps(nal),
        }
        .map_err(|reason| MediaError::ParameterSet { set: "SPS", reason })
    }

    /// The frame duration where the stream promises one.
    pub fn frame_ticks(&self) -> Option<u32> {
        self.rate
            .filter(|_| self.fixed_rate)
            .map(FrameRate::frame_ticks)
    }
}

impl PpsFacts {
    /// Reads a picture parameter set, header included.
    pub fn parse(codec: Codec, nal: &[u8]) -> Result<Self, MediaError> {
        match codec {
            Codec::H264 => h264::parse_pps(nal),
            Codec::H265 => h265::parse_pps(nal),
        }
        .map_err(|reason| MediaError::ParameterSet { set: "PPS", reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_exact_over_hours() {
        let ntsc = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(ntsc.frame_ticks(), 3003);
        let film = FrameRate::new(24_000, 1001).unwrap();
        assert_eq!(film.ticks(4), 15_015);
        assert_eq!(film.ticks(4_000_000), 15_015_000_000);
        assert_eq!(FrameRate::new(0, 1), None);
        assert_eq!(FrameRate::new(1, 0), None);
        assert_eq!(FrameRate::new(u32::MAX, 1), None);
    }
}
