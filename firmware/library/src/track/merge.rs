//! Fixes of several cameras' segments, brought into one order, each once.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::time::Duration;

use picam_ring::SegmentName;
use picam_time::{BootNs, UtcUs};

use super::samples::Found;
use super::{TrackPoint, TrackQuery, TrackSummary, TrackWriter};

/// Where fixes are further apart, the track is interrupted.
const GAP: Duration = Duration::from_secs(10);
/// Fixes that were written and may still come again: those around the joint of two segments.
const REMEMBERED: usize = 512;

/// What tells one fix from another: time and place, bit by bit.
type Identity = (Option<UtcUs>, u64, u64);

fn identity(point: &TrackPoint) -> Identity {
    (
        point.utc,
        point.latitude.to_bits(),
        point.longitude.to_bits(),
    )
}

/// Segments come in the order in which they begin, so what lies before the next one's start is complete.
pub(super) struct Merge<'a, W: io::Write> {
    query: &'a TrackQuery,
    out: TrackWriter<W>,
    boot_id: Option<[u8; 16]>,
    /// Fixes that wait for others from before them, by when they are shown.
    waiting: BTreeMap<(BootNs, u64), TrackPoint>,
    /// Counts the fixes, so that those of the same moment keep their order.
    count: u64,
    known: HashSet<Identity>,
    written: VecDeque<Identity>,
    last: Option<(BootNs, Option<UtcUs>)>,
    summary: TrackSummary,
}

impl<'a, W: io::Write> Merge<'a, W> {
    pub(super) fn new(query: &'a TrackQuery, mut out: TrackWriter<W>) -> io::Result<Self> {
        out.begin()?;
        Ok(Self {
            query,
            out,
            boot_id: None,
            waiting: BTreeMap::new(),
            count: 0,
            known: HashSet::new(),
            written: VecDeque::new(),
            last: None,
            summary: TrackSummary::default(),
        })
    }

    /// The next segment, of this boot, begins then.
    pub(super) fn begin_segment(&mut self, boot_id: [u8; 16], start: BootNs) -> io::Result<()> {
        if self.boot_id != Some(boot_id) {
            self.write_before(BootNs::MAX)?;
            self.known.clear();
            self.written.clear();
            self.last = None;
            self.boot_id = Some(boot_id);
        }
        self.write_before(start)
    }

    /// A fix of that segment.
    pub(super) fn take(&mut self, found: &Found) {
        let point = found.point;
        let timed = self.query.from.is_some() || self.query.to.is_some();
        // Of a place without a time nobody can say that it lies within one.
        let within = (!timed || point.utc.is_some())
            && self.query.from.is_none_or(|from| point.utc >= Some(from))
            && self.query.to.is_none_or(|to| point.utc < Some(to));
        if within && self.known.insert(identity(&point)) {
            self.count += 1;
            self.waiting.insert((found.boot, self.count), point);
        }
    }

    /// A segment that cannot be read.
    pub(super) fn broken(&mut self, name: SegmentName) {
        self.summary.broken.push(name.to_string());
    }

    fn write_before(&mut self, end: BootNs) -> io::Result<()> {
        while let Some(entry) = self.waiting.first_entry() {
            let boot = entry.key().0;
            if boot >= end && end != BootNs::MAX {
                return Ok(());
            }
            let point = entry.remove();
            self.write(boot, &point)?;
        }
        Ok(())
    }

    fn write(&mut self, boot: BootNs, point: &TrackPoint) -> io::Result<()> {
        self.written.push_back(identity(point));
        if self.written.len() > REMEMBERED
            && let Some(forgotten) = self.written.pop_front()
        {
            self.known.remove(&forgotten);
        }
        let since_last = self.last.map(|(last, utc)| match (utc, point.utc) {
            (Some(utc), Some(now)) if now >= utc => now.since(utc),
            _ => boot.since(last),
        });
        if since_last.is_some_and(|since| since < self.query.every) {
            return Ok(());
        }
        if since_last.is_none_or(|since| since >= GAP.max(2 * self.query.every)) {
            self.out.begin_piece()?;
            self.summary.pieces += 1;
        }
        self.last = Some((boot, point.utc));
        self.summary.points += 1;
        self.out.point(point)
    }

    pub(super) fn finish(mut self) -> io::Result<TrackSummary> {
        self.write_before(BootNs::MAX)?;
        self.out.finish()?;
        Ok(self.summary)
    }
}

#[cfg(test)]
mod tests {
    use picam_time::BootNs;

    use super::super::TrackFormat;
    use super::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
    const BOOT: [u8; 16] = [1; 16];

    /// A fix of so many seconds since boot.
    fn found(seconds: f64) -> Found {
        let span = Duration::from_secs_f64(seconds);
        Found {
            boot: BootNs::ZERO + span,
            point: TrackPoint {
                utc: Some(NOON + span),
                latitude: 48.0 + seconds * 1e-4,
                longitude: 11.0,
                altitude: None,
                motion: None,
                accuracy: None,
            },
        }
    }

    /// Segments, each with its boot, its start and its fixes; seconds since noon of what is written, and the summary.
    fn merged(
        query: &TrackQuery,
        segments: &[([u8; 16], f64, &[f64])],
    ) -> (Vec<f64>, TrackSummary) {
        let mut out = Vec::new();
        let mut merge = Merge::new(query, TrackWriter::new(TrackFormat::Csv, &mut out)).unwrap();
        for (boot, start, fixes) in segments {
            let start = BootNs::ZERO + Duration::from_secs_f64(*start);
            merge.begin_segment(*boot, start).unwrap();
            for seconds in *fixes {
                merge.take(&found(*seconds));
            }
        }
        let summary = merge.finish().unwrap();
        let text = String::from_utf8(out).unwrap();
        let seconds = text.lines().skip(1).map(|line| {
            let latitude: f64 = line.split(',').nth(2).unwrap().parse().unwrap();
            ((latitude - 48.0) * 1e5).round() / 10.0
        });
        (seconds.collect(), summary)
    }

    #[test]
    fn the_fixes_of_two_cameras_are_told_once_and_in_order() {
        let front: &[f64] = &[0.0, 1.0, 3.0, 4.0];
        let rear: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0];
        let (seconds, summary) = merged(
            &TrackQuery::default(),
            &[
                (BOOT, 0.0, front),
                (BOOT, 0.5, rear),
                (BOOT, 4.5, &[5.0, 6.0]),
            ],
        );
        assert_eq!(seconds, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!((summary.points, summary.pieces), (7, 1));
    }

    #[test]
    fn a_gap_and_another_boot_begin_another_piece() {
        let (seconds, summary) = merged(
            &TrackQuery::default(),
            &[
                (BOOT, 0.0, &[0.0, 9.9, 19.8]),
                (BOOT, 20.0, &[30.0]),
                ([2; 16], 0.0, &[31.0, 32.0]),
            ],
        );
        assert_eq!(seconds, [0.0, 9.9, 19.8, 30.0, 31.0, 32.0]);
        assert_eq!(summary.pieces, 3);
    }

    #[test]
    fn only_what_lies_within_the_range_is_told_and_no_oftener_than_wanted() {
        let query = TrackQuery {
            from: Some(NOON + Duration::from_secs(1)),
            to: Some(NOON + Duration::from_secs(4)),
            every: Duration::from_secs(1),
            ..TrackQuery::default()
        };
        let fixes: Vec<f64> = (0..60).map(|n| f64::from(n) / 10.0).collect();
        let (seconds, _) = merged(&query, &[(BOOT, 0.0, &fixes)]);
        assert_eq!(seconds, [1.0, 2.0, 3.0]);
    }
}
