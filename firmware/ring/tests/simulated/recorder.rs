//! When segments begin and end, what their headers say, and what is said of a recorder while it records.

use std::sync::Arc;
use std::time::Duration;

use picam_mp4::recover::read_record;
use picam_mp4::{Record, SegmentState, TrackConfig, patch_record};
use picam_ring::{
    ATTEMPTS, Boot, Directory, Loss, NameTime, Placement, Recorder, RingConfig, SegmentName,
    SlotName, Taken, Urgency,
};
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, SimDisk};
use picam_time::{BootNs, UtcUs};

use super::camera::{picture, plain_picture, plain_track, ring};
use super::refusing_card::{Card, segments};

const SLOT_SIZE: u64 = 512 * 1024;
const GOP: u64 = 15;
/// Pictures after which a segment is long enough: twice two seconds.
const LONG: u64 = 120;
const BOOT: Boot = Boot {
    id: [9; 16],
    number: 41,
};
/// 2026-11-20 11:08:00 UTC.
const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

fn config() -> RingConfig {
    ring(SLOT_SIZE, 8, 32, 2)
}

fn recorder<D: Directory + Clone>(disk: &D) -> Recorder<D> {
    Recorder::new(disk.clone(), config(), BOOT, listed(disk))
}

fn new_card() -> (SimDisk, Recorder<SimDisk>) {
    let disk = SimDisk::new(Mutant::None);
    let recorder = recorder(&disk);
    (disk, recorder)
}

/// Hands over picture `n`, of so many bytes.
fn push_sized<D: Directory>(recorder: &mut Recorder<D>, n: u64, bytes: usize) -> Taken {
    let data = vec![n as u8; bytes];
    let picture = plain_picture(n, GOP, &data);
    recorder.push(&picture, &plain_track()).unwrap()
}

fn push<D: Directory>(recorder: &mut Recorder<D>, n: u64) -> Taken {
    push_sized(recorder, n, 2000)
}

fn record(disk: &impl Directory, slot: SlotName) -> (Record, SegmentState) {
    read_record(&disk.open(&slot.to_string()).unwrap()).unwrap()
}

/// The headers of all segments, in order.
fn records(disk: &impl Directory) -> Vec<Record> {
    let names = segments(disk).into_iter().map(SlotName::Segment);
    names.map(|name| record(disk, name).0).collect()
}

const fn dts(n: u64) -> i64 {
    (n * 3000) as i64
}

#[test]
fn a_new_segment_is_wanted_by_length_by_room_and_where_times_go_back() {
    let (_disk, mut recorder) = new_card();
    assert_eq!(recorder.urgency(0, 0), Urgency::NoSegment);
    let first = GOP;
    assert_eq!(push(&mut recorder, first), Taken::Yes);
    let end = dts(first + LONG);
    for (dts, extra, urgency) in [
        (dts(first), 0, Urgency::None),
        (dts(first + 1), 0, Urgency::None),
        (end - 1, 0, Urgency::None),
        (end, 0, Urgency::Convenient),
        (dts(first) - 1, 0, Urgency::Urgent),
        (dts(first + 1), SLOT_SIZE, Urgency::Urgent),
        (end, SLOT_SIZE, Urgency::Urgent),
    ] {
        assert_eq!(recorder.urgency(dts, extra), urgency, "{dts} {extra}");
    }
    recorder.finish().unwrap();
    assert_eq!(recorder.urgency(dts(first + 1), 0), Urgency::NoSegment);
}

#[test]
fn behind_a_picture_without_room_nothing_comes_into_the_segment_until_the_next_key_frame() {
    let (disk, mut recorder) = new_card();
    for n in 0..6 {
        assert_eq!(push(&mut recorder, n), Taken::Yes);
    }
    assert_eq!(recorder.urgency(dts(6), 0), Urgency::None);
    let too_large = SLOT_SIZE as usize;
    assert_eq!(push_sized(&mut recorder, 6, too_large), Taken::Skipped);
    assert_eq!(recorder.urgency(dts(7), 0), Urgency::Urgent);
    for n in 7..GOP {
        assert_eq!(push(&mut recorder, n), Taken::Skipped, "{n}");
    }
    for n in GOP..GOP + 3 {
        assert_eq!(push(&mut recorder, n), Taken::Yes, "{n}");
    }
    recorder.finish().unwrap();
    let counters = records(&disk).into_iter().map(|record| record.counters);
    let counted: Vec<_> = counters.map(|all| (all.frames, all.lost_room)).collect();
    assert_eq!(counted, [(6, 9), (3, 0)]);
}

