//! The software encoder, judged by ffprobe.

use std::io::Write;
use std::sync::Arc;

use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_media::{AccessUnit, Colour, Encoder, EncoderSettings, Yuv420};
use picam_testkit::ffmpeg::{available, packets};

const SETTINGS: EncoderSettings = EncoderSettings {
    width: 322,
    height: 182,
    fps: 25,
    bitrate: 400_000,
    gop: 10,
    colour: Colour::Bt709,
};

/// Noise that a bitrate as low as this cannot carry well.
fn noise(n: u32) -> Yuv420 {
    let mut picture = Yuv420::new(SETTINGS.width, SETTINGS.height);
    for (at, luma) in picture.y.iter_mut().enumerate() {
        *luma = ((at as u32 ^ n).wrapping_mul(2_654_435_761) >> 24) as u8;
    }
    picture
}

#[test]
fn every_frame_comes_out_and_keys_stand_where_asked() {
    let mut encoder = Encoder::new(SETTINGS).unwrap();
    let mut unit = AccessUnit::new();
    let mut annexb = Vec::new();
    let mut sets = None;
    for n in 0..60 {
        assert!(
            encoder.encode(&noise(n), n == 17, &mut unit).unwrap(),
            "frame {n}"
        );
        // A forced key frame begins the count anew.
        let key = n == 0 || n == 10 || n >= 17 && (n - 17) % 10 == 0;
        assert_eq!(unit.start.is_start(), key, "frame {n}");
        assert_eq!(unit.dropped_before, 0);
        let current = unit.parameter_sets.clone().unwrap();
        let first = sets.get_or_insert_with(|| current.clone());
        assert!(Arc::ptr_eq(first, &current));
        if n == 0 {
            assert_eq!((current.width, current.height), (322, 182));
            for set in current.sps.iter().chain(&current.pps) {
                annexb.extend_from_slice(&[0, 0, 0, 1]);
                annexb.extend_from_slice(set);
            }
        }
        for nal in length_prefixed_nals(&unit.data, LengthSize::Four) {
            annexb.extend_from_slice(&[0, 0, 1]);
            annexb.extend_from_slice(nal.unwrap());
        }
    }
    if !available() {
        return;
    }
    let mut file = tempfile::Builder::new().suffix(".h264").tempfile().unwrap();
    file.write_all(&annexb).unwrap();
    assert_eq!(packets(file.path()).len(), 60);
}

#[test]
fn a_picture_of_another_size_is_refused() {
    let mut encoder = Encoder::new(SETTINGS).unwrap();
    let mut unit = AccessUnit::new();
    let error = encoder
        .encode(&Yuv420::new(320, 180), false, &mut unit)
        .unwrap_err();
    assert!(error.to_string().contains("320x180"));
    let mut torn = Yuv420::new(322, 182);
    torn.u.pop();
    assert!(encoder.encode(&torn, false, &mut unit).is_err());
}
