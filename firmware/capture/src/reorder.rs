//! Decode times for a source that states presentation times only.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Gives each unit, in decoding order, the presentation time that stands `depth` places before its own
/// in sorted order: the latest that no reordering of that depth can undercut.
#[derive(Debug)]
pub(crate) struct DecodeTimes {
    depth: usize,
    /// Length of a frame, for the first few units, which have nothing before them.
    frame: i64,
    /// Presentation times not yet given out as decode times.
    waiting: BinaryHeap<Reverse<i64>>,
    first: Option<i64>,
    given: usize,
    last: i64,
}

impl DecodeTimes {
    /// For a stream in which at most `depth` pictures are decoded before one and shown after it.
    pub(crate) fn new(depth: u8, frame: i64) -> Self {
        Self {
            depth: depth.into(),
            frame,
            waiting: BinaryHeap::new(),
            first: None,
            given: 0,
            last: 0,
        }
    }

    /// Presentation time of the first unit, as the source states it.
    pub(crate) fn first(&self) -> Option<i64> {
        self.first
    }

    /// Decode and presentation time of the next unit, shifted so that the first is decoded at 0.
    pub(crate) fn next(&mut self, pts: i64) -> (i64, i64) {
        let first = *self.first.get_or_insert(pts);
        let ahead = self.frame.saturating_mul(self.depth as i64);
        let pts = pts.saturating_sub(first).saturating_add(ahead);
        self.waiting.push(Reverse(pts));
        let dts = if self.waiting.len() > self.depth {
            self.waiting.pop().map_or(pts, |Reverse(earliest)| earliest)
        } else {
            self.frame.saturating_mul(self.given as i64)
        };
        self.given += 1;
        // Only a stream that reorders more deeply than it says needs this.
        self.last = self.last.max(dts);
        (self.last, pts.max(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(depth: u8, frame: i64, pts: &[i64]) -> Vec<(i64, i64)> {
        let mut times = DecodeTimes::new(depth, frame);
        pts.iter().map(|&p| times.next(p)).collect()
    }

    #[test]
    fn without_reordering_decode_is_presentation() {
        assert_eq!(times(0, 10, &[7, 17, 40]), [(0, 0), (10, 10), (33, 33)]);
    }

    #[test]
    fn with_reordering_decode_is_even_and_never_late() {
        let shown = [0, 40, 20, 10, 30, 80, 60, 50, 70];
        let expected: Vec<_> = shown
            .iter()
            .enumerate()
            .map(|(n, pts)| (10 * n as i64, pts + 20))
            .collect();
        assert_eq!(times(2, 10, &shown), expected);
    }

    #[test]
    fn a_stream_that_lies_about_its_depth_stays_in_order() {
        for (dts, pts) in times(1, 10, &[0, 40, 30, 20, 10, 50])
            .windows(2)
            .map(|w| w[1])
        {
            assert!(pts >= dts);
        }
    }
}
