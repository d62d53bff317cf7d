//! What time segments began: their headers and names follow what is known of UTC.
//!
//! Recording starts on the time since boot; once somebody says what time it is, every segment of this boot gets its true
//! start.

use std::time::Duration;

use picam_time::{BootNs, BootTime, Offer, UtcUs};

use crate::name::{BOOT_MODULUS, NameTime, SegmentName};

/// Another source moves a segment that has a time already only if it was off by this much.
pub(crate) const NOTICEABLE: Duration = Duration::from_secs(1);

/// The time in the name of a segment that starts at `start_boot` of boot `boot_number`.
pub fn name_time(start_utc: Option<UtcUs>, boot_number: u32, start_boot: BootNs) -> NameTime {
    match start_utc {
        Some(utc) => NameTime::Utc(utc.seconds()),
        None => NameTime::Boot {
            number: (boot_number % u32::from(BOOT_MODULUS)) as u16,
            seconds: u32::try_from(start_boot.seconds()).unwrap_or(u32::MAX),
        },
    }
}

/// When a finished segment started, from its name and header record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentStart {
    /// Its name.
    pub name: SegmentName,
    /// The boot that recorded it.
    pub boot_id: [u8; 16],
    /// That boot's number, as the card counts them.
    pub boot_number: u32,
    /// By the clock of that boot.
    pub start_boot: BootNs,
    /// In UTC, if known when it was last written.
    pub start_utc: Option<UtcUs>,
}

/// A segment whose times must be patched, and whose name may have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// As it is called.
    pub from: SegmentName,
    /// As it shall be called; the same if the seconds do not change.
    pub to: SegmentName,
    /// Its true start.
    pub start_utc: UtcUs,
}

/// Which segments must be patched and renamed now that `time` is known of the running boot.
///
/// Those of this boot that have no time get it; where the offer moves segments, those off by a second or more
/// get the better time. Of an earlier boot those without time get it if another segment of that boot
/// has one: power was cut before all were patched. A segment that was patched but not renamed is
/// among them too. `segments` are finished ones; the one being recorded is its recorder's affair.
pub fn corrections(
    time: &BootTime,
    offer: Offer,
    boot_id: [u8; 16],
    segments: &[SegmentStart],
) -> Vec<Correction> {
    let start = |segment: &SegmentStart| -> Option<UtcUs> {
        if segment.boot_id != boot_id {
            return segment
                .start_utc
                .or_else(|| start_by_sibling(segment, segments));
        }
        let now = time.utc(segment.start_boot);
        match segment.start_utc {
            Some(old) if !offer.moves_segments() => Some(old),
            Some(old) => Some(
                now.filter(|now| now.apart(old) >= NOTICEABLE)
                    .unwrap_or(old),
            ),
            None => now,
        }
    };
    segments
        .iter()
        .filter_map(|segment| {
            let start_utc = start(segment)?;
            let from = segment.name;
            let time = NameTime::Utc(start_utc.seconds());
            let to = SegmentName { time, ..from };
            // Where something else has its name, a segment is named by the second after.
            let is_named = to == from || to.a_second_later() == from;
            let right = segment.start_utc == Some(start_utc) && is_named;
            (!right).then_some(Correction {
                from,
                to,
                start_utc,
            })
        })
        .collect()
}

