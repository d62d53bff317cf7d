//! QEMU with the footage disk behind `blklogwrites`, from start to power-off.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::clock::{Clock, Tick};
use picam_guest_tests::kit::Kit;

use crate::blklog::Log;
use crate::disk::Base;

/// The kernel's modules that the guest needs, without those that they need themselves.
const MODULES: [&str; 5] = ["virtio_blk", "9pnet_virtio", "9p", "overlay", "exfat"];
/// Whether the kernel's virtualisation was tried and did not work.
static NO_KVM: AtomicBool = AtomicBool::new(false);
/// How long the guest may take to say its first word with it; seconds without it.
const KVM_BOOT_TIMEOUT: Duration = Duration::from_secs(20);
const BOOT_TIMEOUT: Duration = Duration::from_secs(180);
/// How often the length of the log is looked at: so exactly is known when an entry was written.
const LOOK: Duration = Duration::from_millis(2);

/// A guest to be started.
#[derive(Debug)]
pub struct Guest<'a> {
    /// What it is made of.
    pub kit: &'a Kit,
    /// Length of the footage disk in bytes.
    pub disk_len: u64,
    /// The recorders' root filesystem on the host; the host's own if empty.
    pub root: &'a Path,
    /// The laboratory's own binary, which the guest runs too.
    pub program: &'a Path,
    /// A shell script: the footage is mounted on /footage, the host's files on /host.
    pub job: String,
    /// How long all of it may take.
    pub patience: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Recording {
    /// The disk as it was formatted.
    pub base: Base,
    /// What was done to it.
    pub log: Log,
    /// When each entry was in the log, by the guest's boot clock in nanoseconds.
    pub times: Vec<u64>,
    /// Which part of the footage was fed when: its number and when its first picture was taken.
    pub feeds: Vec<(u32, u64)>,
    /// When the guest said that something to be measured begins or ends, likewise.
    pub marks: Vec<u64>,
    /// By how many nanoseconds a recorder that reads a stream held it up at most.
    pub late: u64,
    /// What kernel and recorder said.
    pub console: String,
}

/// A QEMU that is killed if it is given up.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was seen from outside while it ran. Times are nanoseconds since its start.
#[derive(Debug, Default)]
struct Seen {
    ticks: Vec<Tick>,
    feeds: Vec<(u32, u64)>,
    marks: Vec<u64>,
    late: u64,
    lengths: Vec<(u64, u64)>,
    ready: bool,
    done: bool,
    failed: Option<String>,
}

impl Seen {
    /// A line from the guest.
    fn hear(&mut self, line: &str, host: u64) {
        let Some(said) = line.trim().strip_prefix("LAB ") else {
            return;
        };
        let mut words = said.split(' ');
        let first = words.next().unwrap_or_default();
        let numbers: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
        match (first, numbers.as_slice()) {
            ("ready", _) => self.ready = true,
            ("done", _) => self.done = true,
            ("clock", [guest]) => self.ticks.push(Tick {
                host,
                guest: *guest,
            }),
            ("feed", [part, start]) => self.feeds.push((*part as u32, *start)),
            ("late", [by]) => self.late = *by,
            ("mark", [guest]) => self.marks.push(*guest),
            ("failed:", _) => self.failed = Some(said.to_owned()),
            // Two said something at once.
            _ => {}
        }
    }
}

