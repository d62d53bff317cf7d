//! What the laboratory's own binary does inside the guest: it tells the time, and it is a camera for recorders
//! that read a stream.

use std::fs;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use picam_time::{BootNs, Clock, SystemClock, Ticks};
use rustix::io::ioctl_fionread;

/// Says what the boot clock shows, five times a second, until it is killed.
pub fn tell_time() -> ! {
    loop {
        println!("LAB clock {}", SystemClock.now().0);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Tells the host what the boot clock shows at this moment.
pub fn mark() {
    println!("LAB mark {}", SystemClock.now().0);
}

/// Does what a script beside a recorder does, until it is killed: removes the first file of `folder` by name when there
/// are more than `files`, looking twice a second. With `synced`, has everything written to the disk every second.
///
/// # Errors
/// Whatever listing or removing gives.
pub fn keep(folder: &Path, files: usize, synced: bool) -> std::io::Result<()> {
    if synced {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_secs(1));
                rustix::fs::sync();
            }
        });
    }
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
        let mut found = entries.collect::<std::io::Result<Vec<_>>>()?;
        found.sort_unstable();
        if found.len() > files {
            fs::remove_file(&found[0])?;
        }
    }
}

/// Writes access units to stdout, which is a pipe, each when its picture is taken. Tells the host when the first was,
/// and in the end by how much a recorder that did not read in time held up the camera. The clock starts when the
/// recorder has read the first picture: it may take its time to start. `begins` holds where each unit begins in
/// `stream`, as 64-bit numbers. The stream is written so many times.
///
/// # Errors
/// Whatever reading or writing gives; a recorder that went away among it.
pub fn feed(stream: &Path, begins: &Path, rate: u32, rounds: u32) -> std::io::Result<()> {
    let stream = fs::File::open(stream)?;
    let begins = fs::read(begins)?;
    let begins = begins
        .as_chunks::<8>()
        .0
        .iter()
        .map(|&at| u64::from_le_bytes(at));
    let begins: Vec<u64> = begins.chain([stream.metadata()?.len()]).collect();
    let mut unit = Vec::new();
    let mut out = std::io::stdout().lock();
    let (mut start, mut late) = (BootNs::ZERO, Duration::ZERO);
    for (number, place) in (0..rounds).flat_map(|_| begins.windows(2)).enumerate() {
        unit.resize((place[1] - place[0]) as usize, 0);
        stream.read_exact_at(&mut unit, place[0])?;
        let due = start + Ticks::new(number as i64, rate).span();
        std::thread::sleep(due.since(SystemClock.now()));
        out.write_all(&unit)?;
        out.flush()?;
        if number == 0 {
            while ioctl_fionread(&out)? > 0 {
                std::thread::sleep(Duration::from_millis(2));
            }
            start = SystemClock.now();
            fs::write("/dev/ttyS0", format!("LAB feed 0 {}\n", start.0))?;
        } else {
            late = late.max(SystemClock.now().since(due));
        }
    }
    fs::write("/dev/ttyS0", format!("LAB late {}\n", late.as_nanos()))
}