#[test]
fn segments_begin_at_key_frames_alone_and_once_the_one_before_is_long_enough() {
    let (disk, mut recorder) = new_card();
    for n in 1..GOP {
        assert_eq!(push(&mut recorder, n), Taken::Skipped, "no key frame yet");
    }
    for n in GOP..=GOP + LONG {
        push(&mut recorder, n);
    }
    recorder.finish().unwrap();
    let frames = |disk| -> Vec<u32> {
        let records = records(disk).into_iter();
        records.map(|record| record.counters.frames).collect()
    };
    assert_eq!(frames(&disk), [LONG as u32, 1]);

    // One long group of pictures is one segment, also from a camera that describes its tracks anew each time.
    let (disk, mut recorder) = new_card();
    let tracks = || Arc::new(plain_track().to_vec());
    for n in 0..LONG + 20 {
        let picture = plain_picture(n, 1000, &[1; 500]);
        assert_eq!(recorder.push(&picture, &tracks()).unwrap(), Taken::Yes);
    }
    recorder.finish().unwrap();
    assert_eq!(frames(&disk), [LONG as u32 + 20]);
    let (disk, mut recorder) = new_card();
    for n in 0..3 * GOP {
        let picture = plain_picture(n, GOP, &[1; 500]);
        assert_eq!(recorder.push(&picture, &tracks()).unwrap(), Taken::Yes);
    }
    recorder.finish().unwrap();
    assert_eq!(frames(&disk), [3 * GOP as u32]);
}

#[test]
fn two_key_frames_of_one_moment_are_of_one_segment() {
    let (disk, mut recorder) = new_card();
    for _ in 0..2 {
        assert_eq!(push(&mut recorder, 0), Taken::Yes);
    }
    recorder.finish().unwrap();
    assert_eq!(records(&disk).len(), 1);
}

#[test]
fn a_caller_that_decides_itself_gets_a_segment_for_each_that_it_asks_for() {
    let (disk, mut recorder) = new_card();
    let tracks: Arc<Vec<TrackConfig>> = plain_track();
    let mut place = |n, placement| {
        let data = [n as u8; 500];
        recorder
            .place(&plain_picture(n, GOP, &data), placement)
            .unwrap()
    };
    assert_eq!(place(0, Placement::Current), Taken::Skipped);
    for (n, placement) in [
        (1, Placement::New(&tracks)),
        (2, Placement::Current),
        (3, Placement::New(&tracks)),
        (LONG + 30, Placement::Current),
        (LONG + 31, Placement::New(&tracks)),
    ] {
        assert_eq!(place(n, placement), Taken::Yes, "{n}");
    }
    recorder.finish().unwrap();
    let records = records(&disk);
    let frames: Vec<u32> = records.iter().map(|all| all.counters.frames).collect();
    assert_eq!(frames, [2, 2, 1]);
}

#[test]
fn a_segment_that_is_asked_for_while_the_card_refuses_is_begun_once() {
    let (disk, mut recorder) = new_card();
    let tracks = plain_track();
    for n in [0, GOP, 2 * GOP] {
        disk.refuse(ATTEMPTS - 1);
        let data = [n as u8; 500];
        let picture = plain_picture(n, GOP, &data);
        let mut tries = (0..ATTEMPTS).map(|_| recorder.place(&picture, Placement::New(&tracks)));
        assert!(tries.any(|result| result.is_ok()), "{n}");
    }
    recorder.finish().unwrap();
    let records = records(&disk).into_iter();
    let begun: Vec<_> = records.map(|r| (r.sequence, r.counters.frames)).collect();
    assert_eq!(begun, [(1, 1), (2, 1), (3, 1)]);
}

#[test]
fn a_header_says_which_camera_and_boot_recorded_it_when_and_behind_how_many_pictures() {
    let (disk, mut recorder) = new_card();
    for n in 0..40 {
        push(&mut recorder, n);
    }
    recorder.finish().unwrap();
    recorder.set_utc(NOON).unwrap();
    for n in 45..60 {
        push(&mut recorder, n);
    }
    recorder.finish().unwrap();
    let [first, second] = &records(&disk)[..] else {
        panic!("two segments");
    };
    for record in [first, second] {
        assert_eq!((record.boot_id, record.boot_number), (BOOT.id, BOOT.number));
        assert_eq!((record.camera, record.class), (b'F', b'N'));
        assert_eq!(record.camera_name, "front");
    }
    assert_eq!((first.sequence, second.sequence), (1, 2));
    assert_eq!((first.pictures_before, second.pictures_before), (0, 40));
    let began = plain_picture(45, GOP, &[]).sample.captured;
    assert_eq!((first.start_boot, second.start_boot), (BootNs::ZERO, began));
    assert_eq!(first.start_utc, None);
    assert_eq!(second.start_utc, Some(NOON.after_boot(began)));
    let times: Vec<NameTime> = segments(&disk).iter().map(|name| name.time).collect();
    let unknown = NameTime::Boot {
        number: 41,
        seconds: 0,
    };
    assert_eq!(times, [unknown, NameTime::Utc(NOON.seconds() + 1)]);
}

