//! From decoding order to display order by picture order count, for streams without timestamps.

use std::collections::VecDeque;

use crate::AccessUnit;

/// A picture's place in display order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    /// Everything decoded before is displayed before (IDR and the like).
    pub(crate) starts_sequence: bool,
    /// Picture order count within its coded video sequence.
    pub(crate) poc: i32,
}

/// Picture order counts from their low bits (H.264 8.2.1.1, H.265 8.3.1).
#[derive(Debug, Default)]
pub(crate) struct PocCounter {
    /// Count of the picture that the next one is reckoned from.
    anchor: i32,
    /// Whether a picture was counted since the start or the last end of sequence.
    running: bool,
}

impl PocCounter {
    /// An IDR picture of H.264: its count is reckoned from 0.
    pub(crate) fn reset(&mut self) {
        self.anchor = 0;
    }

    /// A picture of H.265 that begins a coded video sequence: its count is `lsb` itself.
    pub(crate) fn begin(&mut self, lsb: u32) -> i32 {
        self.running = true;
        self.anchor = i32::try_from(lsb).unwrap_or(0);
        self.anchor
    }

    /// The stream starts over, or an end of sequence was met: the next random access picture begins
    /// a coded video sequence.
    pub(crate) fn end_of_sequence(&mut self) {
        self.running = false;
    }

    /// Whether a coded video sequence has begun.
    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// The count whose low `bits` are `lsb` and which is nearest to the last anchor. `anchors`: the
    /// next counts are reckoned from this one.
    pub(crate) fn next(&mut self, lsb: u32, bits: u8, anchors: bool) -> i32 {
        let period = 1i32 << bits.min(16);
        let lsb = i32::try_from(lsb).unwrap_or(0);
        let anchor_lsb = self.anchor.rem_euclid(period);
        let mut poc = self.anchor.wrapping_sub(anchor_lsb).wrapping_add(lsb);
        if lsb < anchor_lsb && anchor_lsb - lsb >= period / 2 {
            poc = poc.wrapping_add(period);
        } else if lsb > anchor_lsb && lsb - anchor_lsb > period / 2 {
            poc = poc.wrapping_sub(period);
        }
        if anchors {
            self.anchor = poc;
        }
        poc
    }
}

struct Held {
    unit: AccessUnit,
    picture: Picture,
    /// Number in display order, once known.
    shown: Option<u64>,
}

/// Holds units until their number in display order is known, and hands them on in decoding order.
///
/// Numbers are given by the output process of H.264 C.4.5.3 and H.265 C.5.2.2: a picture is shown
/// when more than the stated number of pictures wait, the lowest count first. Buffers go round between
/// here and the caller, so that steady state allocates nothing.
pub(crate) struct DisplayOrder {
    held: VecDeque<Held>,
    spare: Vec<AccessUnit>,
    next_shown: u64,
}

impl DisplayOrder {
    pub(crate) fn new() -> Self {
        Self {
            held: VecDeque::new(),
            spare: Vec::new(),
            next_shown: 0,
        }
    }

    /// Takes the next unit in decoding order, leaving an empty one with room in its place.
    pub(crate) fn push(&mut self, unit: &mut AccessUnit, picture: Picture, max_reorder: u8) {
        if picture.starts_sequence {
            self.show_all();
        }
        let spare = self.spare.pop().unwrap_or_default();
        let unit = std::mem::replace(unit, spare);
        self.held.push_back(Held {
            unit,
            picture,
            shown: None,
        });
        while self.waiting() > usize::from(max_reorder) {
            self.show_lowest();
        }
    }

    /// The display number of a unit that goes past here, in a stream that does not reorder.
    pub(crate) fn show_at_once(&mut self) -> u64 {
        self.next_shown += 1;
        self.next_shown - 1
    }

    /// No more units come: all that wait are shown.
    pub(crate) fn show_all(&mut self) {
        while self.waiting() > 0 {
            self.show_lowest();
        }
    }

    /// Swaps the next unit in decoding order into `unit` if its display number is known, and returns that.
    pub(crate) fn pop(&mut self, unit: &mut AccessUnit) -> Option<u64> {
        let shown = self.held.front()?.shown?;
        let mut held = self.held.pop_front()?;
        std::mem::swap(unit, &mut held.unit);
        held.unit.data.clear();
        self.spare.push(held.unit);
        Some(shown)
    }

    fn waiting(&self) -> usize {
        self.held.iter().filter(|h| h.shown.is_none()).count()
    }

    fn show_lowest(&mut self) {
        let waiting = self.held.iter_mut().filter(|h| h.shown.is_none());
        if let Some(lowest) = waiting.min_by_key(|h| h.picture.poc) {
            lowest.shown = Some(self.next_shown);
            self.next_shown += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_wrap_both_ways() {
        let mut counter = PocCounter::default();
        let lsbs = [0, 8, 4, 14, 10, 4, 2, 12];
        let pocs: Vec<_> = lsbs
            .iter()
            .map(|&l| counter.next(l, 4, l != 4 && l != 10))
            .collect();
        assert_eq!(pocs, [0, 8, 4, 14, 10, 20, 18, 12]);
        counter.reset();
        assert_eq!(counter.next(14, 4, true), -2);
    }

    #[test]
    fn numbers_follow_the_count_and_never_precede_decoding() {
        let pocs = [
            (true, 0),
            (false, 8),
            (false, 4),
            (false, 2),
            (false, 6),
            (true, 0),
            (false, 2),
        ];
        let mut order = DisplayOrder::new();
        let mut shown = Vec::new();
        let mut unit = AccessUnit::new();
        for (starts_sequence, poc) in pocs {
            order.push(
                &mut unit,
                Picture {
                    starts_sequence,
                    poc,
                },
                2,
            );
            while let Some(n) = order.pop(&mut unit) {
                shown.push(n);
            }
        }
        order.show_all();
        while let Some(n) = order.pop(&mut unit) {
            shown.push(n);
        }
        assert_eq!(shown, [0, 4, 2, 1, 3, 5, 6]);
        assert!(
            shown
                .iter()
                .enumerate()
                .all(|(decoded, &n)| n + 2 >= decoded as u64)
        );
    }
}
