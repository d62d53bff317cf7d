//! Sentences put together: a receiver says of one moment in several what is one fix.
//!
//! Sentences that carry a time of day (RMC, GGA, GNS, GLL) belong together while it is the same. A fix is complete when one of
//! another time comes, or when nothing has come for [`PAUSE`]: receivers say all of a moment in one go.

use std::time::Duration;

use nmea::ParseResult;
use nmea::sentences::gsa::GsaMode2;
use nmea::sentences::rmc::RmcStatusOfFix;
use nmea::sentences::{FixType, GnssType, GsaData};
use picam_time::{BootNs, UtcUs};

use super::super::{Dops, Fix, Mode, Report};

/// Receivers rest for longer than this behind the sentences of a moment; at ten fixes a second, for less: then the next one
/// ends it.
const PAUSE: Duration = Duration::from_millis(100);
/// What is said seldom (satellites, dilutions) holds for so long.
const HOLDS: Duration = Duration::from_secs(6);
/// A date is said once a second or not at all.
const DATE_HOLDS: Duration = Duration::from_secs(3600);
/// Times of day that differ by less are of the same moment: some receivers round.
const SAME: i64 = 10_000;
/// Satellites that a place cannot be found without.
const FEWEST: u32 = 3;
const DAY: i64 = 86_400_000_000;
/// Metres a second in a knot.
const KNOT: f64 = 1852.0 / 3600.0;
/// Days since 1970 of 2080-01-01, and those of a century: a year in two digits is of 1980 there, where GPS begins.
const YEAR_80: i64 = 40_177;
const CENTURY: i64 = 36_525;

/// What one sentence says of the place: latitude and longitude.
type Place = (f64, f64);

/// What the sentences of one moment have said so far.
#[derive(Debug, Clone, Default)]
struct Epoch {
    /// When the first of them began.
    captured: BootNs,
    /// When the last of them came.
    heard: BootNs,
    /// Microseconds since midnight, UTC.
    of_day: Option<i64>,
    /// Days since 1970.
    date: Option<i64>,
    /// By GNS or GGA, which have the most digits; RMC; GLL.
    places: [Option<Place>; 3],
    altitude: Option<f64>,
    satellites: Option<u16>,
    horizontal_dop: Option<f32>,
    speed: Option<f64>,
    course: Option<f64>,
    /// A sentence said that there is no fix.
    refused: bool,
    /// Whether GSA said how many dimensions there are: 1 (none), 2 or 3.
    dimensions: Option<u8>,
    reported: bool,
}

/// Follows a receiver from moment to moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs {
    epoch: Option<Epoch>,
    /// The last date that was said: days since 1970, and of which time of day.
    date: Option<(i64, i64, BootNs)>,
    /// The last of GSA: dimensions, dilutions.
    precision: Option<(u8, Dops, BootNs)>,
    /// Errors by GST: metres.
    errors: Option<(f32, Option<f32>, BootNs)>,
    /// Satellites in view, by talker.
    visible: Vec<(GnssType, u16, BootNs)>,
}

