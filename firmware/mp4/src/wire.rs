//! Fixed-layout big-endian fields, read and written without a panic.

/// Takes fields off the front of a slice; past the end everything is zero, so that a caller checks
/// a checksum or length once instead of every field.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((head, rest)) => {
                self.0 = rest;
                *head
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }
}

/// Puts fields into a slice of fixed size; what does not fit is cut off.
pub(crate) struct Fill<'a> {
    to: &'a mut [u8],
}

impl<'a> Fill<'a> {
    pub(crate) fn new(to: &'a mut [u8]) -> Self {
        Self { to }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let to = std::mem::take(&mut self.to);
        let n = bytes.len().min(to.len());
        let (now, rest) = to.split_at_mut(n);
        now.copy_from_slice(bytes.get(..n).unwrap_or_default());
        self.to = rest;
    }

    pub(crate) fn zero_rest(self) {
        self.to.fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_cut_off_and_what_is_not_there_is_zero() {
        let mut out = [9; 6];
        let mut w = Fill::new(&mut out);
        w.put(&[1, 2]);
        w.put(&[3]);
        w.zero_rest();
        assert_eq!(out, [1, 2, 3, 0, 0, 0]);
        let mut w = Fill::new(&mut out[..4]);
        w.put(&[4, 5, 6]);
        w.put(&[7, 8, 9]);
        w.put(&[10]);
        assert_eq!(out, [4, 5, 6, 7, 0, 0]);
        let mut r = Fields(&out);
        assert_eq!((r.u16(), r.u32(), r.u16()), (0x0405, 0x0607_0000, 0));
        let mut r = Fields(&out);
        assert_eq!((r.u64(), r.u16()), (0, 0));
    }
}
