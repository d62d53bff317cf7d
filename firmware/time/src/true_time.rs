//! What time it is, by the best of those who say so.
//!
//! A Pi has no clock of its own. Recording starts on the time since boot; GPS, a time server or a phone says later what time
//! it is. Any of them may be wrong: a receiver whose week counter rolled over, a phone that was never set.

use std::fmt;
use std::time::Duration;

use crate::{BootNs, UtcUs};

/// 2026-01-01 00:00:00 UTC: no picam was built before. A date below it is a clock that was never set, or a GPS receiver
/// whose week counter has rolled over.
pub const FLOOR: UtcUs = UtcUs(1_767_225_600_000_000);

/// 2100-01-01 00:00:00 UTC: a date from here on is a mistake.
pub const CEILING: UtcUs = UtcUs(4_102_444_800_000_000);

/// Two clocks that differ by less say the same.
pub const AGREEMENT: Duration = Duration::from_secs(60);

/// Who said what time it is; better ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum TimeSource {
    /// The system clock, believed because it was set before picam started. It has its time from others: it speaks for none.
    System,
    /// A phone that opened the page.
    Phone,
    /// A time server.
    Ntp,
    /// Satellites.
    Gps,
}

const SOURCES: usize = 4;

impl TimeSource {
    /// How far off it is at most, unless it is altogether wrong. Stated by us: a phone's time comes by way of a page and a
    /// radio, NTP's by way of a process that asks now and then, a receiver's in whole seconds behind a serial line.
    pub const fn accuracy(self) -> Duration {
        match self {
            Self::System => Duration::from_secs(60),
            Self::Phone => Duration::from_secs(2),
            Self::Ntp => Duration::from_millis(500),
            Self::Gps => Duration::from_millis(200),
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
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
    booted: UtcUs,
    source: TimeSource,
    /// The user of the process that said so, where it came from another one.
    teller: Option<u32>,
}

/// A time that cannot be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Before [`FLOOR`].
    #[error("{clock} says it is before 2026, when this program did not exist: it was never set")]
    BeforeFloor {
        /// Who said so.
        clock: TimeSource,
    },
    /// From [`CEILING`] on.
    #[error("{clock} says it is 2100 or later, which cannot be")]
    AfterCeiling {
        /// Who said so.
        clock: TimeSource,
    },
}

impl TimeAnchor {
    /// At `moment` it was `utc`.
    pub fn new(moment: BootNs, utc: UtcUs, source: TimeSource) -> Result<Self, AnchorError> {
        if utc < FLOOR {
            return Err(AnchorError::BeforeFloor { clock: source });
        }
        if utc >= CEILING {
            return Err(AnchorError::AfterCeiling { clock: source });
        }
        Ok(Self {
            booted: utc.at_boot(moment),
            source,
            teller: None,
        })
    }

    /// Said by a process of this user, as the kernel has it.
    #[must_use]
    pub const fn told_by(mut self, uid: u32) -> Self {
        self.teller = Some(uid);
        self
    }

    /// UTC of a moment on the boot clock.
    pub const fn utc(&self, moment: BootNs) -> UtcUs {
        self.booted.after_boot(moment)
    }

    /// UTC of the moment of booting.
    pub const fn booted(&self) -> UtcUs {
        self.booted
    }

    /// Who said so.
    pub const fn source(&self) -> TimeSource {
        self.source
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.booted.apart(other.booted) < AGREEMENT
    }

    /// Whether neither has its time from the other. One process that calls itself two sources is one.
    fn is_independent_of(&self, other: &Self) -> bool {
        let speaks = |anchor: &Self| anchor.source != TimeSource::System;
        speaks(self)
            && speaks(other)
            && self.source != other.source
            && (self.teller.is_none() || self.teller != other.teller)
    }
}

/// What became of an offered anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// The first of this boot: segments without a time get theirs.
    First,
    /// Another source is believed than before: segments that were off move as well.
    Better,
    /// From the same source, and more than a minute off what it said before: it was wrong then, and segments move as well.
    Corrected,
    /// From the same source: new segments follow it, old ones keep what was true then.
    Refreshed,
    /// A better source is believed.
    Ignored,
}

