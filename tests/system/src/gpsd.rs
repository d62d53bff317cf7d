//! A real gpsd with a receiver: what one once said, on a pseudo-terminal.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use picam_testkit::judges;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::camera::{free_address, wait_for};

/// The receiver's end of a serial line.
pub struct SerialLine {
    receiver: File,
    /// Keeps the line up while nobody else has it open.
    _device: File,
    /// What a program opens.
    pub path: PathBuf,
}

impl SerialLine {
    /// A line of its own.
    pub fn new() -> Self {
        let receiver: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&receiver).unwrap();
        unlockpt(&receiver).unwrap();
        let path = ptsname(&receiver, Vec::new()).unwrap();
        let path = PathBuf::from(path.to_str().unwrap());
        let device = OpenOptions::new().read(true).write(true).open(&path);
        let device = device.unwrap();
        // Without an echo, and without any idea of lines.
        let mut raw = tcgetattr(&device).unwrap();
        raw.make_raw();
        tcsetattr(&device, OptionalActions::Now, &raw).unwrap();
        Self {
            receiver: receiver.into(),
            _device: device,
            path,
        }
    }

    /// The receiver says this.
    pub fn say(&mut self, bytes: &[u8]) {
        self.receiver.write_all(bytes).unwrap();
    }
}

impl Default for SerialLine {
    fn default() -> Self {
        Self::new()
    }
}

/// gpsd, ended when it is dropped.
pub struct Gpsd {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Gpsd {
    /// Started on a line; `None` if it is not installed.
    pub fn start(line: &SerialLine) -> Option<Self> {
        if !judges::have("gpsd", "gpsd") {
            return None;
        }
        let address = free_address();
        let child = Command::new("gpsd")
            .args(["-N", "-n", "-s", "38400", "-S", &address.port().to_string()])
            .arg(&line.path)
            // Its shared memory is no business of another gpsd's.
            .env(
                "GPSD_SHM_KEY",
                format!("{:#x}", 0x4750_0000 + u32::from(address.port())),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for("gpsd to listen", Duration::from_secs(30), || {
            TcpStream::connect(address).ok()
        });
        Some(Self { child, address })
    }
}

impl Drop for Gpsd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
