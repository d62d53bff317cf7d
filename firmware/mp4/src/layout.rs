//! Where things stand in a slot. `docs/card-format.md` draws the same picture.
//!
//! ```text
//! 0        ftyp (32 bytes)
//! 32       free | moov      the head box: `free` while recording, `moov` once finished
//! 40         mvhd           version 1, 120 bytes (all zero while recording)
//! 160        uuid           the header record, 352 bytes: in the first sector in either state
//! 512        trak...        hidden until the flip
//!          free             padding after the moov; holds `gps ` (after the flip)
//! H-48     mdat             64-bit header, hidden until the flip
//! H-32     ftyp             inner: with the moov behind it, one range is an HLS init section
//! H        moov + mvex      the init, then free up to the next page
//! F0       moof mdat        fragment 0, page aligned, and so on
//! E        free             to the end of the slot
//! ```

/// Fragments begin on a multiple of this, and every write is a multiple of it.
pub const PAGE: usize = 4096;
/// The unit that a card writes whole or not at all.
pub const SECTOR: usize = 512;
/// Length of the `ftyp` box at the start of the file and before the init.
pub const FTYP_LEN: usize = 32;
/// Offset of the head box, whose type is `free` while recording and `moov` once finished.
pub const HEAD_BOX: usize = 32;
/// Offset of `mvhd`.
pub const MVHD: usize = 40;
/// Length of a version 1 `mvhd` box.
pub const MVHD_LEN: usize = 120;
/// Offset of the `uuid` box that holds the header record.
pub const RECORD_BOX: usize = MVHD + MVHD_LEN;
/// Offset of the record itself, behind the box header and its 16-byte type. It ends with the first sector.
pub const RECORD: usize = RECORD_BOX + 24;
/// Length of the 64-bit `mdat` header that ends the head region, before the inner `ftyp`.
pub const MDAT_HEADER_LEN: usize = 16;
/// Distance from the `mdat` header to the init `moov`.
pub const MDAT_TO_INIT: usize = MDAT_HEADER_LEN + FTYP_LEN;

/// Rounds up to the next page.
pub const fn page_up(n: u64) -> u64 {
    n.div_ceil(PAGE as u64) * PAGE as u64
}