impl Guest<'_> {
    /// Starts it and waits for its end.
    ///
    /// # Errors
    /// What went wrong, and what the guest said.
    pub fn run(&self) -> Result<Recording, String> {
        let scratch = tempfile::tempdir().map_err(|error| error.to_string())?;
        // One guest at a time: they would hold each other up. The lock goes with the file.
        let alone =
            File::create(self.kit.at.join("guest.lock")).map_err(|error| error.to_string())?;
        alone.lock().map_err(|error| error.to_string())?;
        let kvm = !NO_KVM.load(Ordering::Relaxed) && File::open("/dev/kvm").is_ok();
        if kvm {
            match self.attempt(scratch.path(), true) {
                Err(error) if error.starts_with(NOT_READY) => NO_KVM.store(true, Ordering::Relaxed),
                done => return done,
            }
        }
        self.attempt(scratch.path(), false)
    }

    fn attempt(&self, scratch: &Path, kvm: bool) -> Result<Recording, String> {
        let paths = Paths::new(scratch);
        crate::fuse::format(&paths.disk, self.disk_len).ok_or("no mkfs.exfat")?;
        let base = Base::read(&paths.disk).map_err(|error| error.to_string())?;
        File::create(&paths.log).map_err(|error| error.to_string())?;
        let init = include_str!("init.sh");
        let initramfs = self.kit.initramfs(init, &self.job, &MODULES, &[]);
        fs::write(&paths.initramfs, initramfs).map_err(|error| error.to_string())?;

        let started = Instant::now();
        let mut running = self.start(&paths, kvm)?;
        let seen = self.watch(&mut running, &paths, started, kvm);
        let console = fs::read(&paths.console).unwrap_or_default();
        let console = String::from_utf8_lossy(&console).replace('\r', "");
        let complaint = match &seen {
            seen if !seen.ready => Some(NOT_READY.to_owned()),
            Seen {
                failed: Some(failed),
                ..
            } => Some(failed.clone()),
            seen if !seen.done => Some("it did not come to its end".to_owned()),
            _ => None,
        };
        if let Some(complaint) = complaint {
            let errors = fs::read_to_string(&paths.errors).unwrap_or_default();
            return Err(format!("{complaint}\n{errors}\n{console}"));
        }
        let log = fs::read(&paths.log).map_err(|error| error.to_string())?;
        let log = Log::parse(log).map_err(|error| error.to_string())?;
        let clock = Clock::new(&seen.ticks).ok_or("the guest's clock was never told")?;
        let mut lengths = seen.lengths.iter().peekable();
        let times = log.entries.iter().map(|entry| {
            while lengths.next_if(|(_, len)| *len < entry.end).is_some() {}
            lengths
                .peek()
                .map_or(u64::MAX, |(host, _)| clock.guest(*host))
        });
        Ok(Recording {
            base,
            times: times.collect(),
            log,
            feeds: seen.feeds,
            marks: seen.marks,
            late: seen.late,
            console,
        })
    }

    fn start(&self, paths: &Paths, kvm: bool) -> Result<Running, String> {
        let mut qemu = self.kit.qemu();
        qemu.args([
            "-nodefaults",
            "-no-reboot",
            "-display",
            "none",
            "-m",
            "1024",
        ]);
        if kvm {
            qemu.args(["-accel", "kvm", "-cpu", "host"]);
        } else {
            qemu.args(["-accel", "tcg,thread=multi", "-cpu", "max"]);
        }
        qemu.args(["-smp", "2", "-serial", "stdio", "-serial"]);
        qemu.arg(format!("file:{}", paths.console.display()));
        qemu.arg("-kernel")
            .arg(self.kit.kernel())
            .arg("-initrd")
            .arg(&paths.initramfs);
        // The clock that the processor counts is measured wrongly if the host is busy just then; the HPET's
        // rate is known.
        let root = if self.root == Path::new("/") {
            Path::new("")
        } else {
            self.root
        };
        qemu.arg("-append").arg(format!(
            "console=ttyS1 quiet panic=-1 clocksource=hpet no_timer_check nowatchdog cryptomgr.notests \
             mitigations=off LAB_ROOT={} LAB_BIN={}",
            root.display(),
            self.program.display()
        ));
        qemu.args([
            "-fsdev",
            "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        ]);
        qemu.args(["-device", "virtio-9p-pci,fsdev=host,mount_tag=host"]);
        for (node, path) in [("disk", &paths.disk), ("log", &paths.log)] {
            // Only the guest is to lose power.
            let file = format!(
                "driver=file,node-name={node},cache.no-flush=on,filename={}",
                path.display()
            );
            qemu.arg("-blockdev").arg(file);
        }
        let lab = "driver=blklogwrites,node-name=lab,file=disk,log=log,log-sector-size=512";
        qemu.args(["-blockdev", lab]);
        let device = "virtio-blk-pci,drive=lab,write-cache=on,discard=off,write-zeroes=off,logical_block_size=512";
        qemu.args(["-device", device]);
        let errors = File::create(&paths.errors).map_err(|error| error.to_string())?;
        let qemu = qemu
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn();
        qemu.map(Running)
            .map_err(|error| format!("QEMU does not start: {error}"))
    }

    fn watch(&self, running: &mut Running, paths: &Paths, started: Instant, kvm: bool) -> Seen {
        let seen = Mutex::new(Seen::default());
        let now = || started.elapsed().as_nanos() as u64;
        let Some(out) = running.0.stdout.take() else {
            return Seen::default();
        };
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| {
                for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
                    let host = now();
                    let line = String::from_utf8_lossy(&line);
                    seen.lock().unwrap().hear(&line, host);
                }
            });
            let mut last = 0;
            loop {
                let len = fs::metadata(&paths.log).map_or(0, |file| file.len());
                let host = now();
                let mut seen = seen.lock().unwrap();
                if len != last {
                    seen.lengths.push((host, len));
                    last = len;
                }
                let patience = match (seen.ready, kvm) {
                    (true, _) => self.patience,
                    (false, true) => KVM_BOOT_TIMEOUT,
                    (false, false) => BOOT_TIMEOUT,
                };
                let broken = kvm && !seen.ready && paths.has_failed();
                drop(seen);
                let ended = !matches!(running.0.try_wait(), Ok(None));
                if ended || started.elapsed() > patience || broken {
                    let _ = running.0.kill();
                    let _ = running.0.wait();
                    break;
                }
                std::thread::sleep(LOOK);
            }
            let _ = listener.join();
            // Nothing is without a time, however short before the end it was written.
            let len = fs::metadata(&paths.log).map_or(0, |file| file.len());
            seen.lock().unwrap().lengths.push((now(), len));
        });
        seen.into_inner().unwrap()
    }
}

const NOT_READY: &str = "the guest does not boot";

struct Paths {
    disk: PathBuf,
    log: PathBuf,
    initramfs: PathBuf,
    console: PathBuf,
    errors: PathBuf,
}

impl Paths {
    fn new(scratch: &Path) -> Self {
        let at = |name| scratch.join(name);
        Self {
            disk: at("disk"),
            log: at("log"),
            initramfs: at("initramfs"),
            console: at("console"),
            errors: at("errors"),
        }
    }

    /// Whether QEMU has said that the kernel's virtualisation does not do.
    fn has_failed(&self) -> bool {
        fs::metadata(&self.errors).is_ok_and(|file| file.len() > 0)
    }
}
