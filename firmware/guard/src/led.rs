//! Patterns of the LED.
//!
//! **Dark with short flashes: it records. Lit, or blinking evenly: something is wrong.** A steady light is no sign that all is
//! well, for a line stays as it is when whoever drives it has died; flashes need somebody who is alive and has just heard
//! from the recorder that pictures are on the card.

use std::time::Duration;

use picam_time::BootNs;

use crate::view::{Trouble, View};

/// How long a start may take until the recorder answers.
const STARTS_WITHIN: Duration = Duration::from_secs(3);
/// How long what happened just now is shown.
const SHOWN_FOR: Duration = Duration::from_secs(1);

/// What the LED says, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sign {
    /// It is being switched off.
    SwitchingOff,
    /// The recorder does not answer.
    Silent,
    /// Something is wrong with the card.
    Card,
    /// A camera delivers nothing.
    Camera,
    /// It has just begun.
    Starting,
    /// Somebody paused it.
    Paused,
    /// It records, and the battery is low.
    LowBattery,
    /// It records, and does not know the time.
    NoTime,
    /// It records, and listens to the microphone.
    Microphone,
    /// It records, and its hotspot is on.
    Hotspot,
    /// It records.
    Recording,
}

/// What is known when the LED is to say something.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// The recorder's last answer.
    pub(crate) view: Option<View>,
    /// Whether the battery is low.
    pub(crate) battery_is_low: bool,
    /// Whether the camera is being switched off.
    pub(crate) switching_off: bool,
    /// Whether the hotspot is on.
    pub(crate) hotspot: bool,
}

/// What happened just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Footage is kept.
    Locked,
    /// It is not, though somebody wanted that.
    NotLocked,
    /// The button has been held long enough for something else than a lock.
    HeldLong,
}

impl Sign {
    /// What is to be said.
    pub(crate) fn of(known: &Known, started: BootNs, now: BootNs) -> Self {
        if known.switching_off {
            return Self::SwitchingOff;
        }
        let Some(view) = known.view else {
            let grace = now.since(started) < STARTS_WITHIN;
            return if grace { Self::Starting } else { Self::Silent };
        };
        if view.is_silent(now) {
            return Self::Silent;
        }
        match view.trouble(now) {
            Some(Trouble::Card) => Self::Card,
            Some(Trouble::Camera) => Self::Camera,
            Some(Trouble::Starting) => Self::Starting,
            Some(Trouble::Paused) => Self::Paused,
            None if known.battery_is_low => Self::LowBattery,
            None if !view.clock_known => Self::NoTime,
            None if view.microphone => Self::Microphone,
            None if known.hotspot => Self::Hotspot,
            None => Self::Recording,
        }
    }

    /// Whether it is worth a light in a car where nobody shall see one.
    pub(crate) fn is_fault(self) -> bool {
        matches!(self, Self::Silent | Self::Card | Self::Camera)
    }

    /// On, off, on, off, ... in milliseconds; again and again.
    pub(crate) fn pattern(self) -> &'static [u16] {
        match self {
            Self::Recording => &[100, 1_900],
            Self::Hotspot => &[100, 200, 100, 1_600],
            Self::NoTime => &[100, 200, 100, 200, 100, 1_300],
            Self::Microphone => &[100, 200, 100, 200, 100, 200, 100, 1_000],
            Self::LowBattery => &[800, 1_200],
            Self::Starting => &[500, 500],
            Self::Silent => &[100, 100],
            // Lit, with as many gaps as the sign has.
            Self::Paused => &[1_800, 200],
            Self::Camera => &[1_400, 200, 200, 200],
            Self::Card => &[1_000, 200, 200, 200, 200, 200],
            Self::SwitchingOff => &[1, 0],
        }
    }
}

impl News {
    fn pattern(self) -> &'static [u16] {
        match self {
            Self::Locked => &[50, 50],
            Self::NotLocked => &[1, 0],
            Self::HeldLong => &[200, 100],
        }
    }
}

/// The LED.
#[derive(Debug)]
pub(crate) struct Led {
    started: BootNs,
    stealth: bool,
    sign: Option<(Sign, BootNs)>,
    news: Option<(News, BootNs)>,
}

impl Led {
    /// One that is driven from now on. With `stealth`, it shows faults alone.
    pub(crate) fn new(started: BootNs, stealth: bool) -> Self {
        Self {
            started,
            stealth,
            sign: None,
            news: None,
        }
    }

    /// Something happened that is shown for a moment.
    pub(crate) fn tell(&mut self, now: BootNs, news: News) {
        self.news = Some((news, now));
    }

    /// Whether it is lit now.
    pub(crate) fn is_lit(&mut self, now: BootNs, known: &Known) -> bool {
        let sign = Sign::of(known, self.started, now);
        let since = match self.sign {
            Some((last, since)) if last == sign => since,
            _ => now,
        };
        self.sign = Some((sign, since));
        self.news = self.news.filter(|(_, at)| now.since(*at) < SHOWN_FOR);
        match self.news {
            _ if self.stealth && !sign.is_fault() => false,
            Some((news, at)) if !self.stealth => lit(news.pattern(), now.since(at)),
            _ => lit(sign.pattern(), now.since(since)),
        }
    }

    /// What it says, for whoever reads the log.
    pub(crate) fn sign(&self) -> Option<Sign> {
        self.sign.map(|(sign, _)| sign)
    }
}

/// Whether a pattern is lit so long after its beginning.
fn lit(pattern: &[u16], after: Duration) -> bool {
    let length: u128 = pattern.iter().map(|&ms| u128::from(ms)).sum();
    let mut left = after.as_millis().checked_rem(length).unwrap_or_default();
    for (n, &ms) in pattern.iter().enumerate() {
        let ms = u128::from(ms);
        if left < ms {
            return n % 2 == 0;
        }
        left -= ms;
    }
    false
}

#[cfg(test)]
mod tests;
