//! A ZIP of files whose lengths are known, without compression: its length is known at once, and any part of it can be
//! read without what lies before.
//!
//! Video does not get smaller, so it is stored. The checksum of a file stands behind it (in a data descriptor) and in the
//! directory at the end, so that the first byte waits for nothing. Numbers of 64 bits stand only where those of 32 do not
//! do: old programs read the rest. Layout: APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.9 (data descriptor), 4.3.12
//! (central directory), 4.3.14 to 4.3.16 (its end), 4.5.3 (the ZIP64 extra field).

use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crc32fast::Hasher;
use jiff::Timestamp;

use crate::text;

/// A file to be put into a ZIP.
pub trait Member {
    /// Its length in bytes.
    fn size(&self) -> u64;
    /// `len` bytes of it at `offset`, which lie within it.
    ///
    /// # Errors
    /// If they cannot be had, or are not those of before any more.
    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>>;
}

/// What 32 bits hold, less what stands for "see the extra field".
const NARROW: u64 = 0xffff_ffff;
const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;
/// The checksum comes behind the data (bit 3), and names are UTF-8 (bit 11).
const FLAGS: u16 = 1 << 3 | 1 << 11;
const PLAIN: u16 = 20;
const WITH_64: u16 = 45;
/// As much of a member is read at a time for its checksum, in bytes.
const PIECE: u64 = 256 * 1024;

/// A time of day as ZIPs have it: local, and of two seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DosTime {
    date: u16,
    time: u16,
}

impl DosTime {
    /// The earliest there is, for what has no time.
    pub const NONE: Self = Self {
        date: 0x21,
        time: 0,
    };

    /// When something was recorded, by the clock of somebody who is so many minutes ahead of UTC.
    pub(crate) fn of(at: Option<Timestamp>, offset: Option<i16>) -> Self {
        at.and_then(|at| text::local(at, offset))
            .map_or(Self::NONE, Self::new)
    }

    /// A time between 1980 and 2107.
    pub fn new(at: jiff::civil::DateTime) -> Self {
        let part = |n: i8, by: u32| u16::from(n.unsigned_abs()) << by;
        let year = u16::try_from(i32::from(at.year()) - 1980);
        match year.ok().filter(|year| *year < 128) {
            None => Self::NONE,
            Some(year) => Self {
                date: year << 9 | part(at.month(), 5) | part(at.day(), 0),
                time: part(at.hour(), 11) | part(at.minute(), 5) | part(at.second() / 2, 0),
            },
        }
    }
}

/// A stretch of a member that has been read, and its checksum.
#[derive(Debug, Clone, Default)]
struct Run {
    from: u64,
    to: u64,
    hasher: Hasher,
}

impl Run {
    fn note(&mut self, offset: u64, data: &[u8]) {
        if self.from == self.to {
            (self.from, self.to) = (offset, offset);
        }
        if offset == self.to {
            self.hasher.update(data);
            self.to += data.len() as u64;
        }
    }
}

#[derive(Debug)]
struct Entry<M> {
    name: String,
    member: M,
    /// Where its local header begins.
    at: u64,
    modified: DosTime,
    run: Mutex<Run>,
    crc: OnceLock<u32>,
}

impl<M: Member> Entry<M> {
    fn local_len(&self) -> u64 {
        30 + self.name.len() as u64 + if self.is_wide() { 20 } else { 0 }
    }

    fn descriptor_len(&self) -> u64 {
        if self.is_wide() { 24 } else { 16 }
    }

    fn data_at(&self) -> u64 {
        self.at + self.local_len()
    }

    fn data_end(&self) -> u64 {
        self.data_at() + self.member.size()
    }

    fn end(&self) -> u64 {
        self.data_end() + self.descriptor_len()
    }

    /// Whether its length takes 64 bits.
    fn is_wide(&self) -> bool {
        self.member.size() >= NARROW
    }

