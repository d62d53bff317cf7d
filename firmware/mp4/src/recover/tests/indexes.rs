//! The index of a finished segment, compared and mended.

use super::*;

/// Every leaf box of the index and one of its bytes, the last.
fn index_bytes(slot: &Slot) -> Vec<(String, u64)> {
    fn walk(bytes: &[u8], at: u64, found: &mut Vec<(String, u64)>) {
        let (mut bytes, mut at) = (bytes, at);
        while bytes.len() >= 8 {
            let size = u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
            let kind = String::from_utf8_lossy(&bytes[4..8]).into_owned();
            match kind.as_str() {
                "moov" | "trak" | "mdia" | "minf" | "stbl" => walk(&bytes[8..size], at + 8, found),
                _ => found.push((kind, at + size as u64 - 1)),
            }
            (bytes, at) = (&bytes[size..], at + size as u64);
        }
    }
    let mut found = Vec::new();
    let size = u32::from_be_bytes(slot.bytes[32..36].try_into().unwrap()) as usize;
    walk(&slot.bytes[32..32 + size], 32, &mut found);
    found
}

#[test]
fn a_flipped_bit_anywhere_in_the_index_is_found_and_mended() {
    let good = finished();
    assert_eq!(check(&good).unwrap().faults, Vec::<String>::new());
    let boxes = index_bytes(&good);
    for kind in [
        "stsz", "stco", "stts", "stsc", "ctts", "stss", "stsd", "mdhd", "elst", "hdlr",
    ] {
        let there = boxes
            .iter()
            .any(|(k, _)| k == kind || kind == "elst" && k == "edts");
        assert!(there, "{kind} is not in {boxes:?}");
    }
    // The last byte of each, the box headers, and what picam does not read itself.
    let size = u64::from(u32::from_be_bytes(good.bytes[32..36].try_into().unwrap()));
    let every = (0..32 + size).step_by(13);
    let places = boxes
        .iter()
        .map(|(_, at)| *at)
        .chain(every)
        .chain([32, 35, 36, 39, 62]);
    let untouched = good.fragments();
    for at in places.filter(|at| !(160..512).contains(at)) {
        let mut slot = good.clone();
        slot.flip(at);
        let before = slot.pictures();
        let found = check(&slot).map_or(1, |said| said.faults.len());
        let mended = mend(&mut slot, &Help::NONE).unwrap();
        let time = slot.bytes[..512] != good.bytes[..512] || slot.bytes != good.bytes;
        if found == 0 {
            // Times of creation are not compared: they change before the header record does.
            assert!(time && !mended.changed(), "byte {at} {before}");
            continue;
        }
        assert!(slot.bytes == good.bytes, "byte {at}: {mended:?}");
        assert!(mended.changed() && slot.fragments() == untouched);
    }
}

#[test]
fn a_damaged_fragment_of_a_finished_segment_keeps_what_its_index_says() {
    let mut slot = finished();
    let fragments = slot.fragments();
    let (at, _) = fragments[3];
    slot.zero(at, 2048);
    let before = slot.bytes.clone();
    let said = check(&slot).unwrap();
    assert_eq!((said.faults.len(), said.damaged.len()), (1, 1), "{said:?}");
    assert_eq!(said.damaged[0].seconds, (1.2, 1.6));
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(!mended.changed() && mended.damaged == 1, "{mended:?}");
    assert!(slot.bytes == before);
    // With the index damaged as well, both halves make one.
    slot.flip(
        index_bytes(&slot)
            .iter()
            .find(|(kind, _)| kind == "stss")
            .unwrap()
            .1,
    );
    mend(&mut slot, &Help::NONE).unwrap();
    assert_eq!(slot.pictures(), ALL);
    assert_eq!(check(&slot).unwrap().faults.len(), 1);
}

#[test]
fn an_index_of_another_length_is_hidden_before_a_new_one_is_written() {
    let good = finished();
    let mut slot = good.clone();
    // The size of the `moov`, and a table behind its first sector.
    slot.zero(32, 4);
    slot.zero(600, 2000);
    assert!(mend(&mut slot, &Help::NONE).unwrap().index);
    let page = u64::from(HEAD_LEN) - 4096;
    let hidden = [Step::Write(0), Step::Flush];
    let made = [Step::Write(0), Step::Write(page), Step::Flush];
    let shown = [Step::Write(0), Step::Flush];
    assert_eq!(slot.steps, [&hidden[..], &made, &shown].concat());
    assert!(slot.bytes == good.bytes);
}

#[test]
fn a_finished_file_whose_rest_is_not_hidden_is_mended_there_alone() {
    let good = finished();
    let (record, _) = read_record(&good).unwrap();
    let mut slot = good.clone();
    slot.zero(record.end, 8);
    let said = check(&slot).unwrap().faults.join("; ");
    assert!(said.contains("no `free` follows"), "{said}");
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(mended.tail && !mended.header && !mended.init && !mended.index);
    assert!(slot.bytes == good.bytes);
    assert_eq!(slot.steps, [Step::Write(record.end), Step::Flush]);
}
