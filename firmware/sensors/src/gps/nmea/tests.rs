//! What receivers say, and what becomes of it.

use std::time::Duration;

use picam_time::UtcUs;
use proptest::prelude::*;

use super::super::{Fix, Mode};
use super::*;

/// A sentence with its frame and checksum.
fn sentence(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}\r\n")
}

/// What a decoder makes of moments of sentences that come a second apart, each in one go.
fn heard(moments: &[&[&str]]) -> Vec<Report> {
    let mut decoder = Decoder::default();
    let mut reports = Vec::new();
    for (n, moment) in (1..).zip(moments) {
        let mut now = BootNs::from_secs(n);
        for body in *moment {
            decoder.push(sentence(body).as_bytes(), now, |report| {
                reports.push(report)
            });
            now += Duration::from_millis(20);
        }
        decoder.pass(now + Duration::from_millis(100), |report| {
            reports.push(report)
        });
    }
    reports
}

fn fixes(reports: &[Report]) -> Vec<Fix> {
    let fix = |report: &Report| match report {
        Report::Fix(fix) => Some(*fix),
        _ => None,
    };
    reports.iter().filter_map(fix).collect()
}

fn utc(text: &str) -> Option<UtcUs> {
    Some(UtcUs(
        text.parse::<jiff::Timestamp>().unwrap().as_microsecond(),
    ))
}

// From gpsd's log of a NEO-M8N.
const RMC: &str = "GNRMC,171926.00,A,4404.14063,N,12118.85478,W,10.0,84.40,180315,,,A";
const VTG: &str = "GNVTG,84.40,T,,M,10.0,N,18.52,K,A";
const GGA: &str = "GNGGA,171926.00,4404.14063,N,12118.85478,W,1,12,0.91,1147.2,M,-21.3,M,,";
const GSA: &str = "GNGSA,A,3,01,11,31,14,22,32,04,25,03,,,,1.56,0.91,1.27";
const NO_GLONASS: &str = "GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99";
const GPS_SKY: &str = "GPGSV,1,1,04,01,53,280,36,03,29,301,24,04,55,223,37,08,38,166,16";
const GLONASS_SKY: &str = "GLGSV,1,1,02,66,37,078,26,67,62,349,26";
const GLL: &str = "GNGLL,4404.14063,N,12118.85478,W,171926.00,A,A";
const GST: &str = "GNGST,171926.00,12,,,,3.0,4.0,7.5";

#[test]
fn the_sentences_of_a_moment_are_one_fix() {
    let reports = heard(&[&[RMC, VTG, GGA, GSA, GPS_SKY, GLONASS_SKY, GLL, GST]]);
    let skies: Vec<&Report> = reports
        .iter()
        .filter(|r| matches!(r, Report::Sky { .. }))
        .collect();
    assert_eq!(
        skies,
        [&Report::Sky { visible: 4 }, &Report::Sky { visible: 6 }]
    );
    let [fix] = fixes(&reports)[..] else {
        panic!("{reports:?}")
    };
    assert_eq!(fix.captured, BootNs::from_secs(1));
    assert_eq!(fix.utc, utc("2015-03-18T17:19:26Z"));
    assert_eq!((fix.mode, fix.satellites), (Mode::Fix3d, Some(12)));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    near(fix.latitude, 44.0 + 4.140_63 / 60.0);
    near(fix.longitude, -(121.0 + 18.854_78 / 60.0));
    // Above the ellipsoid.
    assert!((fix.altitude.unwrap() - 1125.9).abs() < 1e-3);
    near(fix.speed.unwrap(), 18_520.0 / 3600.0);
    assert!((fix.course.unwrap() - 84.4).abs() < 1e-4);
    assert_eq!(
        (fix.dops.horizontal, fix.dops.vertical),
        (Some(0.91), Some(1.27))
    );
    assert_eq!(
        (fix.accuracy.horizontal, fix.accuracy.vertical),
        (Some(5.0), Some(7.5))
    );
}

