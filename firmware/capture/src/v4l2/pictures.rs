//! From what a camera's buffers hold to access units: as they come, or decoded and encoded.

use std::time::Duration;

use picam_media::annexb::nals;
use picam_media::{AccessUnit, Codec, Colour, EncoderSettings, MediaError, UnitBuilder, Yuv420};
use picam_time::BootNs;

use super::device::Agreed;
use super::format::PixelFormat;
use super::jpeg;
use super::negotiate::show;
use super::params::Wishes;
use super::pixels::convert;
use crate::picture::Flips;
use crate::source::stream_error;
use crate::{CaptureError, Encode, Overlay, Still, StillPicture, Times};

/// Pictures a second where the driver does not say: for the encoder's budget.
const USUAL_RATE: u32 = 30;
/// Bits a pixel and picture, in thousandths: 4 Mbit/s at 1280x720 and 30 pictures a second.
const MILLIBITS: u64 = 145;
/// What is encoded takes at least and at most so many bits a second.
const BITRATES: std::ops::RangeInclusive<u64> = 300_000..=20_000_000;
/// So many pictures in a row that cannot be decoded are a camera that fails.
const MOST_BROKEN: u32 = 300;

/// Opens an encoder for pictures that the camera does not code.
pub(crate) type OpenEncoder = fn(EncoderSettings) -> Result<Box<dyn Encode>, CaptureError>;

/// What became of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The unit is complete but for its times.
    Unit,
    /// A picture waits to be encoded; the buffer is not needed any more.
    Picture,
    /// It cannot be used.
    Damaged,
    /// It is whole, and refers to pictures that came before the camera was opened.
    NoStart,
    /// It holds no picture.
    Skipped,
}

/// What makes units of a camera's pictures.
pub(crate) enum Pictures {
    /// H.264 as it comes.
    Encoded(AsTheyCome),
    /// Everything else.
    Plain(Box<Plain>),
}

/// Takes a stream apart.
pub(crate) struct AsTheyCome {
    builder: UnitBuilder,
    started: bool,
}

/// Decodes and encodes.
pub(crate) struct Plain {
    format: PixelFormat,
    stride: usize,
    size: (usize, usize),
    picture: Yuv420,
    jpeg: jpeg::Decoder,
    encoder: Box<dyn Encode>,
    key_wanted: bool,
    flips: Flips,
    /// How colours are coded, as players are told.
    colour: Colour,
    overlay: Option<Overlay>,
    still_wanted: bool,
    /// A copy that was asked for, and when it was taken once that is known.
    still: Option<(StillPicture, Option<BootNs>)>,
    /// Pictures in a row that could not be used, and what was wrong with the last.
    broken: u32,
}

impl Pictures {
    /// For what was agreed with the driver.
    pub(crate) fn of(
        agreed: &Agreed,
        wishes: &Wishes,
        open_encoder: OpenEncoder,
    ) -> Result<Self, String> {
        let format = PixelFormat::of(agreed.fourcc)
            .filter(|&format| wishes.format.is_none_or(|wanted| wanted == format))
            .ok_or_else(|| format!("the driver insists on {}", agreed.fourcc))?;
        if format.is_recorded_as_it_comes() {
            return Ok(Self::Encoded(AsTheyCome {
                builder: UnitBuilder::new(Codec::H264),
                started: false,
            }));
        }
        if !agreed.has_whole_frames {
            return Err(
                "it delivers half pictures (interlaced fields), which cannot be recorded".into(),
            );
        }
        let (width, height) = (agreed.width, agreed.height);
        let side = |side: u32| {
            u16::try_from(side)
                .ok()
                .filter(|side| (16..=3840).contains(side))
        };
        let (Some(w), Some(h)) = (side(width), side(height)) else {
            return Err(format!("pictures of {width}x{height} cannot be encoded"));
        };
        let fps = agreed
            .rate
            .map_or(USUAL_RATE, |rate| rate.hz().round() as u32)
            .max(1);
        let picture = Yuv420::new(w, h);
        let colour = match format {
            // JFIF: BT.601, from 0 to 255.
            PixelFormat::Mjpeg => Colour::Bt601Full,
            _ => match (agreed.is_709, agreed.is_full_range) {
                (true, false) => Colour::Bt709,
                (true, true) => Colour::Bt709Full,
                (false, false) => Colour::Bt601,
                (false, true) => Colour::Bt601Full,
            },
        };
        let encoder = open_encoder(EncoderSettings {
            width: w & !1,
            height: h & !1,
            fps,
            bitrate: wishes
                .bitrate
                .unwrap_or_else(|| usual_bitrate(width, height, fps)),
            gop: wishes.gop.unwrap_or(fps),
            colour,
        });
        let size = (width as usize, height as usize);
        Ok(Self::Plain(Box::new(Plain {
            format,
            stride: agreed.stride as usize,
            size,
            picture,
            jpeg: jpeg::Decoder::new(size.0, size.1),
            encoder: encoder.map_err(|error| error.to_string())?,
            key_wanted: true,
            flips: Flips::default(),
            colour,
            overlay: None,
            still_wanted: false,
            still: None,
            broken: 0,
        })))
    }

