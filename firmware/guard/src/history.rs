//! How the last starts ended, in a file that outlives them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use picam_control::power::End;
use serde::{Deserialize, Serialize};

/// Starts that are remembered.
const STARTS: usize = 20;
/// A file of this length is none of ours.
const MAX_LEN: u64 = 64 << 10;

/// Why the history could not be read or kept. The camera is guarded all the same.
#[derive(Debug, thiserror::Error)]
#[error("the history of shutdowns {path}: {source}")]
pub struct HistoryError {
    path: PathBuf,
    source: io::Error,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Start {
    /// The kernel's id of it.
    boot_id: String,
    /// `None` until it was ended by the guard: what then follows it was a power cut, or somebody else's doing.
    end: Option<End>,
}

/// The last starts, the newest last. A JSON array in a file that is replaced as a whole.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    starts: Vec<Start>,
}

impl History {
    /// Reads the file, and notes that this start has begun. A file that is missing or damaged is begun anew.
    pub fn open(path: &Path, boot_id: &str) -> (Self, Result<(), HistoryError>) {
        let mut history = Self {
            path: path.to_owned(),
            starts: read(path).unwrap_or_default(),
        };
        let again = history
            .starts
            .last()
            .is_some_and(|last| last.boot_id == boot_id);
        if again {
            return (history, Ok(()));
        }
        history.starts.push(Start {
            boot_id: boot_id.to_owned(),
            end: None,
        });
        let kept = history.keep();
        (history, kept)
    }

    /// How the start before this one ended; `None` if nobody knows of one, `Some(None)` if it was not by the guard.
    pub fn last_end(&self) -> Option<Option<End>> {
        self.ends().next()
    }

    /// How the starts before this one ended, the last one first.
    pub fn ends(&self) -> impl Iterator<Item = Option<End>> {
        self.starts.iter().rev().skip(1).map(|start| start.end)
    }

    /// Notes that this start is being ended; returns once that would survive a power cut.
    pub fn end(&mut self, end: End) -> Result<(), HistoryError> {
        if let Some(start) = self.starts.last_mut() {
            start.end = Some(end);
        }
        self.keep()
    }

    fn keep(&mut self) -> Result<(), HistoryError> {
        let surplus = self.starts.len().saturating_sub(STARTS);
        self.starts.drain(..surplus);
        write(&self.path, &self.starts).map_err(|source| HistoryError {
            path: self.path.clone(),
            source,
        })
    }
}

fn read(path: &Path) -> Option<Vec<Start>> {
    if fs::metadata(path).ok()?.len() > MAX_LEN {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, starts: &[Start]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    let mut text = serde_json::to_vec(starts)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod cuts;

#[cfg(test)]
mod tests {
    use picam_control::power::Cause;

    use super::*;

    const LOW: End = End {
        cause: Cause::BatteryLow,
        cell_mv: Some(3_390),
        charge: Some(4.5),
        after_s: 7_200,
    };

    #[test]
    fn ends_are_remembered_by_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("starts.json");
        let (mut history, kept) = History::open(&path, "one");
        kept.unwrap();
        assert_eq!(history.last_end(), None);
        history.end(LOW).unwrap();
        // Cut off.
        let (history, kept) = History::open(&path, "two");
        kept.unwrap();
        assert_eq!(history.last_end(), Some(Some(LOW)));
        let (history, _) = History::open(&path, "three");
        assert_eq!(history.last_end(), Some(None));
        assert_eq!(history.ends().collect::<Vec<_>>(), [None, Some(LOW)]);
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(r#"[{"boot_id":"one","end":{"cause":"battery-low","cell_mv":3390,"#),
            "{text}"
        );
    }

    #[test]
    fn a_guard_that_begins_anew_is_no_new_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("starts.json");
        for _ in 0..3 {
            let (history, kept) = History::open(&path, "one");
            kept.unwrap();
            assert_eq!(history.last_end(), None);
        }
    }

    #[test]
    fn twenty_starts_are_enough_and_rubbish_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("starts.json");
        for rubbish in ["", "[", "{}", "[{\"boot_id\":1}]", &" ".repeat(70_000)] {
            fs::write(&path, rubbish).unwrap();
            let (history, kept) = History::open(&path, "first");
            kept.unwrap();
            assert_eq!(history.last_end(), None);
        }
        for start in 0..50 {
            History::open(&path, &start.to_string()).1.unwrap();
        }
        let starts = read(&path).unwrap();
        assert_eq!(starts.len(), STARTS);
        assert_eq!(starts.last().unwrap().boot_id, "49");
    }

    #[test]
    fn a_card_that_takes_nothing_is_told_and_stops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gone/starts.json");
        let (mut history, kept) = History::open(&path, "one");
        let said = kept.unwrap_err().to_string();
        assert!(said.contains("gone/starts.json"), "{said}");
        assert!(history.end(LOW).is_err());
    }
}
