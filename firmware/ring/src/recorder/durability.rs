//! Up to when everything captured would survive a power cut, and when that must be moved on although no
//! picture comes.

use std::time::Duration;

use picam_time::BootNs;

use super::side::HOLD;

/// A picture is on its way to the card for no longer than this: with a flush of 50 ms and the
/// coarseness of whoever calls, it is durable half a second after its capture.
const FLUSH_AFTER: Duration = Duration::from_millis(400);
/// A source is silent if nothing comes for this long, and for two pictures' time.
const SILENT_AFTER: Duration = Duration::from_millis(150);

/// What to do for pictures that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    /// Close the fragment being filled.
    Commit,
    /// Make durable what was committed.
    Flush,
}

/// What waits in the segment writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Capture time of the first picture in the fragment being filled.
    pub(super) uncommitted_since: Option<BootNs>,
    /// The same of the first other sample, which has waited for its picture, if none is in it.
    pub(super) side_uncommitted_since: Option<BootNs>,
    /// Whether something was committed and not flushed.
    pub(super) unflushed: bool,
}

/// Zero stands for never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Durability {
    newest: BootNs,
    committed: BootNs,
    durable: BootNs,
    /// Capture time of the first picture that was committed and not flushed.
    unflushed_since: BootNs,
    /// How long the newest picture lasts.
    picture: Duration,
    /// Time saved up for flushes, at most two intervals', or owed for those that could not wait, as of
    /// `credit_at`; in nanoseconds.
    credit_ns: i64,
    credit_at: BootNs,
}

impl Durability {
    /// Capture time of the newest picture that would survive a cut now.
    pub(super) fn durable(&self) -> BootNs {
        self.durable
    }

    /// A picture was taken that lasts this long.
    pub(super) fn taken(&mut self, captured: BootNs, lasts: Duration) {
        self.newest = captured;
        self.picture = lasts;
    }

    /// A fragment was committed, the flush of which made the one before durable; its first picture is of
    /// `since`. The picture that closed it is not [`taken`](Self::taken) yet.
    pub(super) fn committed(&mut self, since: BootNs, interval: Duration) {
        self.durable = self.committed;
        self.committed = self.newest;
        self.unflushed_since = since;
        self.spend(self.newest, interval);
    }

    /// Everything committed was flushed.
    pub(super) fn flushed(&mut self) {
        self.durable = self.committed;
    }

    /// The segment was finished: all that was taken is durable.
    pub(super) fn finished(&mut self) {
        self.committed = self.newest;
        self.durable = self.newest;
    }

    /// What is due at `now`, where fragments last `interval`, so that no more than one flush an interval
    /// is made while pictures come.
    pub(super) fn due(&mut self, waiting: Waiting, now: BootNs, interval: Duration) -> Due {
        let silent_after = SILENT_AFTER.max(self.picture.saturating_mul(2));
        let is_silent = now.since(self.newest) >= silent_after;
        match waiting.uncommitted_since {
            Some(since) if is_silent || now.since(since) >= interval => Due::Commit,
            _ if self.is_side_due(waiting, now, interval) => Due::Commit,
            _ if !waiting.unflushed => Due::Nothing,
            // Pictures are not kept waiting; other samples go with the next commit or in their turn.
            _ if is_silent && self.committed > self.durable => Due::Flush,
            _ if now.since(self.unflushed_since) < FLUSH_AFTER => Due::Nothing,
            _ if self.credit(now, interval) < signed(interval) => Due::Nothing,
            _ => {
                self.spend(now, interval);
                Due::Flush
            }
        }
    }

    /// Whether samples without a picture are to be committed: their turn comes behind that of pictures.
    fn is_side_due(&self, waiting: Waiting, now: BootNs, interval: Duration) -> bool {
        let since = waiting.side_uncommitted_since;
        since.is_some_and(|since| now.since(since) >= interval + HOLD)
            && self.credit(now, interval) >= signed(interval)
    }

