//! Which fixes are believed.
//!
//! | a fix is left out | when | until |
//! |---|---|---|
//! | invalid | a coordinate is no number or off the globe, or both are exactly zero | a sound one comes |
//! | poor | horizontal dilution above 20, or an error above 200 m | it is better |
//! | stale | it is not newer than the one before, by the receiver's clock or by ours | a newer one comes; a receiver that set its clock back is believed at its 10th |
//! | frozen | the very same place for 3 s at more than 1.5 m/s | the place changes |
//! | jump | it is farther away than 100 m/s, 30 m and three times both errors explain | it is near; three in a row that agree are believed |
//! | too soon | less than 90 ms after the one before: more than ten a second are not recorded | |
//!
//! So every state is left by itself within ten fixes of a receiver that works.

use std::time::Duration;

use picam_time::BootNs;

use super::Fix;

/// Above this the satellites stand so badly that the place is a guess.
const MOST_DOP: f32 = 20.0;
/// Metres; farther off, a fix does not tell one road from the next village.
const MOST_ERROR_M: f32 = 200.0;
/// Metres a second: 360 km/h.
const MOST_SPEED: f64 = 100.0;
/// Metres that a fix may be off without any motion.
const SLACK_M: f64 = 30.0;
/// How far a stated error may stretch [`SLACK_M`].
const MOST_STRETCH_M: f64 = 300.0;
/// Fixes in a row that agree with each other after a jump: the one before them was wrong.
const AGREEING: u32 = 3;
/// Fixes in a row whose times go on from each other, behind what was said before.
const CLOCK_SET_BACK: u32 = 10;
/// Metres a second above which a place must change.
const MOVING: f64 = 1.5;
const FROZEN_AFTER: Duration = Duration::from_secs(3);
/// A little less than a tenth of a second: the bytes of a fix come a little sooner or later.
const SHORTEST_STEP: Duration = Duration::from_millis(90);
/// Mean radius of the earth (IUGG), metres.
const EARTH_M: f64 = 6_371_008.8;

/// Why a fix is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// It is no place on earth.
    Invalid,
    /// The receiver itself is not sure of it.
    Poor,
    /// It is not newer than the one before.
    Stale,
    /// The car moves and the place does not.
    Frozen,
    /// No car gets there so fast.
    Jump,
    /// It comes sooner than ten a second; not an error.
    TooSoon,
}

/// How many fixes were left out for each reason, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rejected {
    /// [`Rejection::Invalid`]
    pub invalid: u64,
    /// [`Rejection::Poor`]
    pub poor: u64,
    /// [`Rejection::Stale`]
    pub stale: u64,
    /// [`Rejection::Frozen`]
    pub frozen: u64,
    /// [`Rejection::Jump`]
    pub jumps: u64,
}

/// Tells fixes that can be believed from others.
#[derive(Debug, Clone, Default)]
pub struct FixFilter {
    /// The last that was believed.
    last: Option<Fix>,
    /// Since when the place has been the same.
    moved: BootNs,
    /// The last that was left out as stale or as a jump, and how many in a row went on from each other.
    doubted: Option<(Fix, Rejection, u32)>,
    rejected: Rejected,
}

impl FixFilter {
    /// How many were left out.
    pub const fn rejected(&self) -> Rejected {
        self.rejected
    }

    /// Takes note of a fix, and says whether it is believed.
    ///
    /// # Errors
    /// Why it is not; counted already.
    pub fn check(&mut self, fix: &Fix) -> Result<(), Rejection> {
        let judged = self.judge(fix);
        let counter = match judged {
            Ok(()) => {
                let same = self.last.is_some_and(|last| is_same_place(&last, fix));
                if !same {
                    self.moved = fix.captured;
                }
                self.last = Some(*fix);
                self.doubted = None;
                return Ok(());
            }
            Err(Rejection::TooSoon) => return judged,
            Err(Rejection::Invalid) => &mut self.rejected.invalid,
            Err(Rejection::Poor) => &mut self.rejected.poor,
            Err(Rejection::Stale) => &mut self.rejected.stale,
            Err(Rejection::Frozen) => &mut self.rejected.frozen,
            Err(Rejection::Jump) => &mut self.rejected.jumps,
        };
        *counter += 1;
        judged
    }

