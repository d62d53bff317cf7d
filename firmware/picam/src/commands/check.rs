//! `picam check DIR`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use picam_library::open_slot;
use picam_mp4::recover::read_record;
use picam_mp4::{Checked, Counters, Record, SegmentState, check, shown};
use picam_ring::{Directory, FsDirectory, NameTime, SegmentName, SlotName, digits_of, is_filler};
use picam_time::UtcUs;
use serde::Serialize;

use super::failure::Failure;
use super::inspect::write_json;
use crate::inspect::{State, losses};
use crate::text;

/// How often a file is looked at again that a running recorder changed meanwhile.
const TRIES: usize = 4;

/// What is in a footage directory. Its JSON form is stable: keys are added, never changed.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Segments finished by the recorder.
    finished: u64,
    /// Segments that were cut off and finished afterwards.
    recovered: u64,
    /// Segments being recorded, or cut off and not yet recovered. They play as they are.
    recording: u64,
    /// Slots without footage.
    spare: u64,
    /// Bytes of all slots.
    slot_bytes: u64,
    /// Frames of all finished segments.
    frames: u64,
    /// Frames lost on the way to the card or on it, in all finished segments and between them.
    frames_lost: u64,
    /// What happened in all finished segments, counter by counter.
    counters: Counters,
    /// Frames that are missing between segments of one boot without any segment counting them.
    lost_silently: u64,
    /// Files that are not slots.
    foreign_files: u64,
    /// Their bytes.
    foreign_bytes: u64,
    /// Entries with a slot's name that are no regular files, or cannot be read. The recorder goes around them.
    unusable: Vec<String>,
    /// Segments that are broken.
    broken: Vec<Finding>,
    /// What is unusual and harmless.
    notes: Vec<Finding>,
}

/// Something about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    file: String,
    what: Vec<String>,
}

/// Checks directories, each a volume that counts on its own; fails if anything in them is broken. The JSON of several is an
/// array, in their order.
pub(crate) fn run(paths: &[PathBuf], json: bool) -> Result<(), Failure> {
    let summaries: Vec<Summary> = paths
        .iter()
        .map(|path| look_through(path))
        .collect::<Result<_, _>>()?;
    let mut out = io::stdout().lock();
    match (json, summaries.as_slice()) {
        (true, [summary]) => write_json(&mut out, summary)?,
        (true, several) => write_json(&mut out, &several)?,
        (false, all) => {
            for (summary, path) in all.iter().zip(paths) {
                summary.show(&mut out, &path.display().to_string())?;
            }
        }
    }
    out.flush()?;
    match summaries.iter().all(|summary| summary.broken.is_empty()) {
        true => Ok(()),
        false => Err(Failure::silent()),
    }
}

fn look_through(path: &Path) -> Result<Summary, Failure> {
    let shown = path.display();
    let cannot = |error: io::Error| {
        Failure::new(format!(
            "{shown} cannot be read ({error}); name the directory that holds the segments"
        ))
    };
    let directory = FsDirectory::open(path, false).map_err(cannot)?;
    let mut summary = Summary::default();
    let mut sound = Vec::new();
    let listing = directory.survey().map_err(cannot)?;
    summary.unusable = listing.unusable;
    summary.unusable.sort();
    for entry in listing
        .entries
        .into_iter()
        .filter(|entry| !is_filler(&entry.name))
    {
        let Some(slot) = SlotName::parse(&entry.name) else {
            summary.foreign_files += 1;
            summary.foreign_bytes += entry.size;
            continue;
        };
        summary.slot_bytes += entry.size;
        match slot {
            SlotName::Spare { .. } => summary.add_spare(path, &entry.name),
            SlotName::Segment(name) => summary.add_segment(path, name, &mut sound),
        }
    }
    summary.compare_neighbours(sound);
    summary.broken.sort_by(|a, b| a.file.cmp(&b.file));
    summary.notes.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(summary)
}

impl Summary {
    fn add_spare(&mut self, path: &Path, name: &str) {
        let cut_off = open_slot(&path.join(name)).ok().filter(|file| {
            let record = read_record(file).ok();
            let recording = record.filter(|(_, state)| *state == SegmentState::Recording);
            let shown = recording.and_then(|(record, _)| shown(file, &record).ok());
            shown.is_some_and(|shown| shown.fragments > 0)
        });
        match cut_off {
            // Taken by the recorder, or cut off just then: it gets its name with its first second.
            Some(_) => self.recording += 1,
            None => self.spare += 1,
        }
    }

    fn add_segment(&mut self, path: &Path, name: SegmentName, sound: &mut Vec<Sound>) {
        let file = name.to_string();
        match look(&path.join(&file)) {
            Look::Gone => {}
            Look::Broken(what) => self.broken.push(Finding {
                file,
                what: vec![what],
            }),
            Look::Checked(checked) => {
                let counters = checked.record.counters;
                match State::of(&checked.record, checked.state) {
                    State::Recording => self.recording += 1,
                    State::Finished => self.finished += 1,
                    State::Recovered => self.recovered += 1,
                }
                if checked.state == SegmentState::Finished {
                    self.frames += u64::from(counters.frames);
                    self.frames_lost += counters.lost_pictures();
                    self.counters.add(&counters);
                    if checked.record.init_crc.is_some() {
                        sound.push((file.clone(), checked.record.clone()));
                    }
                }
                let mut faults = checked.faults;
                let mut notes = Vec::new();
                compare(&name, &checked.record, &mut faults, &mut notes);
                for (what, list) in [(faults, &mut self.broken), (notes, &mut self.notes)] {
                    if !what.is_empty() {
                        let file = file.clone();
                        list.push(Finding { file, what });
                    }
                }
            }
        }
    }

