//! What is known of an encoder's two queues, and what follows from what the driver says. No device, no clock.
//!
//! Pictures go into buffers of one queue and come coded out of buffers of the other. Which one came out is told by the
//! time stamp alone, which the driver copies: an encoder may leave pictures out without a word (raspberrypi/linux issue
//! 6680), so that counting would pair pictures with others' times. Whatever came in before the one that came out, and has
//! not come, never will.

use std::collections::VecDeque;
use std::time::Duration;

use crate::EncoderCounts;

/// An encoder from which nothing comes for so long hangs, if it has pictures.
pub(super) const STALL: Duration = Duration::from_secs(1);
/// Pictures a slow camera may owe it before that.
const STALL_PICTURES: u32 = 4;
/// More pictures on their way than any encoder has buffers for: it takes and gives nothing.
const MOST_PENDING: usize = 256;
/// Units behind the one for which a key frame was asked until it is asked for again: what may have been queued before it.
const KEY_SLACK: u32 = 8;
/// A key frame is asked for so often; then the next regular one has to do.
const KEY_TRIES: u32 = 5;

/// What a dequeued buffer of coded data says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coded {
    /// The stamp of the picture that it belongs to.
    pub stamp: u64,
    /// What lies in it.
    pub content: Content,
    /// The driver calls it damaged.
    pub is_damaged: bool,
    /// The last one before the end that was asked for.
    pub is_last: bool,
}

/// What lies in a buffer of coded data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// Parameter sets without a picture.
    Headers,
    /// A picture.
    Picture {
        /// Whether decoding can start at it.
        is_start: bool,
    },
}

/// What to do with a buffer of coded data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The picture with that stamp.
    Picture {
        /// Pictures that were handed in since the last one that came out, and never will.
        lost_before: u32,
    },
    /// Nothing that can be used; it is counted.
    Nothing,
}

/// Where the encoder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It takes pictures.
    Running,
    /// It was told that no more come.
    Draining,
    /// All that will come has come.
    Drained,
    /// It must be set up anew.
    Broken(Fault),
}

/// Why an encoder must be set up anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Nothing came from it for long.
    #[error("nothing came from it for a second")]
    Stalled,
    /// What it takes or gives has changed its shape.
    #[error("it changed its formats")]
    SourceChanged,
    /// A call failed, or the driver said what makes no sense.
    #[error("its driver failed")]
    Driver,
}

/// Whether a key frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    No,
    Wanted {
        tries: u32,
    },
    /// Asked for with the picture of that stamp, behind which so many came.
    Asked {
        stamp: u64,
        tries: u32,
        seen: u32,
    },
}

/// The state of both queues.
#[derive(Debug)]
pub(super) struct Machine {
    phase: Phase,
    /// For each buffer for pictures, whether the driver has it.
    inputs: Vec<bool>,
    /// Stamps of the pictures on their way.
    pending: VecDeque<u64>,
    newest: Option<u64>,
    key: Key,
    /// Nothing came yet that decoding can start at.
    needs_start: bool,
    /// When something last moved, by the caller's clock.
    progress: Duration,
    stall: Duration,
    /// Pictures lost since the last one that came out.
    lost: u32,
    counts: EncoderCounts,
}

impl Machine {
    /// For an encoder with `inputs` buffers for pictures, of which `fps` come a second.
    pub(super) fn new(inputs: u32, fps: u32) -> Self {
        let slow = Duration::from_secs(STALL_PICTURES.into()) / fps.max(1);
        Self {
            phase: Phase::Running,
            inputs: vec![false; inputs as usize],
            pending: VecDeque::with_capacity(MOST_PENDING),
            newest: None,
            key: Key::No,
            needs_start: true,
            progress: Duration::ZERO,
            stall: STALL.max(slow),
            lost: 0,
            counts: EncoderCounts::default(),
        }
    }

    /// Where it stands.
    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// What became of all pictures.
    pub(super) fn counts(&self) -> EncoderCounts {
        EncoderCounts {
            pending: self.pending.len() as u64,
            ..self.counts
        }
    }

    /// A buffer that the next picture can go into.
    pub(super) fn free_input(&self) -> Option<u32> {
        if self.phase != Phase::Running {
            return None;
        }
        let at = self.inputs.iter().position(|is_queued| !is_queued)?;
        u32::try_from(at).ok()
    }

    /// The stamp that a picture of the time `micros` gets: that time, or the next that no picture before it has.
    pub(super) fn stamp(&self, micros: u64) -> u64 {
        self.newest
            .map_or(micros, |newest| micros.max(newest.saturating_add(1)))
    }

    /// The driver took the picture `stamp`, in buffer `input`.
    pub(super) fn queued(&mut self, input: u32, stamp: u64, now: Duration) {
        self.counts.handed_in += 1;
        match self.inputs.get_mut(input as usize) {
            Some(is_queued) => *is_queued = true,
            None => self.fault(Fault::Driver),
        }
        if self.pending.is_empty() {
            self.progress = now;
        }
        self.newest = Some(stamp);
        self.pending.push_back(stamp);
        if self.pending.len() >= MOST_PENDING {
            self.fault(Fault::Stalled);
        }
    }

