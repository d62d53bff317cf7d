//! The `Range` header of a request.

use picam_web::range::{Part, parse};

/// Eight bytes of file size (big-endian), then the header's value.
pub fn range(input: &[u8]) {
    let Some((size, header)) = input.split_first_chunk() else {
        return;
    };
    let size = u64::from_be_bytes(*size);
    if let Part::Bytes { first, last } = parse(header, size) {
        assert!(first <= last && last < size, "{first}-{last} of {size}");
    }
}
