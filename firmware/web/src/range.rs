//! The `Range` header of a request (RFC 9110 section 14.2), as a plain function of its bytes.

/// The part of a representation that a response carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it: no range was asked for, or none that has to be honoured.
    Whole,
    /// From `first` to `last`, both included; `first <= last < size`.
    Bytes {
        /// Offset of the first byte.
        first: u64,
        /// Offset of the last byte.
        last: u64,
    },
    /// The range starts behind the end: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` header for a representation of `size` bytes.
///
/// What is not a single well-formed byte range gives [`Part::Whole`], as the RFC allows for
/// headers that a server does not understand; several ranges are treated alike, for no player
/// sends them and `multipart/byteranges` invites amplification.
pub fn parse(header: &[u8], size: u64) -> Part {
    let Some(set) = byte_range_set(header) else {
        return Part::Whole;
    };
    let mut specs = set
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else {
        return Part::Whole;
    };
    let Some(dash) = spec.iter().position(|&byte| byte == b'-') else {
        return Part::Whole;
    };
    let (first, rest) = spec.split_at(dash);
    let last = rest.get(1..).unwrap_or_default();
    match (first, last) {
        ([], []) => Part::Whole,
        ([], suffix) => number(suffix).map_or(Part::Whole, |n| last_bytes(n, size)),
        (first, []) => number(first).map_or(Part::Whole, |n| within(n, u64::MAX, size)),
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => within(first, last, size),
            _ => Part::Whole,
        },
    }
}

/// What follows `bytes=`; unit names are case-insensitive.
fn byte_range_set(header: &[u8]) -> Option<&[u8]> {
    let (unit, set) = header.trim_ascii().split_at_checked(6)?;
    unit.eq_ignore_ascii_case(b"bytes=").then_some(set)
}

/// Digits and nothing else. A number too large for 64 bits is as good as the largest.
fn number(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |n, byte| {
        byte.is_ascii_digit()
            .then(|| n.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

fn last_bytes(count: u64, size: u64) -> Part {
    if count == 0 || size == 0 {
        return Part::Unsatisfiable;
    }
    Part::Bytes {
        first: size.saturating_sub(count),
        last: size - 1,
    }
}

fn within(first: u64, last: u64, size: u64) -> Part {
    if first >= size {
        return Part::Unsatisfiable;
    }
    Part::Bytes {
        first,
        last: last.min(size - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(first: u64, last: u64) -> Part {
        Part::Bytes { first, last }
    }

    #[test]
    fn single_ranges_are_cut_to_the_file() {
        for (header, part) in [
            ("bytes=0-0", bytes(0, 0)),
            ("bytes=0-1", bytes(0, 1)),
            ("bytes=10-19", bytes(10, 19)),
            ("bytes=10-", bytes(10, 99)),
            ("bytes=90-1000", bytes(90, 99)),
            ("bytes=99-99", bytes(99, 99)),
            ("bytes=-1", bytes(99, 99)),
            ("bytes=-100", bytes(0, 99)),
            ("bytes=-1000", bytes(0, 99)),
            ("Bytes=0-1", bytes(0, 1)),
            (" bytes= 0-1 ", bytes(0, 1)),
            ("bytes=,0-1,", bytes(0, 1)),
            ("bytes=0-99999999999999999999999", bytes(0, 99)),
        ] {
            assert_eq!(parse(header.as_bytes(), 100), part, "{header}");
        }
    }

    #[test]
    fn ranges_behind_the_end_are_unsatisfiable() {
        for header in [
            "bytes=100-",
            "bytes=100-200",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(parse(header.as_bytes(), 100), Part::Unsatisfiable);
        }
        assert_eq!(parse(b"bytes=0-", 0), Part::Unsatisfiable);
        assert_eq!(parse(b"bytes=-5", 0), Part::Unsatisfiable);
    }

    #[test]
    fn what_is_no_single_byte_range_is_ignored() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=,",
            "bytes=5",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=1-2x",
            "bytes=1--2",
            "bytes=--2",
            "bytes=0-1,5-6",
            "items=0-1",
            "bytes 0-1",
        ] {
            assert_eq!(parse(header.as_bytes(), 100), Part::Whole, "{header}");
        }
    }

    proptest! {
        #[test]
        fn never_reaches_outside_the_file(header in "bytes=[-, 0-9]{0,24}", size: u64) {
            if let Part::Bytes { first, last } = parse(header.as_bytes(), size) {
                prop_assert!(first <= last && last < size);
            }
        }

        #[test]
        fn takes_any_bytes(header: Vec<u8>, size: u64) {
            parse(&header, size);
        }
    }
}
