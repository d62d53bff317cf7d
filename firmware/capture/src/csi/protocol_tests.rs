use proptest::prelude::*;

use super::super::imitation::{LUMA, SETUP, SIZE, frame, layout, setup};
use super::*;

#[test]
fn the_sizes_are_those_of_the_other_side() {
    assert_eq!(setup(&SETUP).len(), 120);
    assert_eq!(layout(0).len(), 36);
    assert_eq!(frame(0, 0, 0).len(), 32);
    assert_eq!(give(5), [16, 0, 0, 0, 5, 0, 0, 0].map(|n: u8| n));
    assert_eq!(set(&[(1, -1); 30]).len(), 200);
    // firmware/csi/protocol.hpp says so at its end.
    let header = include_str!("../../../csi/protocol.hpp");
    for part in [
        "sizeof(Setup) == 120",
        "sizeof(Buffer) == 36",
        "sizeof(Frame) == 32",
        "version = 2;",
        "sizeof(Controls) == 392",
        "sizeof(Set) == 200",
    ] {
        assert!(header.contains(part), "{part}");
    }
}

fn parsed(message: &[u8]) -> Setup {
    match parse(message) {
        Ok(Message::Setup(setup)) => setup,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_picture_lies_from_its_first_plane_to_the_end_of_its_last() {
    let nv12 = parsed(&setup(&SETUP));
    let Ok(Message::Buffer(two)) = parse(&layout(1)) else {
        panic!()
    };
    assert_eq!(nv12.part(&two).unwrap(), 0..u64::from(SIZE));
    let mut numbers = SETUP;
    numbers[2] = u32::from_le_bytes(*b"YU12");
    let yu12 = parsed(&setup(&numbers));
    let three: Vec<u8> = [2, 0, 3, 4096, 4096 + LUMA, 4096 + LUMA / 4 * 5]
        .into_iter()
        .chain([LUMA, LUMA / 4, LUMA / 4 + 7])
        .flat_map(u32::to_ne_bytes)
        .collect();
    let Ok(Message::Buffer(three)) = parse(&three) else {
        panic!()
    };
    let end = 4096 + u64::from(SIZE);
    assert_eq!(yu12.part(&three).unwrap(), 4096..end);
    assert!(yu12.part(&two).is_err() && nv12.part(&three).is_err());
}

proptest! {
    #[test]
    fn whatever_comes_is_refused_or_within_bounds(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_setup_with_any_numbers_is_refused_or_within_bounds(
        place in 1usize..14,
        number in prop_oneof![any::<u32>(), 0u32..5000],
        planes in prop::array::uniform6(prop_oneof![any::<u32>(), 0u32..70_000, Just(LUMA)]),
    ) {
        let mut numbers = SETUP;
        numbers[place] = number;
        let Ok(Message::Setup(setup)) = parse(&setup(&numbers)) else { return Ok(()) };
        prop_assert!((64..=3840).contains(&setup.width) && (64..=3840).contains(&setup.height));
        prop_assert!(setup.stride >= setup.width && setup.stride <= 16_384);
        prop_assert!((2..=32).contains(&setup.buffers));
        let message: Vec<u8> = [2, 0, 2].into_iter().chain(planes).flat_map(u32::to_ne_bytes).collect();
        let Ok(Message::Buffer(layout)) = parse(&message) else { panic!() };
        if let Ok(part) = setup.part(&layout) {
            let needed = u64::from(setup.stride) * u64::from(setup.height) * 3 / 2;
            prop_assert!(part.end <= 64 << 20 && part.end - part.start == needed);
        }
    }
}
