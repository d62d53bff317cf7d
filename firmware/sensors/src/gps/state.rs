//! What is shown of a receiver.

use std::time::Duration;

use picam_time::BootNs;

use super::{Fix, Mode, Report};

/// A receiver that says nothing for so long is not there.
const SILENT: Duration = Duration::from_secs(10);
/// A fix holds for so long.
const HOLDS: Duration = Duration::from_secs(3);

/// How far a receiver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpsState {
    /// There is none, or it is silent.
    None,
    /// It looks for satellites.
    Searching,
    /// It knows where it is.
    Fix(Mode),
}

/// Follows a receiver.
#[derive(Debug, Clone, Default)]
pub struct Tracker {
    heard: Option<BootNs>,
    visible: Option<(u16, BootNs)>,
    fix: Option<Fix>,
    shown: Shown,
}

/// What the log has said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Shown {
    #[default]
    None,
    Searching,
    Fix,
}

impl Tracker {
    /// A report came, whatever becomes of it.
    pub fn heard(&mut self, report: &Report, now: BootNs) {
        self.heard = Some(now);
        if let Report::Sky { visible } = report {
            self.visible = Some((*visible, now));
        }
    }

    /// A fix is believed.
    pub const fn believed(&mut self, fix: &Fix) {
        self.fix = Some(*fix);
    }

    /// The line was lost: what it said holds no longer.
    pub fn lost(&mut self) {
        *self = Self {
            shown: self.shown,
            fix: self.fix,
            ..Self::default()
        };
    }

    /// What there is to show.
    pub fn state(&self, now: BootNs) -> GpsState {
        let is_heard = self.heard.is_some_and(|heard| now.since(heard) < SILENT);
        match &self.fix {
            _ if !is_heard => GpsState::None,
            Some(fix) if now.since(fix.captured) < HOLDS => GpsState::Fix(fix.mode),
            _ => GpsState::Searching,
        }
    }

    /// The last fix that was believed, however old.
    pub const fn fix(&self) -> Option<&Fix> {
        self.fix.as_ref()
    }

    /// Satellites in view, if said lately.
    pub fn visible(&self, now: BootNs) -> Option<u16> {
        let lately = |(_, at): &(u16, BootNs)| now.since(*at) < SILENT;
        self.visible.filter(lately).map(|(visible, _)| visible)
    }

    /// A line for the log, if there is something new to say. A fix that is gone for less than ten seconds (a bridge) is not
    /// worth one.
    pub fn news(&mut self, now: BootNs) -> Option<&'static str> {
        let state = match self.state(now) {
            GpsState::None => Shown::None,
            GpsState::Fix(_) => Shown::Fix,
            GpsState::Searching => {
                let recent = |fix: &Fix| now.since(fix.captured) < SILENT;
                match self.shown == Shown::Fix && self.fix.as_ref().is_some_and(recent) {
                    true => Shown::Fix,
                    false => Shown::Searching,
                }
            }
        };
        if state == self.shown {
            return None;
        }
        self.shown = state;
        Some(match state {
            Shown::None => "the GPS receiver has fallen silent",
            Shown::Searching => "the GPS receiver looks for satellites",
            Shown::Fix => "the GPS receiver knows where it is",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> BootNs {
        BootNs::from_secs(seconds)
    }

    #[test]
    fn a_receiver_comes_searches_finds_and_falls_silent() {
        let mut tracker = Tracker::default();
        assert_eq!(
            (tracker.state(s(1)), tracker.news(s(1))),
            (GpsState::None, None)
        );
        tracker.heard(&Report::NoFix, s(2));
        assert_eq!(tracker.state(s(2)), GpsState::Searching);
        assert!(tracker.news(s(2)).unwrap().contains("looks for"));
        assert_eq!(tracker.news(s(3)), None);
        let mut fix = Fix::at(s(4), 48.0, 11.0);
        fix.mode = Mode::Fix3d;
        tracker.heard(&Report::Fix(fix), s(4));
        // Heard and not believed is no fix.
        assert_eq!(tracker.state(s(4)), GpsState::Searching);
        tracker.believed(&fix);
        assert_eq!(tracker.state(s(6)), GpsState::Fix(Mode::Fix3d));
        assert!(tracker.news(s(6)).unwrap().contains("knows where"));
        // A bridge.
        tracker.heard(&Report::NoFix, s(9));
        assert_eq!(
            (tracker.state(s(9)), tracker.news(s(9))),
            (GpsState::Searching, None)
        );
        // A tunnel.
        assert!(tracker.news(s(14)).unwrap().contains("looks for"));
        assert_eq!(tracker.state(s(19)), GpsState::None);
        assert!(tracker.news(s(19)).unwrap().contains("silent"));
        assert_eq!(tracker.fix().map(|fix| fix.captured), Some(s(4)));
    }

    #[test]
    fn what_was_said_before_the_line_was_lost_holds_no_longer() {
        let mut tracker = Tracker::default();
        tracker.heard(&Report::Sky { visible: 9 }, s(1));
        assert_eq!(tracker.visible(s(2)), Some(9));
        assert_eq!(tracker.visible(s(11)), None);
        tracker.lost();
        assert_eq!(
            (tracker.state(s(1)), tracker.visible(s(1))),
            (GpsState::None, None)
        );
    }
}
