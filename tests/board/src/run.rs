//! A directory for a test: card, console, sockets. It stays if the test fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{BoardError, Result};

/// One board at a time: two on two cores would only wait for each other.
static BUSY: Mutex<()> = Mutex::new(());

/// The directory, and the turn.
pub struct Run {
    dir: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Run {
    /// An empty directory in `below`; waits for its turn.
    pub fn new(below: &Path, name: &str) -> Result<Self> {
        let turn = BUSY.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = below.join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(BoardError::io(dir.display().to_string()))?;
        Ok(Self { dir, _turn: turn })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("card and consoles are kept in {}", self.dir.display());
        } else {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}
