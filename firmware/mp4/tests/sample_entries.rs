//! Sample entries byte for byte: as ffmpeg writes them for the same stream, and as the specifications lay them out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use picam_mp4::sample_entry::{self, EntryError, G711};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|c| char::from(c).to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn boxed(kind: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len()) as u32;
    [&len.to_be_bytes(), &kind[..], payload].concat()
}

/// A sample description with one entry.
fn stsd(kind: &[u8; 4], fields: &[u8]) -> Vec<u8> {
    let entry = boxed(kind, fields);
    boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry[..]].concat())
}

/// What stands in a sample entry of pictures before its boxes (ISO/IEC 14496-12 12.1.3).
fn visual(width: u16, height: u16) -> Vec<u8> {
    let mut fields = vec![0, 0, 0, 0, 0, 0, 0, 1];
    fields.extend([0; 16]);
    fields.extend(width.to_be_bytes());
    fields.extend(height.to_be_bytes());
    fields.extend(hex("00480000 00480000 00000000 0001"));
    fields.extend([0; 32]);
    fields.extend(hex("0018 ffff"));
    fields
}

/// What stands in a sample entry of sound before its boxes (12.2.3); the rate in Hz.
fn audio(channels: u8, rate: u16) -> Vec<u8> {
    let mut fields = hex("000000000000 0001 0000000000000000");
    fields.extend([0, channels, 0, 16, 0, 0, 0, 0]);
    fields.extend(rate.to_be_bytes());
    fields.extend([0, 0]);
    fields
}

/// Takes a parameter set and its 16-bit length off the front.
fn take_set(bytes: &mut &[u8]) -> Vec<u8> {
    let len = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    let set = bytes[2..2 + len].to_vec();
    *bytes = &bytes[2 + len..];
    set
}

#[test]
fn h264_is_described_as_ffmpeg_does() {
    // avcC of x264 at 320x240: Baseline, High, High 10, High 4:2:2 in 10 bits, High 4:4:4 Predictive.
    for avcc in [
        "0142c00dffe100186742c00dd90141fb0110000003001000000303c0f142a48001000568cb83cb20",
        "0164000dffe100196764000dacd94141fb0110000003001000000303c0f142996001000668ebe3cb22c0fdf8f800",
        "016e000dffe10019676e000da6cd94141fb0110000030001000003003c0f14299601000668ebe3cb22c0fdfafa00",
        "017a000dffe10019677a000db6cd94141fb0110000030001000003003c0f14299601000668ebe3cb22c0fefafa00",
        "01f4000dffe1001967f4000d919b28283f6022000003000200000300781e28532c01000668ebe1b11211fff8f800",
    ] {
        let avcc = hex(avcc);
        let mut rest = &avcc[6..];
        let sps = take_set(&mut rest);
        rest = &rest[1..];
        let pps = take_set(&mut rest);
        let made = sample_entry::h264(&[sps], &[pps], 320, 240).unwrap();
        let fields = [visual(320, 240), boxed(b"avcC", &avcc)].concat();
        assert_eq!(made, stsd(b"avc1", &fields));
    }
}

#[test]
fn h265_is_described_as_ffmpeg_does() {
    // hvcC of x265 at 320x240: Main, Main 10 in the high tier, 4:2:2 in 10 bits, 4:4:4, and a size that needs cropping.
    for hvcc in [
        "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809
         a10001002a42010101600000030090000003000003003ca00a080f165959a4932bc05a020000030002000003003c10
         a2000100074401c172b46240",
        "0122200000009000000000007bf000fcfdfafa00000f03a00001001840010c01ffff22200000030090000003000003007b959809
         a10001002a42010122200000030090000003000003007ba00a080f1365959a4932bc05a020000003002000000303c1
         a2000100074401c172b46240",
        "0104080000009d08000000003cf000fcfefafa00000f03a00001001740010c01ffff0408000003009d0800000300003c959809
         a1000100294201010408000003009d0800000300003cb00a080f1365959a4932bc05a020000003002000000303c1
         a2000100074401c172b46240",
        "0104080000009e08000000003cf000fcfff8f800000f03a00001001740010c01ffff0408000003009e0800000300003c959809
         a1000100284201010408000003009e0800000300003c90014101e2cb2b349265780b4040000003004000000782
         a2000100084401c172860c4624",
        "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809
         a10001002b42010101600000030090000003000003003ca00a480f9c9265959a4932bc05a020000003002000000303c1
         a2000100074401c172b46240",
    ] {
        let hvcc = hex(hvcc);
        // As it is, and of each other profile space.
        for space in 0..4 {
            let mut hvcc = hvcc.clone();
            hvcc[1] |= space << 6;
            // Of the three sets the second is the SPS, whose fourth byte says the same.
            let vps_len = usize::from(hvcc[27]);
            hvcc[28 + vps_len + 5 + 3] |= space << 6;
            let mut rest = &hvcc[23..];
            let [vps, sps, pps] = [(); 3].map(|()| {
                rest = &rest[3..];
                vec![take_set(&mut rest)]
            });
            let made = sample_entry::h265(&vps, &sps, &pps, 320, 240).unwrap();
            let fields = [visual(320, 240), boxed(b"hvcC", &hvcc)].concat();
            assert_eq!(made, stsd(b"hvc1", &fields));
        }
    }
}

