//! The fixes of one segment.

use std::fs::File;
use std::io;
use std::path::Path;

use picam_mp4::camm;
use picam_mp4::read::{Movie, ReadError, Sample};
use picam_mp4::{ReadAt, Record};
use picam_time::{BootNs, Ticks};

use super::TrackPoint;
use crate::footage::{is_still, open_slot};

/// No sample of the `camm` track that says a place is longer.
const LONGEST: u32 = 64;
/// Samples that lie behind each other are read together, up to so many bytes.
const TOGETHER: u64 = 64 << 10;

/// A fix, and when it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Found {
    pub(super) boot: BootNs,
    pub(super) point: TrackPoint,
}

/// The fixes of a segment, in the order of the file; `None` if it is another one by now.
pub(super) fn of(path: &Path, record: &Record) -> io::Result<Option<Vec<Found>>> {
    let file = match open_slot(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    unless_another(&file, record)
}

/// The same of a file that is open.
pub(super) fn unless_another(file: &File, record: &Record) -> io::Result<Option<Vec<Found>>> {
    let found = read(file, record);
    match is_still(file, record) {
        true => found.map(Some),
        false => Ok(None),
    }
}

fn read(file: &File, record: &Record) -> io::Result<Vec<Found>> {
    let movie = Movie::read(file).map_err(|error| match error {
        ReadError::Io { source, .. } => source,
        other => io::Error::other(other.to_string()),
    })?;
    let mut all = Vec::new();
    let tracks = movie.tracks.iter().filter(|track| track.codec == b"camm");
    for track in tracks {
        let samples: Vec<&Sample> = track.samples.iter().collect();
        let joined = |a: &&Sample, b: &&Sample| a.end() == b.offset;
        for run in samples.chunk_by(joined) {
            // A run of whatever length, a piece of it at a time.
            for run in run.chunks((TOGETHER / u64::from(LONGEST)) as usize) {
                let (Some(first), Some(last)) = (run.first(), run.last()) else {
                    continue;
                };
                let len = last.end().saturating_sub(first.offset);
                if run.iter().any(|sample| sample.size > LONGEST) || len > TOGETHER {
                    continue;
                }
                let mut bytes = vec![0; len as usize];
                file.read_exact_at(first.offset, &mut bytes)?;
                let mut rest = bytes.as_slice();
                for sample in run {
                    let (data, behind) = rest.split_at((sample.size as usize).min(rest.len()));
                    rest = behind;
                    let at = Ticks::new(track.presentation(sample), track.timescale);
                    let boot = record.start_boot.shifted_ns(at.nanos());
                    let utc = record.start_utc.map(|start| start + at.span());
                    if let Some(point) = point(data, utc) {
                        all.push(Found { boot, point });
                    }
                }
            }
        }
    }
    Ok(all)
}

/// What a sample says of the place. `shown` is when it is shown, which counts if it has no time itself.
fn point(sample: &[u8], shown: Option<picam_time::UtcUs>) -> Option<TrackPoint> {
    if let Some(fix) = camm::Fix::from_sample(sample) {
        let [east, north, up] = fix.velocity.map(f64::from);
        let is_known = [east, north, up].iter().all(|value| value.is_finite());
        let course = east.atan2(north).to_degrees().rem_euclid(360.0);
        let altitude = f64::from(fix.altitude);
        let accuracy = f64::from(fix.horizontal_accuracy);
        return fix.is_usable().then_some(TrackPoint {
            utc: fix.utc(),
            latitude: fix.latitude,
            longitude: fix.longitude,
            altitude: (fix.fix_type >= 3 && altitude.is_finite()).then_some(altitude),
            motion: is_known.then_some((east.hypot(north), course)),
            accuracy: (accuracy > 0.0 && accuracy.is_finite()).then_some(accuracy),
        });
    }
    let [latitude, longitude, altitude] = camm::position(sample)?;
    let is_place = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    is_place.then_some(TrackPoint {
        utc: shown,
        latitude,
        longitude,
        altitude: altitude.is_finite().then_some(altitude),
        motion: None,
        accuracy: None,
    })
}

#[cfg(test)]
mod tests {
    use picam_time::UtcUs;

    use super::*;

    #[test]
    fn a_sample_is_a_place_or_none() {
        let noon = UtcUs(1_795_172_880_000_000);
        let mut fix = camm::Fix {
            gps_epoch_s: camm::gps_epoch_s(noon),
            fix_type: 3,
            latitude: 48.0,
            longitude: 11.0,
            altitude: 519.0,
            horizontal_accuracy: 2.5,
            vertical_accuracy: 0.0,
            velocity: [3.0, 4.0, 0.0],
            speed_accuracy: 0.0,
        };
        let read = point(&fix.to_sample(), None).unwrap();
        assert_eq!(
            (read.utc, read.altitude, read.accuracy),
            (Some(noon), Some(519.0), Some(2.5))
        );
        let (speed, course) = read.motion.unwrap();
        assert!((speed - 5.0).abs() < 1e-9 && (course - 36.869_897).abs() < 1e-5);
        fix.fix_type = 2;
        assert_eq!(point(&fix.to_sample(), None).unwrap().altitude, None);
        for broken in [
            camm::Fix {
                latitude: f64::NAN,
                ..fix
            },
            camm::Fix {
                longitude: 200.0,
                ..fix
            },
            camm::Fix { fix_type: 0, ..fix },
        ] {
            assert_eq!(point(&broken.to_sample(), None), None);
        }
        let timeless = camm::position_sample(48.0, 11.0, 519.0);
        assert_eq!(point(&timeless, Some(noon)).unwrap().utc, Some(noon));
        assert_eq!(
            point(&camm::acceleration_sample([0.0; 3]), Some(noon)),
            None
        );
    }
}
