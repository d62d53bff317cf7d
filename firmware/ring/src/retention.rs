//! Footage that has grown older than its owner wants to keep.

use std::time::Duration;

use picam_time::UtcUs;

use crate::catalog::Ring;
use crate::name::{NameTime, SegmentName};

/// The finished segments of a camera that began longer ago than `max_age`, oldest first. Ask only once somebody has said what
/// time it is. Locked ones stay.
///
/// A segment of unknown time has expired if one that was recorded after it has. The newest segment
/// never expires: it keeps the sequence number from starting again.
pub fn expired(ring: &Ring, max_age: Duration, now: UtcUs) -> Vec<SegmentName> {
    let max_age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
    let before = now.seconds().saturating_sub(max_age);
    let mut later_one_has = false;
    let mut expired = Vec::new();
    let newest = ring.newest().map(|segment| segment.name);
    for segment in ring.segments().iter().rev() {
        let has = match segment.name.time {
            NameTime::Utc(start) => start < before,
            NameTime::Boot { .. } => later_one_has,
        };
        later_one_has |= has;
        let kept = Some(segment.name) == newest || segment.name.class.is_locked();
        if has && !kept {
            expired.push(segment.name);
        }
    }
    expired.reverse();
    expired
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::directory::Entry;

    const DAY: u64 = 86_400;
    /// 2026-11-20 11:08:00 UTC.
    const NOW: UtcUs = UtcUs::from_secs(1_795_172_880);

    fn catalog(names: &[&str]) -> Catalog {
        let entries: Vec<Entry> = names
            .iter()
            .map(|name| Entry {
                name: (*name).to_owned(),
                size: 64,
            })
            .collect();
        Catalog::from_entries(&entries)
    }

    fn sequences(catalog: &Catalog) -> Vec<u32> {
        expired(catalog.ring(b'F'), Duration::from_secs(30 * DAY), NOW)
            .iter()
            .map(|name| name.sequence)
            .collect()
    }

    #[test]
    fn what_is_older_goes_and_unknown_time_goes_by_order() {
        let catalog = catalog(&[
            "boot0001_000100_FN_000001.mp4",
            "20261020_110800_FE_000002.mp4",
            "20261021_110759_FN_000003.mp4",
            // Exactly 30 days old.
            "20261021_110800_FN_000004.mp4",
            "boot0002_000100_FN_000005.mp4",
            "20261120_110700_FN_000006.mp4",
        ]);
        assert_eq!(sequences(&catalog), [1, 3]);
    }

    #[test]
    fn a_kept_lock_still_tells_the_age_of_what_came_before() {
        let catalog = catalog(&[
            "boot0001_000100_FN_000001.mp4",
            "20261001_110800_FM_000002.mp4",
            "boot0002_000100_FN_000003.mp4",
        ]);
        assert_eq!(sequences(&catalog), [1]);
    }

    #[test]
    fn a_clock_that_went_back_does_not_hide_what_is_older() {
        let catalog = catalog(&[
            "boot0001_000100_FN_000001.mp4",
            "20261119_110800_FN_000002.mp4",
            "20261001_110800_FN_000003.mp4",
            "boot0002_000100_FN_000004.mp4",
        ]);
        assert_eq!(sequences(&catalog), [1, 3]);
    }

    #[test]
    fn the_newest_and_unknown_times_alone_never_expire() {
        assert_eq!(sequences(&catalog(&["20200101_000000_FN_000001.mp4"])), []);
        let unknown = [
            "boot0001_000100_FN_000001.mp4",
            "boot0001_000200_FN_000002.mp4",
        ];
        assert_eq!(sequences(&catalog(&unknown)), []);
        assert_eq!(sequences(&catalog(&[])), []);
    }
}