    fn judge(&mut self, fix: &Fix) -> Result<(), Rejection> {
        if !is_on_earth(fix) {
            return Err(Rejection::Invalid);
        }
        let is_poor =
            |value: Option<f32>, most| value.is_some_and(|value| value > most || value.is_nan());
        if is_poor(fix.dops.horizontal, MOST_DOP) || is_poor(fix.accuracy.horizontal, MOST_ERROR_M)
        {
            return Err(Rejection::Poor);
        }
        let Some(last) = self.last else {
            return Ok(());
        };
        if fix.captured <= last.captured {
            return Err(Rejection::Stale);
        }
        if !is_newer(&last, fix) {
            return self.doubt(fix, Rejection::Stale, CLOCK_SET_BACK, is_newer);
        }
        if step(&last, fix) < SHORTEST_STEP {
            return Err(Rejection::TooSoon);
        }
        if !is_within_reach(&last, fix) {
            return self.doubt(fix, Rejection::Jump, AGREEING, is_within_reach);
        }
        let stands = is_same_place(&last, fix)
            && fix.captured.since(self.moved) > FROZEN_AFTER
            && fix.speed.is_some_and(|speed| speed > MOVING);
        match stands {
            true => Err(Rejection::Frozen),
            false => Ok(()),
        }
    }

    /// Leaves a fix out, unless so many in a row have gone on from each other: then what was believed before them was wrong.
    fn doubt(
        &mut self,
        fix: &Fix,
        why: Rejection,
        enough: u32,
        goes_on: fn(&Fix, &Fix) -> bool,
    ) -> Result<(), Rejection> {
        let before = self
            .doubted
            .filter(|(before, reason, _)| *reason == why && goes_on(before, fix));
        let in_a_row = before.map_or(1, |(_, _, n)| n + 1);
        self.doubted = Some((*fix, why, in_a_row));
        match in_a_row >= enough {
            true => Ok(()),
            false => Err(why),
        }
    }
}

fn is_on_earth(fix: &Fix) -> bool {
    fix.latitude.abs() <= 90.0
        && fix.longitude.abs() <= 180.0
        && (fix.latitude, fix.longitude) != (0.0, 0.0)
}

fn is_same_place(a: &Fix, b: &Fix) -> bool {
    (a.latitude, a.longitude) == (b.latitude, b.longitude)
}

fn is_newer(before: &Fix, fix: &Fix) -> bool {
    match (before.utc, fix.utc) {
        (Some(before), Some(utc)) => utc > before,
        _ => true,
    }
}

/// How much later a fix is: by the receiver's clock, which does not jitter, if it has one.
fn step(before: &Fix, fix: &Fix) -> Duration {
    match (before.utc, fix.utc) {
        (Some(before), Some(utc)) => utc.since(before),
        _ => fix.captured.since(before.captured),
    }
}

fn is_within_reach(before: &Fix, fix: &Fix) -> bool {
    // By our clock: a receiver whose date jumps by weeks could be anywhere.
    let seconds = fix.captured.since(before.captured).as_secs_f64();
    let error = |fix: &Fix| f64::from(fix.accuracy.horizontal.unwrap_or(0.0));
    let stretch = (3.0 * (error(before) + error(fix))).min(MOST_STRETCH_M);
    metres(before, fix) <= MOST_SPEED * seconds + SLACK_M + stretch
}

