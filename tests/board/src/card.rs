//! The board's SD card: a sparse file, which the host looks into and harms.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::footage::Footage;
use crate::{BoardError, Result, program};

const SECTOR: u64 = 512;
/// Where the assembled card has its boot partition.
const BOOT_OFFSET: u64 = 4 << 20;

/// A partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Type, as in the partition table.
    pub kind: u8,
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
}

/// A card. Whoever starts a board takes it, and gives it back.
#[derive(Debug)]
pub struct Card {
    path: PathBuf,
}

impl Card {
    /// A card as it comes from the flasher.
    pub fn flashed(image: &Path, path: &Path) -> Result<Self> {
        program::output(
            Command::new("cp")
                .arg("--sparse=always")
                .args([image, path]),
        )?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Another card with the same bytes.
    pub fn copy(&self, path: &Path) -> Result<Self> {
        Self::flashed(&self.path, path)
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(self.failed())
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> BoardError + use<> {
        BoardError::io(self.path.display().to_string())
    }

    /// Makes it larger; to a power of two, or QEMU refuses it.
    pub fn grow(&self, bytes: u64) -> Result<()> {
        self.open()?.set_len(bytes).map_err(self.failed())
    }

    /// Copies a part of another card to the same place of this one.
    pub fn copy_range(&self, other: &Self, offset: u64, size: u64) -> Result<()> {
        let (from, to) = (other.path.display(), self.path.display());
        let mib = |bytes: u64| (bytes >> 20).to_string();
        program::output(Command::new("dd").args([
            format!("if={from}"),
            format!("of={to}"),
            "bs=1M".to_owned(),
            "conv=notrunc,sparse".to_owned(),
            "status=none".to_owned(),
            format!("skip={}", mib(offset)),
            format!("seek={}", mib(offset)),
            format!("count={}", mib(size)),
        ]))
        .map(drop)
    }

    /// One of the four primary partitions, 1 to 4.
    pub fn partition(&self, number: u8) -> Result<Partition> {
        let mut table = [0; 64];
        let file = self.open()?;
        file.read_exact_at(&mut table, 446).map_err(self.failed())?;
        let entry = table
            .chunks_exact(16)
            .nth(usize::from(number.saturating_sub(1)))
            .unwrap_or_default();
        let word = |at: usize| {
            let bytes = entry.get(at..at + 4).and_then(|b| b.try_into().ok());
            u64::from(u32::from_le_bytes(bytes.unwrap_or_default()))
        };
        Ok(Partition {
            kind: entry.get(4).copied().unwrap_or_default(),
            offset: word(8) * SECTOR,
            size: word(12) * SECTOR,
        })
    }

    /// Changes one byte of a partition's entry: what it is for.
    pub fn set_kind(&self, number: u8, kind: u8) -> Result<()> {
        let at = 446 + 16 * u64::from(number.saturating_sub(1)) + 4;
        self.open()?
            .write_all_at(&[kind], at)
            .map_err(self.failed())
    }

    /// Overwrites bytes, counted from the beginning of the card.
    pub fn overwrite(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.open()?
            .write_all_at(bytes, offset)
            .map_err(self.failed())
    }

    /// Reads bytes, counted from the beginning of the card.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = self.open()?.read_exact_at(&mut bytes, offset);
        read.map_err(self.failed())?;
        Ok(bytes)
    }

    /// Whether a partition has the very bytes it has in `image`.
    pub fn partition_is_as_in(&self, number: u8, image: &Path) -> Result<bool> {
        let partition = self.partition(number)?;
        let mut mine = self.open()?;
        let mut theirs = File::open(image).map_err(BoardError::io(image.display().to_string()))?;
        for file in [&mut mine, &mut theirs] {
            file.seek(SeekFrom::Start(partition.offset))
                .map_err(self.failed())?;
        }
        let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
        for _ in 0..partition.size >> 20 {
            mine.read_exact(&mut a).map_err(self.failed())?;
            theirs.read_exact(&mut b).map_err(self.failed())?;
            if a != b {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `mtools` on the boot partition.
    fn mtools(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg("-i")
            .arg(format!("{}@@{BOOT_OFFSET}", self.path.display()));
        command
    }

    /// A file of the boot partition.
    pub fn boot_file(&self, name: &str) -> Result<Vec<u8>> {
        program::output(self.mtools("mtype").arg(format!("::{name}")))
    }

    /// Writes a file to the boot partition, as its owner does on a PC.
    pub fn put_boot_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut child = self
            .mtools("mcopy")
            .args(["-o", "-"])
            .arg(format!("::{name}"))
            .stdin(Stdio::piped())
            .spawn()
            .map_err(BoardError::io("mcopy"))?;
        if let Some(mut to) = child.stdin.take() {
            to.write_all(bytes).map_err(BoardError::io("mcopy"))?;
        }
        let status = child.wait().map_err(BoardError::io("mcopy"))?;
        match status.success() {
            true => Ok(()),
            false => Err(BoardError::Program {
                program: "mcopy".into(),
                said: status.to_string(),
            }),
        }
    }

    /// The footage as it lies on the card now, mounted below `scratch` to be read. No board may be on meanwhile.
    pub fn footage(&self, scratch: &Path) -> Result<Footage> {
        let partition = self.partition(2)?;
        Footage::of(&self.path, partition.offset, partition.size, scratch)
    }
}
