//! What a damaged `moof` still says of where samples are.

use super::*;
use crate::recover::moof::{FRONT, Part, damaged_parts, sound_parts};

/// A fragment: where it stands, how long it is, what it begins with, and its parts.
fn fragment() -> (u64, u64, Vec<u8>, Vec<Part>) {
    let slot = cut_off();
    let (at, len) = slot.fragments()[5];
    let front = slot.bytes[at as usize..][..FRONT].to_vec();
    let parts = sound_parts(&front, at, len.into()).unwrap();
    assert_eq!(parts.len(), 2);
    (at, len.into(), front, parts)
}

fn boxes(front: &[u8], kind: &[u8; 4]) -> Vec<usize> {
    let windows = front.windows(4).enumerate();
    windows.filter(|(_, w)| w == kind).map(|(n, _)| n).collect()
}

#[test]
fn samples_are_where_the_boxes_or_their_neighbours_say() {
    let (at, len, front, parts) = fragment();
    assert_eq!(damaged_parts(&front, at, at + len), parts);
    let truns = boxes(&front, b"trun");
    let with_offset = |track: usize, offset: u64| {
        let mut front = front.clone();
        front[truns[track] + 12..][..4].copy_from_slice(&(offset as u32).to_be_bytes());
        front
    };
    // Pictures begin behind the header of the `mdat`, whatever is said.
    for offset in [0, 1, 2047, 4096, 1 << 30] {
        let front = with_offset(0, offset);
        assert_eq!(damaged_parts(&front, at, at + len), parts, "{offset}");
    }
    // In a fragment of one track it stands elsewhere.
    let mut narrow = with_offset(0, 0);
    narrow[2044..2048].fill(0);
    narrow[1020..1024].copy_from_slice(b"mdat");
    assert_eq!(damaged_parts(&narrow, at, at + len)[0].offset, at + 1024);
    // Other samples are behind those before them, and in the fragment.
    let behind = parts[0].offset + parts[0].bytes() - at;
    for (said, is) in [
        (0, behind),
        (behind - 1, behind),
        (behind, behind),
        (behind + 8, behind + 8),
        (len, behind),
        (len + 1, behind),
        (1 << 30, behind),
    ] {
        let mut expected = parts.clone();
        expected[1].offset = at + is;
        let front = with_offset(1, said);
        assert_eq!(damaged_parts(&front, at, at + len), expected, "{said}");
    }
    let front = with_offset(1, len - 1);
    let part = &damaged_parts(&front, at, at + len)[1];
    let sizes: Vec<u32> = part.samples.iter().map(|sample| sample.size).collect();
    assert_eq!((part.offset, sizes), (at + len - 1, vec![1]));
}

#[test]
fn samples_end_where_their_fragment_does() {
    let (at, _, front, parts) = fragment();
    let sizes: Vec<u64> = parts[0].samples.iter().map(|s| s.size.into()).collect();
    let third = parts[0].offset + sizes[0] + sizes[1];
    let mut expected = parts[0].clone();
    expected.samples.truncate(3);
    expected.samples[2].size = 100;
    assert_eq!(damaged_parts(&front, at, third + 100), [expected.clone()]);
    expected.samples.truncate(2);
    assert_eq!(damaged_parts(&front, at, third), [expected]);
    assert_eq!(damaged_parts(&front, at, parts[0].offset), []);
}

#[test]
fn a_sound_fragment_holds_its_samples_and_a_time_that_can_be() {
    let (at, _, mut front, parts) = fragment();
    let end = parts.iter().map(|part| part.offset + part.bytes()).max();
    let least = end.unwrap() - at;
    assert_eq!(sound_parts(&front, at, least), Some(parts));
    assert_eq!(sound_parts(&front, at, least - 1), None);
    let tfdt = boxes(&front, b"tfdt")[0] + 8;
    for (base, can_be) in [((1_u64 << 48) - 1, true), (1 << 48, false)] {
        front[tfdt..][..8].copy_from_slice(&base.to_be_bytes());
        assert_eq!(sound_parts(&front, at, least).is_some(), can_be);
    }
}
