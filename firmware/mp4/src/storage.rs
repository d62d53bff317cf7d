//! The storage a segment lives on, handed in by the caller.
//!
//! The writer's promises rest on two properties of what stands behind these traits:
//! a write of one 512-byte sector either happens whole or not at all, and after
//! [`SlotFile::flush`] returned `Ok` everything written before it survives a power cut.
//! Nothing is assumed about the order of writes between two flushes.

use std::io;

/// Random access for reading.
pub trait ReadAt {
    /// Reads up to `buf.len()` bytes at `offset`; fewer only at the end of the file.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf` from `offset` or fails with [`io::ErrorKind::UnexpectedEof`].
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        while !buf.is_empty() {
            let n = match self.read_at(offset, buf) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            offset += n as u64;
            buf = buf.get_mut(n..).unwrap_or_default();
        }
        Ok(())
    }
}

/// What a flush must make durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flush {
    /// The data alone (`fdatasync`): the file's extent and valid length were durable before.
    Data,
    /// Data and the metadata needed to read it back (`fsync`): the slot is being filled for
    /// the first time, and exFAT keeps its valid-data length in the directory entry.
    All,
}

/// A slot open for writing: a file of fixed size.
pub trait SlotFile: ReadAt {
    /// Writes all of `data` at `offset`. Offset and the address of `data` are multiples of
    /// [`crate::layout::PAGE`], its length is one of [`Self::granule`], so that an implementation may use
    /// `O_DIRECT`.
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// The least that is written at once, in bytes: [`crate::layout::SECTOR`] where the medium takes single
    /// sectors, else [`crate::layout::PAGE`].
    fn granule(&mut self) -> usize {
        crate::layout::PAGE
    }

    /// Returns once everything written so far would survive a power cut.
    fn flush(&mut self, scope: Flush) -> io::Result<()>;
}

impl ReadAt for std::fs::File {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl ReadAt for [u8] {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..))
            .unwrap_or_default();
        let n = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

impl ReadAt for Vec<u8> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.as_slice().read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }
}

impl<T: ReadAt + ?Sized> ReadAt for &T {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        (**self).read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Gives a few bytes at once, and is interrupted every other time.
    struct Slow(Cell<bool>);

    impl ReadAt for Slow {
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            if self.0.replace(!self.0.get()) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let bytes: [u8; 20] = std::array::from_fn(|n| n as u8);
            let few = buf.len().min(3);
            bytes.read_at(offset, &mut buf[..few])
        }

        fn size(&self) -> io::Result<u64> {
            Ok(20)
        }
    }

    #[test]
    fn what_comes_in_pieces_is_read_whole_or_not_at_all() {
        for interrupted in [false, true] {
            let slow = Slow(Cell::new(interrupted));
            let mut buf = [0; 10];
            slow.read_exact_at(4, &mut buf).unwrap();
            assert_eq!(buf, std::array::from_fn(|n| n as u8 + 4));
            let error = slow.read_exact_at(11, &mut buf).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    fn all_of(file: impl ReadAt) -> Vec<u8> {
        let mut bytes = vec![0; file.size().unwrap() as usize + 1];
        let n = file.read_at(0, &mut bytes).unwrap();
        bytes.truncate(n);
        bytes
    }

    #[test]
    fn whoever_holds_a_file_reads_it() {
        let bytes = vec![1, 2, 3, 4, 5];
        assert_eq!(all_of(&bytes), bytes);
        assert_eq!(all_of(bytes.as_slice()), bytes);
        assert_eq!(all_of(bytes.clone()), bytes);
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &bytes).unwrap();
        assert_eq!(all_of(&file), bytes);
    }
}
