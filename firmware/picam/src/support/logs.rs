//! The ends of the logs: that of this start in memory, those of the starts before on the state partition (`save-journal`).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::service::program::output;

/// Files of the saved log: the newest has no number.
const FILES: u32 = 7;
/// No file of the saved log is longer: one portion is added to one that is not full.
const LONGEST: u64 = 3 << 20;
/// How a portion begins: `-- start BOOT-ID, SECONDS s after it, clock TIME`.
const START: &str = "-- start ";
/// Starts that are listed, the last ones.
const STARTS: usize = 100;
/// How long journald may take.
const JOURNALD: Duration = Duration::from_secs(5);

/// The newest file first.
fn files(log: &Path) -> impl Iterator<Item = PathBuf> {
    let newest = log.join("picam.log");
    let older = |number: u32| log.join(format!("picam.log.{number}"));
    std::iter::once(newest).chain((1..=FILES).map(older))
}

/// The end of what was saved, oldest first.
pub(super) fn saved(log: &Path, longest: usize) -> String {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut left = longest as u64;
    for path in files(log) {
        match tail(&path, left) {
            Ok(part) => {
                left = left.saturating_sub(part.len() as u64);
                parts.push(part);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => parts.push(format!("{}: {error}\n", path.display()).into_bytes()),
        }
        if left == 0 {
            break;
        }
    }
    parts.reverse();
    String::from_utf8_lossy(&parts.concat()).into_owned()
}

fn tail(path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let start = len.saturating_sub(longest);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(longest).read_to_end(&mut bytes)?;
    if start > 0 {
        // The first line is not whole, and a secret in it could not be told.
        let end = bytes.iter().position(|&byte| byte == b'\n');
        bytes.drain(..end.map_or(0, |end| end + 1));
    }
    Ok(bytes)
}

/// Every start that the saved log knows, and how far it got.
pub(super) fn starts(log: &Path) -> String {
    let paths: Vec<PathBuf> = files(log).collect();
    let mut starts: Vec<(String, String)> = Vec::new();
    for path in paths.iter().rev() {
        let Ok(file) = File::open(path) else { continue };
        let mut lines = BufReader::new(file.take(LONGEST));
        let mut line = Vec::new();
        while lines
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = line.strip_prefix(START.as_bytes());
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            if let Some((id, far)) = text.and_then(|text| text.trim_end().split_once(", ")) {
                let (id, far) = (id.to_owned(), far.to_owned());
                match starts.last_mut().filter(|(last, _)| *last == id) {
                    Some((_, last)) => *last = far,
                    None => starts.push((id, far)),
                }
            }
            line.clear();
        }
    }
    let hidden = starts.len().saturating_sub(STARTS);
    let shown = starts.iter().skip(hidden);
    let lines: Vec<String> = shown
        .map(|(id, far)| format!("{id}: logged until {far}"))
        .collect();
    format!("{} in the saved log\n{}", starts.len(), lines.join("\n"))
}

/// The log of this start, as journald has it.
pub(super) fn journal(longest: usize) -> String {
    // Its lines are some 100 bytes long.
    let lines = (longest / 60).to_string();
    let mut journalctl = Command::new("journalctl");
    journalctl.args(["--quiet", "--no-pager", "--no-hostname", "--boot"]);
    journalctl.args(["--output=short-monotonic", "--lines", &lines]);
    match output(&mut journalctl, JOURNALD) {
        Ok(log) if log.trim().is_empty() => "It is empty.".to_owned(),
        Ok(log) => log,
        Err(why) => format!("not known: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn starts_are_told_apart_with_how_far_each_got() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        put(
            "picam.log.1",
            "-- start aaa, 60.0 s after it, clock 1970\n[1] one\n-- start aaa, 120.0 s after it, clock 2026\n",
        );
        put(
            "picam.log",
            "torn line-- start no, 1 s\n-- start bbb, 9.5 s after it, clock 2026\n\n-- start \n-- start x\n",
        );
        assert_eq!(
            starts(dir.path()),
            "2 in the saved log\naaa: logged until 120.0 s after it, clock 2026\n\
             bbb: logged until 9.5 s after it, clock 2026"
        );
        assert_eq!(starts(Path::new("/nonexistent")), "0 in the saved log\n");
    }

    #[test]
    fn the_newest_end_of_the_saved_log_is_kept_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        put("picam.log.2", "one\ntwo\nthree\n");
        put("picam.log.1", "four\n");
        put("picam.log", "five\n");
        assert_eq!(saved(dir.path(), 100), "one\ntwo\nthree\nfour\nfive\n");
        assert_eq!(saved(dir.path(), 18), "three\nfour\nfive\n");
        assert_eq!(saved(dir.path(), 5), "five\n");
        assert_eq!(saved(Path::new("/nonexistent"), 5), "");
    }
}
