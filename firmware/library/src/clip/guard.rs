//! Reading a clip beside a recorder that may take its slots for other footage meanwhile.
//!
//! No slot is held back for whoever reads: recording comes first. Instead every read makes sure afterwards that the slot
//! still holds the segment that the clip was planned from, and fails if not: what was read before is that segment's.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use picam_mp4::{ReadAt, Record};

use super::Clip;
use crate::footage::is_still;
use crate::zip::Member;

/// A source of a clip.
struct Guarded<'a> {
    file: &'a File,
    planned: &'a Record,
}

impl ReadAt for Guarded<'_> {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buf)?;
        match is_still(self.file, self.planned) {
            true => Ok(read),
            false => Err(io::Error::other("the slot was taken for another segment")),
        }
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

impl Member for Clip {
    fn size(&self) -> u64 {
        self.plan.len()
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let sources = self.files.iter().zip(&self.records);
        let sources: Vec<Guarded<'_>> = sources
            .map(|(file, planned)| Guarded { file, planned })
            .collect();
        let mut bytes = vec![0; len];
        match self.plan.read_at(&sources, offset, &mut bytes)? {
            read if read == len => Ok(bytes),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Clip {
    /// Tells its bytes from those of every other clip, whenever it is planned.
    pub fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.plan.hash(&mut hasher);
        for record in &self.records {
            (record.sequence, record.boot_id).hash(&mut hasher);
        }
        format!("{:016x}-{:x}", hasher.finish(), self.size())
    }
}
