//! What stands in a still beside its picture: when, where and by which camera it was taken (CIPA DC-008, Exif 2.32).

use std::io::Cursor;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Reader, Tag, Value};
use jiff::Timestamp;
use picam_time::UtcUs;

use crate::MediaError;

/// Parts of a degree's seconds and of what else is no whole number.
const PARTS: u32 = 10_000;
/// Metres a second to kilometres an hour.
const KMH: f64 = 3.6;

/// Where a picture was taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TakenAt {
    /// Degrees, north positive (WGS 84).
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    /// Metres.
    pub altitude: Option<f64>,
    /// Metres a second over ground.
    pub speed: Option<f64>,
}

/// What is known of a still.
#[derive(Debug, Clone, PartialEq)]
pub struct Exif<'a> {
    /// The camera's letter and name.
    pub model: &'a str,
    /// What made it.
    pub software: &'a str,
    /// When it was taken; `None` before anybody has said what time it is.
    pub taken: Option<UtcUs>,
    /// Where, while that is known.
    pub place: Option<TakenAt>,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

impl Exif<'_> {
    /// The TIFF structure that EXIF is.
    ///
    /// # Errors
    /// [`MediaError::Still`] if it cannot be written.
    pub fn to_tiff(&self) -> Result<Vec<u8>, MediaError> {
        let mut fields = vec![
            text(Tag::Make, "picam"),
            text(Tag::Model, self.model),
            text(Tag::Software, self.software),
            field(Tag::Orientation, Value::Short(vec![1])),
            field(Tag::XResolution, fraction(72.0, 1)),
            field(Tag::YResolution, fraction(72.0, 1)),
            // Inches.
            field(Tag::ResolutionUnit, Value::Short(vec![2])),
            // Chroma stands in the middle of its samples of luma.
            field(Tag::YCbCrPositioning, Value::Short(vec![1])),
            field(Tag::ExifVersion, bytes(b"0232")),
            field(Tag::FlashpixVersion, bytes(b"0100")),
            // Y, Cb, Cr.
            field(Tag::ComponentsConfiguration, bytes(&[1, 2, 3, 0])),
            // sRGB.
            field(Tag::ColorSpace, Value::Short(vec![1])),
            field(Tag::PixelXDimension, Value::Long(vec![self.size.0])),
            field(Tag::PixelYDimension, Value::Long(vec![self.size.1])),
        ];
        let taken = self
            .taken
            .and_then(|utc| Timestamp::from_microsecond(utc.0).ok());
        if let Some(taken) = taken {
            let date = taken.strftime("%Y:%m:%d %H:%M:%S").to_string();
            let parts = format!("{:06}", taken.as_microsecond().rem_euclid(1_000_000));
            for (when, sub, offset) in [
                (Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime),
                (
                    Tag::DateTimeOriginal,
                    Tag::SubSecTimeOriginal,
                    Tag::OffsetTimeOriginal,
                ),
                (
                    Tag::DateTimeDigitized,
                    Tag::SubSecTimeDigitized,
                    Tag::OffsetTimeDigitized,
                ),
            ] {
                fields.push(text(when, &date));
                fields.push(text(sub, &parts));
                fields.push(text(offset, "+00:00"));
            }
        }
        if let Some(place) = &self.place {
            fields.extend(place.fields(taken));
        }
        let mut writer = Writer::new();
        for field in &fields {
            writer.push_field(field);
        }
        let mut out = Cursor::new(Vec::new());
        let failed = |error: exif::Error| MediaError::Still(error.to_string());
        writer.write(&mut out, true).map_err(failed)?;
        Ok(out.into_inner())
    }
}

impl TakenAt {
    fn fields(&self, taken: Option<Timestamp>) -> Vec<Field> {
        let side = |value: f64, positive, negative| if value < 0.0 { negative } else { positive };
        let mut fields = vec![
            field(Tag::GPSVersionID, Value::Byte(vec![2, 3, 0, 0])),
            text(Tag::GPSMapDatum, "WGS-84"),
            text(Tag::GPSLatitudeRef, side(self.latitude, "N", "S")),
            field(Tag::GPSLatitude, degrees(self.latitude)),
            text(Tag::GPSLongitudeRef, side(self.longitude, "E", "W")),
            field(Tag::GPSLongitude, degrees(self.longitude)),
        ];
        if let Some(altitude) = self.altitude.filter(|altitude| altitude.is_finite()) {
            let below = u8::from(altitude < 0.0);
            fields.push(field(Tag::GPSAltitudeRef, Value::Byte(vec![below])));
            fields.push(field(Tag::GPSAltitude, fraction(altitude.abs(), 100)));
        }
        if let Some(speed) = self.speed.filter(|speed| speed.is_finite()) {
            fields.push(text(Tag::GPSSpeedRef, "K"));
            fields.push(field(Tag::GPSSpeed, fraction(speed.abs() * KMH, 100)));
        }
        if let Some(taken) = taken {
            let of_day = taken.as_second().rem_euclid(86_400);
            let whole = |n: i64| Rational {
                num: u32::try_from(n).unwrap_or(0),
                denom: 1,
            };
            let time = [of_day / 3600, of_day / 60 % 60, of_day % 60].map(whole);
            fields.push(field(Tag::GPSTimeStamp, Value::Rational(time.to_vec())));
            fields.push(text(
                Tag::GPSDateStamp,
                &taken.strftime("%Y:%m:%d").to_string(),
            ));
        }
        fields
    }
}

