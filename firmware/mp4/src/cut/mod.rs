//! A new MP4 over any time range of one recording or several, without re-encoding.
//!
//! The clip shows the pictures from the one on screen at its start to the last that appears before
//! its end. It holds whole groups of pictures, from the key frame at or before its start up to the
//! first key frame at or after its end; an edit list in every track hides the rest. Sources that
//! follow each other become one track each of picture, sound and metadata; a gap between them is
//! closed and reported. The index stands in front (fast start) and samples are copied from the
//! sources where they lie, so a clip of any length needs no room and its length is known at once:
//!
//! ```no_run
//! use picam_mp4::cut::{CutPlan, Source};
//! use picam_mp4::read::Movie;
//!
//! let files = [std::fs::File::open("a.mp4")?, std::fs::File::open("b.mp4")?];
//! let (a, b) = (Movie::read(&files[0])?, Movie::read(&files[1])?);
//! let sources = [
//!     Source { movie: &a, start_ns: 0 },
//!     Source { movie: &b, start_ns: 60_000_000_000 },
//! ];
//! let plan = CutPlan::new(&sources, 55_000_000_000, 65_000_000_000)?;
//! println!("{} bytes", plan.len());
//! plan.write_to(&files, &mut std::fs::File::create("clip.mp4")?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod edits;
mod index;
mod join;
mod layout;
mod select;

use std::io::{self, Write};

use crate::read::{FourCc, Movie, Track};
use crate::storage::ReadAt;

/// Which tracks of its sources a clip has. Pictures are always in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Sound.
    pub sound: bool,
    /// Where and how fast: tracks of positions, motion and text, and the place of the first source (`©xyz`).
    pub place: bool,
}

impl Keep {
    /// All of them.
    pub const ALL: Self = Self {
        sound: true,
        place: true,
    };

    fn takes(self, track: &Track) -> bool {
        match (track.is_video(), track.is_audio()) {
            (true, _) => true,
            (_, true) => self.sound,
            _ => self.place,
        }
    }
}

/// Something to cut from.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its index.
    pub movie: &'a Movie,
    /// When its presentation starts, in nanoseconds on the timeline common to all sources.
    pub start_ns: i64,
}

/// A place in a clip where time was missing between two sources, or was there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Gap {
    /// The source before it, as an index into the list that the plan was made from.
    pub after: usize,
    /// Where in the clip it was closed, nanoseconds from the clip's start.
    pub at_ns: i64,
    /// How much is missing in nanoseconds; negative where sources overlap.
    pub missing_ns: i64,
}

/// Why there is no clip.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// Nothing was recorded in the range, or the range ends before it starts.
    #[error("nothing was recorded between these two times; choose a range with footage")]
    Nothing,
    /// Two sources cannot share a picture track.
    #[error(
        "the pictures change from `{before}` to `{after}` at source {source_index}: no player shows \
         both in one file; cut the parts before and after one by one"
    )]
    CodecChanges {
        /// Which source brings the change, counted from 0.
        source_index: usize,
        /// Codec so far.
        before: FourCc,
        /// Codec from here on.
        after: FourCc,
    },
    /// A number does not fit the format.
    #[error("the range is too long for one file; cut it in parts")]
    TooLong,
    /// The box encoder refused.
    #[error("a box of the clip cannot be encoded: {0}")]
    Encode(#[from] mp4_atom::Error),
}

/// Where the bytes of a clip come from. The same sources and range give the same bytes.
#[derive(Debug, Clone, Hash)]
pub struct CutPlan {
    /// Everything before the samples.
    head: Vec<u8>,
    /// The samples, by where they start in the clip.
    extents: Vec<layout::Extent>,
    len: u64,
    start_ns: i64,
    duration_ns: i64,
    gaps: Vec<Gap>,
}

