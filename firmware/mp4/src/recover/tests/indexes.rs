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

#[test]
fn the_footage_of_a_sound_file_is_not_read() {
    struct Watched {
        slot: Slot,
        reads: std::cell::RefCell<Vec<Range<u64>>>,
    }
    impl ReadAt for Watched {
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
            let end = offset + buf.len() as u64;
            self.reads.borrow_mut().push(offset..end);
            self.slot.read_at(offset, buf)
        }

        fn size(&self) -> io::Result<u64> {
            self.slot.size()
        }
    }
    impl SlotFile for Watched {
        fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.slot.write_at(offset, data)
        }

        fn flush(&mut self, scope: Flush) -> io::Result<()> {
            self.slot.flush(scope)
        }
    }
    let mut file = Watched {
        slot: finished(),
        reads: Vec::new().into(),
    };
    // Behind the page with the boxes.
    let pictures: Vec<u64> = file.slot.fragments().iter().map(|f| f.0 + 4200).collect();
    let read_any = |file: &Watched| {
        let reads = file.reads.borrow();
        pictures
            .iter()
            .any(|at| reads.iter().any(|read| read.contains(at)))
    };
    assert!(!mend(&mut file, &Help::NONE).unwrap().changed());
    assert!(!read_any(&file));
    check(&file).unwrap();
    assert!(read_any(&file));
}

#[test]
fn times_of_creation_are_no_damage_and_all_else_is_named() {
    let good = finished();
    let names = index_bytes(&good);
    let start = |kind: &[u8; 4]| {
        let front = good.bytes[..16_384].windows(4);
        front.enumerate().find(|(_, w)| w == kind).unwrap().0 as u64 - 4
    };
    for kind in [b"mvhd", b"tkhd", b"mdhd"] {
        for (at, time) in [(11, false), (12, true), (27, true), (28, false)] {
            let mut slot = good.clone();
            slot.flip(start(kind) + at);
            let faults = check(&slot).map_or(1, |said| said.faults.len());
            assert_eq!(faults == 0, time, "{} {at}", kind.escape_ascii());
            let before = slot.bytes.clone();
            let changed = mend(&mut slot, &Help::NONE).unwrap().changed();
            assert_eq!(changed, !time, "{} {at}", kind.escape_ascii());
            assert!(slot.bytes == if time { &before } else { &good.bytes }[..]);
        }
    }
    for kind in [b"stsz", b"stts", b"hdlr"] {
        let mut slot = good.clone();
        let name = kind.escape_ascii().to_string();
        slot.flip(names.iter().find(|(kind, _)| *kind == name).unwrap().1);
        let said = check(&slot).unwrap().faults.join("; ");
        let place = format!("in `{name}` at byte {}", start(kind));
        assert!(said.ends_with(&place), "{said}: {place}");
    }
    // What is left in the padding shows nothing.
    let mut slot = good.clone();
    slot.put(16_384, &[0xa5; 4096]);
    let before = slot.bytes.clone();
    assert_eq!(check(&slot).unwrap().faults, Vec::<String>::new());
    assert!(!mend(&mut slot, &Help::NONE).unwrap().changed());
    assert!(slot.bytes == before);
    // What stands right before the init, to its last byte.
    for at in HEAD_LEN - 48..HEAD_LEN {
        let mut slot = good.clone();
        slot.flip(at.into());
        let said = check(&slot).unwrap().faults.join("; ");
        let place = format!("in `mdat` at byte {}", HEAD_LEN - 48);
        assert!(said.ends_with(&place), "byte {at}: {said}");
        assert!(mend(&mut slot, &Help::NONE).unwrap().index, "byte {at}");
        assert!(slot.bytes == good.bytes, "byte {at}");
    }
}

#[test]
fn an_index_of_the_same_layout_is_mended_where_it_stands() {
    let good = finished();
    let places = index_bytes(&good);
    let (_, stsz) = *places.iter().find(|(kind, _)| kind == "stsz").unwrap();
    // The length of the `moov` itself is in the sector that shows it, and so is what its `mvhd` says.
    let damages: [&[u64]; 4] = [&[stsz], &[33], &[110], &[110, stsz]];
    for flips in damages {
        let mut slot = good.clone();
        flips.iter().for_each(|&at| slot.flip(at));
        assert!(mend(&mut slot, &Help::NONE).unwrap().index);
        let mut pages: Vec<u64> = flips.iter().map(|at| at / 4096 * 4096).collect();
        pages.dedup();
        let mut steps: Vec<Step> = pages.into_iter().map(Step::Write).collect();
        steps.push(Step::Flush);
        assert_eq!(slot.steps, steps, "{flips:?}");
        assert!(slot.bytes == good.bytes);
    }
    // While another is made, the fragments are shown.
    let mut slot = good.clone();
    slot.zero(32, 4);
    slot.zero(600, 2000);
    slot.most = 2;
    assert!(mend(&mut slot, &Help::NONE).is_err());
    assert_eq!((slot.steps.len(), slot.pictures()), (2, ALL));
    assert_eq!(read_record(&slot).unwrap().1, SegmentState::Recording);
}

#[test]
fn the_samples_of_a_damaged_fragment_are_taken_from_the_index() {
    let slot = finished();
    let shown = Movie::read(&slot).unwrap();
    let pieces = find(&slot, &Help::NONE, true).unwrap().walked.pieces;
    let filled = |shown: &Movie| {
        let mut pieces = pieces.clone();
        pieces[3].intact = false;
        pieces[3].parts = None;
        index::fill_from(&mut pieces, shown, 2);
        pieces[3].parts.clone().unwrap()
    };
    let parts = pieces[3].parts.clone().unwrap();
    assert_eq!(filled(&shown), parts);
    // The index begins with its first sample: what was lost before that is no time in it.
    let mut later = shown.clone();
    for (track, shift) in later.tracks.iter_mut().zip([36_000, 400]) {
        track.samples.iter_mut().for_each(|s| s.dts -= shift);
    }
    assert_eq!(filled(&later), parts);

    // In runs of neighbours, and whole ones alone.
    let mut track = shown.tracks[0].clone();
    let first = track.samples.remove(13);
    let listed = |range| index::listed(&track, 0, range, 0);
    let (at, end) = (pieces[3].at, pieces[3].end);
    let runs = listed(at..end);
    let lens: Vec<usize> = runs.iter().map(|part| part.samples.len()).collect();
    assert_eq!((lens, runs[1].offset), (vec![1, 2], first.end()));
    let last = track.samples[14].end();
    assert_eq!(listed(at..last), runs);
    assert_eq!(listed(at..last - 1)[1].samples.len(), 1);
    // A run of PCM is many samples.
    let mut sound = shown.tracks[1].clone();
    sound.samples.truncate(1);
    let run = &mut sound.samples[0];
    (run.run, run.size, run.duration) = (4, 16, 8);
    let part = &index::listed(&sound, 1, 0..SLOT_LEN, 0)[0];
    let each: Vec<_> = part.samples.iter().map(|s| (s.size, s.duration)).collect();
    assert_eq!(each, [(4, 2); 4]);
}

#[test]
fn the_last_fragment_of_a_finished_file_is_known_by_its_index_alone() {
    let mut slot = finished();
    let (at, len) = *slot.fragments().last().unwrap();
    slot.zero(at, len as usize);
    let before = slot.bytes.clone();
    let mended = mend(&mut slot, &Help::NONE).unwrap();
    assert!(!mended.changed() && mended.damaged == 1, "{mended:?}");
    assert!(slot.bytes == before);
    assert_eq!(slot.pictures(), ALL);
}
