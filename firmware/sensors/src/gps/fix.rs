//! A fix: where, how fast and when, and how sure the receiver is of it.

use picam_mp4::camm;
use picam_mp4::timed_text;
use picam_time::{BootNs, UtcUs};

/// Metres of error (one standard deviation) for a dilution of precision of one, where a receiver states no error itself:
/// what is usual of a receiver of one frequency under an open sky.
const RANGE_ERROR_M: f32 = 3.0;

/// How many dimensions a fix has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Latitude and longitude.
    Fix2d,
    /// Altitude, too.
    Fix3d,
}

/// Dilutions of precision: how well the satellites stand, 1 is good.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dops {
    /// Of latitude and longitude.
    pub horizontal: Option<f32>,
    /// Of the altitude.
    pub vertical: Option<f32>,
}

/// How far off a fix may be, by the receiver or by gpsd.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// Metres.
    pub horizontal: Option<f32>,
    /// Metres.
    pub vertical: Option<f32>,
    /// Metres a second.
    pub speed: Option<f32>,
}

/// Where the receiver was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// When the first byte about it came, which is 0.05 to 0.3 s after it was true.
    pub captured: BootNs,
    /// When it was true by the receiver's own clock, as it says; `None` before it knows.
    pub utc: Option<UtcUs>,
    /// How many dimensions it has.
    pub mode: Mode,
    /// Degrees, north positive (WGS 84).
    pub latitude: f64,
    /// Degrees, east positive (WGS 84).
    pub longitude: f64,
    /// Metres above the ellipsoid, or above the sea where the receiver does not say how far these are apart.
    pub altitude: Option<f64>,
    /// Metres a second over ground.
    pub speed: Option<f64>,
    /// Degrees from true north, clockwise. Receivers leave it out while they stand.
    pub course: Option<f64>,
    /// Metres a second, up positive.
    pub climb: Option<f64>,
    /// How well the satellites stand.
    pub dops: Dops,
    /// How many satellites it was made of.
    pub satellites: Option<u16>,
    /// How far off it may be.
    pub accuracy: Accuracy,
}

impl Fix {
    /// A fix of a place, of which nothing else is known.
    pub fn at(captured: BootNs, latitude: f64, longitude: f64) -> Self {
        Self {
            captured,
            utc: None,
            mode: Mode::Fix2d,
            latitude,
            longitude,
            altitude: None,
            speed: None,
            course: None,
            climb: None,
            dops: Dops::default(),
            satellites: None,
            accuracy: Accuracy::default(),
        }
    }

    /// Metres a second to the east, north and up. A receiver that names no course stands.
    fn velocity(&self) -> [f32; 3] {
        let (east, north) = match (self.speed, self.course) {
            (Some(speed), Some(course)) => {
                let (sin, cos) = course.to_radians().sin_cos();
                (speed * sin, speed * cos)
            }
            _ => (0.0, 0.0),
        };
        [east, north, self.climb.unwrap_or(0.0)].map(|value| value as f32)
    }

    /// Appends it as a sample of the `camm` track. `utc` is when it was true, by whoever knows best; without, it is a sample of
    /// type 5, which has no time.
    pub fn write_sample(&self, utc: Option<UtcUs>, out: &mut Vec<u8>) {
        let altitude = self.altitude.unwrap_or(0.0);
        let Some(utc) = utc else {
            out.extend(camm::position_sample(
                self.latitude,
                self.longitude,
                altitude,
            ));
            return;
        };
        let by_dop = |dop: Option<f32>| dop.map(|dop| dop * RANGE_ERROR_M);
        let horizontal = self.accuracy.horizontal;
        let vertical = self.accuracy.vertical;
        let fix = camm::Fix {
            gps_epoch_s: camm::gps_epoch_s(utc),
            fix_type: match self.mode {
                Mode::Fix2d => 2,
                Mode::Fix3d => 3,
            },
            latitude: self.latitude,
            longitude: self.longitude,
            altitude: altitude as f32,
            horizontal_accuracy: horizontal
                .or_else(|| by_dop(self.dops.horizontal))
                .unwrap_or(0.0),
            vertical_accuracy: vertical
                .or_else(|| by_dop(self.dops.vertical))
                .unwrap_or(0.0),
            velocity: self.velocity(),
            speed_accuracy: self.accuracy.speed.unwrap_or(0.0),
        };
        out.extend(fix.to_sample());
    }

    /// Appends it as a sample of the text track, such as `47 km/h  50.32890 6.94470`.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        let speed = self.speed.unwrap_or(0.0);
        timed_text::write_place(speed, self.latitude, self.longitude, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    fn sample(fix: &Fix, utc: Option<UtcUs>) -> Vec<u8> {
        let mut out = Vec::new();
        fix.write_sample(utc, &mut out);
        out
    }

    #[test]
    fn a_fix_becomes_a_sample_with_velocity_and_what_is_known_of_its_error() {
        let mut fix = Fix::at(BootNs::ZERO, 48.1, -11.5);
        fix.mode = Mode::Fix3d;
        fix.altitude = Some(519.5);
        fix.speed = Some(10.0);
        fix.course = Some(90.0);
        fix.dops.horizontal = Some(1.5);
        fix.accuracy.vertical = Some(7.0);
        let read = camm::Fix::from_sample(&sample(&fix, Some(NOON))).unwrap();
        assert_eq!(
            (read.latitude, read.longitude, read.fix_type),
            (48.1, -11.5, 3)
        );
        assert_eq!(read.utc(), Some(NOON));
        let [east, north, up] = read.velocity;
        assert!((east - 10.0).abs() < 1e-4 && north.abs() < 1e-4 && up == 0.0);
        assert_eq!(
            (read.horizontal_accuracy, read.vertical_accuracy),
            (4.5, 7.0)
        );
        // Standing, receivers name no course: the speed is noise.
        fix.course = None;
        let read = camm::Fix::from_sample(&sample(&fix, Some(NOON))).unwrap();
        assert_eq!(read.velocity, [0.0; 3]);
    }

    #[test]
    fn without_a_time_it_is_a_sample_that_has_none() {
        let fix = Fix::at(BootNs::ZERO, 48.1, -11.5);
        let sample = sample(&fix, None);
        assert_eq!(camm::Fix::from_sample(&sample), None);
        let place = camm::position(&sample).unwrap();
        assert_eq!(place, [48.1, -11.5, 0.0]);
    }
}
