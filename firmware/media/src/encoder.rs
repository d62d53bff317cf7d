//! H.264 in software, by OpenH264.

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, IntraFramePeriod, MatrixCoefficients, Profile,
    RateControlMode, UsageType, VuiConfig,
};

use crate::annexb::nals;
use crate::{AccessUnit, Codec, MediaError, UnitBuilder, Yuv420};

/// What to encode, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// Width in luma samples, even.
    pub width: u16,
    /// Height in luma samples, even.
    pub height: u16,
    /// Frames a second.
    pub fps: u32,
    /// Bits a second.
    pub bitrate: u32,
    /// Frames from one key frame to the next.
    pub gop: u32,
    /// How the pictures' colours are coded, as players shall be told.
    pub colour: Colour,
}

/// The matrix by which colours became luma and chroma, and the range of these. Cameras by USB follow BT.601 at every
/// size, and JPEG uses all of 0 to 255: shown by the rules of BT.709 and 16 to 235, they would look wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// BT.709, black at 16, white at 235.
    #[default]
    Bt709,
    /// BT.709, black at 0, white at 255.
    Bt709Full,
    /// BT.601 with primaries of sRGB, black at 16, white at 235.
    Bt601,
    /// BT.601 with primaries of sRGB, black at 0, white at 255.
    Bt601Full,
}

impl Colour {
    const fn vui(self) -> VuiConfig {
        let bt601 = VuiConfig::bt709().matrix_coefficients(MatrixCoefficients::Smpte170M);
        match self {
            Self::Bt709 => VuiConfig::bt709(),
            Self::Bt709Full => VuiConfig::bt709_full(),
            Self::Bt601 => bt601,
            Self::Bt601Full => bt601.full_range(true),
        }
    }
}

/// A software encoder: constrained baseline, one reference, no reordering, one thread.
pub struct Encoder {
    inner: openh264::encoder::Encoder,
    builder: UnitBuilder,
    settings: EncoderSettings,
    /// Frames the rate control left out since the last unit.
    skipped: u32,
}

impl Encoder {
    /// Sets the encoder up.
    ///
    /// # Errors
    /// [`MediaError::Encoder`] if OpenH264 refuses the settings.
    pub fn new(settings: EncoderSettings) -> Result<Self, MediaError> {
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(settings.bitrate))
            .max_frame_rate(FrameRate::from_hz(settings.fps as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            // A recorder wants every frame, if need be coarsely.
            .skip_frames(false)
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Low)
            .profile(Profile::Baseline)
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .num_threads(1)
            .intra_frame_period(IntraFramePeriod::from_num_frames(settings.gop))
            .vui(settings.colour.vui());
        let mut inner =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)
                .map_err(refused)?;
        be_quiet(&mut inner);
        Ok(Self {
            inner,
            builder: UnitBuilder::new(Codec::H264),
            settings,
            skipped: 0,
        })
    }

    /// Encodes `picture` into `unit`: data, parameter sets, start and `dropped_before`; its times are
    /// the caller's. Returns `false` if the rate control left the frame out, which the next unit counts.
    ///
    /// # Errors
    /// [`MediaError::Encoder`] if the picture has another size, or OpenH264 fails.
    pub fn encode(
        &mut self,
        picture: &Yuv420,
        force_key: bool,
        unit: &mut AccessUnit,
    ) -> Result<bool, MediaError> {
        let size = (
            usize::from(self.settings.width),
            usize::from(self.settings.height),
        );
        if (picture.width(), picture.height()) != size || !picture.is_whole() {
            return Err(MediaError::Encoder(format!(
                "a picture of {}x{} came where {}x{} was agreed",
                picture.width(),
                picture.height(),
                size.0,
                size.1
            )));
        }
        if force_key {
            self.inner.force_intra_frame();
        }
        self.builder.begin(unit);
        let stream = self.inner.encode(picture).map_err(refused)?;
        for layer in (0..stream.num_layers()).filter_map(|i| stream.layer(i)) {
            for annexb in (0..layer.nal_count()).filter_map(|i| layer.nal_unit(i)) {
                for nal in nals(annexb) {
                    self.builder.push(unit, nal)?;
                }
            }
        }
        if !self.builder.finish(unit)? {
            self.skipped += 1;
            return Ok(false);
        }
        unit.dropped_before = std::mem::take(&mut self.skipped);
        Ok(true)
    }
}

/// Keeps OpenH264 from writing to standard error; the crate itself does so only after OpenH264 has
/// complained there that frames may not be skipped.
#[allow(unsafe_code)]
fn be_quiet(encoder: &mut openh264::encoder::Encoder) {
    /// `ENCODER_OPTION_TRACE_LEVEL` of `codec_app_def.h`.
    const TRACE_LEVEL: i32 = 25;
    let mut quiet: u32 = 0;
    // SAFETY: this option is allowed before initialisation, and reads one u32 during the call.
    // No encoding parameter is touched.
    unsafe {
        encoder
            .raw_api()
            .set_option(TRACE_LEVEL, std::ptr::from_mut(&mut quiet).cast());
    }
}

fn refused(error: openh264::Error) -> MediaError {
    MediaError::Encoder(error.to_string())
}