/// How far apart two places are, along a great circle.
fn metres(a: &Fix, b: &Fix) -> f64 {
    let (from, to) = (a.latitude.to_radians(), b.latitude.to_radians());
    let north = (to - from) / 2.0;
    let east = (b.longitude - a.longitude).to_radians() / 2.0;
    let h = north.sin().powi(2) + from.cos() * to.cos() * east.sin().powi(2);
    2.0 * EARTH_M * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use picam_time::UtcUs;
    use proptest::prelude::*;

    use super::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    /// Degrees of latitude that a car at 20 m/s comes on in a second.
    const STEP: f64 = 20.0 / 111_195.0;

    /// A fix of a car that drives north at 20 m/s, after so many seconds.
    fn at(seconds: f64) -> Fix {
        let span = Duration::from_secs_f64(seconds);
        let mut fix = Fix::at(BootNs::from_secs(100) + span, 48.0 + seconds * STEP, 11.0);
        fix.utc = Some(NOON + span);
        fix.speed = Some(20.0);
        fix
    }

    /// A filter that has believed one fix, at 0 s.
    fn begun() -> FixFilter {
        let mut filter = FixFilter::default();
        assert_eq!(filter.check(&at(0.0)), Ok(()));
        filter
    }

    #[test]
    fn a_drive_is_believed_at_one_and_at_ten_fixes_a_second() {
        for rate in [1, 10] {
            let mut filter = FixFilter::default();
            for n in 0..100 {
                let fix = at(f64::from(n) / f64::from(rate));
                assert_eq!(filter.check(&fix), Ok(()), "{n} at {rate}");
            }
            assert_eq!(filter.rejected(), Rejected::default());
        }
    }

    #[test]
    fn of_25_a_second_no_more_than_ten_are_taken_and_none_is_an_error() {
        let mut filter = FixFilter::default();
        let taken = (0..250).filter(|&n| filter.check(&at(f64::from(n) / 25.0)).is_ok());
        assert!((80..=100).contains(&taken.count()));
        assert_eq!(filter.rejected(), Rejected::default());
    }

    #[test]
    fn no_place_on_earth_is_no_fix() {
        for (latitude, longitude) in [
            (f64::NAN, 11.0),
            (91.0, 11.0),
            (48.0, -180.1),
            (48.0, f64::INFINITY),
            (0.0, 0.0),
        ] {
            let mut filter = FixFilter::default();
            let fix = Fix::at(BootNs::from_secs(1), latitude, longitude);
            assert_eq!(
                filter.check(&fix),
                Err(Rejection::Invalid),
                "{latitude} {longitude}"
            );
            assert_eq!(filter.rejected().invalid, 1);
        }
        let equator = Fix::at(BootNs::from_secs(1), 0.0, 11.0);
        assert_eq!(FixFilter::default().check(&equator), Ok(()));
    }

    #[test]
    fn a_receiver_that_is_not_sure_is_not_believed() {
        let mut filter = begun();
        let mut fix = at(1.0);
        for (dop, believed) in [(20.0, true), (20.1, false), (f32::NAN, false)] {
            fix.dops.horizontal = Some(dop);
            let judged = filter.clone().check(&fix);
            assert_eq!(judged.is_ok(), believed, "{dop}");
        }
        fix.dops.horizontal = None;
        fix.accuracy.horizontal = Some(200.1);
        assert_eq!(filter.check(&fix), Err(Rejection::Poor));
        assert_eq!(filter.rejected().poor, 1);
    }

    #[test]
    fn what_is_said_again_is_stale_for_as_long_as_it_is_said() {
        let mut filter = begun();
        for n in 1..100 {
            let mut fix = at(0.0);
            fix.captured += Duration::from_secs(n);
            assert_eq!(filter.check(&fix), Err(Rejection::Stale));
        }
        assert_eq!(filter.check(&at(100.0)), Ok(()));
        assert_eq!(filter.rejected().stale, 99);
        // What comes twice, or late.
        assert_eq!(filter.check(&at(100.0)), Err(Rejection::Stale));
        assert_eq!(filter.check(&at(99.0)), Err(Rejection::Stale));
    }

    #[test]
    fn a_receiver_that_sets_its_clock_back_is_believed_after_a_while() {
        let mut filter = begun();
        let mut set_back = |n: u32| {
            let mut fix = at(n.into());
            fix.utc = fix.utc.map(|utc| utc - Duration::from_secs(3600));
            filter.check(&fix)
        };
        for n in 1..10 {
            assert_eq!(set_back(n), Err(Rejection::Stale), "{n}");
        }
        assert_eq!([set_back(10), set_back(11)], [Ok(()), Ok(())]);
    }

    #[test]
    fn a_place_that_stands_still_while_the_car_moves_is_frozen() {
        let mut filter = begun();
        let frozen = |seconds: f64, speed: f64| {
            let mut fix = at(seconds);
            fix.latitude = 48.0;
            fix.speed = Some(speed);
            fix
        };
        for (seconds, judged) in [
            (1.0, Ok(())),
            (3.0, Ok(())),
            (3.1, Err(Rejection::Frozen)),
            (9.0, Err(Rejection::Frozen)),
        ] {
            assert_eq!(filter.check(&frozen(seconds, 20.0)), judged, "{seconds}");
        }
        // A parked car, whose receiver holds its place.
        assert_eq!(filter.clone().check(&frozen(10.0, 0.3)), Ok(()));
        assert_eq!(filter.check(&at(11.0)), Ok(()));
    }

    #[test]
    fn a_jump_is_left_out_and_a_place_that_stays_is_believed() {
        let mut filter = begun();
        let mut away = at(1.0);
        away.longitude += 0.01;
        assert_eq!(filter.check(&away), Err(Rejection::Jump));
        assert_eq!(filter.check(&at(2.0)), Ok(()));
        // After a tunnel with a wrong fix at its end, the right ones are the jump.
        for n in 3..6 {
            let mut there = at(f64::from(n));
            there.latitude += 1.0;
            let believed = n == 5;
            assert_eq!(filter.check(&there).is_ok(), believed, "{n}");
        }
        assert_eq!(filter.rejected().jumps, 3);
        // An hour later a car may be anywhere.
        let mut later = at(3600.0);
        later.longitude += 1.0;
        assert_eq!(filter.check(&later), Ok(()));
    }

    #[test]
    fn jumps_that_do_not_agree_are_never_believed() {
        let mut filter = begun();
        for n in 1..50 {
            let mut fix = at(f64::from(n) / 10.0);
            fix.longitude = f64::from(n % 7) * 20.0 - 70.0;
            assert_eq!(filter.check(&fix), Err(Rejection::Jump), "{n}");
        }
    }

    #[test]
    fn a_receiver_that_states_a_large_error_may_jump_by_it() {
        let mut fix = at(0.5);
        fix.latitude = at(0.0).latitude + 150.0 / 111_195.0;
        assert_eq!(begun().check(&fix), Err(Rejection::Jump));
        fix.accuracy.horizontal = Some(30.0);
        assert_eq!(begun().check(&fix), Ok(()));
    }

    #[test]
    fn over_the_date_line_it_is_not_far() {
        let mut filter = FixFilter::default();
        let mut fix = at(0.0);
        fix.longitude = 179.9999;
        assert_eq!(filter.check(&fix), Ok(()));
        let mut next = at(1.0);
        next.longitude = -179.9999;
        assert_eq!(filter.check(&next), Ok(()));
    }

    proptest! {
        #[test]
        fn whatever_came_before_a_receiver_that_works_is_believed_within_ten_fixes(
            said in proptest::collection::vec(
                (0u64..400, -95.0f64..95.0, -200.0f64..200.0, proptest::option::of(-5000i64..5000), 0.0f64..50.0),
                0..60,
            ),
        ) {
            let mut filter = FixFilter::default();
            for (tenths, latitude, longitude, utc, speed) in said {
                let mut fix = Fix::at(BootNs(tenths * 100_000_000), latitude, longitude);
                fix.utc = utc.map(|seconds| UtcUs(NOON.0 + seconds * 1_000_000));
                fix.speed = Some(speed);
                if filter.check(&fix).is_ok() {
                    prop_assert!(latitude.abs() <= 90.0 && longitude.abs() <= 180.0);
                }
            }
            let believed = (0..20).map(|n| filter.check(&at(f64::from(n))).is_ok());
            let believed: Vec<bool> = believed.collect();
            let first = believed.iter().position(|&believed| believed);
            prop_assert!(first.is_some_and(|first| first < 13), "{believed:?}");
            prop_assert!(believed.iter().skip(13).all(|&believed| believed), "{believed:?}");
        }
    }
}
