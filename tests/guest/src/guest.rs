//! The virtual machine, from its start to its end, and the scripts that run in it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use picam_testkit::judges;
use tempfile::TempDir;

use crate::kit::Kit;
use crate::{GuestError, Result};

/// Without these there is no root.
const BOOT: [&str; 3] = ["9pnet_virtio", "9p", "overlay"];
/// What scripts may `modprobe`.
const LATER: [&str; 7] = [
    "vivid",
    "uvcvideo",
    "vhci_hcd",
    "vicodec",
    "v4l2_mem2mem",
    "snd_aloop",
    "loop",
];
/// How long a boot may take: six seconds where nothing else runs.
const BOOT_TIMEOUT: Duration = Duration::from_secs(300);
const KVM_BOOT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a script may take that does not say otherwise. Only what hangs reaches it.
const RUN_TIMEOUT: Duration = Duration::from_secs(300);
/// How long QEMU may take until it listens.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How often [`Guest::until`] looks.
const LOOK: Duration = Duration::from_millis(500);
/// How much of the console errors show.
const CONSOLE_LINES: usize = 30;

/// A virtual machine that has booted. It is switched off when dropped, and when the thread that booted it ends.
///
/// Its files are the host's, at the same paths (picam, test programs, ffmpeg, v4l2-ctl), over which a memory disk
/// takes what is written; `/tmp`, `/run` and `/dev/shm` are memory disks of their own. `/out` is [`Self::out`] of the host.
/// There is no network but the loopback. udev runs where the host has it.
pub struct Guest {
    qemu: Child,
    out: TempDir,
    files: Files,
    line: Mutex<UnixStream>,
    heard: Arc<Heard>,
    next: AtomicU32,
    // One guest at a time on a machine; held by the open file.
    _alone: File,
}

/// What the guest has said on its line.
#[derive(Default)]
struct Heard {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Default)]
struct Said {
    ready: bool,
    failed: Option<String>,
    ended: Vec<(u32, i32)>,
    gone: bool,
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, line: &str) {
        let mut said = self.lock();
        let mut words = line.trim().split(' ');
        if words.next() == Some("GUEST") {
            match (words.next(), words.next(), words.next()) {
                (Some("ready"), ..) => said.ready = true,
                (Some("ended"), Some(number), Some(code)) => {
                    said.ended
                        .extend(number.parse().ok().zip(code.parse().ok()));
                }
                _ => said.failed = Some(line.trim().to_owned()),
            }
        }
        self.more.notify_all();
    }

    fn end(&self) {
        self.lock().gone = true;
        self.more.notify_all();
    }
}

struct Files {
    initramfs: PathBuf,
    console: PathBuf,
    errors: PathBuf,
    line: PathBuf,
}

/// A script that runs in the guest.
#[derive(Debug)]
pub struct Job {
    number: u32,
    script: String,
}

/// What became of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; 128 and the signal's number if a signal ended it.
    pub code: i32,
    /// What it printed, errors too.
    pub text: String,
}

impl Guest {
    /// Boots one; `None` where it cannot be had, which is said as a skipped test.
    ///
    /// # Errors
    /// If it does not come up.
    pub fn boot() -> Result<Option<Self>> {
        let kit = Kit::find().filter(Kit::has_codec);
        let Some(kit) = kit else {
            judges::skip(
                "QEMU, a kernel or its codec are not there",
                "scripts/guest-tests --fetch",
            );
            return Ok(None);
        };
        if !Path::new("/bin/bash").exists() {
            judges::skip("bash is not installed", "apt-get install bash");
            return Ok(None);
        }
        // A kernel may offer virtualisation that does not work, as within another virtual machine.
        if File::open("/dev/kvm").is_ok()
            && let Ok(guest) = Self::start(&kit, Processor::Real)
        {
            return Ok(Some(guest));
        }
        Self::start(&kit, Processor::Emulated).map(Some)
    }