impl CutPlan {
    /// Plans a clip that shows `[from_ns, to_ns)` of sources in the order of their time. Times
    /// before, after and between the sources are left out.
    pub fn new(sources: &[Source<'_>], from_ns: i64, to_ns: i64) -> Result<Self, CutError> {
        Self::keeping(sources, from_ns, to_ns, Keep::ALL)
    }

    /// The same with some of the tracks left out.
    pub fn keeping(
        sources: &[Source<'_>],
        from_ns: i64,
        to_ns: i64,
        keep: Keep,
    ) -> Result<Self, CutError> {
        let windows = select::windows(sources, from_ns, to_ns);
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Err(CutError::Nothing);
        };
        let timescale = first.timescale;
        let mut tracks = join::join(&windows, keep)?;
        // Players take a track without edits for one that is shown from its first sample on.
        tracks.retain(|track| track.video || !edits::edits(track, timescale).is_empty());
        let interleaved = layout::interleave(&tracks);
        let duration = last.at.saturating_add(last.len());
        let index = index::Index {
            movie: first.movie,
            start_ticks: first.start,
            timescale,
            duration: u64::try_from(duration).map_err(|_| CutError::TooLong)?,
            tracks: &tracks,
            chunks: &interleaved.chunks,
            data_len: interleaved.len,
            place: keep.place,
        };
        let head = index.encode()?;
        let head_len = head.len() as u64;
        Ok(Self {
            len: head_len.saturating_add(interleaved.len),
            extents: layout::behind(interleaved.extents, head_len),
            head,
            start_ns: first.start_ns(),
            duration_ns: select::ticks_to_ns(duration, timescale),
            gaps: select::gaps(&windows),
        })
    }

    /// Length of the clip in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never: a clip without footage is an error.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When the clip starts on the sources' timeline, in nanoseconds: when the picture appeared that
    /// is on screen at the time asked for, or the first picture after it.
    pub fn start_ns(&self) -> i64 {
        self.start_ns
    }

    /// How long it plays, in nanoseconds.
    pub fn duration_ns(&self) -> i64 {
        self.duration_ns
    }

    /// Where sources did not follow each other exactly, to within a frame.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Fills `buf` with the clip's bytes from `offset`; fewer only at the clip's end. `sources` are
    /// the files of the sources that the plan was made from, in the same order.
    pub fn read_at<R: ReadAt>(
        &self,
        sources: &[R],
        mut offset: u64,
        buf: &mut [u8],
    ) -> io::Result<usize> {
        let mut rest = buf;
        let mut filled = 0;
        while !rest.is_empty() && offset < self.len {
            let n = self.read_one(sources, offset, rest)?;
            offset = offset.saturating_add(n as u64);
            filled += n;
            rest = rest.get_mut(n..).unwrap_or_default();
        }
        Ok(filled)
    }

    /// Reads from one place only.
    fn read_one<R: ReadAt>(&self, sources: &[R], offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let head = usize::try_from(offset)
            .ok()
            .and_then(|at| self.head.get(at..));
        if let Some(head) = head.filter(|head| !head.is_empty()) {
            return head.read_at(0, buf);
        }
        let next = self.extents.partition_point(|extent| extent.at <= offset);
        let extent = next.checked_sub(1).and_then(|at| self.extents.get(at));
        let end = self.extents.get(next).map_or(self.len, |next| next.at);
        let source = extent.and_then(|extent| sources.get(extent.source));
        let (Some(extent), Some(source)) = (extent, source) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "fewer files than the clip has sources",
            ));
        };
        let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let n = left.min(buf.len());
        let from = extent
            .offset
            .saturating_add(offset.saturating_sub(extent.at));
        source.read_exact_at(from, buf.get_mut(..n).unwrap_or_default())?;
        Ok(n)
    }

    /// Writes the whole clip.
    pub fn write_to<R: ReadAt>(&self, sources: &[R], out: &mut impl Write) -> io::Result<()> {
        let mut buf = vec![0; 256 << 10];
        let mut offset = 0;
        loop {
            let n = self.read_at(sources, offset, &mut buf)?;
            if n == 0 {
                return Ok(());
            }
            out.write_all(buf.get(..n).unwrap_or_default())?;
            offset = offset.saturating_add(n as u64);
        }
    }
}
