//! Samples of the `camm` track, and the NMEA text that BlackVue's tools read.
//!
//! Layout: Google's Camera Motion Metadata specification; all numbers little-endian.

use std::fmt::Write as _;

use picam_time::UtcUs;

/// A GPS fix with velocity: `camm` type 6, 60 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fix {
    /// GPS time in seconds since 1980-01-06, leap seconds not removed.
    pub gps_epoch_s: f64,
    /// 0 none, 2 two-dimensional, 3 three-dimensional.
    pub fix_type: i32,
    /// Degrees, north positive (WGS 84).
    pub latitude: f64,
    /// Degrees, east positive (WGS 84).
    pub longitude: f64,
    /// Metres above the ellipsoid.
    pub altitude: f32,
    /// Metres, one standard deviation.
    pub horizontal_accuracy: f32,
    /// Metres, one standard deviation.
    pub vertical_accuracy: f32,
    /// Metres a second to the east, north and up.
    pub velocity: [f32; 3],
    /// Metres a second, one standard deviation.
    pub speed_accuracy: f32,
}

/// Seconds between the Unix and the GPS epoch.
pub const GPS_EPOCH_UNIX_S: i64 = 315_964_800;
/// GPS time runs ahead of UTC by this many leap seconds (since 2017; IERS Bulletin C).
pub const GPS_LEAP_S: i64 = 18;

const TYPE_ACCELERATION: u16 = 3;
const TYPE_POSITION: u16 = 5;
const TYPE_FIX: u16 = 6;

impl Fix {
    /// The sample's bytes.
    pub fn to_sample(&self) -> [u8; 60] {
        let mut out = [0; 60];
        let mut w = crate::wire::Fill::new(&mut out);
        w.put(&0u16.to_le_bytes());
        w.put(&TYPE_FIX.to_le_bytes());
        w.put(&self.gps_epoch_s.to_le_bytes());
        w.put(&self.fix_type.to_le_bytes());
        w.put(&self.latitude.to_le_bytes());
        w.put(&self.longitude.to_le_bytes());
        for value in [
            self.altitude,
            self.horizontal_accuracy,
            self.vertical_accuracy,
        ] {
            w.put(&value.to_le_bytes());
        }
        for value in self.velocity {
            w.put(&value.to_le_bytes());
        }
        w.put(&self.speed_accuracy.to_le_bytes());
        out
    }

    /// Reads a sample; `None` if it is not a fix.
    pub fn from_sample(sample: &[u8]) -> Option<Self> {
        let mut r = crate::wire::Fields(sample);
        if sample.len() < 60 || r.array::<2>() != [0; 2] || r.array() != TYPE_FIX.to_le_bytes() {
            return None;
        }
        let mut f32 = {
            let mut tail = crate::wire::Fields(sample.get(32..)?);
            move || f32::from_le_bytes(tail.array())
        };
        Some(Self {
            gps_epoch_s: f64::from_le_bytes(r.array()),
            fix_type: i32::from_le_bytes(r.array()),
            latitude: f64::from_le_bytes(r.array()),
            longitude: f64::from_le_bytes(r.array()),
            altitude: f32(),
            horizontal_accuracy: f32(),
            vertical_accuracy: f32(),
            velocity: [f32(), f32(), f32()],
            speed_accuracy: f32(),
        })
    }

    /// When it was true; `None` if it does not say.
    pub fn utc(&self) -> Option<UtcUs> {
        let unix_s = self.gps_epoch_s + (GPS_EPOCH_UNIX_S - GPS_LEAP_S) as f64;
        // Whatever a damaged file says: a float becomes the nearest integer there is.
        let known = self.gps_epoch_s.is_finite() && self.gps_epoch_s > 0.0;
        known.then_some(UtcUs((unix_s * 1e6).round() as i64))
    }

    /// Whether it is a place on earth.
    pub fn is_usable(&self) -> bool {
        self.fix_type >= 2
            && self.latitude.abs() <= 90.0
            && self.longitude.abs() <= 180.0
            && self.gps_epoch_s.is_finite()
            && self.gps_epoch_s > 0.0
    }
}

/// GPS time of a moment in UTC, as [`Fix::gps_epoch_s`] has it.
pub fn gps_epoch_s(utc: UtcUs) -> f64 {
    utc.0 as f64 / 1e6 - (GPS_EPOCH_UNIX_S - GPS_LEAP_S) as f64
}

/// The bytes of a place without a time: `camm` type 5. Degrees (WGS 84), and metres above the ellipsoid.
pub fn position_sample(latitude: f64, longitude: f64, altitude: f64) -> [u8; 28] {
    let mut out = [0; 28];
    let mut w = crate::wire::Fill::new(&mut out);
    w.put(&[0; 2]);
    w.put(&TYPE_POSITION.to_le_bytes());
    for value in [latitude, longitude, altitude] {
        w.put(&value.to_le_bytes());
    }
    out
}

