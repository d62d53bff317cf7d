//! Where a segment's car was, a fix a second, in a few kilobytes.

use std::time::Duration;

use picam_time::BootNs;

use crate::track::{TrackPoint, metres};

/// One fix in this time.
const EVERY: Duration = Duration::from_millis(900);
/// Between fixes that are further apart nobody knows where the car went.
pub(super) const GAP: Duration = Duration::from_secs(10);
/// What a receiver wanders about where the car stands, in metres: less is no way travelled.
const STEP_M: f64 = 5.0;
/// The longest segment that can be configured, at a fix a second.
const MOST: usize = 1200;

/// Where the car was at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// Then.
    pub at: BootNs,
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres a second over ground; `None` if not known.
    pub speed: Option<f64>,
}

impl Fix {
    fn metres(&self, other: &Self) -> f64 {
        metres(
            (self.latitude, self.longitude),
            (other.latitude, other.longitude),
        )
    }
}

/// A fix as it is kept: thousands of segments have sixty each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    after_ms: u32,
    latitude: i32,
    longitude: i32,
    speed_cm: u16,
}

/// Ten millionths of a degree, a centimetre.
const FINE: f64 = 1e7;
const NO_SPEED: u16 = u16::MAX;

/// The fixes of a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions {
    start: BootNs,
    kept: Vec<Kept>,
}

impl Positions {
    /// Of what is in a segment that starts then, in order.
    pub(super) fn new(
        start: BootNs,
        points: impl IntoIterator<Item = (BootNs, TrackPoint)>,
    ) -> Self {
        let mut kept: Vec<Kept> = Vec::new();
        let mut last: Option<BootNs> = None;
        for (at, point) in points {
            let is_due = last.is_none_or(|last| at.since(last) >= EVERY);
            if !is_due || kept.len() >= MOST {
                continue;
            }
            last = Some(at);
            let speed = point.motion.map(|(speed, _)| (speed * 100.0).round());
            kept.push(Kept {
                after_ms: u32::try_from(at.since(start).as_millis()).unwrap_or(u32::MAX),
                latitude: (point.latitude * FINE).round() as i32,
                longitude: (point.longitude * FINE).round() as i32,
                speed_cm: speed.map_or(NO_SPEED, |cm| (cm as u16).min(NO_SPEED - 1)),
            });
        }
        kept.shrink_to_fit();
        Self { start, kept }
    }

    /// Whether nothing said where the car was.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The fixes, in order.
    pub(super) fn fixes(&self) -> impl Iterator<Item = Fix> {
        self.kept.iter().map(|kept| Fix {
            at: self.start + Duration::from_millis(kept.after_ms.into()),
            latitude: f64::from(kept.latitude) / FINE,
            longitude: f64::from(kept.longitude) / FINE,
            speed: (kept.speed_cm != NO_SPEED).then(|| f64::from(kept.speed_cm) / 100.0),
        })
    }
}

/// How far the car went, and how fast at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Way {
    /// Metres.
    pub(super) metres: f64,
    /// The highest speed that two fixes in a row reached, in metres a second.
    pub(super) top: Option<f64>,
    /// Where the car was when what it went was last added, and the last fix.
    from: Option<Fix>,
    last: Option<Fix>,
    /// The first fix.
    first: Option<Fix>,
}

impl Way {
    pub(super) fn of(fixes: impl IntoIterator<Item = Fix>) -> Self {
        let mut way = Self::default();
        for fix in fixes {
            way.go_to(fix);
        }
        way
    }

    fn go_to(&mut self, fix: Fix) {
        self.first = self.first.or(Some(fix));
        let last = self.last.replace(fix);
        let Some(last) = last.filter(|last| fix.at.since(last.at) <= GAP) else {
            self.from = Some(fix);
            return;
        };
        self.hold(last.speed, fix.speed);
        let gone = self.from.map_or(0.0, |from| from.metres(&fix));
        if gone >= STEP_M {
            self.metres += gone;
            self.from = Some(fix);
        }
    }

    fn hold(&mut self, before: Option<f64>, now: Option<f64>) {
        if let Some((before, now)) = before.zip(now) {
            let held = before.min(now);
            self.top = Some(self.top.map_or(held, |top| top.max(held)));
        }
    }

    /// Goes on with what came right behind.
    pub(super) fn then(&mut self, next: &Self) {
        let Some(first) = next.first else {
            return;
        };
        self.go_to(first);
        self.metres += next.metres;
        if let Some(top) = next.top {
            self.hold(Some(top), Some(top));
        }
        (self.from, self.last) = (next.from, next.last);
    }
}
