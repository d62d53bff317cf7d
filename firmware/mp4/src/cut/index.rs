//! The head of a clip: `ftyp`, `moov` and the header of its `mdat`.

use mp4_atom::{
    Atom, BufMut, Co64, Ctts, CttsEntry, Dinf, Dref, Edts, Elst, Encode, FourCC, Mdhd, Mvhd, Nmhd,
    Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry, Url,
};

use super::CutError;
use super::edits::edits;
use super::join::Joined;
use super::layout::Chunk;
use crate::boxes;
use crate::read::Movie;

/// What the head says.
pub(super) struct Index<'a> {
    /// The first source, and where in it the clip starts: its creation time and place are copied.
    pub(super) movie: &'a Movie,
    /// In ticks of `timescale`.
    pub(super) start_ticks: i64,
    /// Ticks a second of the clip.
    pub(super) timescale: u32,
    pub(super) duration: u64,
    pub(super) tracks: &'a [Joined<'a>],
    /// Of every track, relative to the start of the samples.
    pub(super) chunks: &'a [Vec<Chunk>],
    pub(super) data_len: u64,
    /// Whether it says where the first source was recorded.
    pub(super) place: bool,
}

impl Index<'_> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, CutError> {
        // Offsets do not change the length, so a first pass says where the samples start.
        let (mut start, mut wide) = (0, self.data_len > u64::from(u32::MAX));
        for _ in 0..3 {
            let head = self.head(start, wide)?;
            let len = head.len() as u64;
            let needs_wide = len.saturating_add(self.data_len) > u64::from(u32::MAX);
            if (start, wide) == (len, needs_wide) {
                return Ok(head);
            }
            (start, wide) = (len, needs_wide);
        }
        Err(CutError::TooLong)
    }

    fn head(&self, start: u64, wide: bool) -> Result<Vec<u8>, CutError> {
        let mut out = boxes::ftyp()?;
        out.encode_atom(FourCC::new(b"moov"), |buf| {
            self.mvhd().encode(buf)?;
            for (track, chunks) in self.tracks.iter().zip(self.chunks) {
                self.trak(track, chunks, start, wide, buf)?;
            }
            self.place(buf)
        })?;
        if wide {
            boxes::long_header(b"mdat", self.data_len.saturating_add(16), &mut out);
        } else {
            boxes::header(b"mdat", self.data_len.saturating_add(8), &mut out);
        }
        Ok(out)
    }

    fn created(&self) -> u64 {
        match self.movie.creation_time {
            0 => 0,
            created => {
                let seconds = self.start_ticks / i64::from(self.timescale);
                created.saturating_add_signed(seconds)
            }
        }
    }

    fn mvhd(&self) -> Mvhd {
        let last = self.tracks.iter().map(|track| track.id).max().unwrap_or(0);
        Mvhd {
            creation_time: self.created(),
            modification_time: self.created(),
            timescale: self.timescale,
            duration: self.duration,
            rate: 1.into(),
            volume: 1.into(),
            matrix: mp4_atom::Matrix::default(),
            next_track_id: last.saturating_add(1),
        }
    }

    /// Where the first source was recorded (`©xyz`), for phone galleries.
    fn place(&self, buf: &mut Vec<u8>) -> mp4_atom::Result<()> {
        let found = self.movie.user_data_box(b"\xa9xyz");
        let Some(xyz) = found.filter(|_| self.place) else {
            return Ok(());
        };
        buf.encode_atom(FourCC::new(b"udta"), |buf| xyz.as_slice().encode(buf))
    }

    fn trak(
        &self,
        track: &Joined<'_>,
        chunks: &[Chunk],
        start: u64,
        wide: bool,
        buf: &mut Vec<u8>,
    ) -> mp4_atom::Result<()> {
        let edits = edits(track, self.timescale);
        let shown = edits.iter().map(|edit| edit.segment_duration).sum();
        let media = track.samples.iter().map(|s| u64::from(s.duration)).sum();
        let created = self.created();
        buf.encode_atom(FourCC::new(b"trak"), |buf| {
            let mut tkhd = track.boxes.tkhd.clone();
            tkhd.creation_time = created;
            tkhd.modification_time = created;
            tkhd.track_id = track.id;
            tkhd.duration = shown;
            tkhd.encode(buf)?;
            if track.from_first {
                track.boxes.tref.as_slice().encode(buf)?;
            }
            Edts {
                elst: Some(Elst { entries: edits }),
            }
            .encode(buf)?;
            buf.encode_atom(FourCC::new(b"mdia"), |buf| {
                Mdhd {
                    creation_time: created,
                    modification_time: created,
                    timescale: track.timescale,
                    duration: media,
                    language: track.boxes.language.clone(),
                }
                .encode(buf)?;
                track.boxes.hdlr.as_slice().encode(buf)?;
                buf.encode_atom(FourCC::new(b"minf"), |buf| {
                    match track.boxes.media_header.as_slice() {
                        [] => Nmhd::default().encode(buf)?,
                        header => header.encode(buf)?,
                    }
                    Dinf {
                        dref: Dref {
                            entries: vec![Url::default().into()],
                        },
                    }
                    .encode(buf)?;
                    buf.encode_atom(FourCC::new(b"stbl"), |buf| {
                        stsd(track, buf)?;
                        times(track, buf)?;
                        offsets(chunks, start, wide, buf)?;
                        sizes(track).encode(buf)
                    })
                })
            })
        })
    }
}

