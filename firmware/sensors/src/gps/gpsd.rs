//! What gpsd says: lines of JSON, over TCP (gpsd_json(5)).
//!
//! The types are those of the crate `gpsd_proto`. It refuses a whole stream for one class that it does not know, so the class
//! is looked at first; what else gpsd says, now and in versions to come, is skipped.

use gpsd_proto::{Mode as Dimensions, Sky, Tpv};
use jiff::Timestamp;
use picam_time::{BootNs, UtcUs};
use serde::Deserialize;
use std::borrow::Cow;
use std::time::Duration;

use super::lines::Lines;
use super::{Accuracy, Dops, Fix, Mode, Report};

/// Sent first: reports as they come, also of when their first bytes did (TOFF).
pub const WATCH: &[u8] = b"?WATCH={\"enable\":true,\"json\":true,\"pps\":true};\n";
/// Sent to hear whether gpsd is still there; it answers with its version.
pub const ARE_YOU_THERE: &[u8] = b"?VERSION;\n";

/// The longest line: gpsd's own buffer is shorter (GPS_JSON_RESPONSE_MAX, 10 KiB and some).
const LONGEST: usize = 32 << 10;
/// The oldest protocol that is understood.
const OLDEST: u8 = 3;
/// Of several receivers one is listened to; another takes its place after so long without a fix.
const LOYAL: Duration = Duration::from_secs(5);
/// No report comes later behind the first byte about it.
const LATEST: Duration = Duration::from_millis(1500);

/// The present on both clocks that gpsd's times need.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// On the boot clock.
    pub boot: BootNs,
    /// By the system's clock, right or not: gpsd states arrivals by it.
    pub system: UtcUs,
}

/// What became of the lines, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Reports of place or satellites.
    pub understood: u64,
    /// Of classes that are not needed, or not known.
    pub skipped: u64,
    /// No JSON, too long, or not as its class should be.
    pub broken: u64,
}

/// Makes reports of gpsd's bytes.
#[derive(Debug, Clone)]
pub struct Decoder {
    lines: Lines,
    counts: Counts,
    state: State,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The protocol's version, if it is too old.
    too_old: Option<u8>,
    /// The receiver that is listened to, and when it last had a fix.
    device: Option<(String, BootNs)>,
    dops: Dops,
    satellites: Option<u16>,
    /// The last time of which gpsd said when its first byte came: that time, and when.
    first_byte: Option<(UtcUs, BootNs)>,
}

#[derive(Deserialize)]
struct Class<'a> {
    #[serde(borrow)]
    class: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Protocol {
    proto_major: u8,
}

/// When the first byte about a time came; `gpsd_proto` has no type for it.
#[derive(Deserialize)]
struct Toff {
    real_sec: i64,
    real_nsec: i64,
    clock_sec: i64,
    clock_nsec: i64,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            lines: Lines::new(LONGEST),
            counts: Counts::default(),
            state: State::default(),
        }
    }
}

impl Decoder {
    /// What became of the lines.
    pub const fn counts(&self) -> Counts {
        Counts {
            broken: self.counts.broken + self.lines.overlong(),
            ..self.counts
        }
    }

    /// The version of the protocol, if it is too old to be understood.
    pub const fn too_old(&self) -> Option<u8> {
        self.state.too_old
    }

    /// Takes bytes that came now, and hands over what they say.
    pub fn push(&mut self, bytes: &[u8], now: Now, mut report: impl FnMut(Report)) {
        let Self {
            lines,
            counts,
            state,
        } = self;
        lines.push(bytes, |line| {
            if line.is_empty() {
                return;
            }
            let counter = match state.take(line, now, &mut report) {
                Ok(true) => &mut counts.understood,
                Ok(false) => &mut counts.skipped,
                Err(_) => &mut counts.broken,
            };
            *counter += 1;
        });
    }
}

