//! How long the disk takes to flush, measured beside a recorder on the same filesystem.
//!
//! What a recorder may lose is a second and what the disk itself holds it up: a busy machine's disk
//! can take longer to flush than a fragment lasts.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Flushes that ended longer ago do not matter any more.
const MATTERS: Duration = Duration::from_secs(3);

/// Beginning and end of a flush; the last may be under way.
type Flushed = (Instant, Option<Instant>);

/// Flushes 4 KiB over and over until it is dropped.
pub struct FlushProbe {
    flushes: Arc<Mutex<Vec<Flushed>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FlushProbe {
    /// Starts on a file of its own in `directory`.
    pub fn start(directory: &Path) -> Self {
        let mut file = File::create(directory.join("flush-probe")).unwrap();
        let flushes: Arc<Mutex<Vec<Flushed>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (flushes, stop) = (flushes.clone(), stop.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    flushes.lock().unwrap().push((Instant::now(), None));
                    file.write_all(&[0; 4096]).unwrap();
                    file.sync_data().unwrap();
                    if let Some(last) = flushes.lock().unwrap().last_mut() {
                        last.1 = Some(Instant::now());
                    }
                    std::thread::sleep(Duration::from_millis(30));
                }
            })
        };
        Self {
            flushes,
            stop,
            thread: Some(thread),
        }
    }

    /// The longest flush of the last seconds, the one under way included.
    pub fn longest(&self) -> Duration {
        let now = Instant::now();
        let flushes = self.flushes.lock().unwrap();
        let recent = flushes
            .iter()
            .filter(|(_, end)| end.is_none_or(|end| now - end < MATTERS));
        let lengths = recent.map(|(start, end)| end.unwrap_or(now) - *start);
        lengths.max().unwrap_or_default()
    }
}

impl Drop for FlushProbe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
