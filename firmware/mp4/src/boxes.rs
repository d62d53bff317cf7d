//! Box headers that `mp4-atom` cannot write: 64-bit ones, and ones whose body lies elsewhere.

use mp4_atom::{Encode, FourCC, Ftyp};

use crate::layout::FTYP_LEN;

/// A box header for `len` bytes in all; 8 bytes, or 16 where the length needs 64 bits
/// (ISO/IEC 14496-12 4.2.2).
pub(crate) fn header(kind: &[u8; 4], len: u64, out: &mut Vec<u8>) {
    match u32::try_from(len) {
        Ok(len) => {
            out.extend(len.to_be_bytes());
            out.extend(kind);
        }
        Err(_) => long_header(kind, len, out),
    }
}

/// A 16-byte box header whatever the length.
pub(crate) fn long_header(kind: &[u8; 4], len: u64, out: &mut Vec<u8>) {
    out.extend(1u32.to_be_bytes());
    out.extend(kind);
    out.extend(len.to_be_bytes());
}

/// The `ftyp` of every segment, at the file's start and before the init.
pub(crate) fn ftyp() -> Result<Vec<u8>, mp4_atom::Error> {
    let mut out = Vec::with_capacity(FTYP_LEN);
    Ftyp {
        major_brand: FourCC::new(b"isom"),
        minor_version: 512,
        compatible_brands: [b"isom", b"iso6", b"mp41", b"mp42"]
            .map(FourCC::new)
            .to_vec(),
    }
    .encode(&mut out)?;
    debug_assert_eq!(out.len(), FTYP_LEN);
    Ok(out)
}