    fn start(kit: &Kit, processor: Processor) -> Result<Self> {
        let lock = kit.at.join("guest.lock");
        let alone = File::create(&lock).map_err(GuestError::io(lock.display().to_string()))?;
        // They would hold each other up.
        alone.lock().map_err(GuestError::io("the guests' lock"))?;
        let out = TempDir::new().map_err(GuestError::io("a temporary directory"))?;
        fs::create_dir(out.path().join(".jobs")).map_err(GuestError::io("a directory"))?;
        let at = |name: &str| out.path().join(".jobs").join(name);
        let files = Files {
            initramfs: at("initramfs"),
            console: at("console"),
            errors: at("qemu"),
            line: at("line"),
        };
        let initramfs = kit.initramfs(include_str!("init.sh"), "", &BOOT, &LATER);
        fs::write(&files.initramfs, initramfs).map_err(GuestError::io("the initramfs"))?;
        let qemu = command(kit, processor, &files, out.path())?
            .spawn()
            .map_err(GuestError::io("QEMU"))?;
        let mut qemu = Reaped(Some(qemu));
        let line = connect(&files.line)?;
        let heard = Arc::new(Heard::default());
        let from = line.try_clone().map_err(GuestError::io("the line"))?;
        let hears = heard.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from)
                .split(b'\n')
                .map_while(std::result::Result::ok)
            {
                hears.hear(&String::from_utf8_lossy(&line));
            }
            hears.end();
        });
        let guest = Self {
            qemu: qemu.0.take().expect("it was just started"),
            out,
            files,
            line: Mutex::new(line),
            heard,
            next: AtomicU32::new(0),
            _alone: alone,
        };
        guest.await_boot(processor)?;
        Ok(guest)
    }

    fn await_boot(&self, processor: Processor) -> Result<()> {
        let started = Instant::now();
        let limit = match processor {
            Processor::Real => KVM_BOOT_TIMEOUT,
            Processor::Emulated => BOOT_TIMEOUT,
        };
        loop {
            let booted = self.wait_for("its boot", LOOK, |said| said.ready.then_some(()));
            // QEMU complains of a virtualisation that does not work, and stays.
            let broken = processor == Processor::Real
                && fs::metadata(&self.files.errors).is_ok_and(|file| file.len() > 0);
            match booted {
                Err(GuestError::Late { .. }) if started.elapsed() < limit && !broken => {}
                other => return other,
            }
        }
    }

    /// The directory that is `/out` in the guest. What either side writes there, the other sees.
    pub fn out(&self) -> &Path {
        self.out.path()
    }

    /// What the kernel has printed since its start.
    pub fn console(&self) -> String {
        let bytes = fs::read(&self.files.console).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\r', "")
    }

    /// Whether the kernel has failed: a bug of its own or of a driver, after which nothing here can be relied on.
    pub fn kernel_failed(&self) -> bool {
        self.console().contains("---[ end trace")
    }

    /// Starts a bash script and does not wait for it.
    ///
    /// # Errors
    /// If the guest is gone.
    pub fn spawn(&self, script: &str) -> Result<Job> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = self.out().join(format!(".jobs/{number}"));
        fs::write(file, script).map_err(GuestError::io("a script"))?;
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(line, "{number}").map_err(GuestError::io("the guest's line"))?;
        Ok(Job {
            number,
            script: script.to_owned(),
        })
    }

    /// What a script has printed until now.
    pub fn said(&self, job: &Job) -> String {
        let bytes = fs::read(self.out().join(format!(".jobs/{}.log", job.number)));
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// Waits for the end of a script.
    ///
    /// # Errors
    /// If it takes longer than `limit`, or the guest is gone.
    pub fn wait(&self, job: &Job, limit: Duration) -> Result<Output> {
        let what = format!("the end of\n{}\nwhich", job.script);
        let code = self.wait_for(&what, limit, |said| {
            let at = said
                .ended
                .iter()
                .position(|(number, _)| *number == job.number)?;
            Some(said.ended.swap_remove(at).1)
        });
        let text = self.said(job);
        match code {
            Err(GuestError::Late {
                what,
                limit,
                console,
            }) => Err(GuestError::Late {
                what: format!("{what} had said:\n{text}\n"),
                limit,
                console,
            }),
            code => Ok(Output { code: code?, text }),
        }
    }

    /// Runs a bash script to its end, whatever its exit code.
    ///
    /// # Errors
    /// If it takes minutes, or the guest is gone.
    pub fn run(&self, script: &str) -> Result<Output> {
        self.wait(&self.spawn(script)?, RUN_TIMEOUT)
    }

    /// Runs a bash script of which every command must succeed (`set -e`); what it printed.
    ///
    /// # Errors
    /// If one fails, it takes minutes, or the guest is gone.
    pub fn ok(&self, script: &str) -> Result<String> {
        self.ok_within(script, RUN_TIMEOUT)
    }

    /// The same for one that may take as long as `limit`.
    ///
    /// # Errors
    /// As [`Self::ok`].
    pub fn ok_within(&self, script: &str, limit: Duration) -> Result<String> {
        let script = format!("set -euo pipefail\n{script}");
        let output = self.wait(&self.spawn(&script)?, limit)?;
        if output.code == 0 {
            return Ok(output.text);
        }
        Err(GuestError::Script {
            script,
            code: output.code,
            said: output.text,
        })
    }

    /// Runs a script again and again until it succeeds; what it printed then.
    ///
    /// # Errors
    /// If it did not within `limit`, the kernel failed, or the guest is gone.
    pub fn until(&self, what: &str, script: &str, limit: Duration) -> Result<String> {
        let started = Instant::now();
        loop {
            let output = self.run(script)?;
            if output.code == 0 {
                return Ok(output.text);
            }
            if started.elapsed() > limit || self.kernel_failed() {
                return Err(GuestError::Late {
                    what: format!("{what}, of which it was said:\n{}\n", output.text),
                    limit,
                    console: self.last_lines(),
                });
            }
            std::thread::sleep(LOOK);
        }
    }

    fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut found: impl FnMut(&mut Said) -> Option<T>,
    ) -> Result<T> {
        let started = Instant::now();
        let mut said = self.heard.lock();
        loop {
            if let Some(found) = found(&mut said) {
                return Ok(found);
            }
            if said.gone || said.failed.is_some() {
                let failed = said.failed.clone().unwrap_or_default();
                drop(said);
                return Err(GuestError::Gone {
                    what: what.to_owned(),
                    console: format!("{}\n{failed}", self.last_lines()),
                    qemu: fs::read_to_string(&self.files.errors).unwrap_or_default(),
                });
            }
            let Some(left) = limit.checked_sub(started.elapsed()) else {
                drop(said);
                return Err(GuestError::Late {
                    what: what.to_owned(),
                    limit,
                    console: self.last_lines(),
                });
            };
            let woken = self.heard.more.wait_timeout(said, left);
            said = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn last_lines(&self) -> String {
        let console = self.console();
        let lines: Vec<_> = console.lines().collect();
        lines[lines.len().saturating_sub(CONSOLE_LINES)..].join("\n")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// A process that does not outlive a failed start.
struct Reaped(Option<Child>);

impl Drop for Reaped {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What the guest's processors are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Processor {
    Real,
    Emulated,
}

fn command(kit: &Kit, processor: Processor, files: &Files, out: &Path) -> Result<Command> {
    let errors = File::create(&files.errors).map_err(GuestError::io("QEMU's log"))?;
    // It does not outlive the thread that starts it, however that ends.
    let program = kit.qemu();
    let mut qemu = Command::new("setpriv");
    qemu.args(["--pdeathsig", "KILL", "--"]);
    qemu.arg(program.get_program()).args(program.get_args());
    qemu.args(["-nodefaults", "-no-reboot", "-display", "none"]);
    qemu.args(["-m", "2048", "-smp", "2"]);
    qemu.args(match processor {
        Processor::Real => ["-accel", "kvm", "-cpu", "host"],
        Processor::Emulated => ["-accel", "tcg,thread=multi", "-cpu", "max"],
    });
    qemu.arg("-chardev");
    qemu.arg(format!(
        "socket,id=line,path={},server=on,wait=off",
        files.line.display()
    ));
    qemu.args(["-serial", "chardev:line", "-serial"]);
    qemu.arg(format!("file:{}", files.console.display()));
    qemu.arg("-kernel").arg(kit.kernel());
    qemu.arg("-initrd").arg(&files.initramfs);
    // The clock that the processor counts is measured wrongly if the host is busy just then; the HPET's rate is known.
    qemu.args([
        "-append",
        "console=ttyS1 quiet panic=-1 clocksource=hpet no_timer_check nowatchdog cryptomgr.notests mitigations=off",
    ]);
    qemu.args([
        "-fsdev",
        "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device",
        "virtio-9p-pci,fsdev=host,mount_tag=host",
        "-fsdev",
    ]);
    qemu.arg(format!(
        "local,id=out,path={},security_model=none,multidevs=remap",
        out.display()
    ));
    qemu.args(["-device", "virtio-9p-pci,fsdev=out,mount_tag=out"]);
    qemu.stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors);
    Ok(qemu)
}

/// Connects as soon as QEMU listens.
fn connect(socket: &Path) -> Result<UnixStream> {
    let started = Instant::now();
    loop {
        match UnixStream::connect(socket) {
            Ok(line) => return Ok(line),
            Err(_) if started.elapsed() < CONNECT_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(GuestError::io("QEMU's serial line")(error)),
        }
    }
}
