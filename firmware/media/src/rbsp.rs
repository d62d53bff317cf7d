//! Bits of a NAL unit's payload, without its header and emulation prevention bytes.

use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitReader, BitReaderError, ByteReader};

/// A reader of `nal` behind its header of `header_len` bytes. The same syntax serves H.264 (7.2)
/// and H.265 (7.2); every read checks its bounds.
pub(crate) fn bits(nal: &[u8], header_len: NonZeroUsize) -> BitReader<ByteReader<&[u8]>> {
    BitReader::new(ByteReader::skipping_bytes(nal, header_len))
}

/// Says which syntax element could not be read.
pub(crate) fn explain(error: BitReaderError) -> String {
    match error {
        BitReaderError::ReaderError(element, _) => format!("it ends before {element}"),
        BitReaderError::ExpGolombTooLarge(element) => format!("{element} is out of range"),
        BitReaderError::RemainingData => "it has too much data".to_owned(),
    }
}

/// Requires `value` to be at most `max`.
pub(crate) fn at_most(value: u32, max: u32, element: &str) -> Result<u32, String> {
    if value <= max {
        Ok(value)
    } else {
        Err(format!("{element} is {value}, at most {max} is allowed"))
    }
}
