//! What time it was: tying the boot clock to UTC once somebody knows.
//!
//! A Pi has no clock of its own. Recording starts on the time since boot; when GPS, a phone or NTP
//! says what time it is, every segment of this boot gets its true start.

use std::fmt;

use crate::name::{BOOT_MODULUS, NameTime, SegmentName};

/// 2026-01-01 00:00:00 UTC: no picam was built before. A date below it is a clock that was never
/// set, or a GPS receiver whose week counter has rolled over.
pub const FLOOR_UTC_US: i64 = 1_767_225_600_000_000;

/// 2100-01-01 00:00:00 UTC: a date from here on is a mistake.
pub const CEILING_UTC_US: i64 = 4_102_444_800_000_000;

/// Two clocks that differ by less say the same.
pub(crate) const AGREEMENT_US: u64 = 60_000_000;

/// A better source moves a segment that has a time already only if it was off by this much.
pub(crate) const NOTICEABLE_US: u64 = 1_000_000;

/// Who said what time it is; better ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeSource {
    /// The system clock, believed because it was set before picam started.
    System,
    /// A phone that opened the page.
    Phone,
    /// A time server.
    Ntp,
    /// Satellites.
    Gps,
}

impl fmt::Display for TimeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "the system clock",
            Self::Phone => "the phone",
            Self::Ntp => "the time server",
            Self::Gps => "GPS",
        })
    }
}

/// The moment on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeAnchor {
    /// UTC at boot, microseconds since 1970.
    boot_utc_us: i64,
    source: TimeSource,
}

/// A time that cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Before [`FLOOR_UTC_US`].
    #[error("{clock} says it is before 2026, when this program did not exist: it was never set")]
    BeforeFloor {
        /// Who said so.
        clock: TimeSource,
    },
    /// From [`CEILING_UTC_US`] on.
    #[error("{clock} says it is 2100 or later, which cannot be")]
    AfterCeiling {
        /// Who said so.
        clock: TimeSource,
    },
}

impl TimeAnchor {
    /// At `boot_ns` nanoseconds since boot it was `utc_us` microseconds since 1970, UTC.
    pub fn new(boot_ns: u64, utc_us: i64, source: TimeSource) -> Result<Self, AnchorError> {
        if utc_us < FLOOR_UTC_US {
            return Err(AnchorError::BeforeFloor { clock: source });
        }
        if utc_us >= CEILING_UTC_US {
            return Err(AnchorError::AfterCeiling { clock: source });
        }
        Ok(Self {
            boot_utc_us: utc_us.saturating_sub(micros(boot_ns)),
            source,
        })
    }

    /// UTC of a moment on the boot clock, microseconds since 1970.
    pub const fn utc_us(&self, boot_ns: u64) -> i64 {
        self.boot_utc_us.saturating_add(micros(boot_ns))
    }

    /// Who said so.
    pub const fn source(&self) -> TimeSource {
        self.source
    }
}

const fn micros(ns: u64) -> i64 {
    // u64::MAX / 1000 fits.
    (ns / 1000) as i64
}

/// What became of an offered anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The first of this boot: segments without a time get theirs.
    First,
    /// From a better source than before: segments that were off move as well.
    Better,
    /// From the same source, and more than a minute off what it said before: it was wrong then, and segments move as well.
    Corrected,
    /// From the same source: new segments follow it, old ones keep what was true then.
    Refreshed,
    /// From a worse source: not taken.
    Ignored,
}

impl Offer {
    /// Whether segments that have a time already follow it.
    pub const fn moves_segments(self) -> bool {
        matches!(self, Self::Better | Self::Corrected)
    }
}

/// What time it is during this boot, by the best of those who said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BootTime {
    anchor: Option<TimeAnchor>,
    /// What each source said last, the system clock left out: it has its time from others.
    said: [Option<TimeAnchor>; 3],
    /// Since when it has been this time, give or take a minute; nanoseconds since boot.
    holds_since_ns: u64,
}

impl BootTime {
    /// Nobody has said anything yet.
    pub const fn new() -> Self {
        Self {
            anchor: None,
            said: [None; 3],
            holds_since_ns: 0,
        }
    }

    /// The best anchor so far.
    pub const fn anchor(&self) -> Option<&TimeAnchor> {
        self.anchor.as_ref()
    }

    /// UTC of a moment on the boot clock, microseconds since 1970, if known.
    pub fn utc_us(&self, boot_ns: u64) -> Option<i64> {
        Some(self.anchor?.utc_us(boot_ns))
    }

    /// UTC less the boot clock in microseconds, if known.
    pub fn utc_minus_boot_us(&self) -> Option<i64> {
        Some(self.anchor?.boot_utc_us)
    }

