//! Packets that do not arrive.

use std::io::Write;
use std::time::Duration;

use picam_media::AccessUnit;
use picam_media::length_prefixed::{LengthSize, length_prefixed_nals};
use picam_testkit::{ffmpeg, judges};

use crate::camera::{SDP, serve, until_play};
use crate::reader::{Read, open, read, simulated};

const FRAME: u32 = 3600;

/// Sends pictures from the fifth on, of which some are lost, to a client that asks for `transport`.
fn play(units: &[AccessUnit], lost: &'static [usize], transport: &str) -> Read {
    let sent = units.to_vec();
    let arriving = (10..units.len()).filter(|n| !lost.contains(n)).count();
    let source = serve(move |stream| {
        let mut player = until_play(stream, SDP);
        for (n, unit) in sent.iter().enumerate().skip(5) {
            match lost.contains(&n) {
                true => player.lose(),
                false => player.picture(unit, n as u32 * FRAME),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        player.freeze();
    });
    let mut source = open(&format!("{source}#transport={transport}"), None).unwrap();
    read(&mut *source, arriving)
}

#[test]
fn lost_packets_are_counted_from_the_first_picture_on_that_can_be_shown() {
    let units = simulated("size=160x120&fps=25&gop=10", 60);
    for transport in ["tcp", "udp"] {
        // Before the first start, which is the eleventh; then here and there.
        let all = play(&units, &[6, 8, 15, 16, 33, 50], transport);
        assert_eq!(all.error, None, "{transport}");
        assert!(all.pictures[0].start.is_start());
        assert_eq!(all.pictures[0].damage_before, 0);
        let expected: Vec<&AccessUnit> = units
            .iter()
            .enumerate()
            .filter(|(n, _)| *n >= 10 && ![15, 16, 33, 50].contains(n))
            .map(|(_, unit)| unit)
            .collect();
        for (unit, sent) in all.pictures.iter().zip(&expected) {
            assert_eq!(unit.data, sent.data, "{transport}");
        }
        // Two in a row are one place.
        assert_eq!(all.damage(), 3, "{transport}");
        if ffmpeg::available() {
            assert_decodes(&all.pictures);
        }
    }
}

/// ffmpeg goes on behind each gap, and shows all but a few of the pictures that came.
fn assert_decodes(units: &[AccessUnit]) {
    let mut file = tempfile::Builder::new().suffix(".h264").tempfile().unwrap();
    for unit in units {
        let sets = unit.parameter_sets.as_ref().unwrap();
        let sets = sets.sps.iter().chain(&sets.pps).map(Vec::as_slice);
        let nals = length_prefixed_nals(&unit.data, LengthSize::Four).map(Result::unwrap);
        for nal in sets.filter(|_| unit.start.is_start()).chain(nals) {
            file.write_all(&[0, 0, 0, 1]).unwrap();
            file.write_all(nal).unwrap();
        }
    }
    let shown = judges::decoded_pictures(file.path());
    assert!(shown + 8 >= units.len(), "{shown} of {}", units.len());
}
