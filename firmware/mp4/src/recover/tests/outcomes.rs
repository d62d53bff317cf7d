//! What is said of a segment, and recovery that is cut off.

use super::*;

#[test]
fn recovery_can_be_cut_off_anywhere_and_begun_again() {
    let damages: [fn(&mut Slot); 6] = [
        |_| {},
        |slot| slot.zero(0, 512),
        |slot| slot.zero(u64::from(HEAD_LEN) + 4096, 4096),
        |slot| slot.flip(u64::from(HEAD_LEN) + 300),
        |slot| slot.zero(32, 4),
        |slot| slot.zero(600, 2000),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        for good in [finished(), cut_off()] {
            let mut damaged = good.clone();
            damage(&mut damaged);
            let before = damaged.pictures();
            let mut done = damaged.clone();
            mend(&mut done, &Help::NONE).unwrap();
            for most in 0..done.steps.len() {
                let mut slot = damaged.clone();
                slot.most = most;
                let _ = mend(&mut slot, &Help::NONE);
                assert!(slot.pictures() >= before, "damage {n}, left at {most}");
                slot.most = usize::MAX;
                mend(&mut slot, &Help::NONE).unwrap();
                assert!(
                    slot.pictures() >= before.max(done.pictures()),
                    "damage {n}, cut at {most}"
                );
            }
        }
    }
}

#[test]
fn what_a_player_would_be_shown_ends_with_the_first_fragment_that_is_not_the_segments_next() {
    let slot = cut_off();
    let (record, _) = read_record(&slot).unwrap();
    let places = slot.fragments();
    let end = |n: usize| places[n].0 + u64::from(places[n].1);
    let frames = |n: u32| n * PER_FRAGMENT as u32;
    let shown = |slot: &Slot| {
        let shown = crate::shown(slot, &record).unwrap();
        (shown.end, shown.fragments, shown.counters.frames)
    };
    assert_eq!(shown(&slot), (end(11), 12, frames(12)));
    // Gone, of another segment, of another boot, one too many, and longer than the file.
    let damages: [fn(&mut Slot, u64); 5] = [
        |slot, at| slot.zero(at, 8),
        |slot, at| slot.flip(at + 71),
        |slot, at| slot.flip(at + 75),
        |slot, at| slot.flip(at + 63),
        |slot, at| slot.zero(at, 4096),
    ];
    for damage in damages {
        let mut slot = slot.clone();
        damage(&mut slot, places[7].0);
        assert_eq!(shown(&slot), (places[7].0, 7, frames(7)));
    }
    let cut = Slot {
        bytes: slot.bytes[..end(7) as usize - 512].to_vec(),
        ..Slot::blank()
    };
    assert_eq!(shown(&cut), (places[7].0, 7, frames(7)));
    let cut = Slot {
        bytes: slot.bytes[..end(7) as usize].to_vec(),
        ..Slot::blank()
    };
    assert_eq!(shown(&cut), (end(7), 8, frames(8)));
    let other = header(42, 7);
    let nothing = crate::shown(&slot, &other).unwrap();
    assert_eq!((nothing.fragments, nothing.counters.frames), (0, 0));
}

#[test]
fn what_is_damaged_is_said_with_its_place_and_time() {
    let mut damaged = DamagedFragment {
        index: 3,
        count: 1,
        at: 81_920,
        seconds: (0.5, 0.768),
        pictures: 4,
    };
    let one = "fragment 3 at byte 81920 is damaged (CRC mismatch), 0.50 s to 0.77 s";
    assert_eq!(damaged.to_string(), one);
    damaged.pictures = 0;
    assert_eq!(
        damaged.to_string(),
        format!("{one}, nothing of it can be shown")
    );
    damaged.count = 3;
    let several = "fragments 3 to 5 at byte 81920 are damaged, 0.50 s to 0.77 s";
    assert_eq!(
        damaged.to_string(),
        format!("{several}, nothing of it can be shown")
    );
}

#[test]
fn whatever_was_mended_is_a_change() {
    let none = mend(&mut finished(), &Help::NONE).unwrap();
    let with = |change: fn(&mut Mended)| {
        let mut mended = none.clone();
        change(&mut mended);
        mended.changed()
    };
    assert!(!with(|_| {}) && !with(|mended| mended.damaged = 3));
    assert!(with(|mended| mended.header = true) && with(|mended| mended.init = true));
    assert!(with(|mended| mended.index = true) && with(|mended| mended.tail = true));
}