    /// At `now_boot_ns`, takes the anchor unless a better one is known. After any answer but [`Offer::Ignored`] ask for
    /// [`corrections`].
    pub fn offer(&mut self, anchor: TimeAnchor, now_boot_ns: u64) -> Offer {
        let said = match anchor.source {
            TimeSource::System => None,
            TimeSource::Phone => self.said.get_mut(0),
            TimeSource::Ntp => self.said.get_mut(1),
            TimeSource::Gps => self.said.get_mut(2),
        };
        if let Some(said) = said {
            *said = Some(anchor);
        }
        let offer = match self.anchor {
            None => Offer::First,
            Some(old) if anchor.source > old.source => Offer::Better,
            Some(old) if anchor.source < old.source => return Offer::Ignored,
            Some(old) if agree(&old, &anchor) => Offer::Refreshed,
            Some(_) => Offer::Corrected,
        };
        if self.anchor.is_none_or(|old| !agree(&old, &anchor)) {
            self.holds_since_ns = now_boot_ns;
        }
        self.anchor = Some(anchor);
        offer
    }

    /// Whether two sources that do not have it from each other say that it is this time, give or take a minute.
    pub fn is_confirmed(&self) -> bool {
        let agreeing = |anchor: &TimeAnchor| {
            let said = self.said.iter().flatten();
            said.filter(|said| agree(said, anchor)).count()
        };
        self.anchor.as_ref().map_or(0, agreeing) >= 2
    }

    /// For how long it has been this time, in nanoseconds.
    pub const fn holds_for_ns(&self, now_boot_ns: u64) -> u64 {
        now_boot_ns.saturating_sub(self.holds_since_ns)
    }
}

fn agree(a: &TimeAnchor, b: &TimeAnchor) -> bool {
    a.boot_utc_us.abs_diff(b.boot_utc_us) < AGREEMENT_US
}

