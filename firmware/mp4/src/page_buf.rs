//! A growing buffer whose bytes start on a page, as `O_DIRECT` wants them.

use crate::layout::{PAGE, page_up};

/// Bytes from a page-aligned address, which `O_DIRECT` takes on any medium. Freshly grown memory is not touched until
/// it is written, so a generous capacity costs no resident memory. On the heap: a local variable aligned to a page crashed
/// (Rust 1.95).
pub struct PageBuf {
    bytes: Vec<u8>,
    base: usize,
    len: usize,
}

impl PageBuf {
    /// So many bytes, all zero.
    pub fn zeroed(len: usize) -> Self {
        let mut zeros = Self::with_capacity(len);
        zeros.len = len;
        zeros
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let bytes = vec![0; capacity + PAGE];
        let base = aligned_base(&bytes);
        Self {
            bytes,
            base,
            len: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes
            .get(self.base..self.base + self.len)
            .unwrap_or_default()
    }

    /// The bytes.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes
            .get_mut(self.base..self.base + self.len)
            .unwrap_or_default()
    }

    pub(crate) fn extend(&mut self, data: &[u8]) {
        let start = self.len;
        self.reserve(start + data.len());
        self.len += data.len();
        if let Some(to) = self.as_mut_slice().get_mut(start..) {
            to.copy_from_slice(data);
        }
    }

    /// Sets the length; what is new is zero.
    pub(crate) fn resize(&mut self, len: usize) {
        self.reserve(len);
        let old = std::mem::replace(&mut self.len, len);
        if let Some(new) = self.as_mut_slice().get_mut(old..) {
            new.fill(0);
        }
    }

    pub(crate) fn pad_to_page(&mut self) {
        self.resize(page_up(self.len as u64) as usize);
    }

    fn reserve(&mut self, len: usize) {
        if self.base + len <= self.bytes.len() {
            return;
        }
        let mut grown = Self::with_capacity(len.max(self.bytes.len() * 2));
        grown.len = self.len;
        grown.as_mut_slice().copy_from_slice(self.as_slice());
        *self = grown;
    }
}

fn aligned_base(bytes: &[u8]) -> usize {
    bytes.as_ptr().align_offset(PAGE).min(PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_on_a_page_and_keeps_its_bytes_while_growing() {
        let mut buf = PageBuf::with_capacity(16);
        for i in 0..100_000u32 {
            buf.extend(&i.to_le_bytes());
        }
        assert_eq!(buf.as_slice().as_ptr().align_offset(PAGE), 0);
        let want: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(buf.as_slice(), want);
        buf.clear();
        // What it has room for does not move it.
        let at = buf.as_slice().as_ptr();
        buf.extend(&want[..want.len() / 2]);
        assert_eq!(buf.as_slice().as_ptr(), at);
        buf.clear();
        buf.pad_to_page();
        assert_eq!(buf.len(), 0);
        buf.extend(&[7]);
        buf.pad_to_page();
        assert_eq!(buf.len(), PAGE);
        assert!(buf.as_slice()[1..].iter().all(|&b| b == 0));
    }
}