    fn credit(&self, now: BootNs, interval: Duration) -> i64 {
        let saved = signed(now.since(self.credit_at));
        self.credit_ns
            .saturating_add(saved)
            .min(2 * signed(interval))
    }

    fn spend(&mut self, now: BootNs, interval: Duration) {
        self.credit_ns = self.credit(now, interval) - signed(interval);
        self.credit_at = self.credit_at.max(now);
    }
}

fn signed(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = ms(250);
    const FLUSH: Duration = ms(50);
    const BEGIN: BootNs = BootNs::from_secs(1);
    /// The last picture's time at the latest.
    const LAST: BootNs = BootNs::from_secs(21);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A segment writer that closes fragments by capture time as the real one does; a flush takes 50 ms.
    #[derive(Default)]
    struct Model {
        durability: Durability,
        uncommitted_since: Option<BootNs>,
        unflushed: bool,
        captured: Vec<BootNs>,
        flushes: Vec<BootNs>,
        durable_at: Vec<BootNs>,
    }

    impl Model {
        fn commit(&mut self, now: BootNs) {
            let since = self.uncommitted_since.take().unwrap_or(BootNs::ZERO);
            self.durability.committed(since, INTERVAL);
            self.unflushed = true;
            self.flush_at(now);
        }

        fn flush_at(&mut self, now: BootNs) {
            self.flushes.push(now);
            let durable = self.durability.durable();
            while let Some(&next) = self.captured.get(self.durable_at.len()) {
                if next > durable {
                    break;
                }
                self.durable_at.push(now + FLUSH);
            }
        }

        fn picture(&mut self, now: BootNs, period: Duration) {
            let due = |since: BootNs| now.since(since) >= INTERVAL;
            if self.uncommitted_since.is_some_and(due) {
                self.commit(now);
            }
            self.captured.push(now);
            self.uncommitted_since.get_or_insert(now);
            self.durability.taken(now, period);
            if period >= INTERVAL {
                self.commit(now);
            }
        }

        fn tick(&mut self, now: BootNs) {
            let waiting = Waiting {
                side_uncommitted_since: None,
                uncommitted_since: self.uncommitted_since,
                unflushed: self.unflushed,
            };
            match self.durability.due(waiting, now, INTERVAL) {
                Due::Nothing => {}
                Due::Commit => self.commit(now),
                Due::Flush => {
                    self.durability.flushed();
                    self.unflushed = false;
                    self.flush_at(now);
                }
            }
        }

        /// Pictures for 20 s at `fps`, then none; looked at every 50 ms.
        fn run(fps: u32) -> Self {
            let mut model = Self::default();
            let period = ms(1000) / fps;
            let mut next = BEGIN;
            for n in 0..23_000 / 5 {
                let now = BEGIN + n * ms(5);
                while next <= now && next <= LAST {
                    model.picture(next, period);
                    next += period;
                }
                if n % 10 == 0 {
                    model.tick(now);
                }
            }
            model
        }
    }

    #[test]
    fn a_camera_torn_off_leaves_its_last_picture_within_half_a_second() {
        for fps in [1, 2, 3, 4, 5, 8, 10, 15, 24, 25, 30, 60, 120] {
            let model = Model::run(fps);
            assert_eq!(model.durable_at.len(), model.captured.len(), "{fps} fps");
            let durable_at = *model.durable_at.last().unwrap();
            let lag = durable_at.since(*model.captured.last().unwrap());
            assert!(lag <= ms(500), "{fps} fps: {lag:?}");
        }
    }

    /// Two fragments and the flush of the second, and a picture's time for each that its fragment is closed by
    /// the next one.
    #[test]
    fn every_picture_is_durable_after_two_fragments_and_a_flush() {
        for fps in [1, 2, 3, 4, 5, 8, 10, 15, 24, 25, 30, 60, 120] {
            let model = Model::run(fps);
            let lags = model.captured.iter().zip(&model.durable_at);
            let worst = lags
                .map(|(captured, durable)| durable.since(*captured))
                .max()
                .unwrap();
            let bound = 2 * INTERVAL + FLUSH + ms(5) + ms(2000) / fps.max(8);
            assert!(worst <= bound, "{fps} fps: {worst:?}");
        }
    }

    #[test]
    fn no_more_than_four_flushes_a_second() {
        for fps in [1, 2, 3, 4, 5, 8, 10, 15, 24, 25, 30, 60, 120] {
            let model = Model::run(fps);
            let while_coming = model.flushes.iter().filter(|&&at| at <= LAST).count();
            assert!(while_coming <= 4 * 20 + 2, "{fps} fps: {while_coming}");
        }
    }

    const NOTHING: Waiting = Waiting {
        uncommitted_since: None,
        side_uncommitted_since: None,
        unflushed: false,
    };

    #[test]
    fn nothing_is_flushed_that_was_flushed_and_nothing_before_its_time() {
        let unflushed = Waiting {
            unflushed: true,
            ..NOTHING
        };
        // A camera that goes on: its last picture is of just now.
        let due = |waiting, after: Duration| {
            let mut durability = Durability::default();
            durability.taken(BEGIN, ms(33));
            durability.committed(BEGIN, INTERVAL);
            durability.taken(BEGIN + after, ms(33));
            durability.due(waiting, BEGIN + after, INTERVAL)
        };
        assert_eq!(due(NOTHING, ms(2000)), Due::Nothing);
        assert_eq!(due(unflushed, FLUSH_AFTER - ms(1)), Due::Nothing);
        // By then a flush has been saved up: one was spent, and two intervals have gone by since.
        assert_eq!(due(unflushed, ms(500)), Due::Flush);
    }

    #[test]
    fn of_flushes_no_more_are_saved_up_than_two() {
        let mut durability = Durability::default();
        let mut flushes = 0;
        durability.taken(BEGIN, ms(33));
        durability.unflushed_since = BEGIN;
        let now = BEGIN + ms(60_000);
        durability.newest = now;
        let waiting = Waiting {
            unflushed: true,
            ..NOTHING
        };
        while durability.due(waiting, now, INTERVAL) == Due::Flush {
            flushes += 1;
        }
        assert_eq!(flushes, 2);
        // Exactly an interval later there is one more.
        durability.newest = now + INTERVAL;
        assert_eq!(
            durability.due(waiting, now + INTERVAL - ms(1), INTERVAL),
            Due::Nothing
        );
        assert_eq!(
            durability.due(waiting, now + INTERVAL, INTERVAL),
            Due::Flush
        );
    }

    #[test]
    fn samples_without_a_picture_are_committed_once_they_have_waited_and_it_is_their_turn() {
        let waiting = Waiting {
            side_uncommitted_since: Some(BEGIN),
            ..NOTHING
        };
        let mut durability = Durability::default();
        let due = BEGIN + INTERVAL + HOLD;
        assert_eq!(durability.due(waiting, due - ms(1), INTERVAL), Due::Nothing);
        assert_eq!(durability.due(waiting, due, INTERVAL), Due::Commit);
        // Pictures have spent all that there was.
        durability.taken(due, ms(33));
        for _ in 0..2 {
            durability.committed(due, INTERVAL);
        }
        assert_eq!(durability.due(waiting, due, INTERVAL), Due::Nothing);
    }

    #[test]
    fn a_finished_segment_is_durable() {
        let mut durability = Durability::default();
        durability.taken(BEGIN, ms(33));
        assert_eq!(durability.durable(), BootNs::ZERO);
        durability.finished();
        assert_eq!(durability.durable(), BEGIN);
        // Nothing of it waits.
        durability.flushed();
        assert_eq!(durability.durable(), BEGIN);
    }
}
