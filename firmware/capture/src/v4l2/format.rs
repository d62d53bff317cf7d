//! The pixel formats that can be recorded.

use std::fmt;

use super::device::FourCc;

/// How a camera codes its pictures, of what can be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// H.264, Annex B: recorded as it comes.
    H264,
    /// Motion JPEG.
    Mjpeg,
    /// Y and chroma in turn, 4:2:2.
    Yuyv,
    /// Luma, then both chroma in turn, 4:2:0.
    Nv12,
    /// Three planes, 4:2:0.
    Yu12,
}

impl PixelFormat {
    /// All of them, the best first where several would do: recorded as it comes, nothing to convert, little to
    /// convert, to decode.
    pub(crate) const ALL: [Self; 5] = [Self::H264, Self::Yu12, Self::Nv12, Self::Yuyv, Self::Mjpeg];

    /// The name in a camera's line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::Mjpeg => "mjpeg",
            Self::Yuyv => "yuyv",
            Self::Nv12 => "nv12",
            Self::Yu12 => "yu12",
        }
    }

    /// The kernel's code (`videodev2.h`).
    pub const fn fourcc(self) -> FourCc {
        FourCc(match self {
            Self::H264 => *b"H264",
            Self::Mjpeg => *b"MJPG",
            Self::Yuyv => *b"YUYV",
            Self::Nv12 => *b"NV12",
            Self::Yu12 => *b"YU12",
        })
    }

    /// The format of this code.
    pub fn of(fourcc: FourCc) -> Option<Self> {
        match &fourcc.0 {
            // The same as MJPG but for markers that nobody needs.
            b"JPEG" => Some(Self::Mjpeg),
            _ => Self::ALL
                .into_iter()
                .find(|format| format.fourcc() == fourcc),
        }
    }

    /// Whether nobody here decodes or encodes it.
    pub const fn is_recorded_as_it_comes(self) -> bool {
        matches!(self, Self::H264)
    }

    /// Place in [`Self::ALL`].
    pub(crate) fn rank(self) -> usize {
        let place = Self::ALL.into_iter().position(|format| format == self);
        place.unwrap_or(Self::ALL.len())
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "H.264",
            Self::Mjpeg => "MJPEG",
            Self::Yuyv => "YUYV",
            Self::Nv12 => "NV12",
            Self::Yu12 => "YU12",
        })
    }
}
