//! Messages, as systemd's journal takes them.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use crate::support::command;

/// Runs something that warns of its configuration and then fails, with a file as stderr. `journal` makes of the file's
/// device and inode what systemd says of the journal.
fn messages(journal: impl Fn(u64, u64) -> Option<String>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("picam.toml");
    fs::write(&config, "segmnt = \"10s\"\n[wifi]\ncountry = \"Germany\"\n").unwrap();
    let path = dir.path().join("stderr");
    let file = File::create(&path).unwrap();
    let metadata = file.metadata().unwrap();
    let mut picam = command(&["hotspot", "--interface", "no-such-radio", "--config"]);
    picam.arg(&config).arg("--out").arg(dir.path().join("out"));
    picam.env_remove("JOURNAL_STREAM").stderr(file);
    if let Some(stream) = journal(metadata.dev(), metadata.ino()) {
        picam.env("JOURNAL_STREAM", stream);
    }
    assert_eq!(picam.status().unwrap().code(), Some(1));
    fs::read_to_string(path).unwrap()
}

#[test]
fn each_line_has_its_priority_in_the_journal() {
    let said = messages(|device, inode| Some(format!("{device}:{inode}")));
    let lines: Vec<&str> = said.lines().collect();
    let of = |priority: &str| {
        lines
            .iter()
            .filter(|line| line.starts_with(priority))
            .count()
    };
    assert!(of("<4>") >= 2, "warnings of two settings: {said}");
    assert_eq!(of("<3>picam: "), 1, "the reason for the end: {said}");
    assert_eq!(of("<3>") + of("<4>") + of("<6>"), lines.len(), "{said}");
    for line in lines {
        assert_eq!(line.starts_with("<4>"), line.contains(" WARN "), "{line}");
    }
}

#[test]
fn nobody_else_sees_priorities() {
    // Started by hand from a service's shell, the variable is there, and is of another stream.
    let others: [&dyn Fn(u64, u64) -> Option<String>; 3] = [
        &|_, _| None,
        &|device, inode| Some(format!("{device}:{}", inode + 1)),
        &|_, _| Some("nonsense".to_owned()),
    ];
    for journal in others {
        let said = messages(journal);
        assert!(said.contains("segmnt"), "{said}");
        assert!(!said.contains('<'), "{said}");
    }
}