    /// Reads some of its data.
    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let data = self.member.read(offset, len)?;
        self.run().note(offset, &data);
        Ok(data)
    }

    // What it holds is true after each of its changes.
    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its checksum. What of its data has not been read for somebody is read for that.
    fn crc(&self) -> io::Result<u32> {
        if let Some(&crc) = self.crc.get() {
            return Ok(crc);
        }
        let run = self.run().clone();
        let mut all = Hasher::new();
        self.hash(0, run.from, &mut all)?;
        all.combine(&run.hasher);
        self.hash(run.to, self.member.size(), &mut all)?;
        Ok(*self.crc.get_or_init(|| all.finalize()))
    }

    fn hash(&self, mut offset: u64, end: u64, hasher: &mut Hasher) -> io::Result<()> {
        while offset < end {
            let len = PIECE.min(end - offset);
            hasher.update(&self.member.read(offset, len as usize)?);
            offset += len;
        }
        Ok(())
    }

    fn version(&self) -> u16 {
        if self.is_wide() { WITH_64 } else { PLAIN }
    }

    fn local(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.local_len() as usize);
        let size = self.member.size();
        put32(&mut out, LOCAL);
        self.common(&mut out, self.version(), 0);
        // Known, and so said, though a reader may not rely on it here.
        let narrow = if self.is_wide() { NARROW } else { size };
        put32(&mut out, narrow as u32);
        put32(&mut out, narrow as u32);
        put16(&mut out, self.name.len() as u16);
        put16(&mut out, if self.is_wide() { 20 } else { 0 });
        out.extend_from_slice(self.name.as_bytes());
        if self.is_wide() {
            put16(&mut out, 1);
            put16(&mut out, 16);
            put64(&mut out, size);
            put64(&mut out, size);
        }
        out
    }

    /// What the local header and the directory have in common.
    fn common(&self, out: &mut Vec<u8>, version: u16, crc: u32) {
        put16(out, version);
        put16(out, FLAGS);
        // Stored.
        put16(out, 0);
        put16(out, self.modified.time);
        put16(out, self.modified.date);
        put32(out, crc);
    }

    fn descriptor(&self) -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.descriptor_len() as usize);
        let size = self.member.size();
        put32(&mut out, DESCRIPTOR);
        put32(&mut out, self.crc()?);
        for _ in 0..2 {
            match self.is_wide() {
                true => put64(&mut out, size),
                false => put32(&mut out, size as u32),
            }
        }
        Ok(out)
    }

    /// The numbers of its directory entry that take 64 bits: lengths and place.
    fn wide(&self) -> Vec<u64> {
        let size = self.is_wide().then_some(self.member.size());
        let at = (self.at >= NARROW).then_some(self.at);
        [size, size, at].into_iter().flatten().collect()
    }

    fn central_len(&self) -> u64 {
        let extra = match self.wide().len() {
            0 => 0,
            numbers => 4 + 8 * numbers as u64,
        };
        46 + self.name.len() as u64 + extra
    }

    fn central(&self, out: &mut Vec<u8>) -> io::Result<()> {
        let wide = self.wide();
        let version = if wide.is_empty() { PLAIN } else { WITH_64 };
        put32(out, CENTRAL);
        put16(out, version);
        self.common(out, version, self.crc()?);
        let size = self.member.size().min(NARROW) as u32;
        put32(out, size);
        put32(out, size);
        put16(out, self.name.len() as u16);
        put16(
            out,
            if wide.is_empty() {
                0
            } else {
                4 + 8 * wide.len() as u16
            },
        );
        // No comment, the only disk, a plain file of any kind.
        out.extend_from_slice(&[0; 10]);
        put32(out, self.at.min(NARROW) as u32);
        out.extend_from_slice(self.name.as_bytes());
        if !wide.is_empty() {
            put16(out, 1);
            put16(out, 8 * wide.len() as u16);
            for number in wide {
                put64(out, number);
            }
        }
        Ok(())
    }
}

/// A ZIP, none of which is there before it is read.
#[derive(Debug)]
pub struct Zip<M> {
    entries: Vec<Entry<M>>,
    directory_at: u64,
    directory_len: u64,
}

impl<M: Member> Zip<M> {
    /// Of members with names that differ, and of so few that 16 bits count them.
    pub fn new(members: impl IntoIterator<Item = (String, DosTime, M)>) -> Self {
        let mut entries: Vec<Entry<M>> = Vec::new();
        let mut at = 0;
        for (name, modified, member) in members.into_iter().take(usize::from(u16::MAX - 1)) {
            let entry = Entry {
                name,
                member,
                at,
                modified,
                run: Mutex::default(),
                crc: OnceLock::new(),
            };
            at = entry.end();
            entries.push(entry);
        }
        Self {
            directory_len: entries.iter().map(Entry::central_len).sum(),
            directory_at: at,
            entries,
        }
    }

    fn is_wide(&self) -> bool {
        self.directory_at + self.directory_len >= NARROW
    }

    /// Reads from one place only.
    fn read_one(&self, offset: u64, len: usize, out: &mut Vec<u8>) -> io::Result<()> {
        let entry = self.entries.iter().find(|entry| offset < entry.end());
        let (part, at) = match entry {
            Some(entry) if offset < entry.data_at() => (entry.local(), entry.at),
            Some(entry) if offset < entry.data_end() => {
                let left = (entry.data_end() - offset).min(len as u64);
                let data = entry.read(offset - entry.data_at(), left as usize)?;
                out.extend_from_slice(&data);
                return Ok(());
            }
            Some(entry) => (entry.descriptor()?, entry.data_end()),
            None => (self.directory()?, self.directory_at),
        };
        let skipped = usize::try_from(offset - at).unwrap_or(usize::MAX);
        let rest = part.get(skipped..).unwrap_or_default();
        out.extend_from_slice(rest.get(..len.min(rest.len())).unwrap_or_default());
        Ok(())
    }

    fn directory(&self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        for entry in &self.entries {
            entry.central(&mut out)?;
        }
        let count = self.entries.len() as u16;
        if self.is_wide() {
            let at = self.directory_at + self.directory_len;
            put32(&mut out, END64);
            put64(&mut out, 44);
            put16(&mut out, WITH_64);
            put16(&mut out, WITH_64);
            put32(&mut out, 0);
            put32(&mut out, 0);
            put64(&mut out, count.into());
            put64(&mut out, count.into());
            put64(&mut out, self.directory_len);
            put64(&mut out, self.directory_at);
            put32(&mut out, LOCATOR64);
            put32(&mut out, 0);
            put64(&mut out, at);
            put32(&mut out, 1);
        }
        put32(&mut out, END);
        put32(&mut out, 0);
        put16(&mut out, count);
        put16(&mut out, count);
        put32(&mut out, self.directory_len.min(NARROW) as u32);
        put32(&mut out, self.directory_at.min(NARROW) as u32);
        put16(&mut out, 0);
        Ok(out)
    }
}

impl<M: Member> Member for Zip<M> {
    fn size(&self) -> u64 {
        let end = if self.is_wide() { 56 + 20 + 22 } else { 22 };
        self.directory_at + self.directory_len + end
    }

    /// For the checksums, at the end of each member and of all, what of it was not read before is read once.
    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let before = bytes.len();
            self.read_one(offset + before as u64, len - before, &mut bytes)?;
            if bytes.len() == before {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(bytes)
    }
}

fn put16(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests;
