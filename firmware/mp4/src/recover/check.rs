//! Compares a segment with what it says about itself.

use std::fmt;

use super::walk::Piece;
use super::{Found, Help, RecoverError, content, find, index, init, read_record};
use crate::boxes;
use crate::layout::HEAD_BOX;
use crate::moov;
use crate::read::Movie;
use crate::record::{Record, SegmentState};
use crate::storage::ReadAt;

/// What a check of one segment found.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The header record.
    pub record: Record,
    /// Whether it is finished.
    pub state: SegmentState,
    /// Intact fragments.
    pub fragments: u32,
    /// End of the last fragment that can be shown.
    pub end: u64,
    /// The fragments that are damaged.
    pub damaged: Vec<DamagedFragment>,
    /// What is wrong, in plain words; empty if nothing is.
    pub faults: Vec<String>,
}

/// A fragment that is damaged, or several side by side of which no record is left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DamagedFragment {
    /// Its number in the segment, from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
    /// Where it begins in the file.
    pub at: u64,
    /// Seconds from the segment's start at which its pictures begin and end.
    pub seconds: (f64, f64),
    /// Pictures in it that can still be shown, well or badly.
    pub pictures: usize,
}

impl fmt::Display for DamagedFragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, at, .. } = self;
        let (from, to) = self.seconds;
        match self.count {
            1 => write!(f, "fragment {index} at byte {at} is damaged (CRC mismatch)")?,
            n => write!(
                f,
                "fragments {index} to {} at byte {at} are damaged",
                index.saturating_add(n - 1)
            )?,
        }
        write!(f, ", {from:.2} s to {to:.2} s")?;
        match self.pictures {
            0 => write!(f, ", nothing of it can be shown"),
            _ => Ok(()),
        }
    }
}

/// Reads a whole segment and compares it with what it says about itself. Changes nothing.
///
/// # Errors
/// [`RecoverError`] if header record or init are too damaged to tell more, or the file cannot be read.
pub fn check(file: &impl ReadAt) -> Result<Checked, RecoverError> {
    let (record, state) = read_record(file)?;
    let found = find(file, &Help::NONE, true)?;
    let walked = &found.walked;
    let damaged = damaged(&found);
    let mut faults: Vec<String> = damaged.iter().map(DamagedFragment::to_string).collect();
    if walked.lost_tail > 0 {
        faults.push(format!(
            "what is left of a fragment at byte {} cannot be shown",
            walked.end
        ));
    }
    faults.extend(init::fault(file, &record)?);
    if !walked.free_follows && walked.lost_tail == 0 {
        faults.push(format!(
            "no `free` follows the last fragment at byte {}",
            walked.end
        ));
    }
    match state {
        SegmentState::Recording => faults.extend(recording_faults(file, &record)?),
        SegmentState::Finished => finished_faults(file, &found, &mut faults)?,
    }
    let fragments = walked.intact().count();
    Ok(Checked {
        fragments: u32::try_from(fragments).unwrap_or(u32::MAX),
        end: walked.end,
        record,
        state,
        damaged,
        faults,
    })
}

/// The boxes in front of the init, of which a player of the fragments needs the headers.
fn recording_faults(file: &impl ReadAt, record: &Record) -> Result<Option<String>, RecoverError> {
    let mut want = boxes::ftyp().map_err(crate::WriteError::from)?;
    boxes::header(
        b"free",
        (record.head_len as usize - HEAD_BOX) as u64,
        &mut want,
    );
    let mut have = vec![0; want.len()];
    file.read_exact_at(0, &mut have)?;
    Ok((have != want).then(|| "the boxes at the file's start are damaged".to_owned()))
}

fn finished_faults(
    file: &impl ReadAt,
    found: &Found,
    faults: &mut Vec<String>,
) -> Result<(), RecoverError> {
    let (record, walked) = (&found.record, &found.walked);
    if walked.end != record.end {
        faults.push(format!(
            "fragments end at byte {}, the header says {}",
            walked.end, record.end
        ));
    }
    if let Err(error) = Movie::read(file) {
        faults.push(format!("the index cannot be read: {error}"));
    }
    let content = content(file, found)?;
    let pictures = content.pictures();
    if pictures != record.counters.frames as usize {
        faults.push(format!(
            "the fragments hold {pictures} pictures, the header says {}",
            record.counters.frames
        ));
    }
    let mut expected = record.clone();
    match content.head(&mut expected, &found.init.tracks) {
        Ok(head) => {
            let differ = index::differences(file, &head)?;
            if !differ.is_empty() {
                let boxes = differ.join(", ");
                faults.push(format!("the index differs from the fragments in {boxes}"));
            }
        }
        Err(error) => faults.push(format!("no index can be made of the fragments: {error}")),
    }
    Ok(())
}

/// The damaged pieces with the times at which their neighbours leave off and go on.
fn damaged(found: &Found) -> Vec<DamagedFragment> {
    let pieces = &found.walked.pieces;
    let timescale = found.init.tracks.first().map_or(1, |track| track.timescale);
    let seconds = |dts: u64| moov::ticks(dts, timescale).span().as_secs_f64();
    let begins = |piece: &Piece| {
        let video = piece.video()?;
        Some((video.base_dts, video.base_dts + video.duration()))
    };
    let mut list = Vec::new();
    for (n, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.intact) {
        let before = pieces.iter().take(n).rev().find_map(begins);
        let after = pieces.iter().skip(n + 1).find_map(begins);
        let own = begins(piece);
        let from = before.map(|(_, end)| end).or(own.map(|(start, _)| start));
        let to = after.map(|(start, _)| start).or(own.map(|(_, end)| end));
        let from = from.unwrap_or(0);
        let parts = piece.parts.iter().flatten().filter(|part| part.is_video());
        list.push(DamagedFragment {
            index: piece.index,
            count: piece.count,
            at: piece.at,
            seconds: (seconds(from), seconds(to.unwrap_or(from))),
            pictures: parts.map(|part| part.samples.len()).sum(),
        });
    }
    list
}
