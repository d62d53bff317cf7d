//! From what a camera delivers to what is on the card, and what is counted; without threads.

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;

use picam_control::orders::OrderSpan;
use picam_control::status::Losses;
use picam_media::{Codec, Leading, SoundCodec, SoundFormat, Start, TIMESCALE};
use picam_mp4::FragmentLimits;
use picam_mp4::read::Movie;
use picam_ring::{
    ATTEMPTS, Catalog, Class, NameTime, SIDE_HOLD, SegmentName, Shares, head_len_for,
};
use picam_time::TimeSource;
use tempfile::TempDir;

use super::*;
use crate::orders::Origin;
use crate::queue::{Sender, Sent, queue};
use crate::side_input::{SideSender, side_input};
use crate::tests::{NOON, Parts, SECOND, SLOT_SIZE, parts, plan, said};

/// Pictures a second, and from one key frame to the next.
const RATE: u64 = 10;
/// How long a picture lasts.
const TICKS: i64 = 9_000;
const SOUND: SoundFormat = SoundFormat {
    codec: SoundCodec::Pcm16,
    rate: 48_000,
    channels: 1,
};

fn sets(pps: u8) -> Arc<ParameterSets> {
    Arc::new(ParameterSets {
        codec: Codec::H264,
        vps: Vec::new(),
        sps: vec![vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80]],
        pps: vec![vec![0x68, 0xce, 0x3c, pps]],
        width: 640,
        height: 480,
        frame_ticks: None,
    })
}

/// A camera that begins at 100 s, whose segments end at the first key frame after a second.
struct Bench {
    parts: Parts,
    writer: Writer,
    sets: Arc<ParameterSets>,
    side: SideSender,
    stop: AtomicBool,
    footage: PathBuf,
    _directory: TempDir,
}

fn bench(has_motion: bool) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let plan = plan(directory.path());
    let parts = parts(&plan);
    let ring = RingConfig {
        letter: b'F',
        camera_name: "front".into(),
        slot_size: SLOT_SIZE,
        slots: 20,
        head_len: head_len_for(1, SLOT_SIZE),
        nominal_ticks: i64::from(TIMESCALE) / 2,
        shares: Shares::default(),
        limits: FragmentLimits::default(),
    };
    let (side, input) = side_input();
    let writer = Writer::new(
        parts.volumes.clone(),
        parts.desk.clone(),
        ring,
        parts.desk.clock(),
        parts.reports[0].clone(),
        (input, has_motion),
    );
    Bench {
        parts,
        writer,
        sets: sets(0x80),
        side,
        stop: AtomicBool::new(false),
        footage: plan.footage,
        _directory: directory,
    }
}

/// One segment as it lies on the card.
struct Segment {
    name: SegmentName,
    counters: Counters,
    /// Of each track: bytes, decode time and duration of every sample.
    tracks: Vec<Vec<(Vec<u8>, i64, u32)>>,
}

impl Segment {
    /// The numbers of its pictures.
    fn numbers(&self) -> Vec<u8> {
        self.tracks[0].iter().map(|(data, ..)| data[0]).collect()
    }
}

impl Bench {
    /// The picture that is captured so many tenths of a second after the first one.
    fn picture(&self, n: u8) -> Item {
        let dts = 100 * i64::from(TIMESCALE) + i64::from(n) * TICKS;
        let unit = AccessUnit {
            data: vec![n; 300],
            parameter_sets: Some(self.sets.clone()),
            dts,
            pts: dts,
            start: match u64::from(n).is_multiple_of(RATE) {
                true => Start::Idr,
                false => Start::None,
            },
            captured: BootNs::from_secs(100) + u32::from(n) * (SECOND / RATE as u32),
            ..AccessUnit::new()
        };
        Item {
            unit,
            ..Item::default()
        }
    }

    /// What was heard, measured or said with that picture.
    fn side(&self, kind: UnitKind, n: u8) -> Item {
        let mut item = self.picture(n);
        item.unit.kind = kind;
        item.unit.data = vec![n; 1920];
        item.unit.parameter_sets = None;
        item.unit.start = Start::None;
        item
    }

