//! Header records: damaged, lost, or of a segment that was overwritten.

use super::*;

#[test]
fn a_flipped_bit_in_the_header_record_is_found_and_mended() {
    for good in [finished(), cut_off()] {
        for at in (160..512).step_by(3) {
            let mut slot = good.clone();
            slot.flip(at);
            assert!(check(&slot).is_err() || at < 168, "byte {at}");
            let mended = mend(&mut slot, &Help::NONE).unwrap();
            assert_eq!(slot.pictures(), ALL, "byte {at}");
            assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
            assert_eq!(mended.record.camera_name, "front", "byte {at}");
            if mended.was == SegmentState::Finished {
                assert_eq!(slot.bytes, good.bytes, "byte {at}");
            }
        }
    }
}

#[test]
fn a_lost_header_record_is_made_of_what_the_fragments_say() {
    for good in [finished(), cut_off()] {
        let mut slot = good.clone();
        slot.zero(0, 4096);
        let old = header(40, 9);
        let named = Named {
            camera: b'F',
            class: b'E',
            sequence: 41,
            modulus: 1_000_000,
        };
        let help = Help {
            named: Some(named),
            ..Help::NONE
        };
        let record = mend(&mut slot, &help).unwrap().record;
        assert_eq!(slot.pictures(), ALL);
        assert_eq!((record.sequence, record.boot_number), (41, 3));
        assert_eq!((record.camera, record.class), (b'F', b'E'));
        assert_eq!(record.start_boot, old.start_boot);
        assert_eq!(record.start_utc, old.start_utc);
        assert_eq!(record.pictures_before, 77);
        assert_eq!(
            record.boot_id,
            [7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        // Not under another name.
        let mut slot = good.clone();
        slot.zero(0, 4096);
        let help = Help {
            named: Some(Named {
                sequence: 40,
                ..named
            }),
            ..Help::NONE
        };
        assert!(mend(&mut slot, &help).is_err());
    }
}

#[test]
fn the_header_of_a_segment_that_was_overwritten_is_not_believed() {
    let old = record_into(Slot::blank(), header(40, 7), 12, true);
    let mut slot = record_into(old.clone(), header(41, 7), 11, false);
    // The card lost the page that was written last, and gives back the one from before.
    slot.bytes[..4096].copy_from_slice(&old.bytes[..4096]);
    let named = Named {
        camera: b'F',
        class: b'N',
        sequence: 41,
        modulus: 1000,
    };
    let help = Help {
        named: Some(named),
        ..Help::NONE
    };
    let mended = mend(&mut slot, &help).unwrap();
    assert_eq!(
        (mended.record.sequence, mended.was),
        (41, SegmentState::Recording)
    );
    assert!(mended.header && mended.index && mended.record.recovered);
    assert_eq!(slot.pictures(), 11 * PER_FRAGMENT);
    assert_eq!(mended.record.counters.frames as usize, 11 * PER_FRAGMENT);
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    // Under its own name the old one is.
    let mut slot = old.clone();
    let help = Help {
        named: Some(Named {
            sequence: 40,
            ..named
        }),
        ..Help::NONE
    };
    assert!(!mend(&mut slot, &help).unwrap().changed());

    let newer = |name: u64, header: u64| {
        Named {
            sequence: name,
            ..named
        }
        .is_newer_than(header)
    };
    assert!(newer(41, 40) && newer(41, 1_000_040) && newer(3, 999) && newer(499, 0));
    assert!(!newer(41, 41) && !newer(41, 42) && !newer(999, 3) && !newer(500, 0));
    let fits = |name: Named| {
        let front = &cut_off().bytes[cut_off().fragments()[0].0 as usize..];
        name.fits(&FragmentRecord::parse(front).unwrap())
    };
    assert!(
        fits(named)
            && fits(Named {
                modulus: 40,
                sequence: 1,
                ..named
            })
    );
    assert!(
        !fits(Named {
            camera: b'R',
            ..named
        }) && !fits(Named {
            sequence: 40,
            ..named
        })
    );
}

#[test]
fn a_header_whose_lengths_make_no_sense_is_refused() {
    let changes: [fn(&mut Record); 7] = [
        |record| record.head_len -= 4096,
        |record| record.head_len += 512,
        |record| record.init_len += 512,
        |record| record.slot_len += 512,
        |record| record.init_moov_len = record.init_len + 1,
        |record| record.slot_len = first_fragment(record),
        // Longer than the file.
        |record| {
            record.init_len = 1 << 20;
            record.slot_len = 1 << 24;
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let mut slot = cut_off();
        let (mut record, _) = read_record(&slot).unwrap();
        change(&mut record);
        record.store(slot.bytes.first_chunk_mut().unwrap());
        let before = slot.bytes.clone();
        for refused in [mend(&mut slot, &Help::NONE).err(), check(&slot).err()] {
            assert!(
                matches!(refused, Some(RecoverError::Layout(_))),
                "{n}: {refused:?}"
            );
        }
        assert!(slot.bytes == before, "{n}");
    }
    let mut short = cut_off();
    let (record, _) = read_record(&short).unwrap();
    short
        .bytes
        .truncate(first_fragment(&record) as usize + 4095);
    assert!(matches!(check(&short), Err(RecoverError::Layout(_))));
    short.bytes.extend([0]);
    assert!(check(&short).is_ok());
}

#[test]
fn a_lost_header_is_made_of_the_newest_segment_in_the_slot() {
    let was = header(41, 7);
    let old = record_into(Slot::blank(), header(40, 7), 40, true);
    let good = record_into(old, was.clone(), 12, false);
    let (first, len) = good.fragments()[0];
    for first_is_left in [true, false] {
        let mut slot = good.clone();
        slot.zero(0, 4096);
        if !first_is_left {
            slot.zero(first, len as usize);
        }
        let record = mend(&mut slot, &Help::NONE).unwrap().record;
        assert_eq!((record.sequence, record.class), (41, b'N'));
        assert_eq!(
            (record.start_boot, record.start_utc),
            (was.start_boot, was.start_utc)
        );
        assert_eq!(record.pictures_before, was.pictures_before);
        let left = if first_is_left {
            ALL
        } else {
            ALL - PER_FRAGMENT
        };
        assert_eq!(slot.pictures(), left);
    }
}

#[test]
fn a_file_without_a_first_sector_is_no_segment_and_one_that_cannot_be_read_is_said_so() {
    struct Refusing;
    impl ReadAt for Refusing {
        fn read_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn size(&self) -> io::Result<u64> {
            Ok(SLOT_LEN)
        }
    }
    let foreign = RecoverError::Record(RecordError::Foreign).to_string();
    let short = read_record(&vec![0_u8; 511]).unwrap_err();
    assert_eq!(short.to_string(), foreign);
    let refused = read_record(&Refusing).unwrap_err();
    assert!(matches!(refused, RecoverError::Io(_)), "{refused}");
}

#[test]
fn a_head_box_without_a_type_is_what_its_record_says() {
    for good in [finished(), cut_off()] {
        let mut slot = good.clone();
        slot.zero(36, 4);
        let (_, state) = read_record(&good).unwrap();
        let mended = mend(&mut slot, &Help::NONE).unwrap();
        assert_eq!((mended.was, slot.pictures()), (state, ALL));
        assert!(state == SegmentState::Recording || slot.bytes == good.bytes);
        // With the record gone as well, the type alone says it.
        let mut slot = good.clone();
        slot.zero(160, 352);
        let mended = mend(&mut slot, &Help::NONE).unwrap();
        assert_eq!((mended.was, slot.pictures()), (state, ALL));
        assert!(mended.header && mended.record.recovered);
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    }
}

#[test]
fn the_newest_fragments_of_a_slot_say_whose_it_is() {
    let segment = |sequence| record_into(Slot::blank(), header(sequence, 7), 4, false);
    // Each fragment with a place of its own, in any order.
    let told = |fragments: &[(u64, usize)], size: usize| {
        let mut slot = Slot::blank();
        for (place, &(sequence, n)) in (0..).zip(fragments) {
            let from = segment(sequence);
            let (at, len) = from.fragments()[n];
            slot.put(place * 16_384, &from.bytes[at as usize..][..len as usize]);
        }
        slot.bytes.truncate(size);
        let told = header::told(&slot, None).unwrap();
        told.map(|told| (told.by.sequence, told.by.index, told.first))
    };
    let all = SLOT_LEN as usize;
    let newer_last = [(40, 0), (40, 1), (41, 0), (41, 1)];
    assert_eq!(told(&newer_last, all), Some((41, 0, Some(32_768))));
    let newer_first = [(41, 0), (41, 1), (40, 0), (40, 1)];
    assert_eq!(told(&newer_first, all), Some((41, 0, Some(0))));
    // Its first fragment is gone: that of an older one is not it.
    assert_eq!(told(&[(41, 1), (40, 0)], all), Some((41, 1, None)));
    assert_eq!(told(&[(40, 0), (41, 2), (41, 3)], all), Some((41, 2, None)));
    // A fragment is whole only if its end is there.
    let len = segment(41).fragments()[0].1 as usize;
    let two = [(40, 0), (41, 0)];
    assert_eq!(told(&two, 16_384 + len), Some((41, 0, Some(16_384))));
    assert_eq!(told(&two, 16_384 + len - 1), Some((40, 0, Some(0))));
    assert_eq!(told(&[], all), None);
}

#[test]
fn the_init_of_version_1_is_found_by_its_boxes() {
    let mut bytes = vec![0_u8; 128 * 1024];
    // One of the two boxes alone, or not on a page, is none.
    bytes[32_768 - 28..][..4].copy_from_slice(b"ftyp");
    bytes[36_864 + 4..][..4].copy_from_slice(b"moov");
    bytes[40_960 + 512 - 28..][..4].copy_from_slice(b"ftyp");
    bytes[40_960 + 512 + 4..][..4].copy_from_slice(b"moov");
    assert_eq!(header::find_head(&bytes, 131_072).unwrap(), None);
    bytes[65_536 - 28..][..4].copy_from_slice(b"ftyp");
    bytes[65_536 + 4..][..4].copy_from_slice(b"moov");
    assert_eq!(header::find_head(&bytes, 131_072).unwrap(), Some(65_536));
    let found = header::find_head(&bytes, 65_536 + 4096).unwrap();
    assert_eq!(found, Some(65_536));
    let none = header::find_head(&bytes, 65_536 + 4095).unwrap();
    assert_eq!(none, None);
}

#[test]
fn the_end_that_a_header_says_is_made_that_of_the_fragments() {
    let good = finished();
    let mut slot = good.clone();
    let (mut record, _) = read_record(&slot).unwrap();
    record.end -= 4096;
    record.store(slot.bytes.first_chunk_mut().unwrap());
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(mended.changed());
    assert!(slot.bytes == good.bytes);
}
