use super::*;
use crate::memory_directory::MemoryDirectory;
use picam_mp4::ReadAt;
use proptest::prelude::*;

fn wrong_sized(ring: &Ring, slot_size: u64) -> usize {
    let segments = ring.segments().iter().map(|segment| segment.size);
    let all = segments.chain(ring.spares().iter().map(|spare| spare.size));
    all.filter(|&size| size != slot_size).count()
}

const MB: u64 = 1 << 20;

fn need(camera: u8, slot_size: u64) -> CameraNeed {
    CameraNeed { camera, slot_size }
}

fn plan(slots: Slots, cameras: &[CameraNeed], directory: &MemoryDirectory) -> Provision {
    let catalog = Catalog::read(directory).unwrap();
    Provision::plan(slots, cameras, directory.space().unwrap(), &catalog)
}

fn listed(directory: &MemoryDirectory) -> SlotTable {
    let table = SlotTable::default();
    let _ = table.look(directory);
    table
}

/// Steps until nothing more happens; every step must leave table and card the same.
fn run(provision: &Provision, directory: &MemoryDirectory) -> (Vec<Step>, Step) {
    let table = listed(directory);
    let mut steps = Vec::new();
    for _ in 0..1000 {
        let step = provision.step(directory, &table, &mut Vec::new()).unwrap();
        assert_eq!(table.catalog(), Catalog::read(directory).unwrap());
        match step {
            Step::Created(_) | Step::Removed(_) => steps.push(step),
            last => return (steps, last),
        }
    }
    panic!("never ends");
}

fn spare(camera: u8, sequence: u32) -> SlotName {
    SlotName::Spare { camera, sequence }
}

#[test]
fn a_count_is_divided_evenly() {
    let directory = MemoryDirectory::new(100 * MB, &[]);
    let cameras = [need(b'A', MB), need(b'B', MB), need(b'C', MB)];
    let targets = |count, cameras: &[CameraNeed]| {
        let plan = plan(Slots::Count(count), cameras, &directory);
        cameras
            .iter()
            .map(|need| plan.target(need.camera))
            .collect::<Vec<_>>()
    };
    assert_eq!(targets(40, &cameras[..2]), [20, 20]);
    assert_eq!(targets(7, &cameras[..2]), [4, 3]);
    assert_eq!(targets(8, &cameras[..1]), [8]);
    assert_eq!(targets(20, &cameras), [7, 7, 6]);
    assert_eq!(targets(0, &cameras), [0, 0, 0]);
    assert_eq!(targets(5, &[]), [] as [usize; 0]);
}

#[test]
fn filling_leaves_the_reserve_and_counts_what_is_ours_already() {
    let files = [
        ("holiday.mp4", 20 * MB),
        ("20261120_110800_FN_000001.mp4", 8 * MB),
        ("free_video_slot_F-_000000.bin", 8 * MB),
        // A camera that is not configured any more: only its locks stay.
        ("20261120_110800_RN_000001.mp4", 8 * MB),
        ("20261120_110800_RE_000002.mp4", 8 * MB),
    ];
    let directory = MemoryDirectory::new(256 * MB, &files);
    let cameras = [need(b'F', 8 * MB)];
    // 256 - 20 - 8 - 28 = 200 MiB less 1/256: 24 slots.
    let by_bytes = plan(Slots::Fill(Reserve::Bytes(28 * MB)), &cameras, &directory);
    assert_eq!(by_bytes.target(b'F'), 24);
    // 228 - 64 = 164 MiB less 1/256: 20 slots.
    let by_percent = plan(Slots::Fill(Reserve::Percent(25.0)), &cameras, &directory);
    assert_eq!(by_percent.target(b'F'), 20);
    let too_much = plan(Slots::Fill(Reserve::Percent(100.0)), &cameras, &directory);
    assert_eq!(too_much.target(b'F'), MIN_SLOTS);
    assert_eq!(run(&by_bytes, &directory).1, Step::Done);
    assert!(directory.space().unwrap().available >= 28 * MB);
}