impl State {
    /// Whether the line says anything that is needed.
    fn take(
        &mut self,
        line: &[u8],
        now: Now,
        report: &mut impl FnMut(Report),
    ) -> serde_json::Result<bool> {
        let Class { class } = serde_json::from_slice(line)?;
        match &*class {
            "TPV" => {
                let tpv: Tpv = serde_json::from_slice(line)?;
                if let Some(said) = self.fix(&tpv, now.boot) {
                    report(said);
                }
            }
            "SKY" => {
                let sky: Sky = serde_json::from_slice(line)?;
                if self.is_listened_to(sky.device.as_deref()) {
                    self.sky(&sky, report);
                }
            }
            "TOFF" => {
                let toff: Toff = serde_json::from_slice(line)?;
                self.first_byte = first_byte(&toff, now);
                return Ok(false);
            }
            "VERSION" => {
                let Protocol { proto_major } = serde_json::from_slice(line)?;
                self.too_old = (proto_major < OLDEST).then_some(proto_major);
                return Ok(false);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn is_listened_to(&self, device: Option<&str>) -> bool {
        match (&self.device, device) {
            (Some((ours, _)), Some(device)) => ours == device,
            _ => true,
        }
    }

    fn sky(&mut self, sky: &Sky, report: &mut impl FnMut(Report)) {
        let sound = |dop: Option<f32>| dop.filter(|dop| dop.is_finite() && *dop > 0.0);
        self.dops = Dops {
            horizontal: sound(sky.hdop),
            vertical: sound(sky.vdop),
        };
        if let Some(satellites) = &sky.satellites {
            let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
            let used = satellites.iter().filter(|satellite| satellite.used).count();
            self.satellites = Some(count(used));
            report(Report::Sky {
                visible: count(satellites.len()),
            });
        }
    }

    /// What a report of time, place and velocity comes to; `None` if it is of another receiver.
    fn fix(&mut self, tpv: &Tpv, now: BootNs) -> Option<Report> {
        let mode = match tpv.mode {
            Dimensions::NoFix => None,
            Dimensions::Fix2d => Some(Mode::Fix2d),
            Dimensions::Fix3d => Some(Mode::Fix3d),
        };
        let place = tpv.lat.zip(tpv.lon);
        let is_other = !self.is_listened_to(tpv.device.as_deref());
        let is_loyal = |(_, had): &(String, BootNs)| now.since(*had) < LOYAL;
        if is_other && (self.device.as_ref().is_some_and(is_loyal) || place.is_none()) {
            return None;
        }
        let (Some(mode), Some((latitude, longitude))) = (mode, place) else {
            return Some(Report::NoFix);
        };
        match (&mut self.device, &tpv.device) {
            (Some((ours, had)), Some(device)) if ours == device => *had = now,
            (_, Some(device)) => {
                let device = device.chars().take(256).collect();
                self.device = Some((device, now));
                if is_other {
                    (self.dops, self.satellites) = Default::default();
                }
            }
            _ => {}
        }
        let utc = tpv.time.as_deref().and_then(parse_time);
        let captured = self.first_byte.filter(|(of, at)| {
            let is_it = utc.is_some_and(|utc| utc.apart(*of) < Duration::from_millis(10));
            is_it && now.since(*at) < LATEST
        });
        let number = |value: Option<f32>| value.map(f64::from).filter(|value| value.is_finite());
        let error = |value: Option<f32>| value.filter(|value| value.is_finite() && *value >= 0.0);
        let by_axis = error(tpv.epx).zip(error(tpv.epy));
        let altitude = number(tpv.alt_hae)
            .or_else(|| number(tpv.alt))
            .or_else(|| number(tpv.alt_msl));
        Some(Report::Fix(Fix {
            captured: captured.map_or(now, |(_, at)| at),
            utc,
            mode,
            latitude,
            longitude,
            altitude: altitude.filter(|_| mode == Mode::Fix3d),
            speed: number(tpv.speed).filter(|speed| *speed >= 0.0),
            course: number(tpv.track).map(|track| track.rem_euclid(360.0)),
            climb: number(tpv.climb),
            dops: self.dops,
            satellites: self.satellites,
            accuracy: Accuracy {
                horizontal: error(tpv.eph).or_else(|| by_axis.map(|(x, y)| x.hypot(y))),
                vertical: error(tpv.epv),
                speed: error(tpv.eps),
            },
        }))
    }
}

fn parse_time(text: &str) -> Option<UtcUs> {
    let time: Timestamp = text.parse().ok()?;
    Some(UtcUs(time.as_microsecond()))
}

/// Of which time gpsd says when its first byte came, and when that was on the boot clock.
fn first_byte(toff: &Toff, now: Now) -> Option<(UtcUs, BootNs)> {
    let time = |seconds: i64, nanos: i64| {
        let micros = seconds.checked_mul(1_000_000)?.checked_add(nanos / 1000)?;
        Some(UtcUs(micros))
    };
    let real = time(toff.real_sec, toff.real_nsec)?;
    let came = time(toff.clock_sec, toff.clock_nsec)?;
    // Of the future, or long ago: the system's clock was set meanwhile.
    let ago = now.system.since(came);
    (came <= now.system && ago < LATEST).then(|| (real, now.boot - ago))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Now = Now {
        boot: BootNs::from_secs(100),
        system: UtcUs(1_795_172_880_500_000),
    };
    const VERSION: &str =
        r#"{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}"#;
    const TPV: &str = r#"{"class":"TPV","device":"/dev/ttyACM0","mode":3,"time":"2026-11-20T11:08:00.000Z","ept":0.005,"lat":44.069010500,"lon":-121.314246333,"altHAE":1125.9,"altMSL":1147.2,"alt":1147.2,"epx":6.4,"epy":11.0,"epv":29.2,"track":84.4,"magtrack":98.8,"speed":5.144,"climb":-0.2,"eps":22.0,"eph":17.3,"sep":29.6}"#;
    const SKY: &str = r#"{"class":"SKY","device":"/dev/ttyACM0","hdop":0.91,"vdop":1.27,"pdop":1.56,"nSat":3,"uSat":2,"satellites":[{"PRN":1,"el":53.0,"az":280.0,"ss":36.0,"used":true,"gnssid":0,"svid":1},{"PRN":3,"used":true},{"PRN":66,"used":false}]}"#;

    /// What a decoder makes of lines that come in pieces of this length.
    fn heard(lines: &[&str], piece: usize) -> (Vec<Report>, Counts) {
        let mut decoder = Decoder::default();
        let mut reports = Vec::new();
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        for bytes in text.as_bytes().chunks(piece) {
            decoder.push(bytes, NOW, |report| reports.push(report));
        }
        (reports, decoder.counts())
    }

    fn fix(lines: &[&str]) -> Fix {
        let reports = heard(lines, 4096).0;
        match reports.last() {
            Some(Report::Fix(fix)) => *fix,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_report_becomes_a_fix_in_whatever_pieces_it_comes() {
        for piece in [1, 7, 100, 4096] {
            let (reports, counts) = heard(&[VERSION, SKY, TPV], piece);
            assert_eq!(reports[0], Report::Sky { visible: 3 });
            let Report::Fix(fix) = reports[1] else {
                panic!("{reports:?}")
            };
            assert_eq!(
                (fix.latitude, fix.longitude),
                (44.069_010_5, -121.314_246_333)
            );
            assert_eq!(
                (fix.mode, fix.satellites, fix.captured),
                (Mode::Fix3d, Some(2), NOW.boot)
            );
            assert_eq!(fix.utc, Some(UtcUs(1_795_172_880_000_000)));
            assert_eq!(fix.altitude.map(|altitude| altitude.round()), Some(1126.0));
            assert_eq!(
                (fix.dops.horizontal, fix.accuracy.horizontal),
                (Some(0.91), Some(17.3))
            );
            assert_eq!(
                counts,
                Counts {
                    understood: 2,
                    skipped: 1,
                    broken: 0
                }
            );
        }
    }

    #[test]
    fn what_is_not_known_is_skipped_and_what_is_broken_counted() {
        let device = r#"{"class":"DEVICE","path":"/dev/ttyACM0","activated":0,"bps":115200}"#;
        let lines = [
            r#"{"class":"DEVICES","devices":[]}"#,
            r#"{"class":"WATCH","enable":true,"json":true}"#,
            device,
            r#"{"class":"ERROR","message":"Unrecognized request"}"#,
            r#"{"class":"ATT","heading":1.0}"#,
            r#"{"class":"OF TIMES TO COME","lat":"?"}"#,
            // Half a line, as after a restart in its midst.
            r#":44.0,"lon":-121.3}"#,
            r#"{"no":"class"}"#,
            r#"{"class":"TPV","mode":"three"}"#,
            "$GPRMC,1",
            TPV,
        ];
        let (reports, counts) = heard(&lines, 4096);
        assert_eq!(reports.len(), 1);
        assert_eq!(
            counts,
            Counts {
                understood: 1,
                skipped: 6,
                broken: 4
            }
        );
        let overlong = format!("{{\"class\":\"TPV\",\"x\":\"{}\"}}", "x".repeat(LONGEST));
        let (reports, counts) = heard(&[&overlong, TPV], 1000);
        assert_eq!((reports.len(), counts.broken), (1, 1));
    }

    #[test]
    fn without_a_place_there_is_no_fix() {
        for line in [
            r#"{"class":"TPV","mode":0}"#,
            r#"{"class":"TPV","mode":1,"lat":1.0,"lon":1.0}"#,
            r#"{"class":"TPV","mode":3,"lat":1.0}"#,
        ] {
            assert_eq!(heard(&[line], 4096).0, [Report::NoFix], "{line}");
        }
    }

    #[test]
    fn a_fix_was_captured_when_its_first_byte_came() {
        let toff = |of: i64, came_ms: i64| {
            let system = NOW.system.0 / 1000 + came_ms;
            format!(
                r#"{{"class":"TOFF","device":"/dev/ttyACM0","real_sec":{of},"real_nsec":0,"clock_sec":{},"clock_nsec":{},"precision":-20}}"#,
                system / 1000,
                system % 1000 * 1_000_000
            )
        };
        let early = NOW.boot - Duration::from_millis(300);
        for (of, came_ms, captured) in [
            (1_795_172_880, -300, early),
            // Of another second, of the future, and too long ago.
            (1_795_172_879, -300, NOW.boot),
            (1_795_172_880, 300, NOW.boot),
            (1_795_172_880, -1600, NOW.boot),
            (i64::MAX, -300, NOW.boot),
        ] {
            let fix = fix(&[&toff(of, came_ms), TPV]);
            assert_eq!(fix.captured, captured, "{of} {came_ms}");
        }
    }

    #[test]
    fn of_two_receivers_the_first_is_listened_to_until_it_has_no_fix() {
        let mut decoder = Decoder::default();
        let other = TPV.replace("ttyACM0", "ttyUSB0").replace("44.0", "44.1");
        let nothing = r#"{"class":"TPV","device":"/dev/ttyACM0","mode":1}"#;
        let mut at = |seconds: u64, line: &str| {
            let mut reports = Vec::new();
            let now = Now {
                boot: BootNs::from_secs(seconds),
                ..NOW
            };
            decoder.push(line.as_bytes(), now, |report| reports.push(report));
            decoder.push(b"\n", now, |report| reports.push(report));
            match reports[..] {
                [Report::Fix(fix)] => Some((fix.latitude * 10.0).floor() as i32),
                [Report::NoFix] => Some(0),
                _ => None,
            }
        };
        assert_eq!(at(1, TPV), Some(440));
        assert_eq!(at(2, &other), None);
        assert_eq!(at(3, nothing), Some(0));
        assert_eq!(at(5, &other), None);
        assert_eq!(at(6, &other), Some(441));
        assert_eq!(at(7, TPV), None);
        assert_eq!(at(7, nothing), None);
    }

    #[test]
    fn a_protocol_that_is_too_old_is_noticed() {
        let mut decoder = Decoder::default();
        decoder.push(VERSION.as_bytes(), NOW, |_| {});
        decoder.push(b"\n", NOW, |_| {});
        assert_eq!(decoder.too_old(), None);
        let old = VERSION.replace("\"proto_major\":3", "\"proto_major\":2");
        decoder.push(old.as_bytes(), NOW, |_| {});
        decoder.push(b"\n", NOW, |_| {});
        assert_eq!(decoder.too_old(), Some(2));
    }

    proptest! {
        #[test]
        fn any_line_is_taken_or_refused(line in "\\{\"class\":\"(TPV|SKY|TOFF|VERSION)\"(,\"(lat|lon|mode|time|satellites|real_sec|clock_sec|device|hdop)\":(-?[0-9]{1,20}|[0-9]\\.[0-9]|\"[ -~&&[^\"\\\\]]{0,30}\"|null|\\[\\])){0,9}\\}") {
            heard(&[&line, TPV], 64);
        }
    }
}