    /// How it delivers, in words.
    pub(crate) fn describe(&self, agreed: &Agreed) -> String {
        let how = match self {
            Self::Encoded(_) => "recorded as it comes".to_owned(),
            Self::Plain(plain) => format!("encoded {}", plain.encoder.describe()),
        };
        let rate = agreed
            .rate
            .map(|rate| format!(" at {} pictures a second", show(rate)));
        let format = PixelFormat::of(agreed.fourcc).map_or("", PixelFormat::name);
        format!(
            "{format} {}x{}{}, {how}",
            agreed.width,
            agreed.height,
            rate.unwrap_or_default()
        )
    }

    /// Whether the pictures after a lost one cannot be right before the next key frame.
    pub(crate) const fn refer_to_lost(&self) -> bool {
        matches!(self, Self::Encoded(_))
    }

    /// Whether they can be mirrored here.
    pub(crate) const fn can_flip(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Mirrors the pictures from the next one on.
    pub(crate) fn flip(&mut self, flips: Flips) {
        if let Self::Plain(plain) = self {
            plain.flips = flips;
        }
    }

    /// Whether the next picture will be one that decoding can start at.
    pub(crate) fn request_key_frame(&mut self) -> bool {
        match self {
            Self::Encoded(_) => false,
            Self::Plain(plain) => {
                plain.key_wanted = true;
                true
            }
        }
    }

    /// Takes what a buffer holds.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        unit: &mut AccessUnit,
    ) -> Result<Taken, CaptureError> {
        match self {
            Self::Encoded(stream) => {
                let taken = stream.take(bytes, unit);
                taken.map_err(|error| stream_error("the camera's H.264", error))
            }
            Self::Plain(plain) => plain.take(bytes),
        }
    }

    /// Hands the picture that was taken to the encoder.
    pub(crate) fn encode(&mut self, times: Times) -> Result<(), CaptureError> {
        let Self::Plain(plain) = self else {
            return Ok(());
        };
        let key = std::mem::take(&mut plain.key_wanted);
        if let Some((_, captured)) = &mut plain.still {
            captured.get_or_insert(times.captured);
        }
        if let Some(overlay) = &mut plain.overlay {
            overlay.draw(&mut plain.picture, plain.colour, times.captured);
        }
        plain.encoder.put(&plain.picture, times, key)
    }

    /// Has this drawn into every picture; not into those that come coded.
    pub(crate) fn set_overlay(&mut self, overlay: Overlay) -> bool {
        match self {
            Self::Encoded(_) => false,
            Self::Plain(plain) => {
                plain.overlay = Some(overlay);
                true
            }
        }
    }