fn stsd(track: &Joined<'_>, buf: &mut Vec<u8>) -> mp4_atom::Result<()> {
    buf.encode_atom(FourCC::new(b"stsd"), |buf| {
        0u32.encode(buf)?;
        u32::try_from(track.entries.len())
            .unwrap_or(0)
            .encode(buf)?;
        let mut entries = track.entries.iter();
        entries.try_for_each(|entry| entry.bytes.as_slice().encode(buf))
    })
}

/// Adds `count` samples with one value to a run-length table.
fn push<E>(
    entries: &mut Vec<E>,
    count: u32,
    last: impl Fn(&mut E) -> Option<&mut u32>,
    new: impl FnOnce(u32) -> E,
) {
    if count == 0 {
        return;
    }
    match entries.last_mut().and_then(last) {
        Some(n) => *n = n.saturating_add(count),
        None => entries.push(new(count)),
    }
}

/// `stts`, `ctts` and `stss`.
fn times(track: &Joined<'_>, buf: &mut Vec<u8>) -> mp4_atom::Result<()> {
    let mut stts = Stts::default();
    let mut ctts = Ctts::default();
    let mut stss = Stss::default();
    let mut number = 1u32;
    for sample in &track.samples {
        // What a run lasts longer than its samples, because nothing follows, lies with its last.
        let each = sample.each.min(sample.duration / sample.run.max(1));
        let others = sample.run.saturating_sub(1);
        let last = sample.duration.saturating_sub(each.saturating_mul(others));
        for (count, delta) in [(others, each), (1, last)] {
            push(
                &mut stts.entries,
                count,
                |run: &mut SttsEntry| (run.sample_delta == delta).then_some(&mut run.sample_count),
                |sample_count| SttsEntry {
                    sample_count,
                    sample_delta: delta,
                },
            );
        }
        let offset = sample.pts.saturating_sub(sample.dts);
        push(
            &mut ctts.entries,
            sample.run,
            |run: &mut CttsEntry| (run.sample_offset == offset).then_some(&mut run.sample_count),
            |sample_count| CttsEntry {
                sample_count,
                sample_offset: offset,
            },
        );
        if sample.key {
            stss.entries.push(number);
        }
        number = number.saturating_add(sample.run);
    }
    stts.encode(buf)?;
    if ctts.entries.iter().any(|run| run.sample_offset != 0) {
        ctts.encode(buf)?;
    }
    if track.video && stss.entries.len() < track.samples.len() {
        stss.encode(buf)?;
    }
    Ok(())
}

/// `stsc`, and `stco` or `co64`.
fn offsets(chunks: &[Chunk], start: u64, wide: bool, buf: &mut Vec<u8>) -> mp4_atom::Result<()> {
    let mut stsc = Stsc::default();
    for (number, chunk) in (1u32..).zip(chunks) {
        let description = u32::try_from(chunk.entry).unwrap_or(0).saturating_add(1);
        let same = stsc.entries.last().is_some_and(|last| {
            (last.samples_per_chunk, last.sample_description_index) == (chunk.count, description)
        });
        if !same {
            stsc.entries.push(StscEntry {
                first_chunk: number,
                samples_per_chunk: chunk.count,
                sample_description_index: description,
            });
        }
    }
    stsc.encode(buf)?;
    let offsets = chunks.iter().map(|chunk| chunk.at.saturating_add(start));
    if wide {
        let entries = offsets.collect();
        return Co64 { entries }.encode(buf);
    }
    let narrow = |offset| u32::try_from(offset).map_err(|_| mp4_atom::Error::TooLarge(Stco::KIND));
    let entries = offsets.map(narrow).collect::<Result<_, _>>()?;
    Stco { entries }.encode(buf)
}

fn sizes(track: &Joined<'_>) -> Stsz {
    let each = |run: u32, size: u32| size / run.max(1);
    let count = track
        .samples
        .iter()
        .fold(0, |n: u32, s| n.saturating_add(s.run));
    let first = track.samples.first().map_or(0, |s| each(s.run, s.size));
    let same = track.samples.iter().all(|s| each(s.run, s.size) == first);
    let samples = if same && first > 0 {
        StszSamples::Identical { count, size: first }
    } else {
        let run =
            |s: &super::join::Placed| std::iter::repeat_n(each(s.run, s.size), s.run as usize);
        StszSamples::Different {
            sizes: track.samples.iter().flat_map(run).collect(),
        }
    };
    Stsz { samples }
}