    /// Lets it become as late as it is when a picture comes.
    fn turn_to(&self, item: &Item) {
        let now = self.parts.clock.now();
        self.parts.clock.turn(item.unit.captured.since(now));
    }

    fn record(&mut self, item: Item) {
        self.turn_to(&item);
        self.writer.record(&item, &self.stop);
    }

    fn record_all(&mut self, numbers: std::ops::Range<u8>) {
        for n in numbers {
            self.record(self.picture(n));
        }
    }

    fn losses(&self) -> Losses {
        self.parts.reports[0].shared.losses()
    }

    fn has_card_fault(&self) -> bool {
        self.parts.reports[0].shared.card_fault.load().is_some()
    }

    /// Ends the recording; what is on the card, the oldest first.
    fn finish(self) -> Vec<Segment> {
        let (sender, receiver) = queue();
        let me = std::thread::current();
        sender.close(&me);
        self.writer.run(receiver, &me, &self.stop);
        segments(&self.footage)
    }
}

fn segments(footage: &std::path::Path) -> Vec<Segment> {
    let directory = FsDirectory::open(footage, false).unwrap();
    let catalog = Catalog::read(&directory).unwrap();
    let names = catalog.ring(b'F').segments().iter().map(|found| found.name);
    let read = |name: SegmentName| {
        let bytes = std::fs::read(footage.join(name.to_string())).unwrap();
        let (_, record, _) = Movie::read_slot(&bytes).unwrap();
        let movie = Movie::read(&bytes).unwrap();
        let tracks = movie.tracks.iter().map(|track| {
            let samples = track.samples.iter().map(|sample| {
                let data = &bytes[sample.offset as usize..][..sample.size as usize];
                (data.to_vec(), sample.dts, sample.duration)
            });
            samples.collect()
        });
        Segment {
            name,
            counters: record.counters,
            tracks: tracks.collect(),
        }
    };
    names.map(read).collect()
}

#[test]
fn every_picture_is_in_one_segment_and_what_was_lost_before_it_is_counted_there() {
    let mut bench = bench(false);
    bench.record_all(0..3);
    let mut item = bench.picture(3);
    item.unit.dropped_before = 2;
    item.unit.damage_before = 3;
    item.unit.pts -= 1;
    bench.record(item);
    bench.record_all(4..10);
    // Lost before a key frame: nothing more goes with them.
    let mut item = bench.picture(10);
    (item.lost_in_queue, item.lost_side) = (4, 5);
    bench.record(item);
    bench.record_all(11..13);
    // What follows them up to the next key frame cannot be decoded.
    let mut item = bench.picture(13);
    item.lost_in_queue = 6;
    bench.record(item);
    bench.record_all(14..20);
    // The source was opened anew: the gap before is no picture's length.
    for n in 20..25 {
        let mut item = bench.picture(n + 100);
        item.unit.epoch = 1;
        item.unit.start = match n {
            20 => Start::Idr,
            _ => Start::None,
        };
        bench.record(item);
    }
    let mut item = bench.picture(200);
    item.unit.epoch = 2;
    bench.record(item);
    let shared = bench.parts.reports[0].shared.clone();
    assert_eq!(shared.frames.load(Relaxed), 19);
    assert_eq!(shared.segments.load(Relaxed), 3);
    let losses = Losses {
        undecodable: 7,
        side: 5,
        stream_damage: 3,
        times_changed: 1,
        ..Losses::default()
    };
    assert_eq!(bench.losses(), losses);
    assert!(shared.durable_until() > BootNs::ZERO);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(
        numbers,
        [
            (0..10).collect::<Vec<_>>(),
            (10..13).collect(),
            (120..125).collect(),
            vec![200],
        ]
    );
    // The last picture of a segment is shown until the next one comes, and that of the last one as long as pictures are.
    let lasts = all.iter().map(|segment| {
        let (_, _, lasts) = segment.tracks[0].last().unwrap();
        i64::from(*lasts) / TICKS
    });
    assert_eq!(lasts.collect::<Vec<_>>(), [1, 108, 76, 1]);
    let first = Counters {
        frames: 10,
        dropped_encoder: 2,
        stream_damage: 3,
        times_changed: 1,
        ..Counters::default()
    };
    let second = Counters {
        frames: 3,
        dropped_queue: 4 + 6,
        lost_undecodable: 7,
        lost_side: 5,
        ..Counters::default()
    };
    let third = Counters {
        frames: 5,
        ..Counters::default()
    };
    let fourth = Counters {
        frames: 1,
        ..Counters::default()
    };
    let counters: Vec<Counters> = all.iter().map(|segment| segment.counters).collect();
    assert_eq!(counters, [first, second, third, fourth]);
}