#[test]
fn every_kind_of_sound_is_laid_out_as_specified() {
    let same = |made: Result<Vec<u8>, EntryError>, kind, fields: &[&[u8]]| {
        assert_eq!(made.unwrap(), stsd(kind, &fields.concat()));
    };
    // An ES descriptor (ISO/IEC 14496-1 7.2.6.5) with the decoder's: MPEG-4 audio, and its configuration.
    let esds = |rate, config: &str| {
        let config = hex(config);
        let len = config.len() as u8;
        let mut descriptors = hex("00000000");
        descriptors.extend([3, 23 + len, 0, 0, 0]);
        descriptors.extend([4, 15 + len, 0x40, 0x15]);
        descriptors.extend([0; 11]);
        descriptors.extend([5, len]);
        descriptors.extend(config);
        descriptors.extend([6, 1, 2]);
        [audio(2, rate), boxed(b"esds", &descriptors)].concat()
    };
    same(
        sample_entry::aac(&[0x11, 0x90], 48_000, 2),
        b"mp4a",
        &[&esds(48_000, "1190")],
    );
    // A rate above 16 bits stands in the configuration alone.
    same(
        sample_entry::aac(&[0x10, 0x10], 96_000, 2),
        b"mp4a",
        &[&esds(0, "1010")],
    );
    same(
        sample_entry::pcm_s16le(44_100, 1),
        b"sowt",
        &[&audio(1, 44_100)],
    );
    same(
        sample_entry::g711(G711::ALaw, 8000, 1),
        b"alaw",
        &[&audio(1, 8000)],
    );
    same(
        sample_entry::g711(G711::MuLaw, 16_000, 2),
        b"ulaw",
        &[&audio(2, 16_000)],
    );
    for refused in [
        sample_entry::pcm_s16le(96_000, 1),
        sample_entry::g711(G711::ALaw, 96_000, 1),
    ] {
        assert!(matches!(refused, Err(EntryError::OutOfRange(_))));
    }
}

#[test]
fn motion_and_text_are_laid_out_as_specified() {
    let entry = hex("000000000000 0001");
    assert_eq!(sample_entry::camm().unwrap(), stsd(b"camm", &entry));
    // White in 18 pixels, centred at the bottom of a box of 640x60, on half-transparent black.
    let style = "0000 0000 0001 00 12 ffffffff";
    let mut fields = entry;
    fields.extend(hex(&format!(
        "00000000 01 ff 00000080 0000 0000 003c 0280 {style}"
    )));
    fields.extend(boxed(
        b"ftab",
        &[&hex("0001 0001 0a")[..], b"Sans-Serif"].concat(),
    ));
    assert_eq!(sample_entry::tx3g().unwrap(), stsd(b"tx3g", &fields));
}

#[test]
fn as_many_and_as_long_parameter_sets_are_taken_as_have_room() {
    let sps = || vec![0x67, 0x42, 0xc0, 0x1e, 0xda];
    let h264 = |n_sps: usize, n_pps: usize, longest: usize| {
        let mut pps = vec![vec![0x68]; n_pps];
        pps[n_pps - 1].resize(longest, 1);
        sample_entry::h264(&vec![sps(); n_sps], &pps, 640, 480)
    };
    assert!(h264(31, 255, 65_535).is_ok());
    for refused in [h264(32, 1, 1), h264(1, 256, 1), h264(1, 1, 65_536)] {
        assert!(matches!(refused, Err(EntryError::OutOfRange(_))));
    }
    let h265_sps = hex("42010101600000030090000003000003003ca00a080f165959a4932bc05a02");
    let h265 = |n: [usize; 3]| {
        let [vps, more_sps, pps] = n.map(|n| vec![vec![0x40, 1]; n]);
        let sps: Vec<_> = [h265_sps.clone()].into_iter().chain(more_sps).collect();
        sample_entry::h265(&vps, &sps, &pps, 640, 480)
    };
    assert!(h265([16, 15, 16]).is_ok());
    for refused in [h265([17, 0, 1]), h265([1, 16, 1]), h265([1, 0, 17])] {
        assert!(matches!(refused, Err(EntryError::OutOfRange(_))));
    }
    for missing in [
        sample_entry::h264(&[], &[vec![0x68]], 640, 480),
        sample_entry::h264(&[vec![0x67, 0x42, 0xc0]], &[vec![0x68]], 640, 480),
        sample_entry::h264(&[sps()], &[], 640, 480),
        h265([1, 0, 0]),
        sample_entry::h265(&[], &[], &[vec![0x44]], 640, 480),
    ] {
        assert!(matches!(missing, Err(EntryError::ParameterSet(_))));
    }
}