impl Epochs {
    /// Takes a sentence that began at `at`.
    pub(super) fn take(&mut self, said: &ParseResult, at: BootNs, report: &mut impl FnMut(Report)) {
        let of_day = match said {
            ParseResult::RMC(rmc) => Some(rmc.fix_time),
            ParseResult::GGA(gga) => Some(gga.fix_time),
            ParseResult::GNS(gns) => Some(gns.fix_time),
            ParseResult::GLL(gll) => Some(gll.fix_time),
            ParseResult::ZDA(zda) => zda.utc_time.map(Some),
            _ => None,
        };
        // The type of midnight is the crate's; without its name here, its default is that.
        let of_day = of_day.map(|time| {
            let time = time?.signed_duration_since(Default::default());
            time.num_microseconds()
        });
        if let Some(of_day) = of_day {
            self.begin(of_day, at, report);
        }
        let epoch = self.epoch.get_or_insert_with(|| Epoch {
            captured: at,
            ..Epoch::default()
        });
        epoch.heard = at;
        match said {
            ParseResult::RMC(rmc) => {
                let place = rmc.lat.zip(rmc.lon);
                epoch.is_fix(rmc.status_of_fix != RmcStatusOfFix::Invalid && place.is_some());
                epoch.put(1, place);
                epoch.speed = rmc.speed_over_ground.and_then(knots).or(epoch.speed);
                epoch.course = rmc.true_course.and_then(degrees).or(epoch.course);
                if let Some(date) = rmc.fix_date {
                    let days = date.signed_duration_since(Default::default()).num_days();
                    epoch.date = Some(if days >= YEAR_80 {
                        days - CENTURY
                    } else {
                        days
                    });
                }
            }
            ParseResult::GGA(gga) => {
                let place = gga.latitude.zip(gga.longitude);
                let is_fix = gga
                    .fix_type
                    .is_some_and(|quality| quality != FixType::Invalid);
                // A receiver that extrapolates says "fix", and no satellites.
                let is_fix = is_fix && gga.fix_satellites.is_none_or(|count| count >= FEWEST);
                epoch.is_fix(is_fix && place.is_some());
                epoch.put(0, place);
                let satellites = gga.fix_satellites.and_then(|count| count.try_into().ok());
                epoch.height(gga.altitude, gga.geoid_separation, satellites, gga.hdop);
            }
            ParseResult::GNS(gns) => {
                let place = gns.lat.zip(gns.lon);
                let is_fix = FixType::from(gns.faa_modes) != FixType::Invalid;
                epoch.is_fix(is_fix && place.is_some());
                epoch.put(0, place);
                epoch.height(
                    gns.alt,
                    gns.geoid_separation,
                    Some(gns.nsattelites),
                    gns.hdop,
                );
            }
            ParseResult::GLL(gll) => {
                let place = gll.latitude.zip(gll.longitude);
                epoch.is_fix(gll.valid && place.is_some());
                epoch.put(2, place);
            }
            ParseResult::VTG(vtg) => {
                epoch.speed = epoch
                    .speed
                    .or_else(|| vtg.speed_over_ground.and_then(knots));
                epoch.course = epoch.course.or_else(|| vtg.true_course.and_then(degrees));
            }
            ParseResult::ZDA(zda) => {
                let date = zda.utc_date();
                epoch.date = date
                    .map(|date| date.signed_duration_since(Default::default()).num_days())
                    .or(epoch.date);
            }
            ParseResult::GSA(gsa) => {
                // One a constellation; those without satellites in the fix may say that there is none.
                let said = dimensions(gsa);
                epoch.dimensions = epoch.dimensions.max(Some(said));
                let dimensions = epoch.dimensions.unwrap_or(said);
                self.precision = Some((dimensions, dops(gsa), at));
            }
            ParseResult::GST(gst) => {
                let horizontal = gst.lat_sd.zip(gst.long_sd);
                let horizontal = horizontal.map(|(north, east)| north.hypot(east));
                self.errors = horizontal
                    .filter(|error| error.is_finite())
                    .map(|error| (error, gst.alt_sd.filter(|error| error.is_finite()), at));
            }
            ParseResult::GSV(gsv) => self.sky(gsv.gnss_type, gsv.sats_in_view, at, report),
            _ => {}
        }
        if let Some((date, of_day)) = self
            .epoch
            .as_ref()
            .and_then(|epoch| epoch.date.zip(epoch.of_day))
        {
            self.date = Some((date, of_day, at));
        }
    }

    /// Time has passed without a sentence.
    pub(super) fn pass(&mut self, now: BootNs, report: &mut impl FnMut(Report)) {
        let rests = |epoch: &Epoch| now.since(epoch.heard) >= PAUSE;
        if self.epoch.as_ref().is_some_and(rests) {
            self.report(report);
        }
    }

    /// A sentence of this time of day comes.
    fn begin(&mut self, of_day: Option<i64>, at: BootNs, report: &mut impl FnMut(Report)) {
        let is_same = |epoch: &Epoch| match (epoch.of_day, of_day) {
            (Some(before), Some(now)) => before.abs_diff(now) < SAME as u64,
            // What came first has no time (GSA, GSV): it belongs to what follows at once.
            (None, _) => at.since(epoch.heard) < PAUSE,
            (Some(_), None) => true,
        };
        match &mut self.epoch {
            Some(epoch) if is_same(epoch) => epoch.of_day = epoch.of_day.or(of_day),
            _ => {
                self.report(report);
                self.epoch = Some(Epoch {
                    captured: at,
                    of_day,
                    ..Epoch::default()
                });
            }
        }
    }

    fn sky(&mut self, talker: GnssType, count: u16, at: BootNs, report: &mut impl FnMut(Report)) {
        self.visible
            .retain(|(of, _, said)| *of != talker && at.since(*said) < HOLDS);
        self.visible.push((talker, count, at));
        let visible = self.visible.iter().map(|(_, count, _)| *count);
        let visible = visible.fold(0, u16::saturating_add);
        report(Report::Sky { visible });
    }