    /// Between two segments of a camera and a boot no frame may be missing that neither counts.
    fn compare_neighbours(&mut self, mut segments: Vec<Sound>) {
        segments.sort_by_key(|(_, record)| (record.camera, record.boot_id, record.sequence));
        for pair in segments.windows(2) {
            let [(_, before), (file, record)] = pair else {
                continue;
            };
            let neighbours = before.camera == record.camera
                && before.boot_id == record.boot_id
                && before.sequence + 1 == record.sequence;
            let counters = before.counters;
            let own = u64::from(counters.frames) + counters.lost_pictures();
            let missing = record
                .pictures_before
                .saturating_sub(before.pictures_before + own);
            // What was lost between the two counts in the later one.
            let missing = missing.saturating_sub(record.counters.lost_pictures());
            if neighbours && missing > 0 {
                self.lost_silently += missing;
                self.frames_lost += missing;
                let frames = text::count(missing, "frame");
                self.notes.push(Finding {
                    file: file.clone(),
                    what: vec![format!(
                        "{frames} before it are missing, and nothing says why"
                    )],
                });
            }
        }
    }

    fn show(&self, out: &mut impl Write, directory: &str) -> io::Result<()> {
        for finding in &self.broken {
            writeln!(out, "BROKEN {}: {}", finding.file, finding.what.join("; "))?;
        }
        for finding in &self.notes {
            writeln!(out, "note   {}: {}", finding.file, finding.what.join("; "))?;
        }
        for name in &self.unusable {
            writeln!(
                out,
                "note   {name}: in the way: it has a slot's name and cannot be used as one; remove it"
            )?;
        }
        let segments = self.finished + self.recovered + self.recording;
        let slots = text::size(self.slot_bytes);
        writeln!(
            out,
            "{directory}: {}, {} ({slots})",
            text::count(segments, "segment"),
            text::count(self.spare, "spare slot"),
        )?;
        writeln!(
            out,
            "  {} finished, {} recovered, {} being recorded or cut off; {}, {} lost",
            self.finished,
            self.recovered,
            self.recording,
            text::count(self.frames, "frame"),
            self.frames_lost,
        )?;
        for words in losses(&self.counters) {
            writeln!(out, "  {words}")?;
        }
        if self.foreign_files > 0 {
            let foreign = text::count(self.foreign_files, "other file");
            let bytes = text::size(self.foreign_bytes);
            writeln!(out, "  {foreign} ({bytes}), left alone")?;
        }
        match self.broken.len() as u64 {
            0 => writeln!(out, "  nothing is broken"),
            n => writeln!(out, "  {} BROKEN", text::count(n, "segment")),
        }
    }
}

/// A finished segment whose header can be trusted, under its name.
type Sound = (String, Record);

enum Look {
    Checked(Box<Checked>),
    Broken(String),
    /// Overwritten by the recorder while it was looked at.
    Gone,
}

/// Checks one file. A recorder may finish, rename or overwrite it at the same time: what looks
/// broken is believed only if the file has not changed since.
fn look(path: &Path) -> Look {
    let mut last = Look::Gone;
    for _ in 0..TRIES {
        let file = match open_slot(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Look::Gone,
            Err(error) => return Look::Broken(format!("it cannot be opened: {error}")),
        };
        let before = read_record(&file).ok();
        last = match check(&file) {
            Ok(checked) if checked.faults.is_empty() => return Look::Checked(Box::new(checked)),
            Ok(checked) => Look::Checked(Box::new(checked)),
            Err(error) => Look::Broken(error.to_string()),
        };
        if read_record(&file).ok() == before && path.exists() {
            break;
        }
    }
    last
}

/// Compares what the name says with what the header says.
fn compare(name: &SegmentName, record: &Record, faults: &mut Vec<String>, notes: &mut Vec<String>) {
    if name.sequence != digits_of(record.sequence) {
        faults.push(format!(
            "its name says sequence {}, its header {}: rename it back, or delete it",
            name.sequence, record.sequence
        ));
    }
    if name.camera != record.camera {
        faults.push(format!(
            "its name says camera {}, its header {}: rename it back, or delete it",
            char::from(name.camera),
            char::from(record.camera)
        ));
    }
    // Both are changed one after the other, and a cut may come between.
    if name.class.letter() != record.class {
        notes.push(format!(
            "its name says {}, its header {}; the name decides",
            name.class,
            char::from(record.class)
        ));
    }
    let named = match name.time {
        NameTime::Utc(seconds) => Some(seconds),
        NameTime::Boot { .. } => None,
    };
    let recorded = record.start_utc.map(UtcUs::seconds);
    if named != recorded {
        let say = |seconds: Option<i64>| match seconds {
            Some(seconds) => text::utc(UtcUs::from_secs(seconds)),
            None => "that the time is unknown".to_owned(),
        };
        notes.push(format!(
            "its name says {}, its header {}",
            say(named),
            say(recorded)
        ));
    }
}
