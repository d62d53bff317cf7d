//! Keeps groups of pictures within what a segment can take.
//!
//! A segment ends at a key frame, and must end before its slot is full: a group larger than what is left of the slot would
//! be cut. An encoder's own rate control aims at an average, and overshoots it for seconds when a car drives from a tunnel
//! into leaves. So what comes out is watched: above the aim for long, the encoder is asked for less; a group that grows
//! too large is ended by a key frame.

use std::collections::VecDeque;

/// A group may have so many seconds of the bitrate aimed at: a sixth of a slot.
const MOST_SECONDS: u64 = 10;
/// The average is taken over so many seconds.
const WINDOW_S: u32 = 2;
/// Above the aim by so much in percent, the encoder is asked for less.
const TOLERATED: u64 = 125;
/// It is never asked for less than this share of the aim, in percent.
const LEAST: u64 = 40;
/// Steps by which it is asked for less or more, in percent of the aim.
const STEP: u64 = 15;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Correction {
    /// Ask for that bitrate from here on.
    pub bitrate: Option<u32>,
    /// Ask for a key frame.
    pub key_frame: bool,
}

/// Watches what an encoder makes.
#[derive(Debug)]
pub(super) struct Governor {
    aim: u32,
    asked: u32,
    /// Lengths of the units of the window.
    window: VecDeque<u32>,
    capacity: usize,
    in_window: u64,
    group: u64,
    key_asked: bool,
}

impl Governor {
    /// For `bitrate` bits a second in `fps` pictures.
    pub(super) fn new(bitrate: u32, fps: u32) -> Self {
        let capacity = (fps.max(1) * WINDOW_S) as usize;
        Self {
            aim: bitrate,
            asked: bitrate,
            window: VecDeque::with_capacity(capacity),
            capacity,
            in_window: 0,
            group: 0,
            key_asked: false,
        }
    }

    /// Most bytes of a group.
    pub(super) const fn group_limit(&self) -> u64 {
        self.aim as u64 / 8 * MOST_SECONDS
    }

    /// A unit of `len` bytes came; says what to do about the next.
    pub(super) fn note(&mut self, len: usize, is_start: bool) -> Correction {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        if is_start {
            self.group = 0;
            self.key_asked = false;
        }
        self.group += u64::from(len);
        self.window.push_back(len);
        self.in_window += u64::from(len);
        // Half of it, for what is coded already when the key frame is asked for.
        let key_frame = !self.key_asked && self.group >= self.group_limit() / 2;
        self.key_asked |= key_frame;
        let mut correction = Correction {
            bitrate: None,
            key_frame,
        };
        if self.window.len() >= self.capacity {
            correction.bitrate = self.correct();
            // Each window counts once, so that what was asked for can show.
            self.window.clear();
            self.in_window = 0;
        }
        correction
    }

    fn correct(&mut self) -> Option<u32> {
        let aim = u64::from(self.aim);
        let came = self.in_window * 8 / u64::from(WINDOW_S);
        let asked = u64::from(self.asked);
        let step = aim * STEP / 100;
        let next = if came * 100 > aim * TOLERATED {
            asked.saturating_sub(step).max(aim * LEAST / 100)
        } else if came <= aim {
            (asked + step).min(aim)
        } else {
            asked
        };
        let next = u32::try_from(next).unwrap_or(self.aim);
        (next != self.asked).then(|| {
            self.asked = next;
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AIM: u32 = 8_000_000;

    /// What an encoder of 30 pictures a second makes that overshoots what it is asked for by `factor` percent, for so many
    /// seconds, a regular key frame every second if `regular`; the largest group, and the bitrate asked for in the end.
    fn drive(factor: u64, seconds: u32, regular: bool) -> (u64, u32) {
        let mut governor = Governor::new(AIM, 30);
        let (mut asked, mut largest, mut group, mut key_in) = (AIM, 0, 0, None);
        for n in 0..seconds * 30 {
            // A key frame comes eight pictures after it was asked for.
            let is_start = n == 0 || regular && n % 30 == 0 || key_in == Some(0);
            key_in = key_in.and_then(|left: u32| left.checked_sub(1));
            if is_start {
                group = 0;
            }
            let len = u64::from(asked) * factor / 100 / 8 / 30;
            group += len;
            largest = largest.max(group);
            let correction = governor.note(len as usize, is_start);
            asked = correction.bitrate.unwrap_or(asked);
            if correction.key_frame {
                key_in = Some(8);
            }
        }
        (largest, asked)
    }

    #[test]
    fn what_keeps_its_bitrate_is_left_alone() {
        assert_eq!(drive(100, 60, true), (1_000_000 / 30 * 30, AIM));
    }

    #[test]
    fn what_overshoots_is_asked_for_less_and_for_all_again_later() {
        let (largest, asked) = drive(200, 60, true);
        assert!((AIM * 4 / 10..AIM * 7 / 10).contains(&asked), "{asked}");
        assert!(largest <= 2_000_000);
        let mut governor = Governor::new(AIM, 30);
        let mut last = AIM;
        for n in 0..3000 {
            let len = if n < 300 { 100_000 } else { 20_000 };
            last = governor.note(len, n % 30 == 0).bitrate.unwrap_or(last);
            assert!(n != 299 || last < AIM);
        }
        assert_eq!(last, AIM);
    }

    #[test]
    fn no_group_outgrows_its_limit_even_without_regular_key_frames() {
        for factor in [50, 100, 150, 300, 500] {
            let (largest, _) = drive(factor, 300, false);
            assert!(
                largest <= Governor::new(AIM, 30).group_limit(),
                "{factor} %: {largest}"
            );
        }
    }
}
