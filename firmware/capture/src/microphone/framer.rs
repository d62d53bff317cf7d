//! From a device's blocks of samples to frames of a fixed length, each with its time on the boot clock.

use picam_media::{AAC_FRAME, AAC_PRIMING, AccessUnit, TIMESCALE, UnitKind};
use picam_time::{BootNs, Ticks};

use crate::Timeline;

/// Samples on their way. The device counts time by its samples, with a crystal of its own: the timeline follows offset and
/// drift, so that frames last a little longer or shorter than they would by their number of samples.
#[derive(Debug, Default)]
pub(super) struct Framer {
    rate: u32,
    channels: u16,
    /// Samples that are no frame yet, interleaved.
    waiting: Vec<i16>,
    /// Samples of each channel that frames were made of since the device was last in step.
    framed: u64,
    /// When the last sample that waits was captured.
    end: BootNs,
    /// How often the device was out of step.
    epoch: u32,
    timeline: Timeline,
}

impl Framer {
    pub(super) fn new(rate: u32, channels: u16) -> Self {
        Self {
            rate,
            channels,
            ..Self::default()
        }
    }

    /// Where to put samples.
    pub(super) const fn room(&mut self) -> &mut Vec<i16> {
        &mut self.waiting
    }

    /// Samples came, of which the last was captured then.
    pub(super) const fn came(&mut self, end: BootNs) {
        self.end = end;
    }

    /// Samples were lost: what comes is tied to the boot clock anew.
    pub(super) fn break_off(&mut self) {
        self.waiting.clear();
        self.framed = 0;
        self.epoch = self.epoch.saturating_add(1);
    }

    fn frame_len(&self) -> usize {
        AAC_FRAME * usize::from(self.channels)
    }

    /// Whether a whole frame is there.
    pub(super) fn has_frame(&self) -> bool {
        self.waiting.len() >= self.frame_len()
    }

    /// The next frame, if it is there, with what it is to be called: kind and times of `unit` are set to those at which what a
    /// decoder makes of the frame is heard, which is what was put in front of it.
    pub(super) fn next(&mut self, unit: &mut AccessUnit) -> Option<&[i16]> {
        if !self.has_frame() {
            return None;
        }
        let channels = usize::from(self.channels).max(1);
        let behind = Ticks::new((self.waiting.len() / channels) as i64, self.rate);
        let first = self.end - behind.span();
        let heard = i64::try_from(self.framed).unwrap_or(i64::MAX);
        let heard = heard.saturating_sub(AAC_PRIMING as i64);
        let priming = Ticks::new(AAC_PRIMING as i64, self.rate).span();
        unit.begin(UnitKind::Sound);
        unit.dts = Ticks::new(heard, self.rate).nearest(TIMESCALE).value;
        unit.pts = unit.dts;
        unit.captured = first - priming;
        unit.epoch = self.epoch;
        self.timeline.map(unit);
        self.framed = self.framed.saturating_add(AAC_FRAME as u64);
        self.waiting.get(..self.frame_len())
    }

    /// The frame that was given last has been used.
    pub(super) fn done(&mut self) {
        let len = self.frame_len().min(self.waiting.len());
        self.waiting.drain(..len);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: u64 = 3600;

    /// What a device hears whose crystal is so many millionths fast, for `seconds`, in blocks that come a little late: how far
    /// each frame is off the moment at which its first sample was captured, in nanoseconds; and how many frames there were.
    fn errors(rate: u32, block: usize, fast_ppm: f64, seconds: u64) -> Vec<i64> {
        let mut framer = Framer::new(rate, 1);
        let mut unit = AccessUnit::new();
        let begin = BootNs::from_secs(100);
        let true_rate = f64::from(rate) * (1.0 + fast_ppm * 1e-6);
        let at = |sample: f64| begin.shifted_ns((sample / true_rate * 1e9) as i64);
        let (mut sent, mut frames, mut errors) = (0u64, 0u64, Vec::new());
        while sent < seconds * u64::from(rate) {
            let room = framer.room();
            room.resize(room.len() + block, 0);
            sent += block as u64;
            // Two of three blocks come up to 15 ms late, as on a busy machine.
            let late = [0, 7, 15][(sent / block as u64) as usize % 3];
            framer.came(at(sent as f64) + Duration::from_millis(late));
            while framer.next(&mut unit).is_some() {
                framer.done();
                let truth = at(frames as f64 * 1024.0 - 1024.0);
                errors.push(Ticks::new(unit.dts, TIMESCALE).nanos() - truth.0 as i64);
                frames += 1;
            }
        }
        assert_eq!(frames, sent / 1024);
        errors
    }

    #[test]
    fn sound_stays_with_the_boot_clock_for_an_hour_of_drift() {
        for (rate, block, drift) in [
            (48_000, 960, 200.0),
            (48_000, 960, -200.0),
            (48_000, 1000, 0.0),
            (44_100, 441, 100.0),
            (32_000, 4096, -200.0),
        ] {
            let errors = errors(rate, block, drift, HOUR);
            let worst = errors.iter().map(|error| error.abs()).max().unwrap();
            println!(
                "{rate} Hz, {drift} millionths: {} ms off at the most",
                worst as f64 / 1e6
            );
            // Players and people let 40 ms pass; as late as the first block came, and what the clock takes to settle.
            assert!(worst < 20_000_000, "{rate} {drift}: {worst}");
            let settled = &errors[errors.len() / 10..];
            let worst = settled.iter().map(|error| error.abs()).max().unwrap();
            assert!(worst < 3_000_000, "{rate} {drift}: {worst}");
        }
    }

    #[test]
    fn after_a_loss_sound_is_tied_to_the_clock_anew() {
        let mut framer = Framer::new(48_000, 2);
        let mut unit = AccessUnit::new();
        framer.room().resize(3000, 0);
        framer.came(BootNs::from_secs(10));
        assert_eq!(framer.next(&mut unit).map(<[i16]>::len), Some(2048));
        framer.done();
        assert_eq!(framer.next(&mut unit), None);
        framer.break_off();
        framer.room().resize(2048, 0);
        framer.came(BootNs::from_secs(13));
        assert!(framer.next(&mut unit).is_some());
        // The frame's own samples began 1024 before their end, and what is heard 1024 before that.
        assert_eq!(unit.dts, 13 * 90_000 - 2 * 1920);
        assert_eq!((unit.kind, unit.pts), (UnitKind::Sound, unit.dts));
    }
}
