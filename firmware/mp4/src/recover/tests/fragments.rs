//! Damaged and missing fragments.

use super::*;

#[test]
fn a_flipped_bit_in_any_fragment_costs_nothing_but_is_counted_and_said() {
    let mut whole = cut_off();
    let end = recovered(&mut whole).end;
    for (n, (at, len)) in cut_off().fragments().into_iter().enumerate() {
        // In a sample; in record, box headers, times, sizes.
        for offset in [
            2048 + 500,
            4,
            8,
            28,
            40,
            48,
            52,
            58,
            62,
            70,
            74,
            1900,
            len as usize - 1,
        ] {
            let mut slot = cut_off();
            slot.flip(at + offset as u64);
            let said = check(&slot).unwrap();
            assert!(!said.faults.is_empty(), "fragment {n}, byte {offset}");
            let before = slot.pictures();
            let record = recovered(&mut slot);
            assert_eq!(
                slot.pictures(),
                ALL,
                "fragment {n}, byte {offset}; {before} before"
            );
            assert_eq!(record.counters.frames as usize, ALL);
            assert!(record.counters.crc_failures <= 1);
            assert_eq!(record.end, end, "fragment {n}, byte {offset}");
            assert!(
                slot.tables() == whole.tables(),
                "fragment {n}, byte {offset}"
            );
            let free = said.faults.iter().any(|fault| fault.contains("no `free`"));
            assert!(!free, "fragment {n}, byte {offset}: {said:?}");
            if offset == 2548 {
                assert_eq!(record.counters.crc_failures, 1);
                let text = said.faults.join(";");
                assert!(
                    text.contains(&format!("fragment {n} at byte {at} is damaged")),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn the_samples_of_all_other_fragments_stay_as_they_are() {
    let all = {
        let mut slot = cut_off();
        recovered(&mut slot);
        slot.samples()
    };
    assert_eq!(all.len(), ALL);
    for (n, (at, len)) in cut_off().fragments().into_iter().enumerate() {
        let mut slot = cut_off();
        slot.zero(at, len as usize);
        let record = recovered(&mut slot);
        let others: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(picture, _)| picture / PER_FRAGMENT != n)
            .map(|(_, bytes)| bytes.clone())
            .collect();
        assert_eq!(slot.samples(), others, "fragment {n}");
        assert_eq!(record.counters.frames as usize, ALL - PER_FRAGMENT);
        // What the last one held, nobody knows.
        if n < 11 {
            assert_eq!(
                record.counters.lost_card as usize, PER_FRAGMENT,
                "fragment {n}"
            );
            assert_eq!(record.counters.crc_failures, 1, "fragment {n}");
        }
    }
}

#[test]
fn older_fragments_in_the_slot_are_never_taken() {
    for (sequence, boot) in [(40, 7), (42, 7), (41, 6)] {
        let old = record_into(Slot::blank(), header(sequence, boot), 40, false);
        let mut slot = record_into(old, header(41, 7), 12, false);
        let (at, len) = *slot.fragments().last().unwrap();
        let (at, end) = match slot.fragments().len() {
            12 => (at, at + u64::from(len)),
            n => panic!("{n} fragments"),
        };
        assert!(end > at);
        // The `free` behind the last fragment is gone: everything behind is looked at.
        slot.zero(end, 16);
        let record = recovered(&mut slot);
        assert_eq!(record.counters.frames as usize, ALL, "{sequence} {boot}");
        assert_eq!((record.end, record.counters.crc_failures), (end, 0));
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        assert!(
            slot.samples()
                .iter()
                .enumerate()
                .all(|(n, bytes)| bytes[0] == 41 ^ n as u8)
        );
    }
}

#[test]
fn what_is_left_of_the_last_fragment_is_hidden_and_that_is_flushed_first() {
    let mut slot = cut_off();
    let (at, _) = *slot.fragments().last().unwrap();
    // Its boxes are gone, and the header of the first leads astray.
    slot.zero(at + 8, 4088);
    let record = recovered(&mut slot);
    assert_eq!(record.end, at);
    assert_eq!(&slot.bytes[at as usize + 4..at as usize + 8], b"free");
    assert_eq!(slot.pictures(), ALL - PER_FRAGMENT);
    assert_eq!(record.counters.crc_failures, 1);
    assert_eq!(slot.steps[..2], [Step::Write(at), Step::Flush]);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_slot_is_empty_only_if_nothing_of_its_segment_is_in_it() {
    let mut slot = cut_off();
    let (first, len) = slot.fragments()[0];
    let (_, second) = slot.fragments()[1];
    slot.zero(first, (len + second) as usize);
    let record = recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL - 2 * PER_FRAGMENT);
    assert_eq!(record.counters.lost_card as usize, 2 * PER_FRAGMENT);
    // What is left is shown when it was to be shown: a frame of 9000 after the one of which it is a P picture, or a B.
    let times = |slot: &Slot| -> Vec<i64> {
        let movie = Movie::read(slot).unwrap();
        let samples = movie.tracks[0].samples.iter();
        samples.map(|s| movie.tracks[0].presentation(s)).collect()
    };
    let mut whole = cut_off();
    recovered(&mut whole);
    assert_eq!(times(&whole)[..4], [0, 18_000, 9_000, 36_000]);
    assert_eq!(times(&slot), times(&whole)[2 * PER_FRAGMENT..]);

    let mut slot = record_into(Slot::blank(), header(41, 7), 0, false);
    assert!(mend(&mut slot, &Help::NONE).unwrap().empty);
    assert!(slot.steps.is_empty());
}

#[test]
fn a_stale_first_sector_hides_nothing_that_lies_behind_it() {
    let mut slot = cut_off();
    let (at, _) = slot.fragments()[5];
    let mut free = Vec::new();
    crate::boxes::header(b"free", SLOT_LEN - at, &mut free);
    slot.bytes[at as usize..][..8].copy_from_slice(&free);
    assert_eq!(slot.pictures(), 5 * PER_FRAGMENT);
    recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL);
}

#[test]
fn the_last_pictures_of_a_cut_stream_with_reordering_are_shown() {
    // Cut between a P and the B before it: what is decoded last is not shown last.
    let mut slot = record_into(Slot::blank(), header(41, 7), 11, false);
    recovered(&mut slot);
    let movie = Movie::read(&slot).unwrap();
    let video = &movie.tracks[0];
    let last = video
        .samples
        .iter()
        .map(|s| video.presentation(s))
        .max()
        .unwrap();
    assert!(
        last < video.presentation_end(),
        "{last} {}",
        video.presentation_end()
    );
    let ends = video
        .samples
        .iter()
        .map(|s| video.presentation(s) + 9000)
        .max()
        .unwrap();
    assert_eq!(video.presentation_end(), ends);
}

#[test]
fn whatever_is_left_of_the_last_fragment_counts_as_one() {
    let (at, _) = *cut_off().fragments().last().unwrap();
    // Its first box header, the mark of its record, or a box with samples' sizes.
    let uuid = at + 32..at + 48;
    let traf = {
        let bytes = cut_off().bytes;
        let here = bytes[at as usize..].windows(4).position(|w| w == b"traf");
        at + here.unwrap() as u64..at + here.unwrap() as u64 + 4
    };
    for left in [at + 4..at + 8, uuid, traf] {
        let mut slot = cut_off();
        slot.zero(at, (left.start - at) as usize);
        slot.zero(left.end, (at + 4096 - left.end) as usize);
        let said = check(&slot).unwrap();
        assert_eq!(said.faults.len(), 1, "{said:?}");
        assert!(said.faults[0].contains("cannot be shown"), "{said:?}");
        let record = recovered(&mut slot);
        assert_eq!(
            (record.end, record.counters.crc_failures),
            (at, 1),
            "{left:?}"
        );
    }
    // Nothing is.
    let mut slot = cut_off();
    slot.zero(at, 4096);
    assert_eq!(recovered(&mut slot).counters.crc_failures, 0);
}

#[test]
fn a_slot_with_the_rest_of_a_fragment_is_not_called_empty() {
    let mut slot = record_into(Slot::blank(), header(41, 7), 1, false);
    let (at, len) = slot.fragments()[0];
    // Of its only fragment there is the mark of its record, and samples.
    slot.zero(at, 28);
    slot.zero(at + 48, 2000);
    assert!(len > 4096);
    let before = slot.bytes.clone();
    assert!(matches!(
        mend(&mut slot, &Help::NONE),
        Err(RecoverError::Layout(_))
    ));
    assert!(slot.bytes == before);
}

#[test]
fn a_segment_without_a_picture_is_left_as_it_is() {
    let stsd = sample_entry::h264(&[SPS.to_vec()], &[PPS.to_vec()], 64, 48).unwrap();
    let tracks = vec![
        TrackConfig::video(stsd, 64, 48),
        TrackConfig::camm().unwrap(),
    ];
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let moved = Sample {
        track: 1,
        dts: 0,
        composition_offset: 0,
        duration: 100,
        key: true,
        captured: BootNs(0),
        data: &crate::camm::acceleration_sample([0.0, 1.0, 9.8]),
    };
    let first = Sample { track: 0, ..moved };
    writer
        .begin(Slot::blank(), header(41, 7), tracks, &first)
        .unwrap();
    writer.push(&moved).unwrap();
    writer.commit(None).unwrap();
    let (mut slot, _) = writer.abandon().unwrap();
    let before = slot.bytes.clone();
    assert!(matches!(
        mend(&mut slot, &Help::NONE),
        Err(RecoverError::LessPlayable { now: 0, mended: 0 })
    ));
    assert!(slot.bytes == before);
}

#[test]
fn an_older_fragment_that_the_card_gave_back_does_not_keep_a_segment_from_its_end() {
    let old = record_into(Slot::blank(), header(40, 7), 40, false);
    let good = record_into(old.clone(), header(41, 7), 12, false);
    let (at, len) = good.fragments()[5];
    let mut slot = good.clone();
    slot.put(at, &old.bytes[at as usize..][..len as usize]);
    let stale = slot.clone();
    // A player shows its pictures among those of this segment.
    assert_eq!(slot.pictures(), ALL);
    let record = recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL - PER_FRAGMENT);
    assert_eq!(record.counters.lost_card as usize, PER_FRAGMENT);
    assert_eq!(record.counters.crc_failures, 1);
    assert_eq!(check(&slot).unwrap().faults.len(), 1);
    let mut whole = good.clone();
    recovered(&mut whole);
    let mut own = whole.samples();
    own.drain(5 * PER_FRAGMENT..6 * PER_FRAGMENT);
    assert!(slot.samples() == own);
    // If it is damaged, nobody can say whose its pictures are.
    let mut slot = stale;
    slot.flip(at + 2500);
    let refused = mend(&mut slot, &Help::NONE);
    assert!(matches!(refused, Err(RecoverError::LessPlayable { .. })));
}

/// As fuzzing found it: written so, by the checksum, and still nobody can read what it says of its samples.
#[test]
fn what_the_segment_itself_shows_is_not_anothers_for_being_unreadable() {
    let mut slot = cut_off();
    let (at, len) = slot.fragments()[5];
    let kind = slot.boxes(at, b"mfhd")[0];
    slot.flip(kind);
    slot.put(at + 52, &[0; 4]);
    let sum = crc32fast::hash(&slot.bytes[at as usize..][..len as usize]);
    slot.put(at + 52, &sum.to_be_bytes());
    assert_eq!(slot.pictures(), ALL);
    let before = slot.bytes.clone();
    let refused = mend(&mut slot, &Help::NONE);
    assert!(
        matches!(refused, Err(RecoverError::LessPlayable { .. })),
        "{refused:?}"
    );
    assert!(slot.bytes == before);
}
