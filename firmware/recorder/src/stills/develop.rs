//! From what a camera gives to the bytes of a JPEG.

use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_capture::{Still, StillPicture};
use picam_control::orders::{Denied, Why};
use picam_control::stills::StillFrom;
use picam_media::{
    Colour, Exif, MediaError, TakenAt, Yuv420, decode_key_frame, encode_jpeg, with_exif,
};
use picam_time::{BootNs, UtcUs};

use super::shutter::Given;
use crate::live::{Next, Tap};

/// A camera that has not given a picture by then gives none.
const GIVEN_WITHIN: Duration = Duration::from_secs(3);
/// The same of one whose pictures come coded: it may be that long from one key frame to the next.
const KEY_FRAME_WITHIN: Duration = Duration::from_secs(10);

/// A picture, and where it comes from.
pub(super) struct Picture {
    still: Still,
    pub(super) from: StillFrom,
}

/// What stands in a still beside its picture.
pub(super) struct Label<'a> {
    pub(super) model: &'a str,
    pub(super) taken: Option<UtcUs>,
    pub(super) place: Option<TakenAt>,
    pub(super) quality: u8,
}

/// A finished one.
pub(super) struct Jpeg {
    pub(super) bytes: Vec<u8>,
    pub(super) size: (u32, u32),
}

fn unavailable(reason: impl Into<String>, remedy: &str) -> Denied {
    Denied::new(Why::Unavailable, reason, remedy)
}

/// Has the camera give a picture; waits for it.
pub(super) fn expose(tap: &Arc<Tap>) -> Result<Picture, Denied> {
    let given = tap.shutter().press().recv_timeout(GIVEN_WITHIN);
    tap.shutter().release();
    match given {
        Ok(Given::Still(still)) => Ok(Picture {
            from: match still.picture {
                StillPicture::Plain(..) => StillFrom::Raw,
                StillPicture::Jpeg(_) => StillFrom::Jpeg,
            },
            still,
        }),
        Ok(Given::Coded) => key_frame(tap),
        Err(_) => Err(unavailable(
            format!(
                "the camera has given no picture for {} s",
                GIVEN_WITHIN.as_secs()
            ),
            "see what the camera's fault is in /api/status, and try again",
        )),
    }
}

/// The newest picture at which decoding can start, or the next one.
fn key_frame(tap: &Arc<Tap>) -> Result<Picture, Denied> {
    let mut reader = tap.follow();
    let until = Instant::now() + KEY_FRAME_WITHIN;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match reader.next(left) {
            Next::Picture(coded, _) => {
                let Some(sets) = coded.sets.as_deref().filter(|_| coded.start.is_start()) else {
                    continue;
                };
                let (picture, colour) = decode_key_frame(sets, &coded.data).map_err(undone)?;
                return Ok(Picture {
                    still: Still {
                        picture: StillPicture::Plain(picture, colour),
                        captured: coded.captured,
                    },
                    from: StillFrom::KeyFrame,
                });
            }
            Next::Nothing => {
                let reason = format!("no key frame has come for {} s", KEY_FRAME_WITHIN.as_secs());
                return Err(unavailable(
                    reason,
                    "have the camera send one every second or two",
                ));
            }
            Next::End => return Err(unavailable("the camera has ended", "start it anew")),
        }
    }
}

fn undone(error: MediaError) -> Denied {
    let remedy = "take it off the camera's footage with any player";
    Denied::new(Why::Refused, error.to_string(), remedy)
}

impl Picture {
    /// When it was taken.
    pub(super) const fn captured(&self) -> BootNs {
        self.still.captured
    }

    /// Makes a JPEG of it.
    pub(super) fn develop(self, label: &Label<'_>) -> Result<Jpeg, Denied> {
        let exif = |size| {
            let software = concat!("picam ", env!("CARGO_PKG_VERSION"));
            let exif = Exif {
                model: label.model,
                software,
                taken: label.taken,
                place: label.place,
                size,
            };
            exif.to_tiff().map_err(undone)
        };
        match self.still.picture {
            StillPicture::Plain(picture, colour) => encode(&picture, colour, label.quality, exif),
            StillPicture::Jpeg(own) => {
                let size = size_of(&own).unwrap_or_default();
                let bytes = with_exif(&own, &exif(size)?);
                let bytes = bytes
                    .ok_or_else(|| unavailable("the camera's picture was damaged", "try again"))?;
                Ok(Jpeg { bytes, size })
            }
        }
    }
}

fn encode(
    picture: &Yuv420,
    colour: Colour,
    quality: u8,
    exif: impl Fn((u32, u32)) -> Result<Vec<u8>, Denied>,
) -> Result<Jpeg, Denied> {
    let side = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let size = (side(picture.width()), side(picture.height()));
    let bytes = encode_jpeg(picture, colour, quality, &exif(size)?).map_err(undone)?;
    Ok(Jpeg { bytes, size })
}

/// Width and height by the frame header (ITU-T T.81 B.2.2).
fn size_of(jpeg: &[u8]) -> Option<(u32, u32)> {
    let mut rest = jpeg.get(2..)?;
    loop {
        let (&[0xff, marker, high, low], body) = rest.split_first_chunk::<4>()? else {
            return None;
        };
        if marker == 0xff {
            rest = rest.get(1..)?;
            continue;
        }
        if matches!(marker, 0xc0..=0xc2)
            && let Some(&[_, h1, h0, w1, w0]) = body.first_chunk::<5>()
        {
            let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
            return Some((side(w1, w0), side(h1, h0)));
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        rest = rest.get(2 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cameras_own_jpeg_keeps_its_size() {
        let picture = Yuv420::new(96, 64);
        let own = encode_jpeg(&picture, Colour::Bt601Full, 80, b"II*\0").unwrap();
        assert_eq!(size_of(&own), Some((96, 64)));
        for len in 0..own.len() {
            let _ = size_of(&own[..len]);
        }
    }
}