#[test]
fn at_ten_a_second_the_next_moment_ends_the_one_before() {
    let mut decoder = Decoder::default();
    let mut count = 0;
    for n in 0..50 {
        let now = BootNs(n * 100_000_000);
        let time = format!("1719{:02}.{}0", n / 10, n % 10);
        for body in [RMC, GGA] {
            let body = body.replace("171926.00", &time);
            decoder.push(sentence(&body).as_bytes(), now, |report| {
                count += i32::from(matches!(report, Report::Fix(_)));
            });
        }
    }
    assert_eq!(count, 49);
}

#[test]
fn a_receiver_without_a_fix_says_so() {
    for moment in [
        &["GPRMC,,V,,,,,,,,,,N"][..],
        &["GPRMC,171926.00,V,,,,,,,180315,,,N"],
        &["GPGGA,171926.00,,,,,0,00,99.99,,,,,,"],
        // Two that contradict each other.
        &[
            RMC,
            "GNGGA,171926.00,4404.14063,N,12118.85478,W,0,00,99.99,,,,,,",
        ],
        &[GGA, NO_GLONASS],
        &["GPGLL,4404.14063,N,12118.85478,W,171926.00,V,N"],
        // Extrapolated.
        &["GPGGA,171926.00,4404.14063,N,12118.85478,W,1,00,3.3,11.4,M,-33.1,M,,"],
    ] {
        assert_eq!(heard(&[moment]), [Report::NoFix], "{moment:?}");
    }
    // Of several constellations one is enough.
    for moment in [[GGA, GSA, NO_GLONASS], [GGA, NO_GLONASS, GSA]] {
        assert_eq!(fixes(&heard(&[&moment])).len(), 1);
    }
    // What GSA said a second ago holds no longer.
    let reports = heard(&[&["GPRMC,,V,,,,,,,,,,N", NO_GLONASS], &[RMC, GGA]]);
    assert_eq!(fixes(&reports).len(), 1);
    // Satellites alone say nothing of the place.
    assert_eq!(heard(&[&[GPS_SKY]]), [Report::Sky { visible: 4 }]);
}

#[test]
fn each_kind_of_sentence_is_enough_for_a_fix() {
    let gns = "GNGNS,171926.00,4404.14063,N,12118.85478,W,AN,12,0.91,1147.2,-21.3,,";
    for (body, mode, has_date) in [
        (RMC, Mode::Fix2d, true),
        (GGA, Mode::Fix3d, false),
        (GLL, Mode::Fix2d, false),
        // Before NMEA 2.3.
        (
            "GPGLL,4404.14063,N,12118.85478,W,171926,A",
            Mode::Fix2d,
            false,
        ),
        (gns, Mode::Fix3d, false),
    ] {
        let all = fixes(&heard(&[&[body]]));
        assert_eq!(all.len(), 1, "{body}");
        assert_eq!(
            (all[0].mode, all[0].utc.is_some()),
            (mode, has_date),
            "{body}"
        );
    }
}

#[test]
fn a_date_that_was_said_holds_over_midnight() {
    let at = |time: &str| GGA.replace("171926.00", time);
    let late = RMC.replace("171926.00", "235959.00");
    let reports = heard(&[&[&late], &[&at("000000.00")], &[&at("235958.00")]]);
    let times: Vec<_> = fixes(&reports).iter().map(|fix| fix.utc).collect();
    assert_eq!(
        times,
        [
            utc("2015-03-18T23:59:59Z"),
            utc("2015-03-19T00:00:00Z"),
            utc("2015-03-18T23:59:58Z")
        ]
    );
    // ZDA has four digits of the year.
    let zda = "GPZDA,171926.00,18,03,2015,00,00";
    let all = fixes(&heard(&[&[GGA, zda]]));
    assert_eq!(all[0].utc, utc("2015-03-18T17:19:26Z"));
}