#[test]
fn what_has_no_sets_or_unusable_ones_is_counted_until_it_has() {
    let mut bench = bench(false);
    for n in 0..3 {
        let mut item = bench.picture(n);
        item.unit.parameter_sets = None;
        item.unit.dropped_before = 1;
        bench.record(item);
    }
    assert_eq!((bench.losses().undecodable, bench.losses().card), (3, 0));
    let good = std::mem::replace(&mut bench.sets, sets(0));
    let unusable = ParameterSets {
        sps: Vec::new(),
        ..ParameterSets::clone(&good)
    };
    bench.sets = Arc::new(unusable);
    bench.record_all(10..12);
    let shared = bench.parts.reports[0].shared.clone();
    assert!(shared.stream_fault.load().is_some() && !bench.has_card_fault());
    // The watchdog is told that somebody knows.
    let beats = shared.fault_beats.load(Relaxed);
    bench.record_all(12..13);
    assert!(shared.fault_beats.load(Relaxed) > beats);
    assert_eq!((bench.losses().undecodable, bench.losses().card), (6, 0));
    bench.sets = good;
    bench.record_all(20..22);
    assert!(shared.stream_fault.load().is_none());
    let all = bench.finish();
    let [segment] = &all[..] else {
        panic!("{} segments", all.len());
    };
    let counters = Counters {
        frames: 2,
        dropped_encoder: 3,
        lost_undecodable: 6,
        ..Counters::default()
    };
    assert_eq!(
        (segment.numbers(), segment.counters),
        (vec![20, 21], counters)
    );
}

#[test]
fn what_a_card_refuses_is_tried_again_and_counted_when_it_is_time_to_stop() {
    let mut bench = bench(false);
    std::fs::write(&bench.footage, "in the way").unwrap();
    bench.stop.store(true, Relaxed);
    let begun = Instant::now();
    bench.record_all(0..2);
    assert!(begun.elapsed() > Duration::from_millis(600));
    assert!(bench.has_card_fault());
    // Without a segment nothing can be done with the second one, nor with what was heard then.
    assert_eq!((bench.losses().card, bench.losses().undecodable), (1, 1));
    let heard = bench.side(UnitKind::Sound, 1);
    bench.writer.record_side(&heard);
    let begun = Instant::now();
    bench.record_all(10..11);
    assert!(
        begun.elapsed() < Duration::from_millis(600),
        "there is no more time"
    );
    assert_eq!((bench.losses().card, bench.losses().undecodable), (2, 1));
    std::fs::remove_file(&bench.footage).unwrap();
    bench.record_all(20..23);
    assert!(!bench.has_card_fault());
    assert_eq!(bench.writer.gave_up_at, None);
    let all = bench.finish();
    let counters = Counters {
        frames: 3,
        lost_card: 2,
        lost_undecodable: 1,
        lost_side: 1,
        ..Counters::default()
    };
    assert_eq!((all.len(), all[0].counters), (1, counters));
}

fn refusal() -> RecordError {
    RecordError::Io {
        doing: "trying",
        source: std::io::ErrorKind::Other.into(),
    }
}

