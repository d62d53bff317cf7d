//! A serial line of the board, over a Unix socket of QEMU's.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{BoardError, Result};

#[derive(Default)]
struct Seen {
    bytes: Vec<u8>,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    more: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a serial line. All that comes is kept, and written to a log.
pub struct Console {
    line: UnixStream,
    shared: Arc<Shared>,
    /// What was dealt with.
    at: usize,
}

impl Console {
    /// Connects to the socket of the line, as soon as it is there.
    pub fn connect(socket: &Path, log: &Path) -> Result<Self> {
        let line = connect(socket)?;
        let mut from = line
            .try_clone()
            .map_err(BoardError::io("the serial line"))?;
        let mut log = File::create(log).map_err(BoardError::io(log.display().to_string()))?;
        let shared = Arc::new(Shared::default());
        let filled = shared.clone();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let got = from.read(&mut piece).unwrap_or(0);
                let piece = piece.get(..got).unwrap_or_default();
                // A log that cannot be written is no reason to stop.
                let _ = log.write_all(piece);
                let mut seen = filled.lock();
                seen.bytes.extend_from_slice(piece);
                seen.ended = got == 0;
                filled.more.notify_all();
                if got == 0 {
                    return;
                }
            }
        });
        Ok(Self {
            line,
            shared,
            at: 0,
        })
    }

    /// Types.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.line
            .write_all(bytes)
            .map_err(BoardError::io("typing on the serial line"))
    }

    /// Waits until one of `needles` was printed, behind what was waited for last. Says what came, that included.
    pub fn expect(&mut self, needles: &[&str], patience: Duration) -> Result<String> {
        let until = Instant::now() + patience;
        let mut seen = self.shared.lock();
        // Where nothing needs to be looked at again.
        let longest = needles.iter().map(|needle| needle.len()).max().unwrap_or(0);
        let mut from = self.at;
        loop {
            let new = seen.bytes.get(from..).unwrap_or_default();
            let found = needles
                .iter()
                .filter_map(|needle| Some(find(new, needle.as_bytes())? + needle.len()))
                .min();
            if let Some(length) = found {
                let end = from + length;
                let text = seen.bytes.get(self.at..end).unwrap_or_default();
                let text = String::from_utf8_lossy(text).into_owned();
                self.at = end;
                return Ok(text);
            }
            from = seen.bytes.len().saturating_sub(longest).max(self.at);
            let what = || format!("'{}' on the serial line", needles.join("' or '"));
            if seen.ended {
                return Err(BoardError::Gone {
                    what: what(),
                    last: tail(&seen.bytes),
                });
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(BoardError::Late {
                    what: what(),
                    patience,
                    last: tail(&seen.bytes),
                });
            }
            seen = self
                .shared
                .more
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// All that was ever printed.
    pub fn all(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().bytes).into_owned()
    }
}

/// Connects to a socket that QEMU is about to open.
pub(crate) fn connect(socket: &Path) -> Result<UnixStream> {
    let patience = Duration::from_secs(30);
    let start = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(_) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(20)),
            Err(error) => return Err(BoardError::io(socket.display().to_string())(error)),
        }
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len())
        .position(|window| window == needle)
}

fn tail(bytes: &[u8]) -> String {
    let from = bytes.len().saturating_sub(600);
    String::from_utf8_lossy(bytes.get(from..).unwrap_or_default()).into_owned()
}
