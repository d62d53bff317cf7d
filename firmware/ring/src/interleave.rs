//! The segments of several volumes in one order.
//!
//! On each volume the sequence says what came before what, and that is never changed. Between volumes the boot clock decides within
//! a boot, then the order of the boots as any one volume knows it, then UTC.

use std::collections::HashMap;

use picam_time::{BootNs, UtcUs};

/// When a segment was recorded, as far as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The boot that recorded it; none if its header is damaged.
    pub boot_id: Option<[u8; 16]>,
    /// Start, by the clock of that boot.
    pub boot: BootNs,
    /// Start in UTC; none if nobody knew.
    pub utc: Option<UtcUs>,
}

/// Brings volumes, each of them newest first, into one order, newest first.
pub fn newest_first<T>(volumes: Vec<Vec<T>>, moment: impl Fn(&T) -> Moment) -> Vec<T> {
    let merged = volumes.into_iter().reduce(|a, b| two(a, b, &moment));
    merged.unwrap_or_default()
}

/// A volume from its newest on, and the boots that are further back.
struct Side<T> {
    rest: std::iter::Peekable<std::vec::IntoIter<T>>,
    boots: Vec<Option<[u8; 16]>>,
    at: usize,
    /// What lies behind the head, by how often.
    behind: HashMap<[u8; 16], usize>,
}

impl<T> Side<T> {
    fn new(all: Vec<T>, moment: &impl Fn(&T) -> Moment) -> Self {
        let boots: Vec<_> = all.iter().map(|item| moment(item).boot_id).collect();
        let mut behind = HashMap::new();
        for boot in boots.iter().flatten() {
            *behind.entry(*boot).or_insert(0) += 1;
        }
        Self {
            rest: all.into_iter().peekable(),
            boots,
            at: 0,
            behind,
        }
    }

    fn take(&mut self) -> Option<T> {
        if let Some(boot) = self.boots.get(self.at).copied().flatten()
            && let Some(count) = self.behind.get_mut(&boot)
        {
            *count -= 1;
            if *count == 0 {
                self.behind.remove(&boot);
            }
        }
        self.at += 1;
        self.rest.next()
    }

    /// Whether this boot is somewhere from the head on.
    fn has(&self, boot: Option<[u8; 16]>) -> bool {
        boot.is_some_and(|boot| self.behind.contains_key(&boot))
    }
}

