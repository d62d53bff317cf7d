use super::*;
use crate::name::NameTime;
use proptest::prelude::*;

fn entry(name: &str, size: u64) -> Entry {
    Entry {
        name: name.to_owned(),
        size,
    }
}

fn segment(sequence: u32, class: Class) -> SegmentName {
    SegmentName {
        time: NameTime::Boot {
            number: 1,
            seconds: sequence % 360_000,
        },
        camera: b'F',
        class,
        sequence,
    }
}

fn order(catalog: &Catalog) -> Vec<u32> {
    let segments = catalog.ring(b'F').segments();
    segments
        .iter()
        .map(|segment| segment.name.sequence)
        .collect()
}

#[test]
fn a_listing_is_sorted_out() {
    let catalog = Catalog::from_entries(&[
        entry("20261120_110900_FN_000000.mp4", 64),
        // Later by its clock, yet recorded before: the clock was wrong.
        entry("20301120_110800_FE_999999.mp4", 64),
        entry("boot0042_003601_RN_000123.mp4", 32),
        entry("free_video_slot_F-_000004.bin", 64),
        entry("free_video_slot_F-_000000.bin", 10),
        entry("20261120_110900_FN_000000 (1).mp4", 1000),
        entry("holiday.jpg", 500),
        // No user put that there.
        entry("picam-keep-0003-empty-aligns-the-entries", 0),
    ]);
    assert_eq!(catalog.cameras().collect::<Vec<_>>(), [b'F', b'R']);
    let front = catalog.ring(b'F');
    assert_eq!(order(&catalog), [999_999, 0]);
    assert_eq!(front.newest().unwrap().name.sequence, 0);
    assert_eq!(front.len(), 4);
    assert_eq!(front.count(Class::Event), 1);
    assert_eq!(front.sizes().filter(|&size| size != 64).count(), 1);
    assert_eq!(front.bytes(), 202);
    assert_eq!(front.free_spare_number(), 1);
    assert_eq!(
        front
            .spares()
            .iter()
            .map(|s| s.sequence)
            .collect::<Vec<_>>(),
        [0, 4]
    );
    assert_eq!(
        catalog.foreign(),
        Foreign {
            files: 2,
            bytes: 1500
        }
    );
    assert_eq!(catalog.bytes(), 234);
    assert!(catalog.ring(b'X').is_empty());
}

#[test]
fn copies_of_one_sequence_are_both_kept_and_told_apart() {
    let mut catalog = Catalog::from_entries(&[
        entry("20261120_110800_FN_000005.mp4", 64),
        entry("20261120_110800_FM_000005.mp4", 64),
        entry("20261120_110900_FN_000006.mp4", 64),
    ]);
    assert_eq!(order(&catalog), [5, 5, 6]);
    let copy = SlotName::parse("20261120_110800_FM_000005.mp4").unwrap();
    assert_eq!(catalog.removed(copy), Some(64));
    assert_eq!(order(&catalog), [5, 6]);
    assert_eq!(catalog.ring(b'F').count(Class::Normal), 2);
}

#[test]
fn what_lies_in_the_way_of_a_slot_is_told_from_the_rest() {
    let catalog = Catalog {
        unusable: vec!["free_video_slot_F-_000001.bin".into(), "holiday".into()],
        ..Catalog::from_entries(&[entry("free_video_slot_F-_000000.bin", 64)])
    };
    assert_eq!(catalog.unusable().len(), 2);
    assert_eq!(
        catalog.unusable_slots().collect::<Vec<_>>(),
        [SlotName::Spare {
            camera: b'F',
            sequence: 1
        }]
    );
}

#[test]
fn header_records_settle_a_doubtful_order() {
    let mut entries: Vec<Entry> = (599_990..=600_000)
        .map(|n| entry(&segment(n, Class::Normal).to_string(), 64))
        .collect();
    entries.push(entry(&segment(5, Class::Manual).to_string(), 64));
    let mut catalog = Catalog::from_entries(&entries);
    let candidates = catalog.ring(b'F').newest_candidates();
    let candidates: Vec<u32> = candidates.iter().map(|s| s.name.sequence).collect();
    assert_eq!(candidates, [5, 600_000]);
    catalog.set_newest(b'F', 600_000);
    assert_eq!(order(&catalog).first(), Some(&5));
    assert_eq!(order(&catalog).last(), Some(&600_000));
    // And it stays so as recording goes on.
    catalog.added(SlotName::Segment(segment(600_001, Class::Normal)), 64);
    assert_eq!(order(&catalog).last(), Some(&600_001));
    assert_eq!(order(&catalog).first(), Some(&5));
}

#[test]
fn what_is_not_known_changes_nothing() {
    let mut catalog = Catalog::from_entries(&[entry("20261120_110800_FN_000005.mp4", 64)]);
    let before = catalog.clone();
    let other = SlotName::Segment(segment(9, Class::Normal));
    assert_eq!(catalog.removed(other), None);
    catalog.renamed(other, SlotName::Segment(segment(10, Class::Normal)));
    assert_eq!(catalog, before);
}

#[test]
fn four_thousand_slots_are_sorted_out_in_milliseconds() {
    let entries: Vec<Entry> = (0..4000)
        .map(|n| {
            let mut name = segment(n, Class::Normal);
            name.time = NameTime::Utc(1_795_172_880 + i64::from(n) * 60);
            entry(&name.to_string(), 64)
        })
        .collect();
    let started = std::time::Instant::now();
    let catalog = Catalog::from_entries(&entries);
    let took = started.elapsed();
    assert_eq!(catalog.ring(b'F').len(), 4000);
    // A few milliseconds; the bound leaves room for a busy machine.
    assert!(took.as_millis() < 100, "{took:?}");
}

proptest! {
    /// Recording without relisting ends at the same catalog as a listing would.
    #[test]
    fn updates_equal_a_new_listing(
        first in 990_000u32..1_010_000,
        operations in proptest::collection::vec((0u8..4, any::<proptest::sample::Index>()), 1..200),
    ) {
        let mut next = first;
        let mut catalog = Catalog::default();
        let mut files: Vec<SlotName> = Vec::new();
        for (operation, index) in operations {
            let at = (!files.is_empty()).then(|| index.index(files.len()));
            match (operation, at) {
                (0, Some(at)) => {
                    let name = files.remove(at);
                    prop_assert_eq!(catalog.removed(name), Some(64));
                }
                (1, Some(at)) => {
                    let from = files[at];
                    let to = match from {
                        SlotName::Segment(mut name) => {
                            name.class = Class::Event;
                            SlotName::Segment(name)
                        }
                        spare => spare,
                    };
                    files[at] = to;
                    catalog.renamed(from, to);
                }
                (2, _) => {
                    let sequence = catalog.ring(b'F').free_spare_number();
                    let spare = SlotName::Spare { camera: b'F', sequence };
                    prop_assert!(!files.contains(&spare));
                    files.push(spare);
                    catalog.added(spare, 64);
                }
                _ => {
                    let name = SlotName::Segment(segment(next % SEQUENCE_MODULUS, Class::Normal));
                    next += 1;
                    files.push(name);
                    catalog.added(name, 64);
                }
            }
        }
        let entries: Vec<Entry> = files.iter().map(|name| entry(&name.to_string(), 64)).collect();
        prop_assert_eq!(catalog, Catalog::from_entries(&entries));
    }
}
