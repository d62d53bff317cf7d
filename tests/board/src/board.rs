//! The board itself: QEMU.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::card::Card;
use crate::console::Console;
use crate::image::Image;
use crate::qmp::Qmp;
use crate::qtest::Qtest;
use crate::shell::Shell;
use crate::{BoardError, Result, gauge};

/// How long a board may take to its shell; a busy host needs most of it.
const SHELL: Duration = Duration::from_secs(400);

/// A board whose host is busy may not get round to its watchdog for longer than the 14 s of a real one.
const WATCHDOG: &str = "systemd.watchdog_sec=120";

/// A board that is on.
pub struct Board {
    qemu: Child,
    card: Option<Card>,
    dir: PathBuf,
    /// When it was switched on.
    pub started: Instant,
}

impl Board {
    /// Switches a board on, with `card` in it. `more` is added to the kernel's command line. Sockets and logs are in `dir`.
    pub fn start(image: &Image, card: Card, dir: &Path, more: &str) -> Result<Self> {
        Self::start_with(image, card, dir, more, &[])
    }

    /// The same with other options of QEMU, for what is plugged in.
    pub fn start_with(
        image: &Image,
        card: Card,
        dir: &Path,
        more: &str,
        devices: &[String],
    ) -> Result<Self> {
        let socket = |name: &str| dir.join(name);
        for name in ["serial", "gps", "qmp", "qtest"] {
            let _ = fs::remove_file(socket(name));
        }
        let listen = |name: &str| format!("path={},server=on,wait=off", socket(name).display());
        let log = File::create(dir.join("qemu.log")).map_err(BoardError::io("qemu.log"))?;
        let command_line = format!("{} {WATCHDOG} {more}", image.command_line()?);
        // A test that is killed takes its board with it.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "qemu-system-aarch64"])
            .args(["-M", "raspi3b", "-display", "none", "-monitor", "none"])
            // All processors in one thread: faster than four that wait for each other on a host with two.
            .args(["-accel", "tcg,thread=single,tb-size=512"])
            .arg("-kernel")
            .arg(image.file("kernel"))
            .arg("-dtb")
            .arg(image.file("dtb"))
            .args(["-append", command_line.trim()])
            // What the board has written is in this file when QEMU is killed: nothing is kept back, as by qcow2.
            .arg("-drive")
            .arg(format!("if=sd,format=raw,file={}", card.path().display()))
            .arg("-chardev")
            .arg(format!("socket,id=gps,{}", listen("gps")))
            .args(["-serial", "chardev:gps"])
            .arg("-chardev")
            .arg(format!("socket,id=console,{}", listen("serial")))
            .args(["-serial", "chardev:console"])
            .args(["-device", gauge::DEVICE])
            .arg("-qmp")
            .arg(format!(
                "unix:{},server=on,wait=off",
                socket("qmp").display()
            ))
            .arg("-chardev")
            .arg(format!("socket,id=bus,{}", listen("qtest")))
            .args(["-qtest", "chardev:bus", "-qtest-log", "none"])
            .args(devices)
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(BoardError::io("qemu.log"))?)
            .stderr(log);
        // A kernel as the image's needs none.
        let initrd = image.file("initrd");
        if initrd.exists() {
            command.arg("-initrd").arg(initrd);
        }
        let qemu = command
            .spawn()
            .map_err(BoardError::io("qemu-system-aarch64"))?;
        Ok(Self {
            qemu,
            card: Some(card),
            dir: dir.to_owned(),
            started: Instant::now(),
        })
    }

    /// The serial line with the shell; its log is `console-NAME.log`. One at a time.
    pub fn console(&self, name: &str) -> Result<Console> {
        let log = self.dir.join(format!("console-{name}.log"));
        Console::connect(&self.dir.join("serial"), &log)
    }

    /// A root shell, as soon as there is one.
    pub fn shell(&self, name: &str) -> Result<Shell> {
        Shell::open(self.console(name)?, SHELL)
    }

    /// QEMU's own control.
    pub fn qmp(&self) -> Result<Qmp> {
        Qmp::connect(&self.dir.join("qmp"))
    }

    /// The board's bus.
    pub fn bus(&self) -> Result<Qtest> {
        Qtest::connect(&self.dir.join("qtest"))
    }

    /// The socket of the GPS receiver's serial line.
    pub fn gps_line(&self) -> PathBuf {
        self.dir.join("gps")
    }

    /// Whether it is still on.
    pub fn is_on(&mut self) -> bool {
        matches!(self.qemu.try_wait(), Ok(None))
    }

    /// Pulls the plug. The card, and when that was.
    pub fn pull(mut self) -> Result<(Card, Instant)> {
        let at = Instant::now();
        self.kill();
        let card = self.card.take();
        let card = card.ok_or_else(|| BoardError::Unexpected("the board has no card".into()))?;
        Ok((card, at))
    }

    fn kill(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks the board to switch itself off, and waits until it says that it has. QEMU's has no power to switch: it halts.
pub fn power_off(shell: &mut Shell, patience: Duration) -> Result<()> {
    shell.throw("dmesg -n 7; systemctl poweroff")?;
    await_halt(shell, patience)
}

/// Waits until the board says that it has switched itself off; it says so from log level 7 on.
pub fn await_halt(shell: &mut Shell, patience: Duration) -> Result<()> {
    let done = ["reboot: Power down", "System halted", "reboot: Power off"];
    shell.console().expect(&done, patience).map(drop)
}