#[test]
fn where_gps_begins_is_1980_and_not_2080() {
    for (date, year) in [
        ("060180", "1980"),
        ("311282", "1982"),
        ("060183", "1983"),
        ("060179", "2079"),
    ] {
        let all = fixes(&heard(&[&[&RMC.replace("180315", date)]]));
        let said = all[0].utc.unwrap();
        let shown = jiff::Timestamp::from_microsecond(said.0)
            .unwrap()
            .to_string();
        assert!(shown.starts_with(year), "{date}: {shown}");
    }
}

#[test]
fn a_leap_second_loses_its_own_fix_and_no_other() {
    let at = |time: &str| RMC.replace("171926.00", time);
    let reports = heard(&[
        &[&at("235959.00")],
        &[&at("235960.00")],
        &[&at("000000.00")],
    ]);
    let times = fixes(&reports).into_iter().filter_map(|fix| fix.utc);
    assert_eq!(times.count(), 2, "{reports:?}");
}

#[test]
fn what_is_damaged_is_counted_and_what_makers_add_is_not() {
    let mut decoder = Decoder::default();
    let mut reports = 0;
    let mut bytes = Vec::new();
    bytes.extend(sentence(RMC).replace("4404", "4405").into_bytes());
    bytes.extend(b"\xb5\x62\x01\x07\x5c\x00");
    bytes.extend(sentence("PUBX,00,081350.00").into_bytes());
    bytes.extend(sentence("PMTK001,0,3").into_bytes());
    bytes.extend(sentence("GPTXT,01,01,02,u-blox").into_bytes());
    bytes.extend(b"$GPRMC,17");
    bytes.extend(sentence(GGA).into_bytes());
    decoder.push(&bytes, BootNs::from_secs(1), |_| reports += 1);
    decoder.pass(BootNs::from_secs(2), |_| reports += 1);
    let counts = decoder.counts();
    assert_eq!(
        (counts.understood, counts.unknown, counts.broken, reports),
        (1, 3, 2, 1)
    );
}

#[test]
fn more_satellites_than_the_standard_has_room_for_are_no_trouble() {
    let gsa =
        "GPGSA,A,3,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,1.5,0.9,1.2";
    assert_eq!(fixes(&heard(&[&[GGA, gsa]])).len(), 1);
}

proptest! {
    #[test]
    fn any_fields_are_taken_or_refused(
        kind in "(RMC|GGA|GSA|GSV|GLL|GNS|GST|VTG|ZDA)",
        fields in proptest::collection::vec("([0-9.,+-]{0,12}|[A-Z]|nan|inf|1e999|[ -~]{0,9})", 0..24),
    ) {
        let body = format!("GN{kind},{}", fields.join(","));
        for fix in fixes(&heard(&[&[&body], &[RMC, &body]])) {
            prop_assert!(fix.altitude.is_none_or(f64::is_finite));
            prop_assert!(fix.speed.is_none_or(|speed| speed.is_finite() && speed >= 0.0));
            prop_assert!(fix.course.is_none_or(|course| (0.0..=360.0).contains(&course)));
        }
    }

    #[test]
    fn bytes_mean_the_same_in_any_pieces(cuts in proptest::collection::vec(0usize..400, 0..12)) {
        let bytes: String = [RMC, VTG, GGA, GSA, GPS_SKY, GLL].map(sentence).concat();
        let bytes = bytes.as_bytes();
        let now = BootNs::from_secs(1);
        let mut ends: Vec<usize> = cuts.into_iter().map(|at| at % bytes.len()).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let mut decoder = Decoder::default();
        let mut reports = Vec::new();
        let mut from = 0;
        for end in ends {
            decoder.push(&bytes[from..end], now, |report| reports.push(report));
            from = end;
        }
        decoder.pass(BootNs::from_secs(2), |report| reports.push(report));
        let mut whole = Decoder::default();
        let mut wanted = Vec::new();
        whole.push(bytes, now, |report| wanted.push(report));
        whole.pass(BootNs::from_secs(2), |report| wanted.push(report));
        prop_assert_eq!(reports, wanted);
    }
}