#[test]
fn a_card_that_is_changed_gets_the_next_segment_and_nothing_is_counted_twice() {
    let mut bench = bench(false);
    bench.record_all(0..5);
    // One that refuses and is still there is tried again without end.
    for _ in 0..2 * ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some() && bench.has_card_fault());
    bench.record_all(5..6);
    assert!(!bench.has_card_fault());
    let pulled = bench.footage.with_file_name("pulled");
    std::fs::rename(&bench.footage, &pulled).unwrap();
    bench.writer.refused(&refusal());
    assert!(bench.writer.recorder.is_none());
    let shared = bench.parts.reports[0].shared.clone();
    bench.record_all(6..8);
    // Those that were not on the card yet went with it.
    let losses = bench.losses();
    assert_eq!((losses.undecodable, losses.card), (2, 2));
    let frames = shared.frames.load(Relaxed);
    assert_eq!(frames + losses.card, 6);
    let before = bench.writer.sequence;
    assert!(before.is_some());
    bench.record_all(10..13);
    assert_eq!(shared.frames.load(Relaxed), frames + 3);
    assert_eq!(bench.losses(), losses);
    let all = bench.finish();
    assert_eq!((all.len(), all[0].numbers()), (1, vec![10, 11, 12]));
    assert_eq!(all[0].counters.frames, 3);
    assert_eq!(all[0].counters.lost_undecodable, 2);
    // It goes on behind the numbers of the other card.
    assert_eq!(before.map(|n| n + 1), Some(all[0].name.sequence.into()));
}

#[test]
fn a_disk_that_refuses_is_left_after_a_few_attempts() {
    let mut bench = bench(false);
    bench.record_all(0..5);
    bench.writer.volume = Volume::Usb;
    for _ in 1..ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some());
    // What it takes meanwhile begins the count anew.
    bench.record_all(5..6);
    for _ in 1..ATTEMPTS {
        bench.writer.refused(&refusal());
    }
    assert!(bench.writer.recorder.is_some());
    bench.writer.refused(&refusal());
    assert!(bench.writer.recorder.is_none());
    assert_eq!(bench.writer.refusals, 0);
    bench.record_all(10..11);
    assert_eq!(bench.writer.volume, Volume::Card);
}

#[test]
fn a_better_place_gets_what_begins_at_the_next_key_frame() {
    let mut bench = bench(false);
    let key = |bench: &Bench, n| {
        let mut item = bench.picture(n);
        item.unit.start = Start::Idr;
        item
    };
    bench.record_all(0..5);
    bench.record(key(&bench, 5));
    bench.writer.moving = true;
    bench.record_all(6..8);
    assert!(bench.writer.moving);
    bench.record(key(&bench, 8));
    assert!(!bench.writer.moving);
    bench.record_all(9..10);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(numbers, [(0..8).collect::<Vec<_>>(), vec![8, 9]]);
}

#[test]
fn at_an_open_start_the_picture_is_in_both_segments() {
    let mut bench = bench(false);
    bench.record_all(0..20);
    // An open group: two pictures are shown before the start that they follow.
    let mut start = bench.picture(20);
    start.unit.start = Start::Recovery;
    start.unit.pts += 2 * TICKS;
    bench.record(start);
    for n in [21, 22] {
        let mut leading = bench.picture(n);
        leading.unit.leading = Leading::Skipped;
        bench.record(leading);
    }
    bench.sets = sets(0x81);
    bench.record_all(23..25);
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(numbers[0], (0..10).collect::<Vec<_>>());
    assert_eq!(numbers[1], (10..23).collect::<Vec<_>>());
    // Other sets came within the segment: they stand before the picture.
    assert_eq!(numbers[2], [20, 0, 24]);
    let (with_sets, ..) = &all[2].tracks[0][1];
    let (before, picture) = with_sets.split_at(with_sets.len() - 300);
    let mut in_band = Vec::new();
    sets(0x81).write_in_band(&mut in_band);
    assert_eq!((before, picture), (&in_band[..], &[23; 300][..]));
}

