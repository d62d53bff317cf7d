//! A USB disk: a file that QEMU shows to the board, and that is pulled and put back through its control socket.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::footage::Footage;
use crate::qmp::Qmp;
use crate::{BoardError, Result, program};

/// What the disk calls itself.
pub const SERIAL: &str = "PICAM-0001";
const MIB: u64 = 1 << 20;
/// Where its first partition begins, on a PC and as picam formats it.
const STARTS: [u64; 2] = [MIB, 4 * MIB];

/// A disk.
#[derive(Debug)]
pub struct UsbDisk {
    path: PathBuf,
    bytes: u64,
}

impl UsbDisk {
    /// A disk of nothing but zeros.
    pub fn blank(path: &Path, bytes: u64) -> Result<Self> {
        let failed = || BoardError::io(path.display().to_string());
        let file = File::create(path).map_err(failed())?;
        file.set_len(bytes).map_err(failed())?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// A disk as a PC formats it: one exFAT partition of this name.
    pub fn formatted(path: &Path, bytes: u64, label: &str) -> Result<Self> {
        let disk = Self::blank(path, bytes)?;
        let part = path.with_extension("part");
        let failed = || BoardError::io(part.display().to_string());
        let file = File::create(&part).map_err(failed())?;
        file.set_len(bytes - MIB).map_err(failed())?;
        program::output(Command::new("mkfs.exfat").args(["-L", label]).arg(&part))?;
        let script = "printf 'start=2048,type=7\\n' | sfdisk --quiet --no-reread --no-tell-kernel --label dos \"$1\" && \
            dd if=\"$0\" of=\"$1\" bs=1M seek=1 conv=notrunc,sparse status=none";
        program::output(Command::new("sh").args(["-c", script]).args([&part, path]))?;
        std::fs::remove_file(&part).map_err(failed())?;
        Ok(disk)
    }

    /// What QEMU must be told for it; `plugged` from the start, or only at hand.
    pub fn options(&self, plugged: bool) -> Vec<String> {
        let node = format!(
            "driver=raw,node-name=stick,file.driver=file,file.filename={}",
            self.path.display()
        );
        let mut options = vec!["-blockdev".to_owned(), node];
        if plugged {
            options.push("-device".into());
            options.push(format!("usb-storage,id=stick,drive=stick,serial={SERIAL}"));
        }
        options
    }

    /// Plugs it in.
    pub fn plug(&self, qmp: &mut Qmp) -> Result<()> {
        let device =
            json!({"driver": "usb-storage", "id": "stick", "drive": "stick", "serial": SERIAL});
        qmp.execute("device_add", device).map(drop)
    }

    /// Pulls it.
    pub fn pull(&self, qmp: &mut Qmp) -> Result<()> {
        qmp.execute("device_del", json!({"id": "stick"})).map(drop)
    }

    /// Whether every byte of it is zero.
    pub fn is_blank(&self) -> Result<bool> {
        let mut file = File::open(&self.path).map_err(BoardError::io("the USB disk"))?;
        let mut bytes = vec![0; MIB as usize];
        for _ in 0..self.bytes / MIB {
            std::io::Read::read_exact(&mut file, &mut bytes)
                .map_err(BoardError::io("the USB disk"))?;
            if bytes.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The footage as it lies on the disk now, mounted below `scratch` to be read. No board may have it meanwhile.
    pub fn footage(&self, scratch: &Path) -> Result<Footage> {
        let file = File::open(&self.path).map_err(BoardError::io("the USB disk"))?;
        for start in STARTS {
            let mut name = [0; 8];
            let read = file.read_exact_at(&mut name, start + 3);
            read.map_err(BoardError::io("the USB disk"))?;
            if name == *b"EXFAT   " {
                return Footage::of(&self.path, start, self.bytes - start, scratch);
            }
        }
        Err(BoardError::Unexpected("no exFAT on the USB disk".into()))
    }
}
