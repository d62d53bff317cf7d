//! What reaches the disk for a minute of video: footage, and the filesystem's own structures.

use std::path::Path;

use crate::blklog::{Entry, Kind};
use crate::disk::Disk;
use crate::exfat::{Extent, Volume};
use crate::guest::Recording;
use crate::recorders::{Peer, Ring, host, peer_job_beside};
use crate::session::Bench;
use crate::source::{RATE, Source, Style};

/// Bits a second of this footage: what 1080p takes.
const BIT_RATE: u32 = 12_000_000;
/// One stream is fed again and again.
const PART_S: u32 = 60;

/// What is recorded, and how much of it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    ring: Ring,
    /// Measuring begins when a file appears whose name ends in this number: the ring has gone round then.
    from: u32,
    /// Whole segments.
    measure_s: u32,
}

impl Stretch {
    /// Segments of half a minute, for all recorders; others than picam keep two files and the one they write.
    pub const HALF_MINUTES: Self = Self {
        ring: Ring {
            segment_s: 30,
            files: 2,
            slot_mib: 48,
        },
        from: 2,
        measure_s: 60,
    };
    /// The same for picam, which recycles no fewer than three slots, and begins with 1.
    pub const HALF_MINUTES_OF_PICAM: Self = Self {
        ring: Ring {
            files: 3,
            ..Self::HALF_MINUTES.ring
        },
        from: 5,
        ..Self::HALF_MINUTES
    };
    /// Segments of a minute, which is what picam makes unless it is told otherwise.
    pub const MINUTES: Self = Self {
        ring: Ring {
            segment_s: 60,
            files: 3,
            slot_mib: 96,
        },
        from: 5,
        measure_s: 120,
    };

    /// The script that has this measured while something records.
    fn script(self, program: &Path) -> String {
        let Self {
            from, measure_s, ..
        } = self;
        // It begins and ends with everything on the disk.
        let mark = format!("sync\n{} guest mark >/dev/ttyS0\n", host(program));
        format!(
            "until ls /footage/*{from:06}.mp4 >/dev/null 2>&1; do sleep 1; done\n\
             {mark}sleep {measure_s}\n{mark}"
        )
    }

    /// How long all of it takes.
    fn seconds(self) -> u32 {
        self.ring.segment_s * (self.from + 1) + self.measure_s
    }
}

/// What reached the disk between two moments, in the middle of recording.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Written {
    /// Bytes of footage.
    pub footage: u64,
    /// Sectors of boot region, FAT, allocation bitmap and directories.
    pub metadata: u64,
    /// Requests.
    pub requests: u64,
    /// Flushes.
    pub flushes: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

fn inside(extents: &[Extent], sector: u32) -> bool {
    extents
        .iter()
        .any(|&(first, sectors)| (first..first + sectors).contains(&sector))
}