#[test]
fn how_far_a_slot_was_written_is_known_when_it_is_used_again_unless_it_was_of_another_length() {
    let spare = SlotName::Spare {
        camera: b'F',
        sequence: 0,
    };
    for same_length in [true, false] {
        let (disk, mut recorder) = new_card();
        for n in 0..60 {
            push(&mut recorder, n);
        }
        recorder.finish().unwrap();
        let name = segments(&disk)[0];
        let (old, _) = record(&disk, SlotName::Segment(name));
        assert!(old.written_len > 60 * 2000, "{}", old.written_len);
        if !same_length {
            let mut file = disk.open(&name.to_string()).unwrap();
            patch_record(&mut file, |record| record.slot_len *= 2).unwrap();
        }
        disk.rename(&name.to_string(), &spare.to_string()).unwrap();
        let mut recorder = self::recorder(&disk);
        push(&mut recorder, 60);
        let (new, state) = record(&disk, spare);
        assert_eq!(state, SegmentState::Recording);
        let known = if same_length { old.written_len } else { 0 };
        assert_eq!(new.written_len, known, "of the same length: {same_length}");
    }
}

#[test]
fn refusals_short_of_giving_up_cost_no_picture_and_no_segment() {
    let (disk, mut recorder) = new_card();
    let mut refused = 0;
    for n in 0..100 {
        disk.refuse(ATTEMPTS - 1);
        let data = [n as u8; 2000];
        let picture = plain_picture(n, GOP, &data);
        let mut tries = (0..ATTEMPTS).map(|_| recorder.push(&picture, &plain_track()));
        let taken = tries.position(|result| result.is_ok());
        refused += taken.unwrap_or_else(|| panic!("{n} was never taken"));
    }
    disk.refuse(0);
    recorder.finish().unwrap();
    assert!(refused > 20, "{refused}");
    let total = recorder.total();
    assert_eq!((total.frames, total.lost_pictures()), (100, 0));
    let records = records(&disk);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].counters.frames, 100);
}

#[test]
fn what_is_given_up_before_or_with_a_card_is_in_the_total() {
    let (disk, mut recorder) = new_card();
    for n in 0..40 {
        push(&mut recorder, n);
    }
    let mut waiting = plain_picture(44, GOP, &[]);
    waiting.lost_before.dropped_queue = 4;
    recorder.lose(&waiting, Loss::Card);
    let total = *recorder.total();
    assert_eq!(
        (total.frames, total.dropped_queue, total.lost_card),
        (40, 4, 1)
    );
    // The card is pulled: what was not on it is lost, too.
    disk.refuse(u32::MAX);
    let account = recorder.dismiss();
    let total = *account.total();
    assert_eq!(u64::from(total.frames) + total.lost_pictures(), 45);
    assert!((25..40).contains(&total.frames), "{total:?}");
    // The next recorder goes on from there.
    let recorder = new_card().1.resume(account);
    assert_eq!(*recorder.total(), total);
}

#[test]
fn pictures_that_come_are_durable_soon_though_nobody_asks_for_it() {
    let (_disk, mut recorder) = new_card();
    for n in 0..90 {
        push(&mut recorder, n);
        let captured = plain_picture(n, GOP, &[]).sample.captured;
        let lag = captured.since(recorder.durable_until());
        assert!(lag < Duration::from_millis(700), "picture {n}: {lag:?}");
    }
}

#[test]
fn a_picture_that_lasts_longer_than_a_fragment_is_on_the_card_at_once() {
    const SLOW: Numbered = Numbered {
        fps: 2,
        gop: 2,
        key_len: (4000, 3000),
        delta_len: (60, 1000),
    };
    let (disk, mut recorder) = new_card();
    let tracks = Arc::new(SLOW.tracks());
    for n in 0..12 {
        let data = SLOW.coded(n);
        recorder.push(&picture(&SLOW, n, &data), &tracks).unwrap();
        let image = disk.image();
        let shown: u64 = image
            .files
            .values()
            .map(|b| SLOW.shown(b).len() as u64)
            .sum();
        assert_eq!(shown, n + 1);
    }
}

#[test]
fn a_finished_segment_bears_its_name_and_is_recorded_no_more_though_the_card_refused_first() {
    let card = Card::new();
    let mut recorder = recorder(&card);
    push(&mut recorder, 0);
    card.faults.borrow_mut().renames = true;
    assert!(recorder.finish().is_err());
    assert_eq!(recorder.segment(), None);
    assert_eq!(recorder.urgency(dts(1), 0), Urgency::Urgent);
    assert_eq!(segments(&card), []);
    card.faults.borrow_mut().renames = false;
    recorder.finish().unwrap();
    let named = |card: &Card| -> Vec<SegmentName> { segments(card) };
    assert_eq!(named(&card).len(), 1);
    assert_eq!(recorder.urgency(dts(1), 0), Urgency::NoSegment);

    push(&mut recorder, GOP);
    recorder.finish().unwrap();
    assert_eq!(recorder.segment(), None);
    assert_eq!(recorder.urgency(dts(GOP + 1), 0), Urgency::NoSegment);
    assert_eq!(named(&card).len(), 2);
    assert!(records(&card).iter().all(|record| record.end > 0));
}
