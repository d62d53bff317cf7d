//! Which sessions have been ended, and the file that says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Most single sessions that are remembered as ended; the one that ended longest ago makes room.
const MAX_ENDED: usize = 256;
/// No such file is longer, in bytes.
const MAX_LEN: u64 = 64 * 1024;

/// What was ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    /// Sessions of earlier generations have been ended all at once.
    pub(super) generation: u64,
    /// Id, and the second of Unix time from which on it would have ended by itself.
    single: Vec<(String, u64)>,
}

impl Ended {
    /// From a file; a line that makes no sense is passed over, and so is a file that cannot be read.
    pub(super) fn read(file: &Path) -> Self {
        let readable = fs::metadata(file).is_ok_and(|metadata| metadata.len() <= MAX_LEN);
        let text = match readable {
            true => fs::read_to_string(file).unwrap_or_default(),
            false => String::new(),
        };
        let mut ended = Self::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("generation"), Some(number), None) => {
                    ended.generation = number.parse().unwrap_or(ended.generation);
                }
                (Some("ended"), Some(id), Some(until)) => {
                    let until = until.parse().unwrap_or(u64::MAX);
                    ended.single.push((id.to_owned(), until));
                }
                _ => {}
            }
        }
        ended
    }

    /// Into a file, durably and in one step.
    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        let mut text = format!("generation {}\n", self.generation);
        for (id, until) in &self.single {
            text += &format!("ended {id} {until}\n");
        }
        let new = file.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut written = options.open(&new)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(&new, file)?;
        File::open(file.parent().unwrap_or(Path::new(".")))?.sync_all()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.single.iter().any(|(ended, _)| ended == id)
    }

    /// Ends one, and forgets those that would have ended by `now`.
    pub(super) fn add(&mut self, id: String, until: u64, now: u64) {
        self.single
            .retain(|(ended, until)| *until > now && *ended != id);
        if self.single.len() >= MAX_ENDED {
            self.single.remove(0);
        }
        self.single.push((id, until));
    }

    /// Ends all.
    pub(super) fn next_generation(&mut self) {
        self.generation += 1;
        self.single.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_was_ended() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("sessions");
        assert_eq!(Ended::read(&file), Ended::default());
        let mut ended = Ended::default();
        ended.next_generation();
        ended.add("a".into(), 10, 5);
        ended.add("b".into(), 20, 5);
        ended.write(&file).unwrap();
        assert_eq!(Ended::read(&file), ended);
        ended.add("c".into(), 30, 15);
        assert!(!ended.has("a") && ended.has("b") && ended.has("c"));
        fs::write(&file, "generation x\nrubbish\nended d 7\n\0").unwrap();
        let read = Ended::read(&file);
        assert!(read.generation == 0 && read.has("d"));
        fs::write(&file, [b'x'; 100_000]).unwrap();
        assert_eq!(Ended::read(&file), Ended::default());
    }

    #[test]
    fn it_is_bounded() {
        let mut ended = Ended::default();
        for n in 0..1000 {
            ended.add(n.to_string(), u64::MAX, 0);
        }
        assert_eq!(ended.single.len(), MAX_ENDED);
        assert!(ended.has("999") && !ended.has("0"));
    }
}
