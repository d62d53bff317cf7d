//! Order of segments by the last six digits of their sequence numbers.
//!
//! Order never comes from a clock. Names hold the sequence modulo [`SEQUENCE_MODULUS`], so they
//! stand on a circle; a ring's segments fill an arc of it, and the largest gap is where the newest
//! ends and the oldest begins.

use crate::name::SEQUENCE_MODULUS;

/// Gaps from this on make it doubtful which end of an arc is the newest: footage that was locked
/// a hundred thousand segments ago leaves such a gap behind it.
const DOUBTFUL_GAP: u32 = 100_000;

/// Steps forward on the circle from one name's sequence to another's.
pub const fn distance(from: u32, to: u32) -> u32 {
    (to % SEQUENCE_MODULUS + SEQUENCE_MODULUS - from % SEQUENCE_MODULUS) % SEQUENCE_MODULUS
}

/// The digits that a name holds of a full sequence number.
pub const fn digits_of(sequence: u64) -> u32 {
    (sequence % SEQUENCE_MODULUS as u64) as u32
}

/// Which of these sequences may be the newest, likeliest first: the one before the largest gap,
/// then those before any other gap of a hundred thousand or more. Usually a single one; where there
/// are more, their header records hold the full number, and the highest is the newest.
pub fn newest_candidates(sequences: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut sorted: Vec<u32> = sequences.into_iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let after = sorted.iter().cycle().skip(1);
    let mut gaps: Vec<(u32, u32)> = sorted
        .iter()
        .zip(after)
        .map(|(&sequence, &next)| (distance(sequence + 1, next), sequence))
        .collect();
    gaps.sort_unstable_by(|a, b| b.cmp(a));
    let largest = gaps.first().map_or(0, |&(gap, _)| gap);
    gaps.retain(|&(gap, _)| gap == largest || gap >= DOUBTFUL_GAP);
    // Of equal gaps the one before the wrap comes first: natural order.
    gaps.into_iter().map(|(_, sequence)| sequence).collect()
}

/// The full sequence number of the next segment, given the newest one's (from its header record).
/// Numbers whose digits a segment still bears (`taken`: one locked a million segments ago) are left
/// out.
pub fn next_sequence(newest: Option<u64>, taken: impl Fn(u32) -> bool) -> u64 {
    let first = newest.map_or(1, |newest| newest + 1);
    (first..)
        .take(SEQUENCE_MODULUS as usize)
        .find(|&sequence| !taken(digits_of(sequence)))
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_arc_has_one_end() {
        assert_eq!(newest_candidates([]), []);
        assert_eq!(newest_candidates([7]), [7]);
        assert_eq!(newest_candidates([999_999]), [999_999]);
        assert_eq!(newest_candidates([3, 1, 2]), [3]);
        assert_eq!(newest_candidates([999_998, 999_999, 0, 1]), [1]);
        assert_eq!(newest_candidates([999_998, 999_999]), [999_999]);
        // The user deleted most of the ring.
        assert_eq!(newest_candidates([100, 4000]), [4000]);
    }

    #[test]
    fn a_gap_of_a_hundred_thousand_is_doubtful_and_a_smaller_one_is_not() {
        assert_eq!(newest_candidates([0, 100_000]), [100_000]);
        assert_eq!(newest_candidates([0, 100_001]), [100_001, 0]);
    }

    #[test]
    fn old_locked_footage_makes_it_doubtful() {
        // Sequence 5 was locked 599,995 segments ago: by the largest gap it would be the newest.
        let candidates = newest_candidates((599_600..=600_000).chain([5]));
        assert_eq!(candidates, [5, 600_000]);
    }

    #[test]
    fn next_skips_digits_still_on_the_card() {
        assert_eq!(next_sequence(None, |_| false), 1);
        assert_eq!(next_sequence(Some(999_999), |_| false), 1_000_000);
        let taken = |digits| [5, 6].contains(&digits);
        assert_eq!(next_sequence(Some(1_000_004), taken), 1_000_007);
        assert_eq!(digits_of(1_000_007), 7);
    }

    proptest! {
        #[test]
        fn an_arc_with_holes_ends_at_its_newest(
            first in 0u64..3_000_000,
            steps in proptest::collection::vec(1u64..100, 1..500),
        ) {
            let mut at = first;
            let mut arc = vec![digits_of(at)];
            for step in steps {
                at += step;
                arc.push(digits_of(at));
            }
            prop_assert_eq!(newest_candidates(arc.into_iter().rev()), [digits_of(at)]);
        }
    }
}
