//! A closed road, and how a car goes along it: made up, smooth, and the same every time.

use std::f64::consts::TAU;

/// Metres in a degree of latitude (a sphere of 6,371 km, which is near enough for a road of some kilometres).
const METRES_A_DEGREE: f64 = 111_194.926_644_558_74;

/// Where the car is, and how it moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// Degrees, north positive (WGS 84).
    pub latitude: f64,
    /// Degrees, east positive (WGS 84).
    pub longitude: f64,
    /// Metres above the ellipsoid.
    pub altitude: f64,
    /// Metres a second to the east, north and up.
    pub velocity: [f64; 3],
    /// Degrees from north, clockwise.
    pub course: f64,
    /// What an accelerometer feels, metres a second squared: to the right, down and forward; at rest the weight, which
    /// points up, is all.
    pub felt: [f64; 3],
}

/// An ellipse that is driven around at a steady pace of its angle: slow at the ends, fast along the sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Road {
    /// Degrees of latitude and longitude of its middle.
    pub middle: (f64, f64),
    /// Half its length from west to east and from south to north, metres.
    pub half: (f64, f64),
    /// Seconds for a lap.
    pub lap_s: f64,
}

impl Default for Road {
    /// Four kilometres in five minutes, at 13 m/s in the mean, near the Nürburgring.
    fn default() -> Self {
        Self {
            middle: (50.3289, 6.9447),
            half: (800.0, 400.0),
            lap_s: 300.0,
        }
    }
}

const GRAVITY: f64 = 9.806_65;
const ALTITUDE: f64 = 617.0;

impl Road {
    /// Where the car is after so many seconds.
    pub fn at(&self, seconds: f64) -> Motion {
        let rate = TAU / self.lap_s;
        let angle = rate * seconds.rem_euclid(self.lap_s);
        let (sin, cos) = angle.sin_cos();
        let (a, b) = self.half;
        let (east, north) = (a * cos, b * sin);
        let velocity = (-a * rate * sin, b * rate * cos);
        let acceleration = (-a * rate * rate * cos, -b * rate * rate * sin);
        let speed = velocity.0.hypot(velocity.1).max(f64::MIN_POSITIVE);
        let forward = (velocity.0 / speed, velocity.1 / speed);
        let right = (forward.1, -forward.0);
        let along = |axis: (f64, f64)| acceleration.0 * axis.0 + acceleration.1 * axis.1;
        let (latitude, longitude) = self.middle;
        let a_degree_east = METRES_A_DEGREE * latitude.to_radians().cos();
        Motion {
            latitude: latitude + north / METRES_A_DEGREE,
            longitude: longitude + east / a_degree_east,
            altitude: ALTITUDE,
            velocity: [velocity.0, velocity.1, 0.0],
            course: forward.0.atan2(forward.1).to_degrees().rem_euclid(360.0),
            felt: [along(right), -GRAVITY, along(forward)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres(from: &Motion, to: &Motion) -> (f64, f64) {
        let east = METRES_A_DEGREE * from.latitude.to_radians().cos();
        (
            (to.longitude - from.longitude) * east,
            (to.latitude - from.latitude) * METRES_A_DEGREE,
        )
    }

    #[test]
    fn it_is_closed() {
        let road = Road::default();
        for seconds in [0.0, 17.0, 299.9] {
            let (now, later) = (road.at(seconds), road.at(seconds + 3.0 * road.lap_s));
            let (east, north) = metres(&now, &later);
            assert!(east.hypot(north) < 1e-3, "{seconds}");
        }
        assert!((road.at(0.0).course - 0.0).abs() < 1e-9);
    }

    #[test]
    fn speed_and_what_is_felt_are_what_the_places_say() {
        let road = Road::default();
        let step = 0.01;
        for n in 0..300 {
            let t = f64::from(n) + 0.5;
            let (before, now, after) = (road.at(t - step), road.at(t), road.at(t + step));
            let (east, north) = metres(&before, &after);
            let measured = (east / (2.0 * step), north / (2.0 * step));
            assert!((measured.0 - now.velocity[0]).abs() < 0.01, "{t}");
            assert!((measured.1 - now.velocity[1]).abs() < 0.01, "{t}");
            let course = measured.0.atan2(measured.1).to_degrees().rem_euclid(360.0);
            let turned = (course - now.course + 180.0).rem_euclid(360.0) - 180.0;
            assert!(turned.abs() < 0.1, "{t}: {course} {}", now.course);
            let speed = |motion: &Motion| motion.velocity[0].hypot(motion.velocity[1]);
            let gained = (speed(&after) - speed(&before)) / (2.0 * step);
            assert!((gained - now.felt[2]).abs() < 1e-3, "{t}");
            // Always a left turn: the car is pushed to the left, and feels no more than a seat belt notices.
            assert!((-3.0..0.0).contains(&now.felt[0]), "{t}: {}", now.felt[0]);
        }
    }
}
