use proptest::prelude::*;

use super::*;

/// 64x48, 4:2:2, as ffmpeg writes a picture of MJPEG.
const SMALL: &[u8] = include_bytes!("../../tests/data/small.jpg");

fn decode(decoder: &mut Decoder, jpeg: &[u8]) -> Result<Yuv420, String> {
    let mut picture = Yuv420::new(64, 48);
    decoder.decode(jpeg, &mut picture).map(|()| picture)
}

fn decoder() -> Decoder {
    Decoder::new(64, 48)
}

/// Without its Huffman tables, as many cameras send it.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut out = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xc4 {
            out.extend_from_slice(&jpeg[at..end]);
        }
        at = end;
    }
    out.extend_from_slice(&jpeg[at..]);
    out
}

#[test]
fn a_picture_is_decoded_in_all_its_planes() {
    let picture = decode(&mut decoder(), SMALL).unwrap();
    // The test picture's left third is dark and has colours; no plane is flat.
    for plane in [&picture.y, &picture.u, &picture.v] {
        let (least, most) = (plane.iter().min().unwrap(), plane.iter().max().unwrap());
        assert!(most - least > 100, "{least} to {most}");
    }
}

#[test]
fn tables_that_were_left_out_are_those_of_the_standard() {
    let bare = without_tables(SMALL);
    assert!(bare.len() < SMALL.len() - 400);
    let (whole, bare) = (decode(&mut decoder(), SMALL), decode(&mut decoder(), &bare));
    assert_eq!(bare.unwrap(), whole.unwrap());
    assert!(!lacks_huffman_tables(SMALL));
}

#[test]
fn what_lies_behind_a_picture_is_none_of_it() {
    let mut padded = SMALL.to_vec();
    padded.resize(SMALL.len() + 5000, 0);
    let (whole, padded) = (
        decode(&mut decoder(), SMALL),
        decode(&mut decoder(), &padded),
    );
    assert_eq!(padded.unwrap(), whole.unwrap());
}

#[test]
fn a_picture_cut_off_anywhere_is_damage() {
    for end in (0..SMALL.len()).step_by(13).chain([SMALL.len() - 1]) {
        assert!(
            decode(&mut decoder(), &SMALL[..end]).is_err(),
            "{end} bytes"
        );
    }
}

#[test]
fn another_size_is_refused_before_memory_is_taken_for_it() {
    let mut large = SMALL.to_vec();
    let frame = large.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    large[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    let mut decoder = decoder();
    assert!(decode(&mut decoder, &large).is_err());
    assert!(decoder.samples.capacity() <= 64 * 48 * 3);
    let mut other = Decoder::new(128, 96);
    let error = other.decode(SMALL, &mut Yuv420::new(128, 96)).unwrap_err();
    assert!(
        error.contains("64x48") && error.contains("128x96"),
        "{error}"
    );
}

#[test]
fn a_camera_that_always_breaks_a_rule_is_taken_as_it_is() {
    // Bytes between two segments.
    let mut odd = SMALL[..2].to_vec();
    odd.extend_from_slice(&[0; 9]);
    odd.extend_from_slice(&SMALL[2..]);
    let mut decoder = decoder();
    let refused = (0..20)
        .filter(|_| decode(&mut decoder, &odd).is_err())
        .count();
    assert_eq!(refused, HABIT as usize);
    // A single one is not.
    let mut decoder = self::decoder();
    for _ in 0..3 * HABIT {
        assert!(decode(&mut decoder, &odd).is_err());
        assert!(decode(&mut decoder, SMALL).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_damage_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..30),
        cut in any::<prop::sample::Index>(),
        whole in any::<bool>(),
    ) {
        let mut jpeg = SMALL.to_vec();
        for (at, byte) in changes {
            let at = at.index(jpeg.len());
            jpeg[at] = byte;
        }
        if !whole {
            jpeg.truncate(cut.index(jpeg.len()));
        }
        let mut decoder = decoder();
        let _ = decode(&mut decoder, &jpeg);
        decoder.is_strict = false;
        let _ = decode(&mut decoder, &jpeg);
    }

    #[test]
    fn nor_does_noise(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut decoder = decoder();
        prop_assert!(decode(&mut decoder, &noise).is_err());
        let mut headed = vec![0xff, 0xd8, 0xff, 0xdb];
        headed.extend(noise);
        let _ = decode(&mut decoder, &headed);
    }
}
