//! Up to when everything captured would survive a power cut, and when that must be moved on although no
//! picture comes.

/// A picture is on its way to the card for no longer than this, in nanoseconds: with a flush of 50 ms and the
/// coarseness of whoever calls, it is durable half a second after its capture.
const FLUSH_AFTER_NS: u64 = 400_000_000;
/// A source is silent if nothing comes for this long, in nanoseconds, and for two pictures' time.
const SILENT_AFTER_NS: u64 = 150_000_000;

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
    pub(super) uncommitted_since: Option<u64>,
    /// Whether something was committed and not flushed.
    pub(super) unflushed: bool,
}

/// All times are nanoseconds since boot; 0 for never.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Durability {
    newest: u64,
    committed: u64,
    durable: u64,
    /// Capture time of the first picture that was committed and not flushed.
    unflushed_since: u64,
    picture_ns: u64,
    /// Time saved up for flushes, at most two intervals', or owed for those that could not wait, as of
    /// `credit_at`.
    credit_ns: i64,
    credit_at: u64,
}

impl Durability {
    /// Capture time of the newest picture that would survive a cut now.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// A picture was taken that lasts for `picture_ns`.
    pub(super) fn taken(&mut self, captured: u64, picture_ns: u64) {
        self.newest = captured;
        self.picture_ns = picture_ns;
    }

    /// A fragment was committed, the flush of which made the one before durable; its first picture is of
    /// `since`. The picture that closed it is not [`taken`](Self::taken) yet.
    pub(super) fn committed(&mut self, since: u64, interval: u64) {
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
    pub(super) fn due(&mut self, waiting: Waiting, now: u64, interval: u64) -> Due {
        let silent_after = SILENT_AFTER_NS.max(self.picture_ns.saturating_mul(2));
        let is_silent = now.saturating_sub(self.newest) >= silent_after;
        match waiting.uncommitted_since {
            Some(since) if is_silent || now.saturating_sub(since) >= interval => Due::Commit,
            _ if !waiting.unflushed => Due::Nothing,
            _ if is_silent => Due::Flush,
            _ if now.saturating_sub(self.unflushed_since) < FLUSH_AFTER_NS => Due::Nothing,
            _ if self.credit(now, interval) < signed(interval) => Due::Nothing,
            _ => {
                self.spend(now, interval);
                Due::Flush
            }
        }
    }

    fn credit(&self, now: u64, interval: u64) -> i64 {
        let saved = signed(now.saturating_sub(self.credit_at));
        self.credit_ns
            .saturating_add(saved)
            .min(2 * signed(interval))
    }

    fn spend(&mut self, now: u64, interval: u64) {
        self.credit_ns = self.credit(now, interval) - signed(interval);
        self.credit_at = self.credit_at.max(now);
    }
}

fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const INTERVAL: u64 = 250 * MS;

    /// A segment writer that closes fragments by capture time as the real one does; a flush takes 50 ms.
    #[derive(Default)]
    struct Model {
        durability: Durability,
        uncommitted_since: Option<u64>,
        unflushed: bool,
        captured: Vec<u64>,
        flushes: Vec<u64>,
        durable_at: Vec<u64>,
    }

    impl Model {
        fn commit(&mut self, now: u64) {
            let since = self.uncommitted_since.take().unwrap_or(0);
            self.durability.committed(since, INTERVAL);
            self.unflushed = true;
            self.flush_at(now);
        }

        fn flush_at(&mut self, now: u64) {
            self.flushes.push(now);
            let durable = self.durability.durable();
            while let Some(&next) = self.captured.get(self.durable_at.len()) {
                if next > durable {
                    break;
                }
                self.durable_at.push(now + 50 * MS);
            }
        }

        fn picture(&mut self, now: u64, period: u64) {
            let due = |since: u64| now - since >= INTERVAL;
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

        fn tick(&mut self, now: u64) {
            let waiting = Waiting {
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
        fn run(fps: u64) -> Self {
            let mut model = Self::default();
            let period = 1_000 * MS / fps;
            let mut next = 1_000 * MS;
            for now in (1_000 * MS..24_000 * MS).step_by(5 * MS as usize) {
                while next <= now && next <= 21_000 * MS {
                    model.picture(next, period);
                    next += period;
                }
                if now % (50 * MS) == 0 {
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
            let lag = model.durable_at.last().unwrap() - model.captured.last().unwrap();
            assert!(lag <= 500 * MS, "{fps} fps: {} ms", lag / MS);
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
                .map(|(captured, durable)| durable - captured)
                .max()
                .unwrap();
            let bound = 2 * INTERVAL + 50 * MS + 5 * MS + 2 * 1_000 * MS / fps.max(8);
            assert!(worst <= bound, "{fps} fps: {} ms", worst / MS);
        }
    }

    #[test]
    fn no_more_than_four_flushes_a_second() {
        for fps in [1, 2, 3, 4, 5, 8, 10, 15, 24, 25, 30, 60, 120] {
            let model = Model::run(fps);
            let while_coming = model
                .flushes
                .iter()
                .filter(|&&at| at <= 21_000 * MS)
                .count();
            assert!(while_coming <= 4 * 20 + 2, "{fps} fps: {while_coming}");
        }
    }
}
