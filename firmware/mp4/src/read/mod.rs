//! Reads any MP4: progressive or fragmented, picam's own or other people's.
//!
//! ```no_run
//! use picam_mp4::read::{Codec, Movie};
//!
//! let file = std::fs::File::open("clip.mp4")?;
//! let movie = Movie::read(&file)?;
//! let Some(video) = movie.video() else { return Ok(()) };
//! for sample in &video.samples {
//!     // `sample.size` bytes at `sample.offset`: slices behind lengths of `length_size` bytes,
//!     // with the parameter sets of this entry in force.
//!     let sets = video.entry(sample).and_then(|entry| entry.parameter_sets.as_ref());
//!     let seconds = video.presentation(sample) as f64 / f64::from(video.timescale);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Only index boxes (`moov`, `moof`) are read; samples stay in the file. Nothing in the file is
//! trusted: sizes, counts and offsets are checked against the file before memory is taken or a
//! sample is handed out, so every [`Sample`] lies inside the file that was read.
//!
//! Of a finished picam slot [`Movie::read`] shows what every player sees, its index; its fragments lie unchanged inside the
//! `mdat`. Of a slot still being recorded it shows the fragments written so far.

mod boxes;
mod edits;
mod entry;
mod error;
mod fragments;
mod intact;
mod moov;
mod sound;
mod tables;

use std::ops::Range;

pub use boxes::{BoxHeader, FourCc};
pub use edits::Edit;
pub use entry::{Codec, ParameterSets, SampleEntry};
pub use error::ReadError;
pub use fragments::Fragment;
pub use sound::aac_config;

use crate::layout::FTYP_LEN;
use crate::storage::ReadAt;

/// The index of a file.
#[derive(Debug, Clone)]
pub struct Movie {
    /// Ticks a second of [`Movie::duration`] and of edit lists.
    pub timescale: u32,
    /// Length of the longest track as presented, in [`Movie::timescale`] ticks.
    pub duration: u64,
    /// Creation time in seconds since 1904-01-01 UTC; 0 where unknown.
    pub creation_time: u64,
    /// The tracks in file order.
    pub tracks: Vec<Track>,
    /// The fragments in file order; empty in a progressive file.
    pub fragments: Vec<Fragment>,
    /// What a player of single fragments needs first: `ftyp` (where it stands right before the
    /// `moov`) and `moov`.
    pub init: Range<u64>,
    /// The payload of the movie's own `udta`, empty where there is none.
    pub user_data: Vec<u8>,
}

/// One track.
#[derive(Debug, Clone)]
pub struct Track {
    /// Track id, unique in the file.
    pub id: u32,
    /// What kind of media: `vide`, `soun`, `meta`, `text`, `sbtl`.
    pub handler: FourCc,
    /// Ticks a second of all times of samples.
    pub timescale: u32,
    /// Type of the first sample entry (`avc1`, `hvc1`, `mp4a`, `camm`, `tx3g`).
    pub codec: FourCc,
    /// The `stsd` box as it stands in the file, with its header.
    pub stsd: Vec<u8>,
    /// Its sample entries; [`Sample::description`] counts them from 1.
    pub entries: Vec<SampleEntry>,
    /// Display width in pixels from the track header; 0 where there is no picture.
    pub width: u16,
    /// Display height in pixels from the track header.
    pub height: u16,
    /// The edit list in file order; empty where there is none.
    pub edits: Vec<Edit>,
    /// The samples in decode order.
    pub samples: Vec<Sample>,
    /// What a copy of this track must carry besides its samples.
    pub(crate) boxes: TrackBoxes,
    shown: edits::Shown,
}

/// Boxes of a track that are copied, not understood.
#[derive(Debug, Clone)]
pub(crate) struct TrackBoxes {
    pub(crate) tkhd: mp4_atom::Tkhd,
    pub(crate) language: String,
    /// The `hdlr` box with its header.
    pub(crate) hdlr: Vec<u8>,
    /// `vmhd`, `smhd`, `nmhd`, `sthd` or `gmhd` with its header.
    pub(crate) media_header: Vec<u8>,
    /// The `tref` box with its header; empty where there is none.
    pub(crate) tref: Vec<u8>,
}

