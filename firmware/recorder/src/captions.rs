//! What is written into pictures, and into the text track for players that show it as a subtitle.
//!
//! Raw pictures have it drawn in before they are coded ([`picam_capture::Overlay`]). Cameras that code by themselves cannot be
//! written into: theirs, and everybody's, is in the text track, once a second.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use picam_capture::{Caption, Overlay, OverlayStyle, Parts, write_time};
use picam_media::{AccessUnit, TIMESCALE, TakenAt, UnitKind};
use picam_mp4::timed_text;
use picam_time::{BootNs, Clock};

use crate::side_input::SideSenders;
use crate::true_time::TrueTime;
use crate::whereabouts::Whereabouts;

/// From text to text in the track.
const EVERY: Duration = Duration::from_secs(1);
/// How long at most it sleeps before looking whether to stop.
const NAP: Duration = Duration::from_millis(200);
/// Metres a second to kilometres an hour.
const KMH: f64 = 3.6;

/// What is wanted in the pictures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverlayPlan {
    /// The time.
    pub time: bool,
    /// How fast the car is, while that is known.
    pub speed: bool,
    /// Where it is, likewise.
    pub place: bool,
    /// The car's number plate.
    pub plate: Option<String>,
    /// Whatever else.
    pub text: Option<String>,
    /// How it looks.
    pub style: OverlayStyle,
}

impl OverlayPlan {
    /// Whether there is anything to be written.
    pub const fn is_on(&self) -> bool {
        self.time || self.speed || self.place || self.plate.is_some() || self.text.is_some()
    }
}

/// What knows it. Clones are the same.
#[derive(Clone)]
pub(crate) struct Captions {
    plan: Arc<OverlayPlan>,
    clock: Arc<TrueTime>,
    whereabouts: Whereabouts,
}

impl Captions {
    pub(crate) fn new(plan: &OverlayPlan, clock: Arc<TrueTime>, whereabouts: Whereabouts) -> Self {
        Self {
            plan: Arc::new(plan.clone()),
            clock,
            whereabouts,
        }
    }

    /// For the pictures of one camera.
    pub(crate) fn overlay(&self) -> Overlay {
        Overlay::new(Box::new(self.clone()), self.plan.style)
    }
}

impl Caption for Captions {
    fn write(&mut self, captured: BootNs, parts: &mut Parts) {
        let plan = &self.plan;
        if plan.time {
            let (booted, _) = self.clock.booted();
            let utc = booted.map(|booted| booted.after_boot(captured));
            parts.push(|text| write_time(text, captured, utc));
        }
        let at = match plan.speed || plan.place {
            true => self.whereabouts.at(captured),
            false => None,
        };
        if let Some(at) = at {
            parts.push(|text| write_speed(text, &at, plan.speed));
            parts.push(|text| write_place(text, &at, plan.place));
        }
        for own in [&plan.plate, &plan.text].into_iter().flatten() {
            parts.push(|text| text.push_str(own));
        }
    }
}

// Writing to a string does not fail.

fn write_speed(text: &mut String, at: &TakenAt, wanted: bool) {
    if let Some(speed) = at.speed.filter(|_| wanted) {
        let _ = write!(text, "{:.0} km/h", speed * KMH);
    }
}

fn write_place(text: &mut String, at: &TakenAt, wanted: bool) {
    if wanted {
        let side = |value: f64, positive, negative| if value < 0.0 { negative } else { positive };
        let (latitude, longitude) = (at.latitude, at.longitude);
        let (north, east) = (side(latitude, 'N', 'S'), side(longitude, 'E', 'W'));
        let _ = write!(
            text,
            "{:.5} {north} {:.5} {east}",
            latitude.abs(),
            longitude.abs()
        );
    }
}

/// Hands the text to every camera's track once a second, until `stop` is set. Where the car is stands there whenever it is
/// known, as it does without anything in the pictures.
pub(crate) fn run(captions: &Captions, cameras: &SideSenders, stop: &AtomicBool) {
    let mut plan = OverlayPlan::clone(&captions.plan);
    (plan.speed, plan.place) = (true, true);
    let mut all = Captions {
        plan: Arc::new(plan),
        ..captions.clone()
    };
    let clock = captions.clock.clone();
    let (mut parts, mut unit) = (Parts::default(), AccessUnit::new());
    let mut due = clock.now();
    while !stop.load(Ordering::SeqCst) {
        let now = clock.now();
        let left = due.since(now);
        if !left.is_zero() {
            clock.sleep(left.min(NAP));
            continue;
        }
        due = now + EVERY;
        parts.clear();
        all.write(now, &mut parts);
        unit.begin(UnitKind::Text);
        unit.captured = now;
        unit.dts = now.ticks(TIMESCALE).value;
        unit.pts = unit.dts;
        let text: Vec<&str> = parts.iter().collect();
        timed_text::write_sample(&text.join("  "), &mut unit.data);
        cameras.send_caption(&unit);
    }
}

#[cfg(test)]
mod tests {
    use picam_mp4::camm;
    use picam_testkit::TurnedClock;
    use picam_time::{TimeAnchor, TimeSource, UtcUs};

    use super::*;

    fn shown(captions: &mut Captions, at: BootNs) -> Vec<String> {
        let mut parts = Parts::default();
        captions.write(at, &mut parts);
        parts.iter().map(str::to_owned).collect()
    }

    #[test]
    fn nothing_is_written_that_is_not_wanted_or_not_known() {
        let clock = TurnedClock::default();
        clock.turn(Duration::from_secs(100));
        let time = Arc::new(TrueTime::new(clock.clone()));
        let whereabouts = Whereabouts::default();
        let of = |plan: &OverlayPlan| Captions::new(plan, time.clone(), whereabouts.clone());
        let all = OverlayPlan {
            time: true,
            speed: true,
            place: true,
            plate: Some("B-XY 123".into()),
            text: Some("taxi 7".into()),
            ..OverlayPlan::default()
        };
        assert!(all.is_on() && !OverlayPlan::default().is_on());
        let now = clock.now();
        assert_eq!(
            shown(&mut of(&all), now),
            ["up 00:01:40", "B-XY 123", "taxi 7"]
        );
        let noon = UtcUs(1_795_172_880_000_000);
        time.offer(TimeAnchor::new(now, noon, TimeSource::Phone).unwrap());
        let mut unit = AccessUnit::new();
        unit.begin(UnitKind::Motion);
        unit.captured = now;
        let fix = camm::Fix {
            gps_epoch_s: camm::gps_epoch_s(noon),
            fix_type: 3,
            latitude: -33.856_78,
            longitude: 151.215_3,
            altitude: 5.0,
            horizontal_accuracy: 3.0,
            vertical_accuracy: 3.0,
            velocity: [3.0, 4.0, 9.0],
            speed_accuracy: 1.0,
        };
        unit.data.extend(fix.to_sample());
        whereabouts.note(&unit);
        let expected = [
            "2026-11-20 11:08:00 UTC",
            "18 km/h",
            "33.85678 S 151.21530 E",
            "B-XY 123",
            "taxi 7",
        ];
        assert_eq!(shown(&mut of(&all), now), expected);
        let later = now + Duration::from_secs(60);
        assert_eq!(shown(&mut of(&all), later)[1], "B-XY 123");
        let speed = OverlayPlan {
            speed: true,
            ..OverlayPlan::default()
        };
        assert_eq!(shown(&mut of(&speed), now), ["18 km/h"]);
    }
}
