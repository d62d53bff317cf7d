//! picam's segments: read by picam's own library, and by ffprobe and ffmpeg, which others wrote.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use picam_mp4::read::{BoxHeader, Movie};
use picam_mp4::{SegmentState, check};
use picam_testkit::judges;

use super::{Judge, Verdict};
use crate::footage::Footage;

/// Judges segments. What a player is shown is judged once by ffprobe, and every so often decoded by ffmpeg.
#[derive(Debug)]
pub struct Segments<'a> {
    footage: &'a Footage,
    scratch: PathBuf,
    /// One of so many different contents is decoded.
    decode_every: usize,
    known: HashMap<u64, Result<usize, String>>,
    /// How many contents ffprobe was asked about.
    pub probed: usize,
    /// How many ffmpeg decoded.
    pub decoded: usize,
}

impl<'a> Segments<'a> {
    /// With a directory for files that are handed to programs.
    pub fn new(footage: &'a Footage, scratch: PathBuf, decode_every: usize) -> Self {
        Self {
            footage,
            scratch,
            decode_every,
            known: HashMap::new(),
            probed: 0,
            decoded: 0,
        }
    }

    /// How many pictures ffprobe finds in what a player is shown.
    fn pictures(&mut self, content: &[u8]) -> Result<usize, String> {
        let key = visible(content)?;
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let file = self.scratch.join("segment.mp4");
        std::fs::write(&file, content).unwrap();
        let probed = judges::ffprobe(&file, true);
        let pictures = probed.map(|probe| probe["packets"].as_array().map_or(0, Vec::len));
        self.probed += 1;
        let pictures = match pictures {
            Ok(pictures) if self.probed.is_multiple_of(self.decode_every) => {
                self.decoded += 1;
                judges::ffmpeg_decodes(&file).map(|()| pictures)
            }
            other => other,
        };
        self.known.insert(key, pictures.clone());
        pictures
    }

    fn look(&mut self, content: &[u8]) -> Result<Verdict, String> {
        let checked = check(&content).map_err(|error| error.to_string())?;
        if !checked.faults.is_empty() {
            return Err(checked.faults.join("; "));
        }
        let movie = Movie::read(&content).map_err(|error| error.to_string())?;
        let shown = self.footage.in_movie(&movie, &content);
        if shown.numbers.is_empty() || !shown.is_unbroken() {
            return Err(format!("pictures are missing or damaged: {shown:?}"));
        }
        let pictures = self.pictures(content)?;
        if pictures != shown.numbers.len() {
            let ours = shown.numbers.len();
            return Err(format!(
                "ffprobe finds {pictures} pictures, and {ours} are there"
            ));
        }
        let index = movie
            .tracks
            .iter()
            .position(|track| track.is_video())
            .unwrap_or(0);
        let fragment = |fragment: &picam_mp4::read::Fragment| {
            let last = fragment.samples.get(index)?.clone().next_back()?;
            Some((fragment.offset, fragment.end, *shown.numbers.get(last)?))
        };
        let fragments = movie.fragments.iter().filter_map(fragment).collect();
        Ok(Verdict {
            fragments,
            shown,
            fault: None,
            finished: checked.state == SegmentState::Finished,
            dropped: checked
                .record
                .counters
                .dropped_encoder
                .saturating_add(checked.record.counters.dropped_queue),
            start_boot: Some(checked.record.start_boot),
        })
    }
}

impl Judge for Segments<'_> {
    fn judge(&mut self, _name: &str, content: &[u8]) -> Verdict {
        self.look(content).unwrap_or_else(|fault| Verdict {
            fault: Some(fault),
            ..Verdict::default()
        })
    }
}

/// What identifies all that a player looks at: every box but the content of `free` boxes.
fn visible(content: &[u8]) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    let len = content.len() as u64;
    let mut at = 0;
    while let Some(header) =
        BoxHeader::read(&content, at, len).map_err(|error| error.to_string())?
    {
        let end = if header.kind == b"free" {
            header.payload()
        } else {
            header.end
        };
        content.get(at as usize..end as usize).hash(&mut hasher);
        header.end.hash(&mut hasher);
        at = header.end;
    }
    Ok(hasher.finish())
}