impl Offer {
    /// Whether segments that have a time already follow it.
    pub const fn moves_segments(self) -> bool {
        matches!(self, Self::Better | Self::Corrected)
    }
}

/// What time it is during this boot.
///
/// Of what each source said last that is believed which another, independent one agrees with to the minute; then what is not
/// behind the newest footage of earlier boots; then the better source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BootTime {
    believed: Option<TimeAnchor>,
    /// What each source said last.
    said: [Option<TimeAnchor>; SOURCES],
    /// Since when it has been this time, give or take a minute.
    holds_since: BootNs,
    /// When the newest footage of earlier boots was recorded.
    footage: Option<UtcUs>,
}

impl BootTime {
    /// Nobody has said anything yet.
    pub const fn new() -> Self {
        Self {
            believed: None,
            said: [None; SOURCES],
            holds_since: BootNs::ZERO,
            footage: None,
        }
    }

    /// What is believed.
    pub const fn anchor(&self) -> Option<&TimeAnchor> {
        self.believed.as_ref()
    }

    /// UTC of a moment on the boot clock, if known.
    pub fn utc(&self, moment: BootNs) -> Option<UtcUs> {
        Some(self.believed?.utc(moment))
    }

    /// UTC of the moment of booting, if known.
    pub fn booted(&self) -> Option<UtcUs> {
        Some(self.believed?.booted)
    }

    /// At `now`, takes note of what somebody says.
    pub fn offer(&mut self, anchor: TimeAnchor, now: BootNs) -> Offer {
        if let Some(said) = self.said.get_mut(anchor.source.index()) {
            *said = Some(anchor);
        }
        self.choose(now)
            .unwrap_or(if self.believed == Some(anchor) {
                Offer::Refreshed
            } else {
                Offer::Ignored
            })
    }

    /// At `now`, takes note of when the newest footage of earlier boots was recorded. Answers what has become of what had
    /// been said, if another source is believed now.
    pub fn note_footage(&mut self, newest: Option<UtcUs>, now: BootNs) -> Option<Offer> {
        self.footage = newest;
        self.choose(now)
    }

    /// Believes the best; `None` if that is what was believed before.
    fn choose(&mut self, now: BootNs) -> Option<Offer> {
        let best = self.said.iter().flatten().copied().max_by_key(|anchor| {
            (
                self.is_vouched_for(anchor),
                self.is_plausible(anchor, now),
                anchor.source,
            )
        })?;
        let old = self.believed.replace(best);
        if old.is_none_or(|old| !old.agrees_with(&best)) {
            self.holds_since = now;
        }
        match old {
            None => Some(Offer::First),
            Some(old) if old == best => None,
            Some(old) if old.source != best.source => Some(Offer::Better),
            Some(old) if old.agrees_with(&best) => Some(Offer::Refreshed),
            Some(_) => Some(Offer::Corrected),
        }
    }

    fn is_vouched_for(&self, anchor: &TimeAnchor) -> bool {
        let mut others = self.said.iter().flatten();
        others.any(|other| anchor.is_independent_of(other) && anchor.agrees_with(other))
    }

    fn is_plausible(&self, anchor: &TimeAnchor, now: BootNs) -> bool {
        self.footage
            .is_none_or(|newest| anchor.utc(now) + AGREEMENT >= newest)
    }

    /// Whether two sources that do not have it from each other say that it is this time, give or take a minute.
    pub fn is_confirmed(&self) -> bool {
        self.believed
            .is_some_and(|believed| self.is_vouched_for(&believed))
    }

    /// For how long it has been this time.
    pub const fn holds_for(&self, now: BootNs) -> Duration {
        now.since(self.holds_since)
    }
}

#[cfg(test)]
mod tests;
