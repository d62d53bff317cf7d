//! Any recorder's files, as ffmpeg plays them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Judge, Verdict};
use crate::footage::Footage;

/// Takes the pictures that ffmpeg finds for what a player would show, whatever it complains about: a file is
/// called broken only if nothing at all can be had of it.
#[derive(Debug)]
pub struct Player<'a> {
    footage: &'a Footage,
    scratch: PathBuf,
    known: HashMap<u64, Verdict>,
}

impl<'a> Player<'a> {
    /// With a directory for files that are handed to ffmpeg.
    pub fn new(footage: &'a Footage, scratch: PathBuf) -> Self {
        Self {
            footage,
            scratch,
            known: HashMap::new(),
        }
    }

    fn play(&mut self, content: &[u8]) -> Verdict {
        let file = self.scratch.join("played.mp4");
        std::fs::write(&file, content).unwrap();
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(&file);
        ffmpeg.args(["-map", "0:v:0", "-c", "copy", "-f", "h264", "-"]);
        let done = ffmpeg.stdin(Stdio::null()).output().unwrap();
        let shown = self.footage.in_stream(&done.stdout);
        let said = String::from_utf8_lossy(&done.stderr);
        let fault = shown.numbers.is_empty().then(|| {
            let line = said.lines().last().unwrap_or("it shows no picture");
            line.replace(&*file.to_string_lossy(), "the file")
        });
        Verdict {
            shown,
            fault,
            ..Verdict::default()
        }
    }
}

impl Judge for Player<'_> {
    fn judge(&mut self, _name: &str, content: &[u8]) -> Verdict {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let key = hasher.finish();
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let verdict = self.play(content);
        self.known.insert(key, verdict.clone());
        verdict
    }
}