fn two<T>(a: Vec<T>, b: Vec<T>, moment: &impl Fn(&T) -> Moment) -> Vec<T> {
    let mut merged = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (Side::new(a, moment), Side::new(b, moment));
    let mut last: Option<Moment> = None;
    let mut last_is_a = true;
    loop {
        let (head_a, head_b) = match (a.rest.peek(), b.rest.peek()) {
            (Some(head_a), Some(head_b)) => (moment(head_a), moment(head_b)),
            (Some(_), None) => {
                merged.extend(std::iter::from_fn(|| a.take()));
                return merged;
            }
            (None, _) => {
                merged.extend(std::iter::from_fn(|| b.take()));
                return merged;
            }
        };
        let same_boot = head_a.boot_id.is_some() && head_a.boot_id == head_b.boot_id;
        let a_first = if same_boot {
            head_a.boot >= head_b.boot
        } else {
            match (b.has(head_a.boot_id), a.has(head_b.boot_id)) {
                // Something of a's boot lies further back on b: b's head is of a later one.
                (true, false) => false,
                (false, true) => true,
                _ => match (head_a.utc, head_b.utc) {
                    (Some(utc_a), Some(utc_b)) if utc_a != utc_b => utc_a > utc_b,
                    // Nobody knows: what was begun goes on.
                    _ => match last.and_then(|last| last.boot_id) {
                        Some(boot) if head_b.boot_id == Some(boot) => false,
                        Some(boot) if head_a.boot_id == Some(boot) => true,
                        _ => last_is_a,
                    },
                },
            }
        };
        let (side, head) = if a_first {
            (&mut a, head_a)
        } else {
            (&mut b, head_b)
        };
        merged.extend(side.take());
        (last, last_is_a) = (Some(head), a_first);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// (boot, seconds since it, UTC in seconds), with a number to tell it by.
    type Item = (u32, u8, u64, Option<i64>);

    fn moment(item: &Item) -> Moment {
        Moment {
            boot_id: (item.1 > 0).then_some([item.1; 16]),
            boot: BootNs::from_secs(item.2),
            utc: item.3.map(UtcUs::from_secs),
        }
    }

    fn numbers(volumes: &[&[Item]]) -> Vec<u32> {
        let volumes = volumes.iter().map(|volume| volume.to_vec()).collect();
        let merged = newest_first(volumes, moment);
        merged.iter().map(|item| item.0).collect()
    }

    #[test]
    fn within_a_boot_the_boot_clock_decides() {
        let card = [(4, 1, 90, None), (1, 1, 10, None)];
        let disk = [(3, 1, 70, None), (2, 1, 30, None)];
        assert_eq!(numbers(&[&card, &disk]), [4, 3, 2, 1]);
        assert_eq!(numbers(&[&disk, &card]), [4, 3, 2, 1]);
    }

    #[test]
    fn a_boot_that_both_know_orders_those_that_one_knows() {
        // The disk has boots 1 and 3, the card 2 (all of it) and 3. Nobody ever knew the time.
        let card = [(6, 3, 5, None), (4, 2, 60, None), (3, 2, 5, None)];
        let disk = [(7, 3, 20, None), (2, 1, 60, None), (1, 1, 20, None)];
        let merged = numbers(&[&disk, &card]);
        assert_eq!(merged[..2], [7, 6]);
        // What only UTC could tell stays together.
        assert!(
            [[4, 3, 2, 1], [2, 1, 4, 3]].contains(&merged[2..].try_into().unwrap()),
            "{merged:?}"
        );
    }

    #[test]
    fn a_boot_further_back_on_the_other_volume_comes_later() {
        // The disk was away in boot 2, whose clock was wrong by years.
        let card = [
            (5, 3, 4, Some(900)),
            (4, 2, 9, Some(5_000)),
            (2, 1, 2, Some(300)),
        ];
        let disk = [(6, 3, 9, Some(905)), (3, 1, 9, Some(307))];
        assert_eq!(numbers(&[&card, &disk]), [6, 5, 4, 3, 2]);
    }

    #[test]
    fn a_boot_further_back_outweighs_the_clock() {
        let late = [
            (5, 3, 4, Some(900)),
            (4, 2, 9, Some(10)),
            (2, 1, 2, Some(300)),
        ];
        let early = [(6, 3, 9, Some(905)), (3, 1, 9, Some(307))];
        assert_eq!(numbers(&[&late, &early]), [6, 5, 4, 3, 2]);
        assert_eq!(numbers(&[&early, &late]), [6, 5, 4, 3, 2]);
        // What is taken is behind no more.
        let card = [(6, 2, 90, Some(1_000)), (2, 1, 5, Some(100))];
        let disk = [(5, 2, 50, Some(500)), (4, 3, 50, Some(400))];
        assert_eq!(numbers(&[&card, &disk]), [6, 5, 4, 2]);
        let disk = [(5, 2, 50, Some(50)), (4, 3, 50, Some(40))];
        assert_eq!(numbers(&[&card, &disk]), [6, 2, 5, 4]);
    }

    #[test]
    fn what_nobody_can_order_goes_on_as_it_was_begun() {
        let card = [(4, 1, 9, Some(100)), (3, 1, 5, Some(50))];
        let disk = [(2, 2, 9, Some(50))];
        assert_eq!(numbers(&[&card, &disk]), [4, 3, 2]);
        assert_eq!(numbers(&[&disk, &card]), [4, 3, 2]);
        // The boot goes on, not the volume.
        let card = [(4, 1, 80, Some(50))];
        let disk = [(5, 1, 90, Some(100)), (3, 2, 9, Some(50))];
        assert_eq!(numbers(&[&card, &disk]), [5, 4, 3]);
        assert_eq!(numbers(&[&disk, &card]), [5, 4, 3]);
        // Neither is of that boot: the volume goes on.
        let card = [(3, 1, 9, Some(50))];
        let disk = [(5, 3, 9, Some(100)), (4, 2, 9, Some(50))];
        assert_eq!(numbers(&[&card, &disk]), [5, 4, 3]);
        assert_eq!(numbers(&[&disk, &card]), [5, 4, 3]);
    }

    #[test]
    fn otherwise_utc_decides() {
        let card = [(3, 2, 5, Some(700)), (1, 1, 5, Some(100))];
        let disk = [(4, 4, 5, Some(800)), (2, 3, 5, Some(400))];
        assert_eq!(numbers(&[&card, &disk]), [4, 3, 2, 1]);
    }

    proptest! {
        /// Whatever the volumes say, nothing is lost, and no volume's own order is changed.
        #[test]
        fn each_volume_keeps_its_order(
            a in proptest::collection::vec((0_u8..4, 0_u64..100, proptest::option::of(0_i64..9)), 0..12),
            b in proptest::collection::vec((0_u8..4, 0_u64..100, proptest::option::of(0_i64..9)), 0..12),
        ) {
            let numbered = |from: u32, items: &[(u8, u64, Option<i64>)]| -> Vec<Item> {
                let items = items.iter().enumerate();
                items.map(|(n, &(boot, at, utc))| (from + n as u32, boot, at, utc)).collect()
            };
            let merged = numbers(&[&numbered(0, &a), &numbered(100, &b)]);
            prop_assert_eq!(merged.len(), a.len() + b.len());
            prop_assert_eq!(merged.iter().collect::<HashSet<_>>().len(), merged.len());
            let of = |a: bool| merged.iter().filter(move |&&n| (n < 100) == a);
            prop_assert!(of(true).is_sorted() && of(false).is_sorted());
        }

        /// Within one boot the merged order is that of the clock.
        #[test]
        fn one_boot_is_sorted(mut times in proptest::collection::vec((any::<bool>(), 0_u64..1000), 0..30)) {
            times.sort_by_key(|&(_, at)| std::cmp::Reverse(at));
            times.dedup_by_key(|&mut (_, at)| at);
            let of = |card: bool| -> Vec<Item> {
                let items = times.iter().filter(|(on_card, _)| *on_card == card);
                items.map(|&(_, at)| (at as u32, 1, at, None)).collect()
            };
            let merged = numbers(&[&of(true), &of(false)]);
            prop_assert!(merged.is_sorted_by(|a, b| a > b), "{:?}", merged);
        }
    }
}
