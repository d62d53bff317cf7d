//! Coding pictures: in software, or by the hardware that a board has for it.
//!
//! An encoder in hardware works beside the processor: what is handed to it comes back later, and some of it never
//! does. So pictures go in by [`Encode::put`] and come out by [`Encode::take`], each with the times it was handed in with.

use std::time::Duration;

use picam_media::{AccessUnit, Encoder, EncoderSettings, MediaError, Yuv420};
use picam_time::BootNs;

use crate::CaptureError;
use crate::source::stream_error;

/// When a picture was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// Decode and presentation time in ticks of [`picam_media::TIMESCALE`], since the source's zero.
    pub ticks: i64,
    /// By the boot clock.
    pub captured: BootNs,
}

impl Times {
    /// Gives them to a unit.
    pub(crate) const fn stamp(self, unit: &mut AccessUnit) {
        unit.dts = self.ticks;
        unit.pts = self.ticks;
        unit.captured = self.captured;
    }
}

/// What an encoder has done with the pictures handed to it. [`Self::is_complete`] says
/// that none is in no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncoderCounts {
    /// Pictures handed over.
    pub handed_in: u64,
    /// Came out.
    pub coded: u64,
    /// Never came out, though later ones did: left out for the bitrate.
    pub dropped: u64,
    /// Came out with the driver's word that they are damaged, or referring to pictures that never came.
    pub damaged: u64,
    /// Were with the encoder when it had to be set up again, or closed.
    pub lost: u64,
    /// Found no room: the encoder was too slow.
    pub refused: u64,
    /// Still on their way.
    pub pending: u64,
    /// Times that it had to be set up again.
    pub rebuilt: u64,
    /// Key frames that had to be asked for again.
    pub keys_asked_again: u64,
    /// What came out and belonged to no picture.
    pub strays: u64,
}

impl EncoderCounts {
    /// Of two encoders, one of which took over from the other.
    pub(crate) const fn and(&self, other: &Self) -> Self {
        Self {
            handed_in: self.handed_in + other.handed_in,
            coded: self.coded + other.coded,
            dropped: self.dropped + other.dropped,
            damaged: self.damaged + other.damaged,
            lost: self.lost + other.lost,
            refused: self.refused + other.refused,
            pending: self.pending + other.pending,
            rebuilt: self.rebuilt + other.rebuilt,
            keys_asked_again: self.keys_asked_again + other.keys_asked_again,
            strays: self.strays + other.strays,
        }
    }

    /// Whether every picture that was handed in is accounted for.
    pub const fn is_complete(&self) -> bool {
        self.handed_in
            == self.coded + self.dropped + self.damaged + self.lost + self.refused + self.pending
    }
}

/// An encoder, wherever it runs.
pub trait Encode: Send {
    /// Hands a picture over; with `key`, it or one of the next is to be one that decoding can start at. An encoder that
    /// has no room goes without it, and counts it with the next unit. Times grow from picture to picture.
    ///
    /// # Errors
    /// [`CaptureError`] if the encoder does not work, not even when set up anew.
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError>;

    /// Fills `unit` with the next coded picture, waiting for it at most `timeout`: data, parameter sets, start, times, and
    /// in `dropped_before` the pictures that were handed in and will never come. `false` if there is none yet.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn take(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<bool, CaptureError>;

    /// No more pictures come: [`Self::take`] brings those on their way, and then none.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn finish(&mut self) -> Result<(), CaptureError>;

    /// What it has done until now.
    fn counts(&self) -> EncoderCounts;

    /// What it is, and why it was chosen, for people: `in software (no encoder in hardware found)`.
    fn describe(&self) -> String;
}

/// OpenH264. A picture is coded while it is handed over.
pub struct Software {
    encoder: Encoder,
    why: String,
    /// What was coded and not taken.
    ready: Option<AccessUnit>,
    /// Room for the next.
    spare: AccessUnit,
    counts: EncoderCounts,
}

impl Software {
    /// Sets it up; `why` is the reason that people are told.
    ///
    /// # Errors
    /// [`CaptureError`] if OpenH264 refuses the settings.
    pub fn new(settings: EncoderSettings, why: impl Into<String>) -> Result<Self, CaptureError> {
        Ok(Self {
            encoder: Encoder::new(settings).map_err(failed)?,
            why: why.into(),
            ready: None,
            spare: AccessUnit::new(),
            counts: EncoderCounts::default(),
        })
    }
}

fn failed(error: MediaError) -> CaptureError {
    stream_error("the encoder", error)
}

impl Encode for Software {
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError> {
        self.counts.handed_in += 1;
        if let Some(untaken) = &mut self.ready {
            // Nobody took the one before. It is coded, and others refer to it.
            self.counts.refused += 1;
            untaken.dropped_before = untaken.dropped_before.saturating_add(1);
            return Ok(());
        }
        let mut unit = std::mem::take(&mut self.spare);
        if !self
            .encoder
            .encode(picture, key, &mut unit)
            .map_err(failed)?
        {
            self.counts.dropped += 1;
            self.spare = unit;
            return Ok(());
        }
        times.stamp(&mut unit);
        self.ready = Some(unit);
        self.counts.pending = 1;
        Ok(())
    }

    fn take(&mut self, unit: &mut AccessUnit, _timeout: Duration) -> Result<bool, CaptureError> {
        let Some(mut ready) = self.ready.take() else {
            return Ok(false);
        };
        ready.epoch = unit.epoch;
        self.spare = std::mem::replace(unit, ready);
        self.counts.pending = 0;
        self.counts.coded += 1;
        Ok(true)
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        Ok(())
    }

    fn counts(&self) -> EncoderCounts {
        self.counts
    }

    fn describe(&self) -> String {
        format!("in software ({})", self.why)
    }
}