/// Latitude, longitude and altitude of such a sample; `None` if it is of another type.
pub fn position(sample: &[u8]) -> Option<[f64; 3]> {
    let mut r = crate::wire::Fields(sample);
    if sample.len() < 28 || r.array::<2>() != [0; 2] || r.array() != TYPE_POSITION.to_le_bytes() {
        return None;
    }
    Some([(); 3].map(|()| f64::from_le_bytes(r.array())))
}

/// The bytes of an accelerometer sample: `camm` type 3, metres a second squared on the camera's
/// axes (x right, y down, z forward).
pub fn acceleration_sample(metres_s2: [f32; 3]) -> [u8; 16] {
    let mut out = [0; 16];
    let mut w = crate::wire::Fill::new(&mut out);
    w.put(&[0; 2]);
    w.put(&TYPE_ACCELERATION.to_le_bytes());
    for value in metres_s2 {
        w.put(&value.to_le_bytes());
    }
    out
}

/// Acceleration of such a sample, metres a second squared; `None` if it is of another type.
pub fn acceleration(sample: &[u8]) -> Option<[f32; 3]> {
    let mut r = crate::wire::Fields(sample);
    let is_one = r.array::<2>() == [0; 2] && r.array() == TYPE_ACCELERATION.to_le_bytes();
    (is_one && sample.len() >= 16).then(|| [(); 3].map(|()| f32::from_le_bytes(r.array())))
}

/// What a finished segment says about where it was: at most one fix a second.
#[derive(Debug, Default)]
pub(crate) struct Places {
    fixes: Vec<Fix>,
}

/// The longest line that [`Places::encode_gps_box`] writes.
const LINE_BOUND: usize = 110;

impl Places {
    pub(crate) fn clear(&mut self) {
        self.fixes.clear();
    }

    /// Looks at one sample of the `camm` track.
    pub(crate) fn note(&mut self, sample: &[u8]) {
        let Some(fix) = Fix::from_sample(sample).filter(Fix::is_usable) else {
            return;
        };
        let fresh = self
            .fixes
            .last()
            .is_none_or(|last| fix.gps_epoch_s.floor() != last.gps_epoch_s.floor());
        if fresh {
            self.fixes.push(fix);
        }
    }

    pub(crate) fn bound(&self) -> usize {
        64 + LINE_BOUND * self.fixes.len()
    }

    /// `udta` with `©xyz`, the place of the first fix as ISO 6709 (QuickTime File Format,
    /// user data list); nothing without a fix.
    pub(crate) fn encode_udta(&self, out: &mut Vec<u8>) {
        let Some(first) = self.fixes.first() else {
            return;
        };
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = write!(text, "{:+08.4}{:+09.4}/", first.latitude, first.longitude);
        let xyz = 8 + 4 + text.len() as u32;
        out.extend((8 + xyz).to_be_bytes());
        out.extend(b"udta");
        out.extend(xyz.to_be_bytes());
        out.extend(b"\xa9xyz");
        out.extend((text.len() as u16).to_be_bytes());
        out.extend(0x15c7u16.to_be_bytes());
        out.extend(text.as_bytes());
    }

    /// The `gps ` box as BlackVue writes it inside the first `free`: lines of
    /// `[unix ms]$GPRMC,...`; nothing without a fix.
    pub(crate) fn encode_gps_box(&self, out: &mut Vec<u8>) {
        if self.fixes.is_empty() {
            return;
        }
        let start = out.len();
        out.extend([0; 4]);
        out.extend(b"gps ");
        let mut line = String::with_capacity(LINE_BOUND);
        for fix in &self.fixes {
            line.clear();
            rmc_line(fix, &mut line);
            out.extend(line.as_bytes());
        }
        let size = (out.len() - start) as u32;
        if let Some(field) = out.get_mut(start..start + 4) {
            field.copy_from_slice(&size.to_be_bytes());
        }
    }
}

