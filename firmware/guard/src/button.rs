//! What a push button and a trigger line say, out of levels that bounce.
//!
//! A line counts only once it has been seen at rest: one that is stuck, or held while the camera starts, does nothing.

use std::time::Duration;

use picam_time::BootNs;

/// A level must stay for so long to be believed. Contacts bounce for a few milliseconds.
const SETTLES: Duration = Duration::from_millis(40);
/// Looks further apart say nothing of the time between them.
const MAX_GAP: Duration = Duration::from_millis(500);
/// From then on a press is a long one.
pub(crate) const LONG: Duration = Duration::from_secs(3);
/// From then on it is a very long one.
pub(crate) const VERY_LONG: Duration = Duration::from_secs(8);
/// A trigger that comes again so soon is about what is being kept already.
const QUIET: Duration = Duration::from_secs(10);

/// A change of a level that has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Active,
    Rest,
}

/// Takes the bouncing out of a line.
#[derive(Debug, Default)]
struct Debounce {
    /// The last look, its level, and since when it has been that.
    raw: Option<(BootNs, bool, BootNs)>,
    /// The level that is believed; `None` until the line has been seen at rest.
    settled: Option<bool>,
    /// Whether looks were missing since the last one.
    gap: bool,
}

impl Debounce {
    fn look(&mut self, now: BootNs, active: bool) -> Option<Edge> {
        self.gap = self.raw.is_some_and(|(last, ..)| now.since(last) > MAX_GAP);
        let since = match self.raw {
            Some((_, level, since)) if level == active && !self.gap => since,
            _ => now,
        };
        self.raw = Some((now, active, since));
        if now.since(since) < SETTLES || self.settled == Some(active) {
            return None;
        }
        match (self.settled, active) {
            // Active from the start: nobody pressed it.
            (None, true) => None,
            (None, false) => {
                self.settled = Some(false);
                None
            }
            (Some(_), true) => {
                self.settled = Some(true);
                Some(Edge::Active)
            }
            (Some(_), false) => {
                self.settled = Some(false);
                Some(Edge::Rest)
            }
        }
    }
}

/// A press of the button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    /// Released within three seconds.
    Short,
    /// Released after three seconds.
    Long,
    /// Held for eight seconds, and still held.
    VeryLong,
}

/// A push button.
#[derive(Debug, Default)]
pub(crate) struct Button {
    line: Debounce,
    /// Since when it is held; none once the press has been told.
    held: Option<BootNs>,
}

impl Button {
    /// Takes a look at the line, in the order of time, some tens of milliseconds apart.
    pub(crate) fn look(&mut self, now: BootNs, pressed: bool) -> Option<Press> {
        let edge = self.line.look(now, pressed);
        if self.line.gap {
            // Whether it was held meanwhile nobody knows: the time begins anew, so that no stall of ours switches a camera off.
            self.held = self.held.map(|_| now);
        }
        match edge {
            Some(Edge::Active) => self.held = Some(now),
            Some(Edge::Rest) => {
                let held = now.since(self.held.take()?);
                return Some(if held < LONG {
                    Press::Short
                } else {
                    Press::Long
                });
            }
            None => {}
        }
        let held = now.since(self.held?);
        if held < VERY_LONG {
            return None;
        }
        self.held = None;
        Some(Press::VeryLong)
    }

    /// How long it has been held, while what follows is still open.
    pub(crate) fn held(&self, now: BootNs) -> Option<Duration> {
        Some(now.since(self.held?))
    }
}

/// A line by which something else has footage kept.
#[derive(Debug, Default)]
pub(crate) struct Trigger {
    line: Debounce,
    last: Option<BootNs>,
}

impl Trigger {
    /// Takes a look at the line; whether footage is to be kept.
    pub(crate) fn look(&mut self, now: BootNs, active: bool) -> bool {
        if self.line.look(now, active) != Some(Edge::Active) {
            return false;
        }
        let news = self.last.is_none_or(|last| now.since(last) >= QUIET);
        if news {
            self.last = Some(now);
        }
        news
    }
}

#[cfg(test)]
mod tests;
