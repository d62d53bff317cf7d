//! A track as text: GPX for maps and cameras' programs, GeoJSON for web maps, CSV for tables.

use std::io;

use jiff::Timestamp;
use picam_time::UtcUs;

use super::TrackPoint;

/// How a track is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrackFormat {
    /// GPX 1.1 (Topografix).
    #[default]
    Gpx,
    /// GeoJSON (RFC 7946): a line a piece; times, speeds and courses as lists of its properties.
    GeoJson,
    /// Comma-separated values, a line a fix, with a line of names in front.
    Csv,
}

impl TrackFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Gpx, Self::GeoJson, Self::Csv];

    /// As it is called in options and addresses, and as files end.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gpx => "gpx",
            Self::GeoJson => "geojson",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Gpx => "application/gpx+xml",
            Self::GeoJson => "application/geo+json",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// Writes a track piece by piece; nothing but the piece at hand is kept in memory, and that for GeoJSON alone.
#[derive(Debug)]
pub struct TrackWriter<W: io::Write> {
    format: TrackFormat,
    out: W,
    piece: u64,
    /// Of the piece at hand, as GeoJSON has places and times apart.
    points: Vec<TrackPoint>,
}

impl<W: io::Write> TrackWriter<W> {
    /// Nothing is written yet.
    pub const fn new(format: TrackFormat, out: W) -> Self {
        Self {
            format,
            out,
            piece: 0,
            points: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self.format {
            TrackFormat::Gpx => self.out.write_all(
                b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
                  <gpx version=\"1.1\" creator=\"picam\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n<trk>\n",
            ),
            TrackFormat::GeoJson => self
                .out
                .write_all(b"{\"type\":\"FeatureCollection\",\"features\":["),
            TrackFormat::Csv => self.out.write_all(
                b"piece,time,latitude,longitude,altitude_m,speed_m_s,course_deg,accuracy_m\n",
            ),
        }
    }

    /// The track is interrupted before the next point.
    pub(super) fn begin_piece(&mut self) -> io::Result<()> {
        self.end_piece()?;
        self.piece += 1;
        match self.format {
            TrackFormat::Gpx => self.out.write_all(b"<trkseg>\n"),
            TrackFormat::GeoJson | TrackFormat::Csv => Ok(()),
        }
    }

    fn end_piece(&mut self) -> io::Result<()> {
        match self.format {
            _ if self.piece == 0 => Ok(()),
            TrackFormat::Gpx => self.out.write_all(b"</trkseg>\n"),
            TrackFormat::GeoJson => self.feature(),
            TrackFormat::Csv => Ok(()),
        }
    }

    pub(super) fn point(&mut self, point: &TrackPoint) -> io::Result<()> {
        let out = &mut self.out;
        let TrackPoint {
            latitude,
            longitude,
            ..
        } = point;
        match self.format {
            TrackFormat::Gpx => {
                write!(out, "<trkpt lat=\"{latitude:.9}\" lon=\"{longitude:.9}\">")?;
                if let Some(altitude) = point.altitude {
                    write!(out, "<ele>{altitude:.1}</ele>")?;
                }
                if let Some(time) = point.utc.and_then(time) {
                    write!(out, "<time>{time}</time>")?;
                }
                let dimensions = if point.altitude.is_some() { "3d" } else { "2d" };
                writeln!(out, "<fix>{dimensions}</fix></trkpt>")
            }
            TrackFormat::GeoJson => {
                self.points.push(*point);
                Ok(())
            }
            TrackFormat::Csv => {
                let time = point.utc.and_then(time).unwrap_or_default();
                write!(out, "{},{time},{latitude:.9},{longitude:.9},", self.piece)?;
                let (speed, course) = point.motion.unzip();
                writeln!(
                    out,
                    "{},{},{},{}",
                    number(point.altitude, 1),
                    number(speed, 2),
                    number(course, 1),
                    number(point.accuracy, 1)
                )
            }
        }
    }

    /// A piece as GeoJSON.
    fn feature(&mut self) -> io::Result<()> {
        let points = std::mem::take(&mut self.points);
        let out = &mut self.out;
        let comma = if self.piece > 1 { "," } else { "" };
        // A line has two points at least (RFC 7946 3.1.4).
        let (kind, open, close) = match points.len() {
            1 => ("Point", "", ""),
            _ => ("LineString", "[", "]"),
        };
        write!(
            out,
            "{comma}\n{{\"type\":\"Feature\",\"geometry\":{{\"type\":\"{kind}\",\"coordinates\":{open}"
        )?;
        list(out, &points, |out, point| {
            let (longitude, latitude) = (point.longitude, point.latitude);
            match point.altitude {
                Some(altitude) => write!(out, "[{longitude:.9},{latitude:.9},{altitude:.1}]"),
                None => write!(out, "[{longitude:.9},{latitude:.9}]"),
            }
        })?;
        write!(out, "{close}}},\"properties\":{{\"times\":[")?;
        list(out, &points, |out, point| match point.utc.and_then(time) {
            Some(time) => write!(out, "\"{time}\""),
            None => out.write_all(b"null"),
        })?;
        for (name, value) in [("speeds_m_s", 0), ("courses_deg", 1)] {
            write!(out, "],\"{name}\":[")?;
            list(out, &points, |out, point| {
                let motion = point.motion.map(|(speed, course)| [speed, course]);
                match motion.and_then(|motion| motion.get(value).copied()) {
                    Some(value) => write!(out, "{value:.2}"),
                    None => out.write_all(b"null"),
                }
            })?;
        }
        write!(out, "]}}}}")
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.end_piece()?;
        self.out.write_all(match self.format {
            TrackFormat::Gpx => b"</trk>\n</gpx>\n",
            TrackFormat::GeoJson => b"\n]}\n",
            TrackFormat::Csv => b"",
        })?;
        self.out.flush()
    }
}

fn list<W: io::Write>(
    out: &mut W,
    points: &[TrackPoint],
    each: impl Fn(&mut W, &TrackPoint) -> io::Result<()>,
) -> io::Result<()> {
    for (n, point) in points.iter().enumerate() {
        if n > 0 {
            out.write_all(b",")?;
        }
        each(out, point)?;
    }
    Ok(())
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or(String::new(), |value| format!("{value:.digits$}"))
}

/// RFC 3339 with milliseconds; `None` of a time outside the calendar.
fn time(utc: UtcUs) -> Option<String> {
    let time = Timestamp::from_microsecond(utc.0).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    fn point(ms: i64) -> TrackPoint {
        TrackPoint {
            utc: Some(UtcUs(NOON.0 + ms * 1000)),
            latitude: 48.137_154,
            longitude: -11.576_124,
            altitude: Some(519.0),
            motion: Some((5.0, 36.9)),
            accuracy: Some(2.5),
        }
    }

    fn written(format: TrackFormat, pieces: &[&[TrackPoint]]) -> String {
        let mut out = Vec::new();
        let mut writer = TrackWriter::new(format, &mut out);
        writer.begin().unwrap();
        for piece in pieces {
            writer.begin_piece().unwrap();
            piece.iter().for_each(|point| writer.point(point).unwrap());
        }
        writer.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    /// A fix of which nothing is known but the place.
    fn bare() -> TrackPoint {
        TrackPoint {
            utc: None,
            altitude: None,
            motion: None,
            accuracy: None,
            ..point(0)
        }
    }

    #[test]
    fn gpx_has_a_segment_a_piece() {
        let text = written(TrackFormat::Gpx, &[&[point(0), point(100)], &[bare()]]);
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <gpx version=\"1.1\" creator=\"picam\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n\
             <trk>\n\
             <trkseg>\n\
             <trkpt lat=\"48.137154000\" lon=\"-11.576124000\"><ele>519.0</ele><time>2026-11-20T11:08:00.000Z</time><fix>3d</fix></trkpt>\n\
             <trkpt lat=\"48.137154000\" lon=\"-11.576124000\"><ele>519.0</ele><time>2026-11-20T11:08:00.100Z</time><fix>3d</fix></trkpt>\n\
             </trkseg>\n\
             <trkseg>\n\
             <trkpt lat=\"48.137154000\" lon=\"-11.576124000\"><fix>2d</fix></trkpt>\n\
             </trkseg>\n\
             </trk>\n\
             </gpx>\n"
        );
        assert!(written(TrackFormat::Gpx, &[]).ends_with("<trk>\n</trk>\n</gpx>\n"));
    }

    #[test]
    fn csv_has_a_line_a_fix() {
        assert_eq!(
            written(TrackFormat::Csv, &[&[point(0)], &[bare()]]),
            "piece,time,latitude,longitude,altitude_m,speed_m_s,course_deg,accuracy_m\n\
             1,2026-11-20T11:08:00.000Z,48.137154000,-11.576124000,519.0,5.00,36.9,2.5\n\
             2,,48.137154000,-11.576124000,,,,\n"
        );
    }

    #[test]
    fn geojson_has_a_line_a_piece_and_a_point_for_a_single_fix() {
        assert_eq!(
            written(TrackFormat::GeoJson, &[&[point(0), bare()], &[point(100)]]),
            "{\"type\":\"FeatureCollection\",\"features\":[\n\
             {\"type\":\"Feature\",\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[-11.576124000,48.137154000,519.0],[-11.576124000,48.137154000]]},\"properties\":{\"times\":[\"2026-11-20T11:08:00.000Z\",null],\"speeds_m_s\":[5.00,null],\"courses_deg\":[36.90,null]}},\n\
             {\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[-11.576124000,48.137154000,519.0]},\"properties\":{\"times\":[\"2026-11-20T11:08:00.100Z\"],\"speeds_m_s\":[5.00],\"courses_deg\":[36.90]}}\n\
             ]}\n"
        );
        let empty = written(TrackFormat::GeoJson, &[]);
        assert_eq!(
            empty,
            "{\"type\":\"FeatureCollection\",\"features\":[\n]}\n"
        );
    }
}