#[test]
fn pictures_that_a_player_finds_now_are_those_of_this_segment() {
    for slot in [cut_off(), finished()] {
        let mut found = find(&slot, &Help::NONE, true).unwrap();
        assert_eq!(shown_pictures(&slot, &found), ALL);
        let (at, _) = slot.fragments()[3];
        // A picture without bytes is none.
        if found.state == SegmentState::Recording {
            let mut slot = slot.clone();
            let trun = slot.boxes(at, b"trun")[0];
            let size = slot.bytes[trun as usize..][..64]
                .windows(4)
                .position(|w| w == (900_u32 + 12 * 7).to_be_bytes());
            slot.zero(trun + size.unwrap() as u64, 4);
            assert_eq!(shown_pictures(&slot, &found), ALL - 1);
        }
        found.walked.end = at;
        assert_eq!(shown_pictures(&slot, &found), 3 * PER_FRAGMENT);
        found.overwritten = true;
        assert_eq!(shown_pictures(&slot, &found), 0);
    }
}

#[test]
fn counters_are_those_of_the_header_that_was_finished_last_or_else_of_the_last_fragment() {
    let counters = |n| Counters {
        frames: 48,
        io_faults: n,
        crc_failures: 0,
        ..Counters::default()
    };
    for (state, known, pictures) in [
        (SegmentState::Finished, true, 48),
        (SegmentState::Finished, true, 44),
        (SegmentState::Finished, false, 48),
        (SegmentState::Finished, false, 44),
        (SegmentState::Recording, true, 48),
        (SegmentState::Recording, true, 44),
        (SegmentState::Recording, false, 48),
        (SegmentState::Recording, false, 44),
    ] {
        let slot = finished();
        let mut found = find(&slot, &Help::NONE, true).unwrap();
        (found.state, found.header_known) = (state, known);
        let last = found.walked.pieces.last_mut().unwrap();
        last.record.as_mut().unwrap().counters = counters(7);
        found.walked.lost_tail = 1;
        let mut record = found.record.clone();
        record.counters = counters(3);
        count(&mut record, &found, pictures);
        let header_counts = known && state == SegmentState::Finished;
        // A finished index that lists all pictures has nothing damaged; nor is anything missing of fragments.
        let lost = if header_counts {
            48 - pictures as u32
        } else {
            0
        };
        let expected = Counters {
            frames: pictures as u32,
            io_faults: if header_counts { 3 } else { 7 },
            crc_failures: u32::from(!(header_counts && pictures == 48)),
            lost_card: lost,
            ..Counters::default()
        };
        assert_eq!(record.counters, expected, "{state:?} {known} {pictures}");
    }
}

#[test]
fn damaged_boxes_at_the_start_of_a_cut_off_file_are_said() {
    for at in [4, 10, 32, 34] {
        let mut slot = cut_off();
        slot.flip(at);
        let said = check(&slot).unwrap().faults;
        assert_eq!(said, ["the boxes at the file's start are damaged"]);
        assert!(mend(&mut slot, &Help::NONE).is_ok());
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    }
}

/// As a copy that was broken off leaves it.
#[test]
fn a_file_that_ends_early_keeps_every_fragment_that_is_whole() {
    for whole in [cut_off(), finished()] {
        let fragments = whole.fragments();
        let first = fragments[0].0;
        for len in (first as usize..SLOT_LEN as usize).step_by(1000) {
            let mut slot = whole.clone();
            slot.bytes.truncate(len);
            let is_kept = |(at, of): &&(u64, u32)| at + u64::from(*of) <= len as u64;
            let kept = fragments.iter().filter(is_kept).count();
            let mended = mend(&mut slot, &Help::NONE);
            if kept > 0 {
                assert_eq!(slot.bytes.len() as u64, SLOT_LEN, "{len}");
                mended.unwrap_or_else(|error| panic!("{len}: {error}"));
                assert!(slot.pictures() >= kept * PER_FRAGMENT, "{len}");
                let pictures = slot.samples();
                let before = whole.samples();
                let same = kept * PER_FRAGMENT;
                assert_eq!(pictures[..same], before[..same], "{len}");
            }
        }
    }
}

#[test]
fn a_file_of_full_length_keeps_its_last_page() {
    let mut slot = cut_off();
    let last = SLOT_LEN - PAGE as u64;
    slot.put(last, &[0xa5; PAGE]);
    recovered(&mut slot);
    assert!(slot.bytes[last as usize..].iter().all(|&byte| byte == 0xa5));
}
