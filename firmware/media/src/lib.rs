//! Access units: what a camera delivers and a segment stores.
//!
//! Streams are taken apart into NAL units ([`annexb`], [`length_prefixed`]), these put together to
//! access units apart from their parameter sets ([`UnitBuilder`], [`RawStream`]), pictures and sound encoded
//! in software ([`Encoder`], [`AacEncoder`]), stills made of pictures
//! ([`encode_jpeg`], [`decode_key_frame`]). No input makes this crate panic.
//!
//! Here belongs what can be told from coded bytes alone. Devices, files and clocks do not (`picam-capture`), nor how
//! segments are laid out (`picam-mp4`).

mod aac;
mod access_unit;
pub mod annexb;
mod config_record;
mod encoder;
mod error;
mod exif;
mod h264;
mod h265;
mod joint;
mod jpeg;
mod key_frame;
mod leading;
pub mod length_prefixed;
mod nal;
mod order;
mod parameter_sets;
mod picture;
mod raw_stream;
mod rbsp;
mod sei;
mod sound;
mod sps;
mod unit_builder;

pub use aac::{AAC_FRAME, AAC_PRIMING, AAC_RATES, AacEncoder};
pub use access_unit::{AccessUnit, Codec, Leading, ParameterSets, Start, UnitKind};
pub use config_record::ConfigRecord;
pub use encoder::{Colour, Encoder, EncoderSettings};
pub use error::MediaError;
pub use exif::{Exif, StillFacts, TakenAt};
pub use joint::{Joint, JointPolicy, Place, Rotation, UnitFacts};
pub use jpeg::{encode_jpeg, with_exif};
pub use key_frame::decode_key_frame;
pub use leading::LeadingMarker;
pub use nal::NalKind;
pub use parameter_sets::ParameterSetTracker;
pub use picam_time::TIMESCALE;
pub use picture::Yuv420;
pub use raw_stream::RawStream;
pub use sound::{AudioSpecificConfig, SoundCodec, SoundFormat};
pub use sps::{FrameRate, PpsFacts, SpsFacts};
pub use unit_builder::UnitBuilder;
