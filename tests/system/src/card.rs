//! What lies on a card while somebody records there.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use picam_mp4::layout::SECTOR;
use picam_mp4::{Record, SegmentState};
use picam_ring::SegmentName;

/// A segment as its first sector describes it.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Where it is.
    pub path: PathBuf,
    /// Its header record.
    pub record: Record,
    /// Whether its fragments or its index are shown.
    pub state: SegmentState,
}

impl Segment {
    /// Whether it is finished.
    pub fn finished(&self) -> bool {
        self.state == SegmentState::Finished
    }
}

fn read(path: &Path) -> io::Result<Segment> {
    let mut sector = [0; SECTOR];
    File::open(path)?.read_exact(&mut sector)?;
    let (record, state) = Record::parse(&sector).map_err(io::Error::other)?;
    Ok(Segment {
        path: path.to_owned(),
        record,
        state,
    })
}

/// All segments in order of sequence. One whose file changes its name meanwhile is left out.
pub fn segments(card: &Path) -> Vec<Segment> {
    let entries = fs::read_dir(card).unwrap();
    let mut all: Vec<_> = entries
        .map(|entry| entry.unwrap())
        .filter(|entry| SegmentName::parse(&entry.file_name().to_string_lossy()).is_some())
        .filter_map(|entry| match read(&entry.path()) {
            Ok(segment) => Some(segment),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("{}: {error}", entry.path().display()),
        })
        .collect();
    all.sort_by_key(|segment| segment.record.sequence);
    all
}

/// The bytes of a segment as a reader finds them at this moment; `None` if the slot was taken for
/// another segment while they were read.
pub fn snapshot(segment: &Segment) -> Option<Vec<u8>> {
    let bytes = fs::read(&segment.path).ok()?;
    let now = read(&segment.path).ok()?;
    (now.record.sequence == segment.record.sequence).then_some(bytes)
}

/// Types of the top-level boxes.
pub fn top_level(bytes: &[u8]) -> Vec<String> {
    let mut types = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 8) {
        let size = u32::from_be_bytes(header[..4].try_into().unwrap());
        types.push(String::from_utf8_lossy(&header[4..]).into_owned());
        at += match size {
            0 => bytes.len() - at,
            1 => u64::from_be_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize,
            size => size as usize,
        };
    }
    assert_eq!(
        at,
        bytes.len(),
        "the last box ends with the file: {types:?}"
    );
    types
}
