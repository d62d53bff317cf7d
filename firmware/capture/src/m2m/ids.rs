//! Controls of `v4l2-controls.h`, by shorter names.

use moq_v4l::sys as raw;

pub(super) const LEVEL: u32 = raw::V4L2_CID_MPEG_VIDEO_H264_LEVEL;
pub(super) const PROFILE: u32 = raw::V4L2_CID_MPEG_VIDEO_H264_PROFILE;
pub(super) const PROFILE_HIGH: u32 =
    raw::v4l2_mpeg_video_h264_profile_V4L2_MPEG_VIDEO_H264_PROFILE_HIGH;
pub(super) const BITRATE: u32 = raw::V4L2_CID_MPEG_VIDEO_BITRATE;
pub(super) const BITRATE_MODE: u32 = raw::V4L2_CID_MPEG_VIDEO_BITRATE_MODE;
pub(super) const VARIABLE: u32 = raw::v4l2_mpeg_video_bitrate_mode_V4L2_MPEG_VIDEO_BITRATE_MODE_VBR;
pub(super) const GOP_SIZE: u32 = raw::V4L2_CID_MPEG_VIDEO_GOP_SIZE;
pub(super) const I_PERIOD: u32 = raw::V4L2_CID_MPEG_VIDEO_H264_I_PERIOD;
pub(super) const REPEAT_HEADERS: u32 = raw::V4L2_CID_MPEG_VIDEO_REPEAT_SEQ_HEADER;
pub(super) const HEADER_MODE: u32 = raw::V4L2_CID_MPEG_VIDEO_HEADER_MODE;
pub(super) const JOINED_WITH_FIRST: u32 =
    raw::v4l2_mpeg_video_header_mode_V4L2_MPEG_VIDEO_HEADER_MODE_JOINED_WITH_1ST_FRAME;
pub(super) const FORCE_KEY_FRAME: u32 = raw::V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME;