    /// There was no room for a picture.
    pub(super) fn refused(&mut self) {
        self.counts.handed_in += 1;
        self.counts.refused += 1;
        self.lost = self.lost.saturating_add(1);
    }

    /// The driver gave the buffer of a picture back.
    pub(super) fn input_returned(&mut self, input: u32) {
        match self.inputs.get_mut(input as usize) {
            Some(is_queued) if *is_queued => *is_queued = false,
            // Given back twice, or never had.
            _ => self.fault(Fault::Driver),
        }
    }

    /// The driver gave coded data.
    pub(super) fn output(&mut self, coded: &Coded, now: Duration) -> Verdict {
        let before = self.pending.len();
        let verdict = self.judge(coded);
        if self.pending.len() != before {
            self.progress = now;
        }
        if coded.is_last {
            self.end();
        }
        verdict
    }

    fn judge(&mut self, coded: &Coded) -> Verdict {
        let is_start = match coded.content {
            // Neither says that the picture is done.
            Content::Empty | Content::Headers if !coded.is_damaged => return Verdict::Nothing,
            Content::Picture { is_start } => is_start,
            _ => false,
        };
        let Some(before) = self.pending.iter().position(|&stamp| stamp == coded.stamp) else {
            self.counts.strays += u64::from(coded.content != Content::Empty);
            return Verdict::Nothing;
        };
        self.pending.drain(..=before);
        self.counts.dropped += before as u64;
        self.lost = self.lost.saturating_add(before as u32);
        if coded.is_damaged || self.needs_start && !is_start {
            self.counts.damaged += 1;
            self.lost = self.lost.saturating_add(1);
            // What follows refers to it, or to what never came.
            self.want_key();
            return Verdict::Nothing;
        }
        self.needs_start = false;
        self.counts.coded += 1;
        self.note_key(coded.stamp, is_start);
        Verdict::Picture {
            lost_before: std::mem::take(&mut self.lost),
        }
    }

    /// The driver has no more coded data for good.
    pub(super) fn end(&mut self) {
        match self.phase {
            Phase::Draining => {
                self.phase = Phase::Drained;
                self.drop_pending(|counts| &mut counts.dropped);
            }
            Phase::Drained | Phase::Broken(_) => {}
            // Nobody asked for it.
            Phase::Running => self.fault(Fault::Driver),
        }
    }

    /// No more pictures come. Whether the driver is to be told.
    pub(super) fn drain(&mut self) -> bool {
        let tell = self.phase == Phase::Running;
        if tell {
            self.phase = Phase::Draining;
        }
        tell
    }

    /// Something is wrong: it must be set up anew.
    pub(super) fn fault(&mut self, fault: Fault) {
        if !matches!(self.phase, Phase::Broken(_)) {
            self.phase = Phase::Broken(fault);
        }
    }

    /// Looks whether it hangs.
    pub(super) fn look(&mut self, now: Duration) {
        let working = match self.phase {
            Phase::Running => !self.pending.is_empty(),
            // It owes at least the word that it has ended.
            Phase::Draining => true,
            Phase::Drained | Phase::Broken(_) => false,
        };
        if !working {
            self.progress = now;
        } else if now.saturating_sub(self.progress) >= self.stall {
            self.fault(Fault::Stalled);
        }
    }

    /// It was set up anew, after a fault or to go on behind a drain: it has nothing any more.
    pub(super) fn rebuilt(&mut self, inputs: u32, now: Duration) {
        self.drop_pending(|counts| &mut counts.lost);
        self.inputs = vec![false; inputs as usize];
        self.counts.rebuilt += 1;
        self.key = Key::No;
        self.needs_start = true;
        self.progress = now;
        self.phase = Phase::Running;
    }

    fn drop_pending(&mut self, count: impl FnOnce(&mut EncoderCounts) -> &mut u64) {
        let left = self.pending.len();
        self.pending.clear();
        *count(&mut self.counts) += left as u64;
        self.lost = self.lost.saturating_add(left as u32);
    }

    /// A key frame is wanted.
    pub(super) fn want_key(&mut self) {
        if self.key == Key::No {
            self.key = Key::Wanted { tries: 0 };
        }
    }

    /// Whether the driver is to be asked for one before the next picture.
    pub(super) const fn is_key_wanted(&self) -> bool {
        matches!(self.key, Key::Wanted { .. })
    }

    /// The driver was asked for one before the picture `stamp`.
    pub(super) fn key_asked(&mut self, stamp: u64) {
        if let Key::Wanted { tries } = self.key {
            self.counts.keys_asked_again += u64::from(tries > 0);
            self.key = Key::Asked {
                stamp,
                tries: tries + 1,
                seen: 0,
            };
        }
    }

    /// Forced key frames get lost when units are taken slowly (raspberrypi/firmware issue 470).
    fn note_key(&mut self, stamp: u64, is_start: bool) {
        match &mut self.key {
            _ if is_start => self.key = Key::No,
            Key::Asked {
                stamp: asked,
                tries,
                seen,
            } if stamp >= *asked => {
                *seen += 1;
                if *seen > KEY_SLACK {
                    self.key = match *tries {
                        tries if tries < KEY_TRIES => Key::Wanted { tries },
                        _ => Key::No,
                    };
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
