//! A line that is a file: active while it holds a 1.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Input, LineError, Output};

pub(super) struct FileLine(PathBuf);

impl FileLine {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn error(&self, error: &io::Error) -> LineError {
        LineError {
            line: self.0.display().to_string(),
            reason: error.to_string(),
        }
    }
}

impl Input for FileLine {
    fn is_active(&mut self) -> Result<bool, LineError> {
        match fs::read(&self.0) {
            Ok(text) => Ok(text.trim_ascii() == b"1"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.error(&error)),
        }
    }
}

impl Output for FileLine {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        let text = if active { "1\n" } else { "0\n" };
        fs::write(&self.0, text).map_err(|error| self.error(&error))
    }
}