#[test]
fn sound_begins_a_segment_of_its_own_and_what_is_lost_of_it_is_counted() {
    let mut bench = bench(false);
    // Before the first picture there is nothing that it could belong to.
    let mut heard = bench.side(UnitKind::Sound, 0);
    heard.sound = Some(SOUND);
    bench.writer.record_side(&heard);
    assert_eq!(bench.writer.lost, Counters::default());
    for n in 0..30 {
        let mut picture = bench.picture(n);
        let mut heard = bench.side(UnitKind::Sound, n);
        if n >= 10 {
            (picture.sound, heard.sound) = (Some(SOUND), Some(SOUND));
        }
        if n == 15 {
            heard.lost_side = 3;
        }
        bench.record(picture);
        if n >= 10 {
            bench.writer.record_side(&heard);
        }
    }
    assert_eq!(bench.losses().side, 3);
    let all = bench.finish();
    let tracks: Vec<usize> = all.iter().map(|segment| segment.tracks.len()).collect();
    assert_eq!(tracks, [1, 2, 2]);
    let counters: Vec<u32> = all
        .iter()
        .map(|segment| segment.counters.lost_side)
        .collect();
    assert_eq!(counters.iter().sum::<u32>(), 3);
    let heard: usize = all[1..].iter().map(|segment| segment.tracks[1].len()).sum();
    assert!(heard > 0);
}

#[test]
fn motion_that_finds_no_room_is_counted_once_there_are_pictures() {
    let mut bench = bench(true);
    let unit = |bench: &Bench, n| bench.side(UnitKind::Motion, n).unit;
    let overflow = |bench: &Bench| {
        let all = 0..3_000;
        all.for_each(|_| assert!(bench.side.send(unit(bench, 0))));
    };
    overflow(&bench);
    bench.writer.take_side_input();
    assert_eq!(bench.writer.lost, Counters::default());
    bench.record_all(0..1);
    overflow(&bench);
    bench.writer.take_side_input();
    assert!(bench.writer.lost.lost_side >= 3_000 - 2_048);
    assert!(bench.writer.side_input.receive().is_none());
    let all = bench.finish();
    assert_eq!(all[0].tracks.len(), 3);
}

#[test]
fn the_time_and_a_lock_reach_the_segment_being_recorded() {
    let mut bench = bench(false);
    bench.record_all(0..15);
    let clock = bench.parts.desk.clock();
    clock.offer(said(clock.now(), NOON, TimeSource::Gps));
    bench.record_all(15..18);
    let now = clock.now();
    let span = OrderSpan::Boot {
        from: now - SECOND / 10,
        to: now + SECOND / 10,
    };
    let desk = bench.parts.desk.clone();
    desk.lock("a".into(), &span, "a test".into(), Origin::Impact)
        .unwrap();
    // It is looked at 20 times a second.
    bench.writer.last_tick = Instant::now();
    bench.writer.tick();
    let class = |bench: &Bench| segments(&bench.footage).last().unwrap().name.class;
    assert_eq!(class(&bench), Class::Normal);
    std::thread::sleep(TICK);
    bench.writer.tick();
    assert_eq!(class(&bench), Class::Event);
    // What is corrected later is corrected here, too.
    clock.offer(said(clock.now(), NOON + 7 * SECOND, TimeSource::Ntp));
    bench.record_all(18..20);
    let told = bench.writer.told;
    assert_eq!(told, clock.booted().1);
    let all = bench.finish();
    let times: Vec<bool> = all
        .iter()
        .map(|segment| matches!(segment.name.time, NameTime::Utc(_)))
        .collect();
    assert_eq!(times, [false, true]);
}

/// Sends as if it came from the source.
fn send(sender: &mut Sender, item: Item) {
    assert_eq!(sender.send(item, &std::thread::current()), Sent::Yes);
}

