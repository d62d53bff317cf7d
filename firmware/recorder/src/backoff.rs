//! How long a source that failed is left alone.

use std::time::Duration;

/// Pause after a first failure; doubles with each that follows.
const FIRST: Duration = Duration::from_millis(250);
/// Longest pause of a camera from which nothing comes: it may be plugged in again at any moment.
const LONGEST: Duration = Duration::from_secs(10);
/// Longest pause of a camera that delivers and fails again and again. With the five seconds until its silence is noticed
/// and some time to open it, the gap stays below the ten after which its segment is finished: each run would take a slot.
const LONGEST_OF_FLAPPING: Duration = Duration::from_secs(2);
/// Longest pause of a source that delivers the same pictures again each time: it fills the ring with copies.
const LONGEST_OF_REPLAYS: Duration = Duration::from_secs(600);
/// A source that ran for so long has recovered.
const RECOVERED: Duration = Duration::from_secs(30);

/// A run of a source, from its opening to its failure.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    /// How long it lasted.
    pub(crate) lasted: Duration,
    /// How far it got: its own decode time in ticks; `None` if it delivered nothing.
    pub(crate) reached: Option<i64>,
    /// Whether the same pictures come again when it is opened again.
    pub(crate) replays: bool,
}

/// Pauses that double, unless there is progress: a run of 30 s, or one that got further than all before it.
/// That something was delivered at all is none. For what replays, only getting further is.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    pause: Duration,
    furthest: Option<i64>,
}

impl Backoff {
    /// The pause after a run that failed.
    pub(crate) fn after(&mut self, run: Run) -> Duration {
        let further = run.reached > self.furthest;
        self.furthest = self.furthest.max(run.reached);
        let progress = further || !run.replays && run.lasted >= RECOVERED;
        let longest = match (run.replays, run.reached) {
            (true, _) => LONGEST_OF_REPLAYS,
            (false, Some(_)) => LONGEST_OF_FLAPPING,
            (false, None) => LONGEST,
        };
        self.pause = if progress {
            FIRST
        } else {
            (self.pause * 2).clamp(FIRST, longest)
        };
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(runs: &[(u64, Option<i64>)], replays: bool) -> Vec<u64> {
        let mut backoff = Backoff::default();
        runs.iter()
            .map(|&(seconds, reached)| {
                let lasted = Duration::from_secs(seconds);
                let run = Run {
                    lasted,
                    reached,
                    replays,
                };
                backoff.after(run).as_millis() as u64
            })
            .collect()
    }

    #[test]
    fn a_source_that_fails_at_the_same_place_is_left_alone_longer_and_longer() {
        let expected = [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000];
        assert_eq!(pauses(&[(0, None); 8], false), expected);
        // One that delivers is not left alone for so long that its segment ends.
        let expected = [250, 500, 1000, 2000, 2000, 2000, 2000, 2000];
        assert_eq!(pauses(&[(5, Some(450_000)); 8], false), expected);
        // One that delivered once and is gone then is.
        let gone = [
            (5, Some(1)),
            (0, None),
            (0, None),
            (0, None),
            (0, None),
            (0, None),
            (0, None),
        ];
        assert_eq!(
            pauses(&gone, false),
            [250, 500, 1000, 2000, 4000, 8000, 10_000]
        );
    }

    #[test]
    fn progress_makes_the_pause_short_again() {
        let further = [(5, Some(10)), (5, Some(10)), (5, Some(11)), (5, Some(10))];
        assert_eq!(pauses(&further, false), [250, 500, 250, 500]);
        let long = [
            (0, None),
            (0, None),
            (30, Some(1)),
            (29, Some(1)),
            (60, Some(1)),
        ];
        assert_eq!(pauses(&long, false), [250, 500, 250, 500, 250]);
    }

    #[test]
    fn a_file_that_fails_at_the_same_place_does_not_fill_the_ring_with_copies() {
        // A minute each time: with a short pause the ring would hold nothing else soon.
        let paused: u64 = pauses(&[(60, Some(5_400_000)); 60], true).iter().sum();
        let played = 60 * 60_000;
        assert!(paused > 7 * played, "{paused} ms of pauses");
        assert_eq!(pauses(&[(60, Some(1)), (60, Some(2))], true), [250, 250]);
    }
}