    /// Says what the present epoch has come to, once.
    fn report(&mut self, report: &mut impl FnMut(Report)) {
        let Some(epoch) = self.epoch.as_mut().filter(|epoch| !epoch.reported) else {
            return;
        };
        let place = epoch.places.iter().flatten().next().copied();
        // Sentences without place and time alone are none.
        if place.is_none() && !epoch.refused {
            return;
        }
        epoch.reported = true;
        let now = epoch.heard;
        let precision = self
            .precision
            .filter(|(_, _, at)| now.since(*at) < HOLDS)
            .map(|(dimensions, dops, _)| (dimensions, dops));
        // That there was none before says nothing of now: RMC and GGA do.
        let before = precision.map(|(dimensions, _)| dimensions);
        let dimensions = epoch.dimensions.or(before.filter(|before| *before > 1));
        let (Some((latitude, longitude)), false, false) =
            (place, epoch.refused, dimensions == Some(1))
        else {
            report(Report::NoFix);
            return;
        };
        let mut fix = Fix::at(epoch.captured, latitude, longitude);
        let is_3d = match dimensions {
            Some(dimensions) => dimensions == 3,
            None => epoch.altitude.is_some(),
        };
        fix.mode = if is_3d { Mode::Fix3d } else { Mode::Fix2d };
        fix.altitude = epoch.altitude.filter(|_| is_3d);
        fix.speed = epoch.speed;
        fix.course = epoch.course;
        fix.satellites = epoch.satellites;
        fix.dops = precision.map(|(_, dops)| dops).unwrap_or_default();
        fix.dops.horizontal = epoch.horizontal_dop.or(fix.dops.horizontal);
        if let Some((horizontal, vertical, _)) =
            self.errors.filter(|(_, _, at)| now.since(*at) < HOLDS)
        {
            fix.accuracy.horizontal = Some(horizontal);
            fix.accuracy.vertical = vertical;
        }
        fix.utc = utc(epoch, self.date);
        report(Report::Fix(fix));
    }
}

impl Epoch {
    fn is_fix(&mut self, is_fix: bool) {
        self.refused |= !is_fix;
    }

    fn put(&mut self, rank: usize, place: Option<Place>) {
        if let Some(slot) = self.places.get_mut(rank) {
            *slot = place.or(*slot);
        }
    }

    fn height(
        &mut self,
        above_sea: Option<f32>,
        geoid: Option<f32>,
        satellites: Option<u16>,
        dop: Option<f32>,
    ) {
        let above_sea = above_sea.map(f64::from).filter(|metres| metres.is_finite());
        let geoid = geoid.map(f64::from).filter(|metres| metres.is_finite());
        self.altitude = above_sea.map(|metres| metres + geoid.unwrap_or(0.0));
        self.satellites = satellites.or(self.satellites);
        self.horizontal_dop = dop
            .filter(|dop| dop.is_finite() && *dop > 0.0)
            .or(self.horizontal_dop);
    }
}

/// Date and time of an epoch. Where it says no date itself, the last one said counts, a day on if midnight was between.
fn utc(epoch: &Epoch, said: Option<(i64, i64, BootNs)>) -> Option<UtcUs> {
    let of_day = epoch.of_day?;
    let days = epoch.date.or_else(|| {
        let (days, then, at) = said?;
        let is_recent = epoch.heard.since(at) < DATE_HOLDS;
        let midnight = i64::from(then - of_day > DAY / 2) - i64::from(of_day - then > DAY / 2);
        is_recent.then_some(days + midnight)
    })?;
    Some(UtcUs(days.checked_mul(DAY)?.checked_add(of_day)?))
}

fn knots(speed: f32) -> Option<f64> {
    let speed = f64::from(speed) * KNOT;
    (speed.is_finite() && speed >= 0.0).then_some(speed)
}

fn degrees(course: f32) -> Option<f64> {
    let course = f64::from(course);
    course.is_finite().then(|| course.rem_euclid(360.0))
}

const fn dimensions(gsa: &GsaData) -> u8 {
    match gsa.mode2 {
        GsaMode2::NoFix => 1,
        GsaMode2::Fix2D => 2,
        GsaMode2::Fix3D => 3,
    }
}

fn dops(gsa: &GsaData) -> Dops {
    let sound = |dop: Option<f32>| dop.filter(|dop| dop.is_finite() && *dop > 0.0);
    Dops {
        horizontal: sound(gsa.hdop),
        vertical: sound(gsa.vdop),
    }
}
