//! Fragments whose record, boxes or length are damaged, and the `free` behind the last.

use super::*;

fn free(len: u64) -> Vec<u8> {
    let mut header = Vec::new();
    crate::boxes::header(b"free", len, &mut header);
    header
}

/// Leaves of the samples that the boxes of a fragment list its first picture alone.
fn shorten(slot: &mut Slot, at: u64) {
    for (n, trun) in slot.boxes(at, b"trun").into_iter().enumerate() {
        let size = &slot.bytes[trun as usize - 4..trun as usize];
        let end = trun - 4 + u64::from(u32::from_be_bytes(size.try_into().unwrap()));
        let from = trun + if n == 0 { 32 } else { 16 };
        slot.zero(from, (end - from) as usize);
    }
}

#[test]
fn a_damaged_fragment_that_fills_the_slot_is_kept() {
    let (at, len) = *cut_off().fragments().last().unwrap();
    let end = at + u64::from(len);
    let whole = {
        let mut slot = cut_off();
        recovered(&mut slot);
        slot.tables()
    };
    // To its end, or all but the page that says so.
    for room in [0, 4096] {
        let filled = {
            let mut slot = cut_off();
            let (mut record, _) = read_record(&slot).unwrap();
            record.slot_len = end + room;
            record.store(slot.bytes.first_chunk_mut().unwrap());
            slot.bytes.truncate((end + room) as usize);
            if room > 0 {
                slot.put(end, &free(room));
            }
            slot
        };
        let mut slot = filled.clone();
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        assert_eq!(recovered(&mut slot).counters.crc_failures, 0);
        for byte in [32, 28, 48, 2500] {
            let mut slot = filled.clone();
            slot.flip(at + byte);
            let said = check(&slot).unwrap();
            assert_eq!(said.faults.len(), 1, "byte {byte} of {room}: {said:?}");
            let record = recovered(&mut slot);
            assert_eq!((record.end, slot.pictures()), (end, ALL), "byte {byte}");
            assert_eq!(record.counters.crc_failures, 1, "byte {byte}");
            assert!(slot.tables() == whole, "byte {byte}");
        }
        // Its record is believed sooner than its samples.
        let mut slot = filled.clone();
        shorten(&mut slot, at);
        if room > 0 {
            slot.flip(end);
        }
        let record = recovered(&mut slot);
        assert_eq!(record.end, end, "{room}");
        assert_eq!(slot.pictures(), ALL - PER_FRAGMENT + 1);
        // What is in the page behind it is hidden.
        let mut slot = filled.clone();
        slot.zero(end, room as usize);
        let mended = mend(&mut slot, &Help::NONE).unwrap();
        assert_eq!(mended.tail, room > 0);
        assert!(slot.bytes[end as usize..].starts_with(&free(room)[..room.min(8) as usize]));
    }
}

#[test]
fn a_fragment_is_known_by_its_crc_whatever_its_record_says() {
    let mut whole = cut_off();
    recovered(&mut whole);
    let fragments = cut_off().fragments();
    // Number, sequence and boot; then the length as well, where what follows tells it.
    for (damaged, fields) in [(vec![5], 60..76), (vec![5], 56..76), (vec![4, 5], 60..76)] {
        let mut slot = cut_off();
        for &n in &damaged {
            let (at, _) = fragments[n];
            for byte in fields.clone() {
                slot.put(at + byte, &[0]);
            }
            // An older segment's, by that; a length of whole pages.
            slot.put(at + 71, &[9]);
            if fields.start == 56 {
                slot.put(at + 56, &[0, 0, 0x50, 0]);
            }
        }
        let record = recovered(&mut slot);
        assert_eq!(record.counters.crc_failures as usize, damaged.len());
        assert!(slot.tables() == whole.tables(), "{damaged:?} {fields:?}");
    }
}

#[test]
fn what_is_damaged_and_says_to_be_older_is_taken_for_that() {
    let (at, _) = cut_off().fragments()[5];
    for (sequence, taken) in [
        (0_u64, true),
        (40, false),
        (41, true),
        (42, true),
        (9, false),
    ] {
        let mut slot = cut_off();
        slot.put(at + 64, &sequence.to_be_bytes());
        slot.put(at + 72, &[1, 2, 3, 4]);
        slot.flip(at + 2500);
        if taken {
            let record = recovered(&mut slot);
            assert_eq!(slot.pictures(), ALL, "{sequence}");
            assert_eq!(record.counters.crc_failures, 1, "{sequence}");
        } else {
            // A player does not ask whose pictures they are: nothing is taken away.
            let before = slot.bytes.clone();
            let refused = mend(&mut slot, &Help::NONE);
            let (now, mended) = (ALL, ALL - PER_FRAGMENT);
            assert!(
                matches!(refused, Err(RecoverError::LessPlayable { now: n, mended: m }) if (n, m) == (now, mended)),
                "{sequence}: {refused:?}"
            );
            assert!(slot.bytes == before, "{sequence}");
        }
    }
}

#[test]
fn fragments_that_are_damaged_side_by_side_are_counted_each() {
    let fragments = cut_off().fragments();
    let mut slot = cut_off();
    for n in [4, 5] {
        slot.put(fragments[n].0 + 71, &[9]);
    }
    slot.zero(fragments[6].0, fragments[6].1 as usize);
    let record = recovered(&mut slot);
    assert_eq!(record.counters.crc_failures, 3);
    assert_eq!(slot.pictures(), ALL - PER_FRAGMENT);
}

#[test]
fn a_fragment_whose_length_and_boxes_are_damaged_costs_no_other() {
    let (at, _) = cut_off().fragments()[5];
    let mut slot = cut_off();
    slot.flip(at + 58);
    slot.zero(at + 300, 1744);
    let record = recovered(&mut slot);
    assert_eq!(slot.pictures(), ALL - PER_FRAGMENT);
    assert_eq!(record.counters.crc_failures, 1);
    // Of the last one nothing is left but its record.
    let (at, _) = cut_off().fragments()[11];
    let mut slot = cut_off();
    slot.zero(at + 300, 1744);
    let record = recovered(&mut slot);
    assert_eq!((record.end, record.counters.crc_failures), (at, 1));
    // Where it ends, its pictures say as well as what is listed behind them.
    let (at, len) = cut_off().fragments()[11];
    let mut slot = cut_off();
    slot.flip(at + 58);
    let side = slot.boxes(at, b"traf")[1];
    slot.zero(side, 4);
    let record = recovered(&mut slot);
    assert_eq!((record.end, slot.pictures()), (at + u64::from(len), ALL));
    assert_eq!(record.counters.crc_failures, 1);
}

#[test]
fn a_damaged_free_ends_a_segment_as_well() {
    let (at, len) = *cut_off().fragments().last().unwrap();
    let end = at + u64::from(len);
    for byte in [4, 6] {
        let mut slot = cut_off();
        slot.flip(end + byte);
        slot.flip(end + byte + 1);
        assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
        let record = recovered(&mut slot);
        assert_eq!((record.end, record.counters.crc_failures), (end, 0));
    }
    // The sectors behind it may be those of a fragment that was never shown.
    let mut slot = cut_off();
    slot.put(at, &free(SLOT_LEN - at));
    slot.flip(at + 4);
    let record = recovered(&mut slot);
    assert_eq!((record.end, slot.pictures()), (at, ALL - PER_FRAGMENT));
}
