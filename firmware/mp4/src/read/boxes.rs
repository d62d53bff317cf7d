//! Box headers (ISO/IEC 14496-12 4.2): walked in a file, and in bytes already read.

use std::fmt;

use super::error::ReadError;
use crate::storage::ReadAt;

/// A four-character code: the type of a box, handler or sample entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

impl PartialEq<&[u8; 4]> for FourCc {
    fn eq(&self, other: &&[u8; 4]) -> bool {
        self.0 == **other
    }
}

/// Where a box stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxHeader {
    /// Type of the box.
    pub kind: FourCc,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Length of size, type and 64-bit size (8 or 16 bytes).
    pub header_len: u8,
    /// Offset of the byte behind it.
    pub end: u64,
}

impl BoxHeader {
    /// Offset of its first byte behind the header.
    pub fn payload(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.header_len))
    }

    /// An error about this box.
    pub(super) fn malformed(&self, what: impl Into<String>) -> ReadError {
        ReadError::Malformed {
            kind: self.kind,
            offset: self.offset,
            what: what.into(),
        }
    }

    /// Takes the header at `offset` from the bytes that stand there (16, or as many as there are
    /// before `limit`); `None` where less than a header is left, which is padding.
    fn parse(bytes: &[u8], offset: u64, limit: u64) -> Result<Option<Self>, ReadError> {
        let Some(([s0, s1, s2, s3, kind @ ..], rest)) = bytes.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let kind = FourCc(*kind);
        let (size, header_len) = match u32::from_be_bytes([*s0, *s1, *s2, *s3]) {
            0 => (limit.saturating_sub(offset), 8),
            1 => match rest.first_chunk() {
                Some(large) => (u64::from_be_bytes(*large), 16),
                None => (0, 16),
            },
            small => (u64::from(small), 8),
        };
        if size < u64::from(header_len) {
            return Err(ReadError::BoxTooShort { kind, offset, size });
        }
        let end = offset.saturating_add(size);
        if end > limit {
            return Err(ReadError::BoxPastEnd {
                kind,
                offset,
                end,
                limit,
            });
        }
        Ok(Some(Self {
            kind,
            offset,
            header_len,
            end,
        }))
    }

    /// Reads the header at `offset` of a file whose boxes end at `limit`. `None` at the end; fewer
    /// than eight bytes before it are padding.
    pub fn read(
        src: &(impl ReadAt + ?Sized),
        offset: u64,
        limit: u64,
    ) -> Result<Option<Self>, ReadError> {
        let mut bytes = [0; 16];
        let len = usize::try_from(limit.saturating_sub(offset)).map_or(16, |left| left.min(16));
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        src.read_exact_at(offset, bytes)
            .map_err(|source| ReadError::Io { offset, source })?;
        Self::parse(bytes, offset, limit)
    }
}

/// A box in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct InMemory<'a> {
    pub(super) header: BoxHeader,
    /// What stands behind the header.
    pub(super) payload: &'a [u8],
}

impl<'a> InMemory<'a> {
    /// The boxes it holds, behind `skip` bytes of its own fields.
    pub(super) fn children(&self, skip: usize) -> Children<'a> {
        let offset = self.header.payload().saturating_add(skip as u64);
        Children::new(self.payload.get(skip..).unwrap_or_default(), offset)
    }

    /// The first child of type `kind`, if there is one.
    pub(super) fn child(&self, kind: &[u8; 4]) -> Result<Option<InMemory<'a>>, ReadError> {
        for child in self.children(0) {
            let child = child?;
            if child.header.kind == kind {
                return Ok(Some(child));
            }
        }
        Ok(None)
    }

    /// The same, where the standard demands one.
    pub(super) fn need(&self, kind: &[u8; 4]) -> Result<InMemory<'a>, ReadError> {
        self.child(kind)?.ok_or(ReadError::Missing {
            kind: FourCc(*kind),
            offset: self.header.offset,
        })
    }

    /// Decodes its fields; bytes behind the known fields are let pass, as other readers do.
    pub(super) fn decode<T: mp4_atom::Atom>(&self) -> Result<T, ReadError> {
        let mut payload = self.payload;
        T::decode_body(&mut payload).map_err(|error| match error {
            mp4_atom::Error::OutOfBounds => self.header.malformed("ends before its last field"),
            error => self.header.malformed(error.to_string()),
        })
    }

    /// The whole box with a header, as it can be stored elsewhere.
    pub(super) fn to_vec(self) -> Vec<u8> {
        let size = u32::try_from(self.payload.len().saturating_add(8)).unwrap_or(0);
        [&size.to_be_bytes(), &self.header.kind.0, self.payload].concat()
    }
}

/// The boxes side by side in some bytes. Ends after the first error.
pub(super) struct Children<'a> {
    rest: &'a [u8],
    offset: u64,
    limit: u64,
}

impl<'a> Children<'a> {
    /// The boxes in bytes that stand at `offset` of the file.
    pub(super) fn new(rest: &'a [u8], offset: u64) -> Self {
        let limit = offset.saturating_add(rest.len() as u64);
        Self {
            rest,
            offset,
            limit,
        }
    }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<InMemory<'a>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        let header = match BoxHeader::parse(rest, self.offset, self.limit) {
            Ok(header) => header?,
            Err(error) => return Some(Err(error)),
        };
        let size = usize::try_from(header.end.saturating_sub(header.offset)).unwrap_or(usize::MAX);
        let (whole, behind) = rest.split_at(size.min(rest.len()));
        self.rest = behind;
        self.offset = header.end;
        let payload = whole.get(usize::from(header.header_len)..);
        Some(Ok(InMemory {
            header,
            payload: payload.unwrap_or_default(),
        }))
    }
}

/// Reads a whole index box into memory; at most `limit` bytes.
pub(super) fn load(
    src: &(impl ReadAt + ?Sized),
    header: BoxHeader,
    limit: u64,
) -> Result<Vec<u8>, ReadError> {
    let size = header.end.saturating_sub(header.payload());
    let too_large = ReadError::BoxTooLarge {
        kind: header.kind,
        offset: header.offset,
        size,
        limit,
    };
    if size > limit {
        return Err(too_large);
    }
    let Ok(len) = usize::try_from(size) else {
        return Err(too_large);
    };
    let mut payload = vec![0; len];
    src.read_exact_at(header.payload(), &mut payload)
        .map_err(|source| ReadError::Io {
            offset: header.payload(),
            source,
        })?;
    Ok(payload)
}
