//! A file read through a small window, for a reader that seeks all the time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

const WINDOW: usize = 64 * 1024;

/// `std::io::BufReader` drops its buffer at every seek; this one keeps it while it can serve.
pub(crate) struct Window {
    file: File,
    size: u64,
    /// Where the next read is from.
    at: u64,
    buffer: Vec<u8>,
    /// Offset in the file of `buffer`.
    start: u64,
}

impl Window {
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self {
            file,
            size,
            at: 0,
            buffer: Vec::with_capacity(WINDOW),
            start: 0,
        })
    }

    fn buffered(&self) -> &[u8] {
        self.at
            .checked_sub(self.start)
            .and_then(|skip| self.buffer.get(usize::try_from(skip).ok()?..))
            .unwrap_or_default()
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.resize(WINDOW, 0);
        self.start = self.at;
        let read = self.file.read_at(&mut self.buffer, self.at);
        self.buffer.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }
}

impl Read for Window {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            if out.len() >= WINDOW {
                let n = self.file.read_at(out, self.at)?;
                self.at += n as u64;
                return Ok(n);
            }
            self.fill()?;
        }
        let from = self.buffered();
        let n = from.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), from.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn reads_what_the_file_holds_wherever_one_seeks() {
        let content: Vec<u8> = (0..300_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let mut window = Window::new(file).unwrap();
        for (at, len) in [
            (0, 10),
            (5, 70_000),
            (299_990, 10),
            (131_000, 200),
            (130_950, 300),
        ] {
            window.seek(SeekFrom::Start(at)).unwrap();
            let mut out = vec![0; len];
            window.read_exact(&mut out).unwrap();
            assert_eq!(out, content[at as usize..at as usize + len]);
        }
        assert_eq!(window.seek(SeekFrom::End(-4)).unwrap(), 299_996);
        let mut rest = Vec::new();
        window.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, content[299_996..]);
        assert!(window.seek(SeekFrom::Start(0)).is_ok());
        assert!(window.seek(SeekFrom::Current(-1)).is_err());
    }
}
