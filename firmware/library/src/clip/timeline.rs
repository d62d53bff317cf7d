//! The segments of one camera on one timeline.
//!
//! Within a boot the boot clock decides: it never jumps. From one boot to the next UTC does, where it
//! is known and does not run backwards; else the next boot's footage follows at once.

use std::ops::Range;
use std::time::Duration;

use picam_mp4::Record;
use picam_time::{BootNs, UtcUs};

use super::when::When;

/// One segment on the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// When it starts, nanoseconds after the start of the first.
    pub(crate) at_ns: i64,
    /// How long it lasts.
    pub(crate) len: Duration,
    /// When it starts; `None` if nobody knew in all its boot.
    pub(crate) utc: Option<UtcUs>,
    /// The boot that recorded it, and when it starts by the clock of that.
    pub(crate) boot: ([u8; 16], BootNs),
}

impl Placed {
    /// How long after its start a moment is, in nanoseconds, and negative if before; `None` if nobody can know.
    fn until(&self, when: When) -> Option<i64> {
        match when {
            When::Utc(utc) => Some(ns_since(utc, self.utc?)),
            When::After(ns) => Some(ns.saturating_sub(self.at_ns)),
            When::Boot { id, at } => {
                (id == self.boot.0).then(|| at.0.wrapping_sub(self.boot.1.0) as i64)
            }
        }
    }

    fn len_ns(&self) -> i64 {
        nanos(self.len)
    }

    /// How much of it lies in a part of the timeline.
    pub(crate) fn within(&self, range: &Range<i64>) -> Duration {
        let (from, to) = (self.at_ns.max(range.start), self.end_ns().min(range.end));
        let ns = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        Duration::from_nanos(ns)
    }

    pub(crate) fn end_ns(&self) -> i64 {
        self.at_ns.saturating_add(self.len_ns())
    }
}

/// Places segments, in the order of their sequence.
pub(crate) fn place<'a>(records: impl IntoIterator<Item = &'a Record> + Clone) -> Vec<Placed> {
    let mut placed: Vec<Placed> = Vec::new();
    let mut before: Option<(&Record, Placed)> = None;
    for record in records.clone() {
        let utc = utc_of(record, records.clone());
        let at_ns = before.map_or(0, |(last, last_at)| {
            if record.boot_id == last.boot_id && record.start_boot >= last.start_boot {
                let apart = record.start_boot.since(last.start_boot);
                return last_at.at_ns.saturating_add(nanos(apart));
            }
            let by_utc = utc
                .zip(last_at.utc)
                .map(|(now, then)| last_at.at_ns.saturating_add(nanos(now.since(then))));
            let end = last_at.end_ns();
            by_utc.filter(|&at| at >= end).unwrap_or(end)
        });
        let now = Placed {
            at_ns,
            len: record.duration,
            utc,
            boot: (record.boot_id, record.start_boot),
        };
        placed.push(now);
        before = Some((record, now));
    }
    placed
}

fn nanos(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}

/// When a segment starts: what it says itself, or what others of its boot say.
fn utc_of<'a>(record: &Record, all: impl IntoIterator<Item = &'a Record>) -> Option<UtcUs> {
    record.start_utc.or_else(|| {
        let mut same = all
            .into_iter()
            .filter(|other| other.boot_id == record.boot_id);
        same.find_map(|other| {
            let booted = other.start_utc?.at_boot(other.start_boot);
            Some(booted.after_boot(record.start_boot))
        })
    })
}

/// The part of the timeline between two moments; `None` if nothing was recorded there.
pub(crate) fn range(placed: &[Placed], from: When, to: When) -> Option<Range<i64>> {
    let start = match from {
        When::After(ns) => ns,
        from => {
            let begins = placed.iter().filter_map(|piece| {
                let skipped = piece.until(from)?;
                (skipped < piece.len_ns()).then(|| piece.at_ns.saturating_add(skipped.max(0)))
            });
            begins.min()?
        }
    };
    let end = match to {
        When::After(ns) => ns,
        to => {
            let ends = placed.iter().filter_map(|piece| {
                let kept = piece.until(to)?;
                (kept > 0).then(|| piece.at_ns.saturating_add(kept.min(piece.len_ns())))
            });
            ends.max()?
        }
    };
    let touched = |piece: &Placed| piece.at_ns < end && piece.end_ns() > start;
    (start < end && placed.iter().any(touched)).then_some(start..end)
}