fn field(tag: Tag, value: Value) -> Field {
    Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    }
}

/// ASCII alone; what is none is a question mark.
fn text(tag: Tag, text: &str) -> Field {
    let ascii = text.chars().map(|c| match c {
        ' '..='~' => c as u8,
        _ => b'?',
    });
    field(tag, Value::Ascii(vec![ascii.collect()]))
}

fn bytes(of: &[u8]) -> Value {
    Value::Undefined(of.to_vec(), 0)
}

fn fraction(value: f64, parts: u32) -> Value {
    Value::Rational(vec![Rational {
        num: (value * f64::from(parts)).round() as u32,
        denom: parts,
    }])
}

/// Degrees, minutes, and seconds to [`PARTS`].
fn degrees(value: f64) -> Value {
    let all = (value.abs() * 3600.0 * f64::from(PARTS)).round() as u64;
    let (rest, parts) = (all / (60 * u64::from(PARTS)), all % (60 * u64::from(PARTS)));
    let part = |num: u64, denom: u32| Rational {
        num: u32::try_from(num).unwrap_or(u32::MAX),
        denom,
    };
    Value::Rational(vec![
        part(rest / 60, 1),
        part(rest % 60, 1),
        part(parts, PARTS),
    ])
}

/// What the beginning of a JPEG says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StillFacts {
    /// When it was taken.
    pub taken: Option<UtcUs>,
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Which camera took it.
    pub model: Option<String>,
}

impl StillFacts {
    /// Reads them; what is not there is `None`.
    pub fn read(jpeg: &[u8]) -> Self {
        let Ok(exif) = Reader::new().read_from_container(&mut Cursor::new(jpeg)) else {
            return Self::default();
        };
        let ascii = |tag: Tag| match &exif.get_field(tag, In::PRIMARY)?.value {
            Value::Ascii(lines) => String::from_utf8(lines.first()?.clone()).ok(),
            _ => None,
        };
        let number = |tag: Tag| exif.get_field(tag, In::PRIMARY)?.value.get_uint(0);
        let taken = ascii(Tag::DateTimeOriginal).and_then(|date| {
            let civil = jiff::civil::DateTime::strptime("%Y:%m:%d %H:%M:%S", date).ok()?;
            let whole = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
            let parts = ascii(Tag::SubSecTimeOriginal).unwrap_or_default();
            let micros: i64 = format!("{parts:0<6}").get(..6)?.parse().unwrap_or(0);
            Some(UtcUs(whole.as_microsecond() + micros))
        });
        Self {
            taken,
            size: number(Tag::PixelXDimension).zip(number(Tag::PixelYDimension)),
            model: ascii(Tag::Model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Colour, Yuv420, encode_jpeg};

    /// 2026-11-20 11:08:00.25 UTC.
    const MOMENT: UtcUs = UtcUs(1_795_172_880_250_000);

    #[test]
    fn what_was_written_is_read() {
        let known = Exif {
            model: "F front",
            software: "picam 1",
            taken: Some(MOMENT),
            place: Some(TakenAt {
                latitude: -33.8568,
                longitude: 151.2153,
                altitude: Some(-3.25),
                speed: Some(13.9),
            }),
            size: (64, 48),
        };
        let picture = Yuv420::new(64, 48);
        let jpeg = |exif: &Exif<'_>| {
            let tiff = exif.to_tiff().unwrap();
            encode_jpeg(&picture, Colour::Bt709, 90, &tiff).unwrap()
        };
        let facts = StillFacts::read(&jpeg(&known));
        assert_eq!(facts.taken, Some(MOMENT));
        assert_eq!(facts.size, Some((64, 48)));
        assert_eq!(facts.model.as_deref(), Some("F front"));
        let unknown = Exif {
            taken: None,
            place: None,
            ..known
        };
        assert_eq!(StillFacts::read(&jpeg(&unknown)).taken, None);
        assert_eq!(StillFacts::read(b"no jpeg"), StillFacts::default());
    }

    #[test]
    fn seconds_of_a_degree_never_reach_sixty() {
        let Value::Rational(parts) = degrees(11.999_999_999_99) else {
            panic!()
        };
        let shown: Vec<f64> = parts.iter().map(Rational::to_f64).collect();
        assert_eq!(shown, [12.0, 0.0, 0.0]);
    }
}