/// One sample: an access unit, a frame of audio, a fix, a line of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Decode time in the track's ticks; the first sample of a progressive file is at 0.
    pub dts: i64,
    /// Length in bytes.
    pub size: u32,
    /// Composition offset in the track's ticks: presentation time less decode time.
    pub cts_offset: i32,
    /// Duration in the track's ticks.
    pub duration: u32,
    /// Which sample entry it needs, counted from 1.
    pub description: u32,
    /// How many samples of the file this stands for: 1, but in tracks of PCM, where the file counts
    /// every sampling instant, a run of up to 1024 neighbours (`size` and `duration` are the run's).
    pub run: u32,
    /// Whether decoding can start here.
    pub key: bool,
}

impl Sample {
    /// Composition time in the track's ticks, before the edit list.
    pub fn cts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.cts_offset))
    }

    /// The byte behind its last.
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.size))
    }
}

impl Track {
    /// When the sample is shown, in the track's ticks from the start of the presentation, as the
    /// edit list says: empty edits in front delay it, and the first edit's media time is where the
    /// presentation starts. Negative for what is decoded only because later samples need it.
    /// Further edits (repeats, slow motion) are not followed.
    pub fn presentation(&self, sample: &Sample) -> i64 {
        sample.cts().saturating_add(self.shown.shift)
    }

    /// When the presentation of this track ends, in the track's ticks: the end of the last sample,
    /// or of the edit list where that is earlier.
    pub fn presentation_end(&self) -> i64 {
        let end = |s: &Sample| self.presentation(s).saturating_add(i64::from(s.duration));
        let last = self.samples.iter().map(end).max().unwrap_or(0);
        self.shown.end.map_or(last, |edit| edit.min(last)).max(0)
    }

    /// The sample entry that a sample needs.
    pub fn entry(&self, sample: &Sample) -> Option<&SampleEntry> {
        let index = usize::try_from(sample.description).ok()?.checked_sub(1)?;
        self.entries.get(index)
    }

    /// Whether it holds pictures.
    pub fn is_video(&self) -> bool {
        self.handler == b"vide"
    }

    /// Whether it holds sound.
    pub fn is_audio(&self) -> bool {
        self.handler == b"soun"
    }
}

impl Movie {
    /// Reads the file as a player does.
    pub fn read(src: &(impl ReadAt + ?Sized)) -> Result<Self, ReadError> {
        let size = file_size(src)?;
        read_range(src, 0..size, size)
    }

    /// Reads the index in front of a finished slot, whatever became of the boxes behind it: players need no more.
    pub(crate) fn read_front(src: &(impl ReadAt + ?Sized)) -> Result<Self, ReadError> {
        let size = file_size(src)?;
        let moov = BoxHeader::read(src, FTYP_LEN as u64, size)?;
        let end = moov.map_or(size, |moov| moov.end);
        read_range(src, 0..end, size)
    }

    /// Reads what is intact of a file that was cut off or damaged: all samples that lie wholly in it, as
    /// far as its boxes can be followed. Also says in how many places something was left out: a sample
    /// that is not wholly there, a fragment that cannot be read, the point where the boxes end.
    /// [`Movie::fragments`] stays empty.
    ///
    /// # Errors
    /// Where there is no `moov` that can be read, or the storage fails.
    pub fn read_intact(src: &(impl ReadAt + ?Sized)) -> Result<(Self, u32), ReadError> {
        let size = file_size(src)?;
        intact::read(src, size)
    }

    /// The first picture at which decoding can start, as a movie of its own: no sound, no place, no date. Of one
    /// segment it is the same, whether read while the segment is recorded or afterwards.
    pub fn first_picture(&self) -> Option<Self> {
        let mut track = self.video()?.clone();
        let first = track.samples.iter().find(|sample| sample.key).copied()?;
        let timescale = track.timescale;
        track.edits = Vec::new();
        track.shown = edits::Shown::default();
        track.samples = vec![Sample {
            dts: 0,
            cts_offset: 0,
            // Shown for as long as whoever plays it likes.
            duration: timescale,
            ..first
        }];
        Some(Self {
            timescale,
            duration: timescale.into(),
            creation_time: 0,
            tracks: vec![track],
            fragments: Vec::new(),
            init: self.init.clone(),
            user_data: Vec::new(),
        })
    }