impl Written {
    /// Counts entries. `metadata` is where the filesystem's structures lie.
    pub fn count<'a>(entries: impl Iterator<Item = &'a Entry>, metadata: &[Extent]) -> Self {
        let mut written = Self::default();
        for entry in entries {
            match entry.kind {
                Kind::Flush => written.flushes += 1,
                Kind::Discard => {}
                Kind::Write => {
                    let sectors = entry.sector..entry.sector + entry.sectors;
                    let own = sectors.filter(|&sector| inside(metadata, sector)).count() as u64;
                    written.metadata += own;
                    written.footage += (u64::from(entry.sectors) - own) * 512;
                    written.requests += 1;
                }
            }
        }
        written
    }

    /// Counts what reached the disk between the marks of a recording.
    pub fn between_marks(recording: &Recording) -> Option<Self> {
        let [from, to] = *recording.marks.as_slice() else {
            return None;
        };
        let mut disk = Disk::new(&recording.base, &recording.log);
        let volume = Volume::read(&disk).ok()?;
        for entry in &recording.log.entries {
            if entry.kind == Kind::Write {
                disk.write(entry);
            }
        }
        let mut metadata = volume.list(&disk).metadata;
        metadata.push((0, volume.heap()));
        let entries = recording.log.entries.iter().zip(&recording.times);
        let entries = entries
            .filter(|(_, time)| (from..to).contains(time))
            .map(|(entry, _)| entry);
        let mut written = Self::count(entries, &metadata);
        written.seconds = (to - from) as f64 / 1e9;
        Some(written)
    }

    /// The heading of [`Written::row`].
    pub const HEADING: &'static str = "\
| recorder | bytes of footage to the payload | metadata sectors a minute | writes a minute | flushes a minute |
|---|---|---|---|---|";

    /// Bytes written for a byte of coded video.
    pub fn ratio(&self, bytes_a_second: f64) -> f64 {
        (self.footage + self.metadata * 512) as f64 / (bytes_a_second * self.seconds)
    }

    /// Whether all of the video was written: not so if the guest's recorder or camera could not keep up. What was
    /// recorded while a `sync` took its time counts or not, which is a second or two.
    pub fn kept_up(&self, bytes_a_second: f64) -> bool {
        self.ratio(bytes_a_second) > 0.95
    }

    /// So many a minute.
    pub fn a_minute(&self, number: u64) -> f64 {
        number as f64 * 60.0 / self.seconds
    }

    /// A line of the table in `docs/benchmarks.md`.
    pub fn row(&self, name: &str, bytes_a_second: f64) -> String {
        format!(
            "| {name} | {:.3} | {:.1} | {:.0} | {:.0} |",
            self.ratio(bytes_a_second),
            self.a_minute(self.metadata),
            self.a_minute(self.requests),
            self.a_minute(self.flushes)
        )
    }
}

/// The footage that this is measured with.
pub fn source() -> Source {
    Source::make(Style {
        bit_rate: BIT_RATE,
        part_s: PART_S,
        parts: 1,
    })
}

/// Bytes of coded video a second.
pub fn bytes_a_second(source: &Source) -> f64 {
    let len = std::fs::metadata(&source.streams[0]).map_or(0, |file| file.len());
    len as f64 * f64::from(RATE) / f64::from(source.footage.pictures)
}

impl Bench {
    fn measure(&self, job: String, root: &Path, stretch: Stretch) -> Result<Written, String> {
        let recording = self.run(job, root, stretch.seconds())?;
        Written::between_marks(&recording).ok_or_else(|| format!("no marks\n{}", recording.console))
    }

    /// Measures picam.
    ///
    /// # Errors
    /// What went wrong, and what the guest said.
    pub fn writes(&self, source: &Source, stretch: Stretch) -> Result<Written, String> {
        let Ring {
            segment_s,
            files,
            slot_mib,
        } = stretch.ring;
        let job = format!(
            "{} record --footage /footage --camera 'front=file:{}?fps={RATE}&loop=1' --segment {segment_s}s \
             --slots {files} --slot-size {slot_mib}MiB & pid=$!\n{}kill $pid\nwait $pid\n",
            host(&self.picam),
            host(&source.streams[0]),
            stretch.script(&self.program)
        );
        self.measure(job, Path::new("/"), stretch)
    }

    /// Measures a peer.
    ///
    /// # Errors
    /// What went wrong, and what the guest said.
    pub fn writes_of_peer(
        &self,
        peer: Peer,
        source: &Source,
        stretch: Stretch,
        synced: bool,
    ) -> Result<Written, String> {
        let script = stretch.script(&self.program);
        let rounds = stretch.seconds() * 2 / PART_S + 1;
        let job = peer_job_beside(
            (peer, synced),
            source,
            stretch.ring,
            &self.program,
            rounds,
            &script,
        );
        self.measure(job, &self.kit.peers_root(), stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_counted_where_they_lie() {
        let entry = |kind, sector, sectors| Entry {
            kind,
            sector,
            sectors,
            data: 0,
            end: 0,
        };
        let entries = [
            entry(Kind::Write, 0, 1),
            entry(Kind::Write, 98, 4),
            entry(Kind::Flush, 0, 0),
            entry(Kind::Write, 500, 8),
        ];
        let written = Written::count(entries.iter(), &[(0, 50), (100, 50)]);
        assert_eq!((written.metadata, written.footage), (1 + 2, (2 + 8) * 512));
        assert_eq!((written.requests, written.flushes), (3, 1));
    }
}
