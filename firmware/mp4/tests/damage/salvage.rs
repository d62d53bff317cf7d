//! Segments carved out of bytes without any order.

use picam_mp4::check;
use picam_mp4::read::Movie;
use picam_mp4::recover::read_record;
use picam_mp4::salvage::Card;
use picam_testkit::ffmpeg;

use crate::random::fragments;
use crate::segments::{Slot, segments};

fn samples(slot: &Slot) -> Vec<Vec<u8>> {
    let movie = Movie::read(slot).unwrap();
    let bytes = |s: &picam_mp4::read::Sample| slot.0[s.offset as usize..s.end() as usize].to_vec();
    movie.tracks[0].samples.iter().map(bytes).collect()
}

/// Everything that is found in `card`, looked through in steps of `step` bytes.
fn scanned(card: &Vec<u8>, step: u64) -> Card {
    let mut found = Card::default();
    while found.scanned < card.len() as u64 {
        // As after an interruption: nothing but what was noted is known.
        found = found.clone();
        let to = found.scanned + step;
        found.scan(card, to).unwrap();
    }
    found
}

fn written(found: &Card, card: &Vec<u8>) -> Vec<Slot> {
    let one = |segment: &picam_mp4::salvage::Segment| {
        let header = found.header(segment.key);
        let init = found.init(segment).unwrap();
        let mut out = Slot(vec![0; segment.file_len(init, header) as usize]);
        segment.write(card, init, header, &mut out).unwrap();
        out
    };
    found.segments().iter().map(one).collect()
}

#[test]
fn scattered_fragments_become_the_segment_again() {
    if !ffmpeg::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let made = segments(
        dir.path(),
        "a.mp4",
        "-c:v libx264 -preset veryfast -g 25 -bf 3",
    );
    let (_, good) = &made.states[0];
    let wanted = samples(good);
    let (record, _) = read_record(good).unwrap();
    let fragments = fragments(good);
    for with_header in [true, false] {
        // Backwards, on odd sectors; one of them twice, one of them damaged, and the damaged one again.
        let mut card = vec![0xa5; 512];
        let mut order: Vec<_> = fragments.iter().rev().collect();
        order.push(&fragments[2]);
        for (at, len) in order {
            let start = card.len();
            card.extend(&good.0[*at as usize..(at + len) as usize]);
            if *at == fragments[4].0 {
                card[start + 3000] ^= 1;
                card.extend([7; 512]);
                card.extend(&good.0[*at as usize..(at + len) as usize]);
            }
            card.extend([7; 512]);
        }
        let (head, init) = (record.head_len as usize, record.init_moov_len as usize);
        card.extend(&good.0[head..head + init]);
        card.resize(card.len().next_multiple_of(512), 0);
        if with_header {
            card.extend(&good.0[..512]);
        }
        let found = scanned(&card, u64::MAX / 2);
        for step in [512, 4096, 100_000] {
            let again = scanned(&card, step);
            assert_eq!(again.segments(), found.segments(), "steps of {step}");
        }
        let files = written(&found, &card);
        assert_eq!(files.len(), 1);
        assert_eq!(samples(&files[0]), wanted);
        let checked = check(&files[0]).unwrap();
        assert_eq!(checked.faults, Vec::<String>::new());
        assert_eq!(checked.record.sequence, record.sequence);
        assert_eq!(checked.record.start_boot, record.start_boot);
        assert_eq!(checked.record.camera_name.is_empty(), !with_header);
    }
}