    /// A box in the movie's user data, with its header.
    pub(crate) fn user_data_box(&self, kind: &[u8; 4]) -> Option<Vec<u8>> {
        let boxes = boxes::Children::new(&self.user_data, 0);
        let mut boxes = boxes.filter_map(Result::ok);
        let found = boxes.find(|found| found.header.kind == kind)?;
        Some(found.to_vec())
    }

    /// The first track that holds pictures.
    pub fn video(&self) -> Option<&Track> {
        self.tracks.iter().find(|track| track.is_video())
    }
}

fn file_size(src: &(impl ReadAt + ?Sized)) -> Result<u64, ReadError> {
    src.size()
        .map_err(|source| ReadError::Io { offset: 0, source })
}

/// The most samples read from one file: 38 hours of 60 frames a second.
const MAX_SAMPLES: u64 = 1 << 23;
const MAX_MOOV: u64 = 256 << 20;
const MAX_MOOF: u64 = 16 << 20;

/// What may still be taken from a file: no more samples than it has bytes, and all of them inside.
struct Budget {
    file_size: u64,
    samples: u64,
    /// Samples may lie outside; the caller sorts them out.
    allow_outside: bool,
}

impl Budget {
    /// Counts `sample` of `track` (so many before it) against it.
    fn take(
        &mut self,
        from: &BoxHeader,
        track: u32,
        before: usize,
        sample: &Sample,
    ) -> Result<(), ReadError> {
        self.samples = self
            .samples
            .checked_sub(1)
            .ok_or(ReadError::TooManySamples {
                kind: from.kind,
                offset: from.offset,
                limit: self.file_size.min(MAX_SAMPLES),
            })?;
        if sample.end() > self.file_size && !self.allow_outside {
            return Err(ReadError::SampleOutside {
                track,
                sample: before.saturating_add(1),
                offset: sample.offset,
                end: sample.end(),
                size: self.file_size,
            });
        }
        Ok(())
    }
}

/// Reads the boxes in `range` as if they were a file of their own; offsets stay the file's.
fn read_range(
    src: &(impl ReadAt + ?Sized),
    range: Range<u64>,
    file_size: u64,
) -> Result<Movie, ReadError> {
    let mut moov = None;
    let mut init_start = range.start;
    let mut ftyp = None;
    let mut fragments = Vec::new();
    let mut offset = range.start;
    while let Some(header) = BoxHeader::read(src, offset, range.end)? {
        match &header.kind.0 {
            b"ftyp" => ftyp = Some(header),
            b"moov" if moov.is_none() => {
                init_start = match ftyp {
                    Some(ftyp) if ftyp.end == header.offset => ftyp.offset,
                    _ => header.offset,
                };
                moov = Some(header);
            }
            b"moof" => fragments.push(Fragment::at(header)),
            b"mdat" => {
                if let Some(fragment) = fragments.last_mut() {
                    fragment.end = header.end;
                }
            }
            _ => {}
        }
        offset = header.end;
    }
    let moov = moov.ok_or(ReadError::Missing {
        kind: FourCc(*b"moov"),
        offset: range.start,
    })?;
    let mut budget = Budget {
        file_size,
        samples: file_size.min(MAX_SAMPLES),
        allow_outside: false,
    };
    let bytes = boxes::load(src, moov, MAX_MOOV)?;
    let (mut movie, mut defaults) = moov::parse(moov, &bytes, &mut budget)?;
    movie.init = init_start..moov.end;
    for fragment in &mut fragments {
        fragments::read(src, fragment, &mut movie.tracks, &mut defaults, &mut budget)?;
    }
    if !defaults.is_empty() {
        movie.fragments = fragments;
    }
    movie.settle_duration();
    Ok(movie)
}

impl Movie {
    /// Takes the duration from the samples where the header states none (fragments).
    fn settle_duration(&mut self) {
        if self.duration != 0 && self.fragments.is_empty() {
            return;
        }
        let longest = self.tracks.iter().map(|track| {
            let end = u128::try_from(track.presentation_end()).unwrap_or(0);
            end * u128::from(self.timescale) / u128::from(track.timescale)
        });
        self.duration = u64::try_from(longest.max().unwrap_or(0)).unwrap_or(u64::MAX);
    }
}