#[test]
fn slots_are_created_in_turn_for_each_camera() {
    let directory = MemoryDirectory::new(100 * MB, &[]);
    let cameras = [need(b'F', MB), need(b'R', 2 * MB)];
    let (steps, last) = run(&plan(Slots::Count(9), &cameras, &directory), &directory);
    assert_eq!(last, Step::Done);
    let order: String = steps
        .iter()
        .map(|step| match step {
            Step::Created(slot) => char::from(slot.camera()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(order, "FRFRFRFRF");
    let catalog = Catalog::read(&directory).unwrap();
    assert_eq!(wrong_sized(catalog.ring(b'F'), MB), 0);
    assert_eq!(wrong_sized(catalog.ring(b'R'), 2 * MB), 0);
    assert_eq!(catalog.ring(b'R').len(), 4);
}

#[test]
fn a_card_full_of_others_files_is_stated_and_nothing_is_deleted() {
    let directory = MemoryDirectory::new(100 * MB, &[("a.jpg", 60 * MB), ("b.mp4", 20 * MB)]);
    let provision = plan(Slots::Count(4), &[need(b'F', 8 * MB)], &directory);
    let (steps, last) = run(&provision, &directory);
    assert_eq!(steps.len(), 2);
    let Step::Full(full) = last else {
        panic!("{last:?}")
    };
    assert_eq!(
        (full.slots, full.bytes, full.available),
        (2, 16 * MB, 4 * MB)
    );
    assert_eq!((full.foreign.files, full.others), (2, 80 * MB));
    assert_eq!(directory.open("a.jpg").unwrap().size().unwrap(), 60 * MB);
    // Once there is room, it goes on.
    directory.remove("b.mp4").unwrap();
    assert_eq!(run(&provision, &directory).1, Step::Done);
}

#[test]
fn a_filesystem_that_needs_more_than_it_says_is_full_too() {
    let mut directory = MemoryDirectory::new(24 * MB, &[]);
    directory.overhead = 1;
    let provision = plan(Slots::Count(3), &[need(b'F', 8 * MB)], &directory);
    let (steps, last) = run(&provision, &directory);
    assert_eq!(steps.len(), 2);
    assert!(
        matches!(last, Step::Full(CardFull { slots: 1, .. })),
        "{last:?}"
    );
}

#[test]
fn what_a_broken_card_answers_is_no_full_card() {
    let mut directory = MemoryDirectory::new(100 * MB, &[("free_video_slot_F-_000000.bin", MB)]);
    directory.broken = true;
    let table = listed(&directory);
    // One more, one fewer: each is tried once.
    for (slots, tries) in [(2, 1), (0, 2)] {
        let provision = plan(Slots::Count(slots), &[need(b'F', MB)], &directory);
        let failed = provision
            .step(&directory, &table, &mut Vec::new())
            .unwrap_err();
        assert_eq!(failed.raw_os_error(), Some(5));
        assert_eq!(directory.tries.get(), tries);
    }
    assert_eq!(table.catalog().ring(b'F').len(), 1);
}

#[test]
fn fewer_slots_take_spare_ones_at_once_and_leave_footage() {
    let files = [
        ("20261120_110800_FN_000001.mp4", MB),
        ("20261120_110900_FN_000002.mp4", MB),
        ("20261120_111000_FN_000003.mp4", MB),
        ("20261120_111100_FN_000004.mp4", MB),
        ("free_video_slot_F-_000000.bin", MB),
        ("free_video_slot_F-_000001.bin", MB),
    ];
    let directory = MemoryDirectory::new(100 * MB, &files);
    let (steps, last) = run(
        &plan(Slots::Count(3), &[need(b'F', MB)], &directory),
        &directory,
    );
    assert_eq!(
        steps,
        [Step::Removed(spare(b'F', 1)), Step::Removed(spare(b'F', 0))]
    );
    assert_eq!(last, Step::Done);
    assert_eq!(
        Catalog::read(&directory)
            .unwrap()
            .ring(b'F')
            .segments()
            .len(),
        4
    );
}

#[test]
fn wrong_sized_spares_are_replaced_but_not_busy_ones() {
    let files = [
        ("free_video_slot_F-_000000.bin", 0),
        ("free_video_slot_F-_000001.bin", MB),
        ("free_video_slot_F-_000002.bin", 7),
    ];
    let directory = MemoryDirectory::new(100 * MB, &files);
    let provision = plan(Slots::Count(3), &[need(b'F', MB)], &directory);
    let table = listed(&directory);
    let recorder = table.claim(spare(b'F', 2), Owner::Recorder(b'F')).unwrap();
    let mut busy = Vec::new();
    let mut step = || provision.step(&directory, &table, &mut busy).unwrap();
    assert_eq!(step(), Step::Removed(spare(b'F', 2)), "tried, and left");
    assert_eq!(step(), Step::Removed(spare(b'F', 0)));
    assert_eq!(step(), Step::Created(spare(b'F', 0)));
    assert_eq!(step(), Step::Done);
    assert_eq!(busy, [recorder.slot()]);
    drop(recorder);
    assert_eq!(run(&provision, &directory).0.len(), 2);
    assert_eq!(
        wrong_sized(Catalog::read(&directory).unwrap().ring(b'F'), MB),
        0
    );
}

#[test]
fn cameras_that_are_gone_make_room_but_keep_their_locks() {
    let files = [
        ("20261120_110800_RN_000001.mp4", 8 * MB),
        ("20261120_110900_RM_000002.mp4", 8 * MB),
        ("free_video_slot_R-_000000.bin", 8 * MB),
    ];
    let directory = MemoryDirectory::new(25 * MB, &files);
    let cameras = [need(b'F', 8 * MB)];
    let (steps, last) = run(&plan(Slots::Count(3), &cameras, &directory), &directory);
    assert_eq!(
        steps,
        [
            Step::Removed(spare(b'R', 0)),
            Step::Created(spare(b'F', 0)),
            Step::Removed(SlotName::parse("20261120_110800_RN_000001.mp4").unwrap()),
            Step::Created(spare(b'F', 1)),
        ]
    );
    assert!(matches!(last, Step::Full(_)));
    assert!(directory.open("20261120_110900_RM_000002.mp4").is_ok());
}

proptest! {
    #[test]
    fn dividing_loses_nothing_and_is_even(total in 0u64..5000, cameras in 1usize..10) {
        let parts: Vec<u64> = divide(total, cameras).collect();
        prop_assert_eq!((parts.len(), parts.iter().sum::<u64>()), (cameras, total));
        let most = parts.iter().max().unwrap();
        prop_assert!(parts.iter().all(|part| part.abs_diff(*most) <= 1));
    }

    /// Whatever lies on the card: provisioning ends, and touches neither what is not ours nor the
    /// footage of a configured camera.
    #[test]
    fn provisioning_ends_and_spares_what_it_must(
        total in 0u64..200,
        count in 0u32..30,
        segments in 0u32..10,
        spares in proptest::collection::vec((0u32..20, 1u64..4), 0..6),
        foreign in 0u64..100,
        overhead in 0u64..2,
    ) {
        let mut files = vec![("mine.jpg".to_owned(), foreign)];
        for n in 0..segments {
            files.push((format!("boot0001_000000_FN_{n:06}.mp4"), 2));
        }
        for (n, size) in spares {
            files.push((spare(b'F', n).to_string(), size));
        }
        let files: Vec<(&str, u64)> =
            files.iter().map(|(name, size)| (name.as_str(), *size)).collect();
        let mut directory = MemoryDirectory::new(total, &files);
        directory.overhead = overhead;
        let provision = plan(Slots::Count(count), &[need(b'F', 2)], &directory);
        let (_, last) = run(&provision, &directory);
        prop_assert!(directory.open("mine.jpg").is_ok());
        let catalog = Catalog::read(&directory).unwrap();
        let ring = catalog.ring(b'F');
        prop_assert_eq!(ring.segments().len() as u32, segments);
        if last == Step::Done {
            prop_assert_eq!(ring.len() as u32, count.max(segments));
            prop_assert_eq!(wrong_sized(ring, 2), 0);
        }
    }
}