/// `[unix ms]$GPRMC,hhmmss.ss,A,ddmm.mmmmm,N,dddmm.mmmmm,E,knots,course,ddmmyy,,,A*hh` CR LF.
fn rmc_line(fix: &Fix, out: &mut String) {
    let unix_s = fix.gps_epoch_s + (GPS_EPOCH_UNIX_S - GPS_LEAP_S) as f64;
    let Ok(time) = jiff::Timestamp::from_millisecond((unix_s * 1000.0).round() as i64) else {
        return;
    };
    let unix_ms = time.as_millisecond();
    let time = jiff::tz::Offset::UTC.to_datetime(time);
    let [east, north, _] = fix.velocity;
    let knots = f64::from(east.hypot(north)) * 3600.0 / 1852.0;
    let course = f64::from(east)
        .atan2(f64::from(north))
        .to_degrees()
        .rem_euclid(360.0);
    let _ = write!(out, "[{unix_ms}]");
    let start = out.len() + 1;
    let _ = write!(
        out,
        "$GPRMC,{:02}{:02}{:02}.{:02},A,{},{},{},{},{:.2},{:.2},{:02}{:02}{:02},,,A",
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond() / 10,
        degrees_minutes(fix.latitude, 2),
        if fix.latitude < 0.0 { 'S' } else { 'N' },
        degrees_minutes(fix.longitude, 3),
        if fix.longitude < 0.0 { 'W' } else { 'E' },
        knots.min(9999.0),
        course,
        time.day(),
        time.month(),
        time.year().rem_euclid(100),
    );
    let sum = out.bytes().skip(start).fold(0, |sum, byte| sum ^ byte);
    let _ = write!(out, "*{sum:02X}\r\n");
}