/// The start by the latest segment of the same boot whose time is known.
fn start_by_sibling(segment: &SegmentStart, segments: &[SegmentStart]) -> Option<UtcUs> {
    let (utc, boot) = segments
        .iter()
        .filter(|other| other.boot_id == segment.boot_id)
        .filter_map(|other| Some((other.start_utc?, other.start_boot)))
        .max_by_key(|&(_, boot)| boot)?;
    Some(utc.at_boot(boot).after_boot(segment.start_boot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Class;
    use picam_time::{TimeAnchor, TimeSource};
    use proptest::prelude::*;

    /// 2026-11-20 11:08:00 UTC.
    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    const BOOT: [u8; 16] = [7; 16];
    const EARLIER: [u8; 16] = [6; 16];

    const fn s(seconds: u64) -> BootNs {
        BootNs::from_secs(seconds)
    }

    /// At this many seconds since boot, GPS said so.
    fn told(at: u64, utc: UtcUs) -> (BootTime, Offer) {
        let mut time = BootTime::default();
        let anchor = TimeAnchor::new(s(at), utc, TimeSource::Gps).unwrap();
        let offer = time.offer(anchor, s(at));
        (time, offer)
    }

    fn segment(sequence: u32, boot_id: [u8; 16], boot_s: u64, utc: Option<UtcUs>) -> SegmentStart {
        SegmentStart {
            name: SegmentName {
                time: name_time(utc, 42, s(boot_s)),
                camera: b'F',
                class: Class::Normal,
                sequence,
            },
            boot_id,
            boot_number: 42,
            start_boot: s(boot_s),
            start_utc: utc,
        }
    }

    fn names(corrections: &[Correction]) -> Vec<(String, String)> {
        corrections
            .iter()
            .map(|c| (c.from.to_string(), c.to.to_string()))
            .collect()
    }

    #[test]
    fn unknown_times_of_this_boot_become_known() {
        let (time, offer) = told(2161, NOON);
        let segments = [
            segment(1, EARLIER, 10, None),
            segment(2, BOOT, 1, None),
            segment(3, BOOT, 61, None),
        ];
        let corrections = corrections(&time, offer, BOOT, &segments);
        assert_eq!(
            names(&corrections),
            [
                (
                    "boot0042_000001_FN_000002.mp4".into(),
                    "20261120_103200_FN_000002.mp4".into()
                ),
                (
                    "boot0042_000101_FN_000003.mp4".into(),
                    "20261120_103300_FN_000003.mp4".into()
                ),
            ]
        );
        assert_eq!(corrections[0].start_utc, NOON - Duration::from_secs(2160));
    }

    #[test]
    fn an_earlier_boot_is_completed_from_its_own_segments() {
        let segments = [
            segment(1, EARLIER, 10, None),
            segment(2, EARLIER, 70, Some(NOON)),
        ];
        let found = corrections(&BootTime::default(), Offer::Ignored, BOOT, &segments);
        assert_eq!(
            names(&found),
            [(
                "boot0042_000010_FN_000001.mp4".into(),
                "20261120_110700_FN_000001.mp4".into()
            )]
        );
    }

    #[test]
    fn a_patch_without_its_rename_is_finished() {
        let mut torn = segment(2, EARLIER, 70, Some(NOON));
        torn.name.time = name_time(None, 42, s(70));
        let found = corrections(&BootTime::default(), Offer::Ignored, BOOT, &[torn]);
        assert_eq!(found[0].to.to_string(), "20261120_110800_FN_000002.mp4");
    }

    #[test]
    fn known_times_move_only_for_a_better_source_and_a_noticeable_error() {
        let segments = [segment(1, BOOT, 60, Some(NOON))];
        let find = |offset: i64, offer| {
            let (time, _) = told(60, UtcUs(NOON.0 + offset));
            corrections(&time, offer, BOOT, &segments)
        };
        assert_eq!(find(999_999, Offer::Better), []);
        assert_eq!(find(5_000_000, Offer::First), []);
        assert_eq!(find(5_000_000, Offer::Refreshed), []);
        assert_eq!(find(999_999, Offer::Corrected), []);
        assert_eq!(find(90_000_000, Offer::Corrected).len(), 1);
        let moved = find(-5_000_000, Offer::Better);
        assert_eq!(moved[0].to.to_string(), "20261120_110755_FN_000001.mp4");
    }

    proptest! {
        #[test]
        fn corrections_settle_after_one_round(
            boots in proptest::collection::vec(
                (0u8..3, 0u64..100_000, proptest::option::of(0u64..1_000_000)),
                0..30,
            ),
            at in 0u64..100_000,
            better in any::<bool>(),
        ) {
            let mut segments: Vec<SegmentStart> = boots
                .into_iter()
                .enumerate()
                .map(|(n, (boot, boot_s, utc))| {
                    segment(n as u32, [boot; 16], boot_s, utc.map(|s| NOON + Duration::from_secs(s)))
                })
                .collect();
            let (time, _) = told(at, NOON);
            let offer = if better { Offer::Better } else { Offer::First };
            let this_boot = [0; 16];
            for correction in corrections(&time, offer, this_boot, &segments) {
                for segment in &mut segments {
                    if segment.name == correction.from {
                        segment.name = correction.to;
                        segment.start_utc = Some(correction.start_utc);
                    }
                }
            }
            prop_assert_eq!(corrections(&time, offer, this_boot, &segments), vec![]);
            for segment in segments.iter().filter(|segment| segment.boot_id == this_boot) {
                prop_assert!(matches!(segment.name.time, NameTime::Utc(_)));
            }
        }
    }
}
