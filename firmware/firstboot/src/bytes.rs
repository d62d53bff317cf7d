//! Little-endian numbers in sectors.

/// The bytes from `at` on; zeros beyond the end.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let rest = bytes.get(at..).unwrap_or_default();
    std::array::from_fn(|n| rest.get(n).copied().unwrap_or(0))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

/// Writes `new` at `at`, as far as there is room.
pub(crate) fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    let rest = bytes.get_mut(at..).unwrap_or_default();
    for (byte, new) in rest.iter_mut().zip(new) {
        *byte = *new;
    }
}