fn degrees_minutes(degrees: f64, digits: usize) -> String {
    // Rounded in units of the last digit first, so that 59.999999 minutes carry over.
    let units = (degrees.abs() * 60.0 * 100_000.0).round() as u64;
    let (whole, rest) = (units / 6_000_000, units % 6_000_000);
    format!(
        "{whole:0digits$}{:02}.{:05}",
        rest / 100_000,
        rest % 100_000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix() -> Fix {
        Fix {
            // 2026-11-20 11:08:00 UTC
            gps_epoch_s: (1_795_172_880 - GPS_EPOCH_UNIX_S + GPS_LEAP_S) as f64,
            fix_type: 3,
            latitude: 48.137_154,
            longitude: -11.576_124,
            altitude: 519.0,
            horizontal_accuracy: 2.5,
            vertical_accuracy: 4.0,
            velocity: [10.0, 10.0, 0.0],
            speed_accuracy: 0.5,
        }
    }

    #[test]
    fn a_fix_survives_its_sample() {
        assert_eq!(Fix::from_sample(&fix().to_sample()), Some(fix()));
        assert_eq!(
            Fix::from_sample(&acceleration_sample([1.0, 2.0, 3.0])),
            None
        );
    }

    fn noted(fixes: impl IntoIterator<Item = Fix>) -> Places {
        let mut places = Places::default();
        for fix in fixes {
            places.note(&fix.to_sample());
        }
        places
    }

    #[test]
    fn a_sample_is_a_fix_only_if_it_says_so_and_is_whole() {
        let sample = fix().to_sample();
        assert_eq!(sample.len(), 60);
        assert_eq!(sample[..4], [0, 0, 6, 0]);
        for at in 0..4 {
            let mut other = sample;
            other[at] ^= 1;
            assert_eq!(Fix::from_sample(&other), None, "byte {at}");
        }
        assert_eq!(Fix::from_sample(&sample[..59]), None);
        let longer = [&sample[..], &[1, 2]].concat();
        assert_eq!(Fix::from_sample(&longer), Some(fix()));
    }

    #[test]
    fn one_usable_fix_a_second_is_kept() {
        let with = |change: fn(&mut Fix)| {
            let mut fix = fix();
            change(&mut fix);
            noted([fix]).fixes.len()
        };
        assert_eq!(with(|_| {}), 1);
        assert_eq!(with(|fix| fix.fix_type = 2), 1);
        assert_eq!(with(|fix| fix.fix_type = 1), 0);
        assert_eq!(with(|fix| fix.latitude = -90.0), 1);
        assert_eq!(with(|fix| fix.latitude = 90.01), 0);
        assert_eq!(with(|fix| fix.longitude = 180.0), 1);
        assert_eq!(with(|fix| fix.longitude = -180.01), 0);
        assert_eq!(with(|fix| fix.gps_epoch_s = f64::INFINITY), 0);
        assert_eq!(with(|fix| fix.gps_epoch_s = 0.0), 0);
        let at = |tenths: u32| Fix {
            gps_epoch_s: 1_400_000_000.0 + f64::from(tenths) / 10.0,
            ..fix()
        };
        let mut places = noted((0..35).map(at));
        let seconds: Vec<f64> = places.fixes.iter().map(|fix| fix.gps_epoch_s).collect();
        assert_eq!(seconds, [0.0, 1.0, 2.0, 3.0].map(|s| 1_400_000_000.0 + s));
        places.clear();
        assert!(places.fixes.is_empty());
    }

    #[test]
    fn the_bound_holds_for_the_longest_lines() {
        let far = Fix {
            latitude: -89.999_999,
            longitude: -179.999_999,
            velocity: [-1e9, -1e9, 0.0],
            ..fix()
        };
        let mut fixes = Vec::new();
        for n in 0..50 {
            let places = noted(fixes.iter().copied());
            let mut out = Vec::new();
            places.encode_udta(&mut out);
            places.encode_gps_box(&mut out);
            assert!(out.len() <= places.bound(), "{n} fixes");
            // Nor is much more room asked for: a segment ends when there is none.
            assert!(places.bound() < out.len() + 100 + 20 * n as usize);
            fixes.push(Fix {
                gps_epoch_s: far.gps_epoch_s + f64::from(n),
                ..far
            });
        }
    }

    #[test]
    fn where_a_segment_begins_stands_in_boxes_that_others_read() {
        let places = noted([
            fix(),
            Fix {
                gps_epoch_s: 1_500_000_000.0,
                ..fix()
            },
        ]);
        let mut out = vec![9];
        places.encode_udta(&mut out);
        let text = b"+48.1372-011.5761/";
        let mut udta = vec![9, 0, 0, 0, 20 + text.len() as u8];
        udta.extend(b"udta");
        udta.extend([0, 0, 0, 12 + text.len() as u8]);
        udta.extend(b"\xa9xyz");
        udta.extend([0, text.len() as u8, 0x15, 0xc7]);
        udta.extend(text);
        assert_eq!(out, udta);
        let mut out = vec![9];
        places.encode_gps_box(&mut out);
        let size = u32::from_be_bytes([out[1], out[2], out[3], out[4]]) as usize;
        assert_eq!((size, &out[5..9]), (out.len() - 1, &b"gps "[..]));
        let text = String::from_utf8(out[9..].to_vec()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.contains("]$GPRMC,")), "{text}");
        // Without a fix there is nothing.
        let mut none = Vec::new();
        Places::default().encode_udta(&mut none);
        Places::default().encode_gps_box(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn hemispheres_speed_and_course_are_those_of_the_fix() {
        let line = |fix: &Fix| {
            let mut line = String::new();
            rmc_line(fix, &mut line);
            let fields: Vec<String> = line.split(',').map(str::to_owned).collect();
            fields[1..9].join(",")
        };
        let south = Fix {
            latitude: -33.5,
            longitude: 151.25,
            // 7.2 m/s to the west, in knots and degrees from north.
            velocity: [-7.2, 0.0, 1.0],
            gps_epoch_s: fix().gps_epoch_s + 0.25,
            ..fix()
        };
        assert_eq!(
            line(&south),
            "110800.25,A,3330.00000,S,15115.00000,E,14.00,270.00"
        );
        let still = Fix {
            latitude: 0.0,
            longitude: 0.0,
            velocity: [0.0; 3],
            ..fix()
        };
        assert_eq!(
            line(&still),
            "110800.00,A,0000.00000,N,00000.00000,E,0.00,0.00"
        );
        let far = Fix {
            velocity: [1e9, 0.0, 0.0],
            ..fix()
        };
        assert!(line(&far).contains(",9999.00,90.00"));
    }

    #[test]
    fn a_place_without_a_time_is_no_fix() {
        let sample = position_sample(48.1, -11.5, 519.0);
        assert_eq!(position(&sample), Some([48.1, -11.5, 519.0]));
        assert_eq!(Fix::from_sample(&sample), None);
        assert_eq!(position(&fix().to_sample()), None);
        assert_eq!(position(&sample[..27]), None);
    }

    #[test]
    fn gps_time_is_utc_and_the_leap_seconds() {
        let noon = UtcUs(1_795_172_880_250_000);
        assert_eq!(gps_epoch_s(noon) - fix().gps_epoch_s, 0.25);
        let at = |gps_epoch_s| {
            Fix {
                gps_epoch_s,
                ..fix()
            }
            .utc()
        };
        assert_eq!(at(gps_epoch_s(noon)), Some(noon));
        assert_eq!(
            [at(0.0), at(-1.0), at(f64::NAN), at(f64::INFINITY)],
            [None; 4]
        );
        assert_eq!(at(f64::MAX), Some(UtcUs(i64::MAX)));
    }

    #[test]
    fn nmea_line() {
        let mut line = String::new();
        rmc_line(&fix(), &mut line);
        assert_eq!(
            line,
            "[1795172880000]$GPRMC,110800.00,A,4808.22924,N,01134.56744,W,27.49,45.00,201126,,,A*43\r\n"
        );
        assert!(line.len() <= LINE_BOUND);
        assert_eq!(degrees_minutes(9.999_999_999, 2), "1000.00000");
    }
}