#[test]
fn a_new_segment_waits_for_what_was_heard_before_it() {
    let mut bench = bench(false);
    let me = std::thread::current();
    let heard = |bench: &Bench, n| {
        let mut item = bench.side(UnitKind::Sound, n);
        item.sound = Some(SOUND);
        item
    };
    let shown = |bench: &Bench, n| {
        let mut item = bench.picture(n);
        item.sound = Some(SOUND);
        item
    };
    for n in 0..9 {
        bench.record(shown(&bench, n));
        bench.writer.record_side(&heard(&bench, n));
    }
    bench.record(shown(&bench, 9));
    let (mut sender, mut receiver) = queue();
    for item in [
        shown(&bench, 11),
        heard(&bench, 9),
        shown(&bench, 12),
        heard(&bench, 10),
        shown(&bench, 13),
        heard(&bench, 11),
    ] {
        send(&mut sender, item);
    }
    // A picture that no segment begins with waits for nothing.
    let plain = shown(&bench, 10);
    bench.turn_to(&plain);
    let mut delta = bench.picture(10);
    delta.unit.start = Start::None;
    bench.writer.wait_for_sides(&delta.unit, &mut receiver, &me);
    assert!(bench.writer.held_back.is_empty());
    bench.writer.wait_for_sides(&plain.unit, &mut receiver, &me);
    let numbers = bench.writer.held_back.iter().map(|item| item.unit.data[0]);
    assert_eq!(numbers.collect::<Vec<_>>(), [11, 12]);
    assert!(receiver.has_more(), "no longer than it must");
    bench.writer.record(&plain, &bench.stop);
    // What waits is recorded before what follows it.
    sender.close(&me);
    bench.writer.run(receiver, &me, &bench.stop);
    let all = segments(&bench.footage);
    assert_eq!(all[0].numbers(), (0..10).collect::<Vec<_>>());
    assert_eq!(all[1].numbers(), (10..14).collect::<Vec<_>>());
    let sound = |segment: &Segment| -> Vec<u8> {
        let mut numbers: Vec<u8> = segment.tracks[1].iter().map(|(data, ..)| data[0]).collect();
        numbers.dedup();
        numbers
    };
    assert_eq!(sound(&all[0]), (0..10).collect::<Vec<_>>());
    assert_eq!(sound(&all[1]), [10, 11]);
    assert_eq!(all.iter().map(|s| s.counters.lost_side).sum::<u32>(), 0);
}

#[test]
fn a_new_segment_waits_for_sound_that_does_not_come_no_longer_than_it_is_held() {
    // Where a segment is long enough, and where a better place is there.
    for (pictures, moving) in [(10, false), (5, true)] {
        let mut bench = bench(false);
        for n in 0..pictures {
            let mut heard = bench.side(UnitKind::Sound, n);
            let mut picture = bench.picture(n);
            (heard.sound, picture.sound) = (Some(SOUND), Some(SOUND));
            bench.record(picture);
            bench.writer.record_side(&heard);
        }
        bench.writer.moving = moving;
        let mut next = bench.picture(pictures);
        next.unit.start = Start::Idr;
        bench.turn_to(&next);
        let me = std::thread::current();
        // Not for a source that has ended.
        let (sender, mut receiver) = queue();
        sender.close(&me);
        bench.writer.wait_for_sides(&next.unit, &mut receiver, &me);
        let (_sender, mut receiver) = queue();
        let (clock, done) = (bench.parts.clock.clone(), AtomicBool::new(false));
        let begun = clock.now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    clock.turn(Duration::from_millis(10));
                    std::thread::sleep(Duration::from_millis(2));
                }
            });
            bench.writer.wait_for_sides(&next.unit, &mut receiver, &me);
            done.store(true, Relaxed);
        });
        assert!(clock.now().since(begun) >= SIDE_HOLD);
    }
}