/// How long after the start of a segment it is; negative if before.
fn ns_since(utc: UtcUs, start: UtcUs) -> i64 {
    utc.0.saturating_sub(start.0).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use picam_mp4::Counters;
    use picam_time::BootNs;
    use proptest::prelude::*;

    use super::*;

    const S: i64 = 1_000_000_000;

    fn record(boot: u8, boot_s: u64, utc_s: Option<i64>) -> Record {
        Record {
            sequence: 0,
            boot_id: [boot; 16],
            boot_number: boot.into(),
            camera: b'F',
            class: b'N',
            camera_name: "front".into(),
            start_boot: BootNs::from_secs(boot_s),
            start_utc: utc_s.map(UtcUs::from_secs),
            slot_len: 0,
            head_len: 0,
            init_len: 0,
            init_moov_len: 0,
            written_len: 0,
            end: 0,
            duration: Duration::from_secs(10),
            recovered: false,
            counters: Counters::default(),
            init_crc: None,
            pictures_before: 0,
        }
    }

    fn starts(records: &[Record]) -> Vec<i64> {
        place(records).iter().map(|piece| piece.at_ns / S).collect()
    }

    #[test]
    fn the_boot_clock_decides_within_a_boot() {
        // The clock was put forward by an hour between them.
        let records = [record(1, 100, Some(1000)), record(1, 110, Some(4610))];
        assert_eq!(starts(&records), [0, 10]);
    }

    #[test]
    fn utc_decides_between_boots_unless_it_runs_backwards_or_is_unknown() {
        let known = [record(1, 100, Some(1000)), record(2, 5, Some(1500))];
        assert_eq!(starts(&known), [0, 500]);
        let backwards = [record(1, 100, Some(1000)), record(2, 5, Some(500))];
        assert_eq!(starts(&backwards), [0, 10]);
        let unknown = [record(1, 100, None), record(2, 5, Some(500))];
        assert_eq!(starts(&unknown), [0, 10]);
    }

    #[test]
    fn time_learnt_late_holds_for_the_whole_boot() {
        let placed = place(&[
            record(1, 100, None),
            record(1, 110, None),
            record(1, 120, Some(1000)),
            record(2, 5, None),
        ]);
        let utc: Vec<_> = placed.iter().map(|p| p.utc.map(UtcUs::seconds)).collect();
        assert_eq!(utc, [Some(980), Some(990), Some(1000), None]);
    }

    #[test]
    fn a_range_of_utc_is_found_wherever_it_lies() {
        let utc = |s: i64| When::Utc(UtcUs::from_secs(s));
        let placed = place(&[record(1, 100, Some(1000)), record(2, 5, Some(1500))]);
        for (from, to, expected) in [
            (utc(1003), utc(1005), Some(3..5)),
            // Over the gap, from within it, up to within it, and all of it.
            (utc(1003), utc(1502), Some(3..502)),
            (utc(1200), utc(1502), Some(500..502)),
            (utc(1003), utc(1200), Some(3..10)),
            (utc(0), utc(9999), Some(0..510)),
            (When::After(2 * S), utc(1502), Some(2..502)),
            (When::After(0), When::After(505 * S), Some(0..505)),
            // Nothing there.
            (utc(1100), utc(1200), None),
            (utc(1005), utc(1003), None),
            (utc(1600), utc(1700), None),
            (When::After(20 * S), When::After(30 * S), None),
        ] {
            let found = range(&placed, from, to).map(|r| r.start / S..r.end / S);
            assert_eq!(found, expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_range_of_a_boot_is_found_and_no_other_boot_is_in_it() {
        let boot = |id: u8, s: u64| When::Boot {
            id: [id; 16],
            at: BootNs::from_secs(s),
        };
        let placed = place(&[
            record(1, 100, None),
            record(1, 115, None),
            record(2, 5, None),
        ]);
        for (from, to, expected) in [
            (boot(1, 103), boot(1, 108), Some(3..8)),
            // From before the first, over the gap, and up to after the last.
            (boot(1, 0), boot(1, 117), Some(0..17)),
            (boot(1, 112), boot(1, 999), Some(15..25)),
            (boot(2, 0), boot(2, 9), Some(25..29)),
            (boot(1, 120), boot(2, 7), Some(20..27)),
            (boot(1, 111), boot(1, 114), None),
            (boot(1, 108), boot(1, 103), None),
            (boot(3, 100), boot(3, 108), None),
            (boot(2, 0), boot(1, 120), None),
        ] {
            let found = range(&placed, from, to).map(|r| r.start / S..r.end / S);
            assert_eq!(found, expected, "{from:?} {to:?}");
        }
    }

    #[test]
    fn footage_of_unknown_time_is_reached_only_by_seconds() {
        let placed = place(&[record(1, 100, None)]);
        assert_eq!(
            range(&placed, When::Utc(UtcUs(0)), When::Utc(UtcUs(i64::MAX))),
            None
        );
        let all = range(&placed, When::After(0), When::After(S));
        assert_eq!(all, Some(0..S));
    }

    proptest! {
        #[test]
        fn never_backwards_and_never_a_panic(
            pieces in proptest::collection::vec(
                (0u8..3, any::<u32>(), proptest::option::of(any::<i32>())), 0..12),
            from: i64,
            to: i64,
        ) {
            let records: Vec<Record> = pieces
                .iter()
                .map(|&(boot, at, utc)| record(boot, at.into(), utc.map(i64::from)))
                .collect();
            let placed = place(&records);
            prop_assert!(placed.is_sorted_by_key(|piece| piece.at_ns));
            let boot = |at: i64| When::Boot { id: [1; 16], at: BootNs(at.cast_unsigned()) };
            for (from, to) in [
                (When::Utc(UtcUs(from)), When::Utc(UtcUs(to))),
                (When::After(from), When::Utc(UtcUs(to))),
                (boot(from), boot(to)),
            ] {
                if let Some(found) = range(&placed, from, to) {
                    prop_assert!(found.start < found.end);
                }
            }
        }
    }
}