    /// Keeps a copy of the next picture; not of those that come coded.
    pub(crate) fn want_still(&mut self) -> bool {
        match self {
            Self::Encoded(_) => false,
            Self::Plain(plain) => {
                plain.still_wanted = true;
                true
            }
        }
    }

    /// That copy.
    pub(crate) fn take_still(&mut self) -> Option<Still> {
        let Self::Plain(plain) = self else {
            return None;
        };
        let (picture, captured) = plain.still.take_if(|(_, captured)| captured.is_some())?;
        Some(Still {
            picture,
            captured: captured?,
        })
    }

    /// Whether the encoder owes anything.
    pub(crate) fn is_pending(&self) -> bool {
        match self {
            Self::Encoded(_) => false,
            Self::Plain(plain) => plain.encoder.counts().pending > 0,
        }
    }

    /// Fills the unit with what the encoder has ready, waiting for it at most `timeout`; `false` if that is nothing.
    pub(crate) fn coded(
        &mut self,
        unit: &mut AccessUnit,
        timeout: Duration,
    ) -> Result<bool, CaptureError> {
        match self {
            Self::Encoded(_) => Ok(false),
            Self::Plain(plain) => plain.encoder.take(unit, timeout),
        }
    }

    /// No more pictures come.
    pub(crate) fn finish(&mut self) -> Result<(), CaptureError> {
        match self {
            Self::Encoded(_) => Ok(()),
            Self::Plain(plain) => plain.encoder.finish(),
        }
    }
}

impl AsTheyCome {
    fn take(&mut self, bytes: &[u8], unit: &mut AccessUnit) -> Result<Taken, MediaError> {
        self.builder.begin(unit);
        let mut units = 0;
        for nal in nals(bytes) {
            units += 1;
            self.builder.push(unit, nal)?;
        }
        if !self.builder.finish(unit)? {
            // What the builder has counted is told by the event.
            let damage = self.builder.take_damage();
            return Ok(match self.builder.sets().is_known() {
                false => Taken::NoStart,
                // Parameter sets alone, say.
                true if damage == 0 && units > 0 => Taken::Skipped,
                true => Taken::Damaged,
            });
        }
        if !(self.started || unit.start.is_start()) {
            self.builder.skip(unit);
            return Ok(Taken::NoStart);
        }
        self.started = true;
        unit.dropped_before = 0;
        Ok(Taken::Unit)
    }
}

impl Plain {
    fn take(&mut self, bytes: &[u8]) -> Result<Taken, CaptureError> {
        let done = match self.format {
            PixelFormat::Mjpeg => self.jpeg.decode(bytes, &mut self.picture),
            format => convert(format, bytes, self.stride, self.size, &mut self.picture)
                .map_err(|_| format!("a picture of {} bytes is too short", bytes.len())),
        };
        let Err(what) = done else {
            self.broken = 0;
            self.flips.apply(&mut self.picture);
            if std::mem::take(&mut self.still_wanted) {
                // The camera's own picture is not mirrored.
                let own = (self.format == PixelFormat::Mjpeg
                    && self.flips == Flips::default()
                    && jpeg::stands_alone(bytes))
                .then(|| StillPicture::Jpeg(bytes.to_vec()));
                let plain = || StillPicture::Plain(self.picture.clone(), self.colour);
                self.still = Some((own.unwrap_or_else(plain), None));
            }
            return Ok(Taken::Picture);
        };
        self.broken = self.broken.saturating_add(1);
        if self.broken > MOST_BROKEN {
            return Err(CaptureError::Stream(format!(
                "{MOST_BROKEN} pictures in a row cannot be used, the last one: {what}"
            )));
        }
        Ok(Taken::Damaged)
    }
}

/// What a picture of this size takes.
fn usual_bitrate(width: u32, height: u32, fps: u32) -> u32 {
    let pixels = u64::from(width) * u64::from(height) * u64::from(fps);
    let bits = (pixels * MILLIBITS / 1000).clamp(*BITRATES.start(), *BITRATES.end());
    u32::try_from(bits).unwrap_or(u32::MAX)
}