#[test]
fn what_belongs_to_pictures_that_wait_comes_with_them() {
    let mut bench = bench(true);
    bench.record_all(0..10);
    // The card has stalled: pictures wait, and motion has come.
    let (mut sender, mut receiver) = queue();
    for n in 10..25 {
        let picture = bench.picture(n);
        bench.turn_to(&picture);
        send(&mut sender, picture);
        assert!(bench.side.send(bench.side(UnitKind::Motion, n).unit));
    }
    while receiver.has_more() {
        let item = receiver.receive().unwrap();
        bench.writer.note_backlog(&item.unit, &receiver);
        bench.writer.record(&item, &bench.stop);
        bench.writer.take_side_input();
        bench.parts.clock.turn(2 * SIDE_HOLD);
        bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
        bench.writer.tick();
        bench.writer.note_end_of_backlog(&receiver);
    }
    // Behind the last picture comes motion. Then none wait any more, and what comes is stored without one.
    send(&mut sender, bench.picture(25));
    send(&mut sender, bench.side(UnitKind::Motion, 25));
    let item = receiver.receive().unwrap();
    bench.writer.note_backlog(&item.unit, &receiver);
    bench.writer.record(&item, &bench.stop);
    let item = receiver.receive().unwrap();
    bench.writer.record_side(&item);
    bench.writer.note_end_of_backlog(&receiver);
    assert!(bench.side.send(bench.side(UnitKind::Motion, 35).unit));
    bench.writer.take_side_input();
    bench.parts.clock.turn(2 * SIDE_HOLD);
    bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
    bench.writer.tick();
    bench.record_all(30..31);
    let all = bench.finish();
    let motion: Vec<Vec<u8>> = all
        .iter()
        .map(|segment| segment.tracks[1].iter().map(|(data, ..)| data[0]).collect())
        .collect();
    let last = (20..26).chain([35]).collect();
    assert_eq!(motion, [vec![], (10..20).collect(), last, vec![]]);
    assert_eq!(all.iter().map(|s| s.counters.lost_side).sum::<u32>(), 0);
}

#[test]
fn a_group_too_large_for_its_slot_is_counted_and_the_next_one_gets_another() {
    let mut bench = bench(false);
    for n in 0..12 {
        let mut item = bench.picture(n);
        item.unit.data.resize(150_000, n);
        bench.record(item);
    }
    let losses = bench.losses();
    let all = bench.finish();
    let frames: Vec<u32> = all.iter().map(|segment| segment.counters.frames).collect();
    // One did not fit; what follows it up to the next key frame cannot be decoded.
    assert_eq!((losses.room, frames.len(), frames[1]), (1, 2, 2));
    assert_eq!(frames[0] + 1 + losses.undecodable as u32, 10);
}

#[test]
fn a_better_place_is_looked_for_once_a_second() {
    let mut bench = bench(false);
    bench.record_all(0..1);
    bench.writer.moving = true;
    let tick = |bench: &mut Bench| {
        bench.writer.last_tick = Instant::now().checked_sub(TICK).unwrap();
        bench.writer.tick();
    };
    // In the future, so that no time passes on a busy machine.
    bench.writer.last_look = Instant::now() + 60 * LOOK_AROUND;
    tick(&mut bench);
    assert!(bench.writer.moving);
    bench.writer.last_look = Instant::now().checked_sub(LOOK_AROUND).unwrap();
    tick(&mut bench);
    assert!(!bench.writer.moving, "there is no disk");
}

#[test]
fn an_open_start_that_does_not_fit_begins_the_next_segment_all_the_same() {
    let mut bench = bench(false);
    bench.record_all(0..10);
    let sized = |bench: &Bench, n, len| {
        let mut item = bench.picture(n);
        item.unit.data.resize(len, n);
        item
    };
    for n in 10..20 {
        bench.record(sized(&bench, n, 60_000));
    }
    let mut start = sized(&bench, 20, 600_000);
    start.unit.start = Start::Recovery;
    start.unit.pts += 2 * TICKS;
    bench.record(start);
    let mut leading = bench.picture(21);
    leading.unit.leading = Leading::Skipped;
    bench.record(leading);
    bench.record_all(22..25);
    let losses = bench.losses();
    let all = bench.finish();
    let numbers: Vec<Vec<u8>> = all.iter().map(Segment::numbers).collect();
    assert_eq!(
        numbers[1..],
        [(10..20).collect::<Vec<_>>(), vec![20, 22, 23, 24]]
    );
    assert_eq!((losses.room, losses.undecodable), (2, 0));
}
