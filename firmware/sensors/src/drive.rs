//! A simulated drive: what a receiver would deliver along a made-up road.

use std::time::Duration;

use picam_media::{AccessUnit, TIMESCALE, UnitKind};
use picam_mp4::camm::{self, Fix};
use picam_mp4::timed_text;
use picam_time::{BootNs, UtcUs};

use crate::{Motion, Road};

/// From fix to fix: 10 a second.
const STEP: Duration = Duration::from_millis(100);
/// Each so many-th comes with a line of text: one a second.
const TEXT_EVERY: u64 = 10;

/// The drive. It delivers access units on the boot clock, in the order of their times.
#[derive(Debug, Clone)]
pub struct Drive {
    road: Road,
    begun: BootNs,
    /// The next step.
    step: u64,
    /// What is left of it.
    left: Left,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Fix,
    Text,
}

impl Drive {
    /// Sets off along a road.
    pub const fn new(road: Road, begun: BootNs) -> Self {
        Self {
            road,
            begun,
            step: 0,
            left: Left::Fix,
        }
    }

    /// When the next unit is measured.
    pub fn due(&self) -> BootNs {
        let steps = u32::try_from(self.step).unwrap_or(u32::MAX);
        self.begun + STEP * steps
    }

    /// Fills `unit` with what is measured next. `booted` is UTC of the moment of booting: a receiver that does not know the
    /// time has no fix. `false` if there is nothing this time.
    pub fn next(&mut self, booted: Option<UtcUs>, unit: &mut AccessUnit) -> bool {
        let due = self.due();
        let motion = self.road.at(due.since(self.begun).as_secs_f64());
        unit.begin(match self.left {
            Left::Fix => UnitKind::Motion,
            Left::Text => UnitKind::Text,
        });
        unit.captured = due;
        unit.dts = due.ticks(TIMESCALE).value;
        unit.pts = unit.dts;
        let has_fix = booted.is_some();
        match self.left {
            Left::Fix => {
                if let Some(booted) = booted {
                    let fix = fix(&motion, booted.after_boot(due));
                    unit.data.extend(fix.to_sample());
                }
            }
            Left::Text => {
                let [east, north, _] = motion.velocity;
                let speed = east.hypot(north);
                timed_text::write_place(speed, motion.latitude, motion.longitude, &mut unit.data);
            }
        }
        self.advance();
        has_fix
    }

    fn advance(&mut self) {
        self.left = match self.left {
            Left::Fix if self.step.is_multiple_of(TEXT_EVERY) => Left::Text,
            _ => {
                self.step += 1;
                Left::Fix
            }
        };
    }
}

fn fix(motion: &Motion, utc: UtcUs) -> Fix {
    Fix {
        gps_epoch_s: camm::gps_epoch_s(utc),
        fix_type: 3,
        latitude: motion.latitude,
        longitude: motion.longitude,
        altitude: motion.altitude as f32,
        horizontal_accuracy: 1.5,
        vertical_accuracy: 2.5,
        velocity: motion.velocity.map(|value| value as f32),
        speed_accuracy: 0.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOTED: UtcUs = UtcUs(1_795_172_880_000_000);

    /// So many seconds of a drive that began at 5 s: kind, time and data of each unit.
    fn drive(seconds: u64, booted: Option<UtcUs>) -> Vec<(UnitKind, i64, Vec<u8>)> {
        let begun = BootNs::from_secs(5);
        let mut drive = Drive::new(Road::default(), begun);
        let mut all = Vec::new();
        let mut unit = AccessUnit::new();
        while drive.due() < begun + Duration::from_secs(seconds) {
            let due = drive.due();
            if drive.next(booted, &mut unit) {
                assert_eq!((unit.captured, unit.pts), (due, unit.dts));
                all.push((unit.kind, unit.dts, unit.data.clone()));
            }
        }
        all
    }

    #[test]
    fn ten_fixes_and_a_line_of_text_a_second() {
        let all = drive(3, Some(BOOTED));
        let fixes: Vec<_> = all
            .iter()
            .filter_map(|unit| Some((unit.1, Fix::from_sample(&unit.2)?)))
            .collect();
        let of = |kind| all.iter().filter(|unit| unit.0 == kind).count();
        assert_eq!(
            (fixes.len(), of(UnitKind::Motion), of(UnitKind::Text)),
            (30, 30, 3)
        );
        assert!(all.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        let (at, third) = &fixes[3];
        assert_eq!(*at, (5 * 90_000) + 27_000);
        let place = Road::default().at(0.3);
        assert_eq!(
            (third.latitude, third.longitude),
            (place.latitude, place.longitude)
        );
        // 2026-11-20 11:08:05.3 UTC.
        assert_eq!(third.utc(), Some(UtcUs(1_795_172_885_300_000)));
        assert!(
            all[1].2.ends_with(b"30 km/h  50.32890 6.95597"),
            "{:?}",
            all[1]
        );
    }

    #[test]
    fn a_receiver_without_time_has_no_fix() {
        assert!(drive(2, None).is_empty());
    }
}
