//! NAL units in a byte stream: ITU-T H.264 and H.265, Annex B.
//!
//! Units are separated by `00 00 01`. A zero byte before it and zeros at the end of a unit belong to
//! no unit, and no unit ends in a zero byte (H.264 7.4.1), so zeros before a start code are dropped.

use std::io::{self, Read};

use memchr::memmem::Finder;

const START_CODE: [u8; 3] = [0, 0, 1];
/// How much is read at once: a few of these fit the second-level cache of every board.
const CHUNK: usize = 256 * 1024;
/// How many bytes of a unit [`NalReader::next_head`] shows: enough for any slice header's start.
pub const HEAD_LEN: usize = 64;
/// Longest unit accepted: far above any coded picture, far below what would exhaust a board.
pub const MAX_NAL_LEN: usize = 8 * 1024 * 1024;

/// The units of a complete piece of Annex B, such as one encoded frame. Bytes before the first start
/// code are ignored, empty units left out.
pub fn nals(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let finder = Finder::new(&START_CODE);
    let mut rest = match finder.find(data) {
        Some(at) => data.get(at + START_CODE.len()..).unwrap_or_default(),
        None => &[],
    };
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = finder.find(rest).unwrap_or(rest.len());
            let (nal, after) = rest.split_at(end);
            rest = after.get(START_CODE.len()..).unwrap_or_default();
            let nal = without_trailing_zeros(nal);
            if !nal.is_empty() {
                return Some(nal);
            }
        }
        None
    })
}

fn without_trailing_zeros(nal: &[u8]) -> &[u8] {
    let end = nal.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    nal.get(..end).unwrap_or_default()
}

/// Takes a stream apart into NAL units, reading 256 KiB at a time into one buffer.
///
/// A unit is first shown by its head, so that the caller can decide where its bytes go before they
/// are copied once.
pub struct NalReader<R> {
    reader: R,
    finder: Finder<'static>,
    buffer: Vec<u8>,
    /// The next byte not yet taken.
    at: usize,
    /// End of what was read into `buffer`.
    len: usize,
    end_of_input: bool,
    /// Whether `at` is inside a unit (else it is right behind a start code, or before the first).
    inside: bool,
    /// Whether a start code was seen at all.
    synced: bool,
}

impl<R: Read> NalReader<R> {
    /// A reader from the start of `reader`.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            finder: Finder::new(&START_CODE),
            buffer: vec![0; CHUNK],
            at: 0,
            len: 0,
            end_of_input: false,
            inside: false,
            synced: false,
        }
    }

    /// Starts over with another stream (the same file again), keeping the buffer.
    pub fn restart(&mut self, reader: R) {
        self.reader = reader;
        self.at = 0;
        self.len = 0;
        self.end_of_input = false;
        self.inside = false;
        self.synced = false;
    }

    /// The head shown last if its unit was not taken yet and `current` asks for it, else the next.
    pub(crate) fn current_or_next_head(&mut self, current: bool) -> io::Result<Option<&[u8]>> {
        if current && self.inside {
            return Ok(Some(self.head()));
        }
        self.next_head()
    }

    /// Goes to the next unit and returns its first bytes, at most [`HEAD_LEN`] and at least one;
    /// `None` at the end of the stream. Whatever is left of the unit before is skipped.
    pub fn next_head(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            if self.inside || !self.synced {
                self.pass(None)?;
            }
            while self.len - self.at < HEAD_LEN && !self.end_of_input {
                self.refill()?;
            }
            if self.at == self.len {
                return Ok(None);
            }
            self.inside = true;
            // Nothing but zeros is an empty unit, or the stream's last padding.
            if !self.head().is_empty() {
                return Ok(Some(self.head()));
            }
        }
    }

    /// The first bytes of the unit at `at`; a shorter unit ends at the next start code.
    fn head(&self) -> &[u8] {
        let ahead = self.unread();
        let head = ahead.get(..HEAD_LEN).unwrap_or(ahead);
        let end = self.finder.find(head).unwrap_or(head.len());
        without_trailing_zeros(head.get(..end).unwrap_or_default())
    }

    /// Appends the unit whose head was shown to `out`; returns its length in bytes.
    ///
    /// # Errors
    /// Those of the reader, and [`io::ErrorKind::InvalidData`] for a unit over [`MAX_NAL_LEN`].
    pub fn append_to(&mut self, out: &mut Vec<u8>) -> io::Result<usize> {
        let start = out.len();
        if self.inside {
            self.pass(Some(out))?;
        }
        let len = without_trailing_zeros(out.get(start..).unwrap_or_default()).len();
        out.truncate(start + len);
        Ok(len)
    }

    /// Goes behind the next start code, or to the end, handing over the bytes on the way.
    fn pass(&mut self, mut out: Option<&mut Vec<u8>>) -> io::Result<()> {
        let limit = out.as_ref().map_or(0, |o| o.len()) + MAX_NAL_LEN;
        loop {
            let found = self.finder.find(self.unread());
            // The last two bytes may be the beginning of a start code.
            let taken = match found {
                Some(at) => at,
                None if self.end_of_input => self.len - self.at,
                None => (self.len - self.at).saturating_sub(START_CODE.len() - 1),
            };
            if let Some(out) = out.as_deref_mut() {
                out.extend_from_slice(self.unread().get(..taken).unwrap_or_default());
                if out.len() > limit {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("a NAL unit is longer than {MAX_NAL_LEN} bytes"),
                    ));
                }
            }
            self.at += taken;
            if found.is_some() {
                self.at += START_CODE.len();
                self.inside = false;
                self.synced = true;
                return Ok(());
            }
            if self.end_of_input {
                self.inside = false;
                self.synced = true;
                return Ok(());
            }
            self.refill()?;
        }
    }

    fn unread(&self) -> &[u8] {
        self.buffer.get(self.at..self.len).unwrap_or_default()
    }

    /// Moves what is unread to the front and reads more behind it.
    fn refill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.len, 0);
        self.len -= self.at;
        self.at = 0;
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        let n = loop {
            match self.reader.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.len += n;
        self.end_of_input = n == 0;
        Ok(())
    }
}
