//! Controls of `v4l2-controls.h`, by shorter names.

use moq_v4l::sys as raw;

pub(super) const BRIGHTNESS: u32 = raw::V4L2_CID_BRIGHTNESS;
pub(super) const CONTRAST: u32 = raw::V4L2_CID_CONTRAST;
pub(super) const SATURATION: u32 = raw::V4L2_CID_SATURATION;
pub(super) const SHARPNESS: u32 = raw::V4L2_CID_SHARPNESS;
pub(super) const EXPOSURE_AUTO: u32 = raw::V4L2_CID_EXPOSURE_AUTO;
/// In steps of 100 µs.
pub(super) const EXPOSURE_ABSOLUTE: u32 = raw::V4L2_CID_EXPOSURE_ABSOLUTE;
/// Whether an exposure may cost pictures.
pub(super) const EXPOSURE_AUTO_PRIORITY: u32 = raw::V4L2_CID_EXPOSURE_AUTO_PRIORITY;
/// A choice of thousandths of a stop.
pub(super) const AUTO_EXPOSURE_BIAS: u32 = raw::V4L2_CID_AUTO_EXPOSURE_BIAS;
pub(super) const EXPOSURE_METERING: u32 = raw::V4L2_CID_EXPOSURE_METERING;
pub(super) const AUTOGAIN: u32 = raw::V4L2_CID_AUTOGAIN;
pub(super) const GAIN: u32 = raw::V4L2_CID_GAIN;
pub(super) const ANALOGUE_GAIN: u32 = raw::V4L2_CID_ANALOGUE_GAIN;
pub(super) const WIDE_DYNAMIC_RANGE: u32 = raw::V4L2_CID_WIDE_DYNAMIC_RANGE;
pub(super) const POWER_LINE_FREQUENCY: u32 = raw::V4L2_CID_POWER_LINE_FREQUENCY;
pub(super) const AUTO_WHITE_BALANCE: u32 = raw::V4L2_CID_AUTO_WHITE_BALANCE;
pub(super) const AUTO_N_PRESET_WHITE_BALANCE: u32 = raw::V4L2_CID_AUTO_N_PRESET_WHITE_BALANCE;
/// In kelvin.
pub(super) const WHITE_BALANCE_TEMPERATURE: u32 = raw::V4L2_CID_WHITE_BALANCE_TEMPERATURE;
pub(super) const FOCUS_AUTO: u32 = raw::V4L2_CID_FOCUS_AUTO;
pub(super) const FOCUS_ABSOLUTE: u32 = raw::V4L2_CID_FOCUS_ABSOLUTE;
pub(super) const HFLIP: u32 = raw::V4L2_CID_HFLIP;
pub(super) const VFLIP: u32 = raw::V4L2_CID_VFLIP;

/// Drivers that number a control as their own name it as the kernel does.
pub(super) const NAMES: [(u32, &str); 2] = [(HFLIP, "Horizontal Flip"), (VFLIP, "Vertical Flip")];
