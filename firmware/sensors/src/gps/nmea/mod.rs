//! NMEA 0183, as receivers speak it on a serial line or over USB.
//!
//! Any talker is understood (GP, GN, GL, GA, GB, BD, GQ, QZ, ...): which constellations a fix is made of makes no difference
//! to it. What sentences mean is the crate `nmea`'s; here they are cut out of the bytes and put together, for a receiver says
//! in several sentences what is one fix. Binary protocols (UBX, SiRF, RTCM) are skipped: gpsd understands those.

mod epoch;
mod sentence;

use picam_time::BootNs;

use self::epoch::Epochs;
use self::sentence::Sentences;
use super::Report;

/// What became of the bytes, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sentences that were understood.
    pub understood: u64,
    /// Whole sentences of kinds that say nothing about place and time, or that are not known.
    pub unknown: u64,
    /// Sentences whose checksum did not hold, that broke off, or were too long.
    pub broken: u64,
}

/// Makes reports of a receiver's bytes.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    sentences: Sentences,
    epochs: Epochs,
    counts: Counts,
}

impl Decoder {
    /// What became of the bytes.
    pub const fn counts(&self) -> Counts {
        Counts {
            broken: self.counts.broken + self.sentences.broken(),
            ..self.counts
        }
    }

    /// Takes bytes that came at `now`, and hands over what they say.
    pub fn push(&mut self, bytes: &[u8], now: BootNs, mut report: impl FnMut(Report)) {
        let Self {
            sentences,
            epochs,
            counts,
        } = self;
        sentences.push(bytes, now, |line, began| match sentence::parse(line) {
            Ok(nmea::ParseResult::Unsupported(_)) | Err(nmea::Error::DisabledSentence) => {
                counts.unknown += 1;
            }
            Ok(said) => {
                counts.understood += 1;
                epochs.take(&said, began, &mut report);
            }
            // A maker's own, or more than the crate reads (GNS of four constellations).
            Err(_) if sentence::is_sound(line) => counts.unknown += 1,
            Err(_) => counts.broken += 1,
        });
        epochs.pass(now, &mut report);
    }

    /// Nothing came until `now`: what is complete is handed over, for the next sentence comes only with the next fix.
    pub fn pass(&mut self, now: BootNs, mut report: impl FnMut(Report)) {
        self.epochs.pass(now, &mut report);
    }
}

#[cfg(test)]
mod tests;