/// The time in the name of a segment that starts at `start_boot` of boot `boot_number`.
pub fn name_time(start_utc: Option<i64>, boot_number: u32, start_boot: u64) -> NameTime {
    match start_utc {
        Some(us) => NameTime::Utc(us.div_euclid(1_000_000)),
        None => NameTime::Boot {
            number: (boot_number % u32::from(BOOT_MODULUS)) as u16,
            seconds: u32::try_from(start_boot / 1_000_000_000).unwrap_or(u32::MAX),
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
    /// Nanoseconds since that boot.
    pub start_boot: u64,
    /// Microseconds since 1970, if known when it was last written.
    pub start_utc: Option<i64>,
}

/// A segment whose times must be patched, and whose name may have to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// As it is called.
    pub from: SegmentName,
    /// As it shall be called; the same if the seconds do not change.
    pub to: SegmentName,
    /// Its true start, microseconds since 1970.
    pub start_utc: i64,
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
    let start = |segment: &SegmentStart| -> Option<i64> {
        if segment.boot_id != boot_id {
            return segment
                .start_utc
                .or_else(|| start_by_sibling(segment, segments));
        }
        let now = time.utc_us(segment.start_boot);
        match segment.start_utc {
            Some(old) if !offer.moves_segments() => Some(old),
            Some(old) => Some(
                now.filter(|now| now.abs_diff(old) >= NOTICEABLE_US)
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
            let time = name_time(Some(start_utc), 0, 0);
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
fn start_by_sibling(segment: &SegmentStart, segments: &[SegmentStart]) -> Option<i64> {
    let (utc_us, boot_ns) = segments
        .iter()
        .filter(|other| other.boot_id == segment.boot_id)
        .filter_map(|other| Some((other.start_utc?, other.start_boot)))
        .max_by_key(|&(_, boot_ns)| boot_ns)?;
    utc_us.checked_add(micros(segment.start_boot) - micros(boot_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Class;
    use proptest::prelude::*;

    /// 2026-11-20 11:08:00 UTC.
    const NOON: i64 = 1_795_172_880_000_000;
    const BOOT: [u8; 16] = [7; 16];
    const EARLIER: [u8; 16] = [6; 16];
    const S: u64 = 1_000_000_000;

    fn anchor(boot_ns: u64, utc_us: i64, source: TimeSource) -> TimeAnchor {
        TimeAnchor::new(boot_ns, utc_us, source).unwrap()
    }

    fn segment(sequence: u32, boot_id: [u8; 16], boot_s: u64, utc: Option<i64>) -> SegmentStart {
        SegmentStart {
            name: SegmentName {
                time: name_time(utc, 42, boot_s * S),
                camera: b'F',
                class: Class::Normal,
                sequence,
            },
            boot_id,
            boot_number: 42,
            start_boot: boot_s * S,
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
    fn a_clock_that_was_never_set_is_refused() {
        let refused = TimeAnchor::new(S, 0, TimeSource::System).unwrap_err();
        assert!(refused.to_string().contains("before 2026"), "{refused}");
        // A GPS week rollover: 1024 weeks back.
        assert!(TimeAnchor::new(S, NOON - 1024 * 7 * 86_400_000_000, TimeSource::Gps).is_err());
        assert!(TimeAnchor::new(S, FLOOR_UTC_US, TimeSource::Gps).is_ok());
        assert!(TimeAnchor::new(S, FLOOR_UTC_US - 1, TimeSource::Gps).is_err());
    }

    #[test]
    fn better_sources_win_and_worse_are_ignored() {
        let mut time = BootTime::default();
        assert_eq!(time.utc_us(0), None);
        let offers = [
            (TimeSource::Phone, Offer::First),
            (TimeSource::System, Offer::Ignored),
            (TimeSource::Phone, Offer::Refreshed),
            (TimeSource::Ntp, Offer::Better),
            (TimeSource::Gps, Offer::Better),
            (TimeSource::Ntp, Offer::Ignored),
        ];
        for (n, (source, offer)) in offers.into_iter().enumerate() {
            let at = anchor(100 * S, NOON + n as i64, source);
            assert_eq!(time.offer(at, 100 * S), offer, "{source:?}");
        }
        assert_eq!(time.anchor().unwrap().source(), TimeSource::Gps);
        assert_eq!(time.utc_us(101 * S), Some(NOON + 1_000_004));
        assert_eq!(time.utc_us(0), Some(NOON + 4 - 100_000_000));
        assert_eq!(time.utc_minus_boot_us(), time.utc_us(0));
        assert_eq!(BootTime::default().utc_minus_boot_us(), None);
        let named = [
            (TimeSource::System, "the system clock"),
            (TimeSource::Phone, "the phone"),
            (TimeSource::Ntp, "the time server"),
            (TimeSource::Gps, "GPS"),
        ];
        for (source, name) in named {
            assert_eq!(source.to_string(), name);
        }
    }

    #[test]
    fn sources_agree_within_a_minute() {
        for (apart, confirmed) in [(59_999_999, true), (60_000_000, false)] {
            let mut time = BootTime::default();
            time.offer(anchor(S, NOON, TimeSource::Ntp), S);
            assert!(!time.is_confirmed());
            time.offer(anchor(S, NOON + apart, TimeSource::Gps), S);
            assert_eq!(time.is_confirmed(), confirmed, "{apart}");
        }
    }

    #[test]
    fn unknown_times_of_this_boot_become_known() {
        let mut time = BootTime::default();
        let offer = time.offer(anchor(2161 * S, NOON, TimeSource::Gps), 2161 * S);
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
        assert_eq!(corrections[0].start_utc, NOON - 2_160_000_000);
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
        torn.name.time = name_time(None, 42, 70 * S);
        let found = corrections(&BootTime::default(), Offer::Ignored, BOOT, &[torn]);
        assert_eq!(found[0].to.to_string(), "20261120_110800_FN_000002.mp4");
    }

    #[test]
    fn known_times_move_only_for_a_better_source_and_a_noticeable_error() {
        let segments = [segment(1, BOOT, 60, Some(NOON))];
        let find = |offset: i64, offer| {
            let mut time = BootTime::default();
            time.offer(anchor(60 * S, NOON + offset, TimeSource::Gps), 60 * S);
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

    #[test]
    fn a_source_may_correct_itself_and_agreement_takes_two_that_are_independent() {
        const YEAR: i64 = 365 * 86_400_000_000;
        let mut time = BootTime::default();
        let mut offer = |at_s: u64, utc_us, source| {
            let offer = time.offer(anchor(at_s * S, utc_us, source), at_s * S);
            (offer, time.is_confirmed(), time.holds_for_ns(200 * S) / S)
        };
        let far = NOON + 73 * YEAR;
        assert_eq!(
            offer(10, far, TimeSource::System),
            (Offer::First, false, 190)
        );
        // It has its time from the system clock, or the other way round.
        assert_eq!(offer(10, far, TimeSource::Ntp), (Offer::Better, false, 190));
        assert_eq!(
            offer(11, far + 1_500_000, TimeSource::Ntp),
            (Offer::Refreshed, false, 190)
        );
        assert_eq!(
            offer(20, NOON, TimeSource::Ntp),
            (Offer::Corrected, false, 180)
        );
        assert_eq!(
            offer(30, far, TimeSource::Phone),
            (Offer::Ignored, false, 180)
        );
        assert_eq!(
            offer(40, NOON + 79_000_000, TimeSource::Phone),
            (Offer::Ignored, true, 180)
        );
        assert_eq!(
            offer(41, NOON + 21_000_000, TimeSource::Gps),
            (Offer::Better, true, 180)
        );
        assert_eq!(
            offer(42, far, TimeSource::Gps),
            (Offer::Corrected, false, 158)
        );
        assert!(TimeAnchor::new(S, CEILING_UTC_US - 1, TimeSource::Gps).is_ok());
        assert!(TimeAnchor::new(S, CEILING_UTC_US, TimeSource::Gps).is_err());
    }

    proptest! {
        #[test]
        fn corrections_settle_after_one_round(
            boots in proptest::collection::vec(
                (0u8..3, 0u64..100_000, proptest::option::of(0i64..1_000_000)),
                0..30,
            ),
            at in 0u64..100_000,
            better in any::<bool>(),
        ) {
            let mut segments: Vec<SegmentStart> = boots
                .into_iter()
                .enumerate()
                .map(|(n, (boot, boot_s, utc))| {
                    segment(n as u32, [boot; 16], boot_s, utc.map(|s| NOON + s * 1_000_000))
                })
                .collect();
            let mut time = BootTime::default();
            time.offer(anchor(at * S, NOON, TimeSource::Gps), at * S);
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
