use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use picam_media::{Codec, UnitKind};
use picam_testkit::TurnedClock;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const FRAME: Duration = Duration::from_millis(33);

/// What a picture holds depends on its number and length alone.
fn data(number: u64, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (number as u8).wrapping_mul(31).wrapping_add(at as u8))
        .collect()
}

fn unit(number: u64, len: usize, start: Start) -> AccessUnit {
    AccessUnit {
        kind: UnitKind::Video,
        data: data(number, len),
        dts: 3000 * number as i64,
        pts: 3000 * number as i64,
        start,
        captured: BootNs::ZERO + FRAME * number as u32,
        ..AccessUnit::new()
    }
}

/// Offers pictures under the numbers that the tap gives them.
struct Camera {
    feeder: Feeder,
    tap: Arc<Tap>,
    /// Of each picture offered: its length and whether decoding can start at it.
    offered: BTreeMap<u64, (usize, bool)>,
    /// Numbers go on only while somebody watches; so does the camera.
    next: u64,
}

impl Camera {
    fn new() -> Self {
        let (feeder, tap) = tap();
        Self {
            feeder,
            tap,
            offered: BTreeMap::new(),
            next: 0,
        }
    }

    fn offer(&mut self, len: usize, start: bool) {
        let number = self.tap.head.load(Ordering::Relaxed);
        self.next = number + 1;
        let kind = if start { Start::Idr } else { Start::None };
        self.feeder.offer(&unit(number, len, kind));
        if self.tap.head.load(Ordering::Relaxed) > number {
            self.offered.insert(number, (len, start));
        }
    }

    fn ring(&self) -> &Ring {
        self.feeder.ring.as_ref().unwrap()
    }

    /// The bounds that are stated, and the books about them.
    fn assert_bounded(&self) {
        let Some(ring) = &self.feeder.ring else {
            return;
        };
        assert!(ring.held.len() + ring.spare.len() <= PICTURES);
        let all = ring.held.iter().chain(&ring.spare);
        let bytes: usize = all.map(|picture| picture.data.capacity()).sum();
        assert_eq!(bytes, ring.bytes);
        assert!(bytes <= BYTES, "{bytes}");
    }
}

/// What a viewer has seen, and must never see otherwise.
#[derive(Default)]
struct Seen {
    last: Option<u64>,
    pictures: u64,
    left_out: u64,
}

impl Seen {
    fn take(&mut self, picture: &Picture, left_out: u64, start: bool) {
        let number = picture.number;
        match self.last {
            None => assert!(start && left_out == 0, "begins with {number}"),
            Some(last) => {
                assert_eq!(number, last + 1 + left_out, "behind {last}");
                assert!(start || left_out == 0, "{number} without what it needs");
            }
        }
        assert_eq!(picture.data, data(number, picture.data.len()), "torn");
        assert_eq!(picture.dts, 3000 * number as i64, "torn");
        self.last = Some(number);
        self.pictures += 1;
        self.left_out += left_out;
    }

    fn poll(&mut self, reader: &mut Reader, offered: &BTreeMap<u64, (usize, bool)>) -> bool {
        let Next::Picture(picture, left_out) = reader.next(Duration::ZERO) else {
            return false;
        };
        let (len, start) = offered[&picture.number];
        assert_eq!(picture.data.len(), len);
        self.take(&picture, left_out, start);
        true
    }
}

#[test]
fn while_nobody_watches_nothing_is_kept() {
    let mut camera = Camera::new();
    for n in 0..100 {
        camera.offer(1000, n % 10 == 0);
    }
    assert!(camera.feeder.ring.is_none());
    let mut reader = camera.tap.follow();
    camera.offer(1000, true);
    assert!(matches!(reader.next(Duration::ZERO), Next::Picture(..)));
    drop(reader);
    camera.offer(1000, true);
    assert!(camera.feeder.ring.is_none());
    assert!(camera.tap.slots.iter().all(|slot| slot.load().is_none()));
    // Whoever comes then sees nothing of before.
    let mut reader = camera.tap.follow();
    camera.offer(1000, false);
    assert!(matches!(reader.next(Duration::ZERO), Next::Nothing));
}

#[test]
fn whoever_joins_begins_at_the_newest_key_frame() {
    let mut camera = Camera::new();
    let mut first = camera.tap.follow();
    for n in 0..25 {
        camera.offer(500, n % 10 == 0);
    }
    let mut seen = Seen::default();
    while seen.poll(&mut first, &camera.offered) {}
    assert_eq!((seen.pictures, seen.left_out), (5, 0));
    let mut second = camera.tap.follow();
    let mut seen = Seen::default();
    while seen.poll(&mut second, &camera.offered) {}
    assert_eq!((seen.pictures, seen.last), (5, Some(24)));
}

#[test]
fn whoever_is_late_goes_on_at_the_newest_key_frame_and_the_others_do_not_notice() {
    let mut camera = Camera::new();
    let (mut slow, mut fast) = (camera.tap.follow(), camera.tap.follow());
    let (mut of_slow, mut of_fast) = (Seen::default(), Seen::default());
    for n in 0..300 {
        camera.offer(500, n % 30 == 0);
        of_fast.poll(&mut fast, &camera.offered);
        if n == 0 || n == 10 {
            of_slow.poll(&mut slow, &camera.offered);
        }
    }
    assert_eq!((of_fast.pictures, of_fast.left_out), (300, 0));
    while of_slow.poll(&mut slow, &camera.offered) {}
    // It saw 0 and 1; then 270 to 299.
    assert_eq!((of_slow.pictures, of_slow.left_out), (32, 268));
}

#[test]
fn the_same_buffers_go_round() {
    let mut camera = Camera::new();
    let mut reader = camera.tap.follow();
    let mut made = 0;
    for n in 0..2000_u64 {
        // A key frame of 60 kB a second, other pictures of around 8 kB.
        let key = n % 30 == 0;
        let len = if key {
            60_000
        } else {
            7_000 + (n * 37 % 2000) as usize
        };
        camera.offer(len, key);
        assert!(matches!(reader.next(Duration::ZERO), Next::Picture(..)));
        camera.assert_bounded();
        if n == 600 {
            made = camera.ring().made;
            assert!(made <= PICTURES, "{made}");
        }
    }
    assert_eq!(camera.ring().made, made, "buffers are made all the time");
    // And small pictures lie in small ones.
    assert!(camera.ring().bytes < 3_000_000, "{}", camera.ring().bytes);
}

#[test]
fn large_pictures_are_fewer_and_too_large_ones_are_left_out() {
    let mut camera = Camera::new();
    let mut reader = camera.tap.follow();
    let mut seen = Seen::default();
    for n in 0..20 {
        camera.offer(900_000, n == 0);
        camera.assert_bounded();
        assert!(seen.poll(&mut reader, &camera.offered));
    }
    assert_eq!(camera.ring().held.len(), 4);
    camera.offer(BYTES + 1, true);
    camera.offer(10, false);
    assert!(!seen.poll(&mut reader, &camera.offered));
    camera.offer(BYTES, true);
    camera.assert_bounded();
    assert!(seen.poll(&mut reader, &camera.offered));
    assert_eq!((seen.pictures, seen.left_out), (21, 2));
}

#[test]
fn a_viewer_that_holds_a_picture_keeps_it_as_it_is() {
    let mut camera = Camera::new();
    let mut reader = camera.tap.follow();
    camera.offer(5000, true);
    let Next::Picture(held, 0) = reader.next(Duration::ZERO) else {
        panic!("nothing")
    };
    for n in 1..1000 {
        camera.offer(5000, n % 10 == 0);
        camera.assert_bounded();
    }
    assert_eq!((held.number, &held.data), (0, &data(0, 5000)));
    let mut seen = Seen {
        last: Some(0),
        ..Seen::default()
    };
    assert!(seen.poll(&mut reader, &camera.offered));
    assert_eq!(seen.last, Some(990));
}

#[test]
fn a_key_frame_is_asked_for_once_in_five_seconds_whoever_joins() {
    let clock = TurnedClock::default();
    let mut camera = Camera::new();
    let mut asked = 0;
    // A viewer a tenth of a second, each with an endless group before it.
    let mut readers = Vec::new();
    for n in 0..200 {
        let mut reader = camera.tap.follow();
        assert!(matches!(reader.next(Duration::ZERO), Next::Nothing));
        readers.push(reader);
        camera.offer(100, false);
        asked += u32::from(camera.feeder.wants_key_frame(&clock));
        clock.turn(Duration::from_millis(100));
        assert!(n > 0 || asked == 1, "the first waits for nothing");
    }
    assert_eq!(asked, 4);
    // One that comes by itself is as good.
    camera.offer(100, true);
    clock.turn(Duration::from_secs(60));
    assert!(!camera.feeder.wants_key_frame(&clock));
    // With a key frame in the ring nobody has to ask.
    let mut late = camera.tap.follow();
    assert!(matches!(late.next(Duration::ZERO), Next::Picture(..)));
    assert!(!camera.feeder.wants_key_frame(&clock));
    // Nor does whoever fell behind.
    for _ in 0..300 {
        camera.offer(100, false);
    }
    assert!(matches!(late.next(Duration::ZERO), Next::Nothing));
    assert!(!camera.feeder.wants_key_frame(&clock));
}

#[test]
fn what_leads_an_open_start_is_left_out_where_decoding_begins() {
    let mut camera = Camera::new();
    let mut reader = camera.tap.follow();
    let mut numbers = Vec::new();
    for (number, start, leading) in [
        (0, Start::Cra, Leading::No),
        (1, Start::None, Leading::Skipped),
        (2, Start::None, Leading::Decodable),
        (3, Start::None, Leading::No),
        (4, Start::Cra, Leading::No),
        (5, Start::None, Leading::Skipped),
    ] {
        camera.feeder.offer(&AccessUnit {
            leading,
            ..unit(number, 10, start)
        });
        if let Next::Picture(picture, left_out) = reader.next(Duration::ZERO) {
            numbers.push((picture.number, left_out));
        }
    }
    assert_eq!(numbers, [(0, 0), (2, 1), (3, 0), (4, 0), (5, 0)]);
}

#[test]
fn the_end_comes_behind_the_last_picture() {
    let mut camera = Camera::new();
    let mut reader = camera.tap.follow();
    camera.offer(10, true);
    let tap = camera.tap.clone();
    let Next::Picture(..) = reader.next(Duration::ZERO) else {
        panic!("nothing")
    };
    drop(camera);
    assert!(tap.has_ended());
    assert!(matches!(reader.next(Duration::from_secs(60)), Next::End));
}

#[test]
fn sets_that_are_equal_stay_the_same() {
    let sets = || {
        Some(Arc::new(ParameterSets {
            codec: Codec::H264,
            vps: Vec::new(),
            sps: vec![vec![1]],
            pps: vec![vec![2]],
            width: 64,
            height: 64,
            frame_ticks: None,
        }))
    };
    let mut picture = Picture::default();
    let mut from = unit(0, 10, Start::Idr);
    from.parameter_sets = sets();
    picture.fill(0, &from);
    let first = picture.sets.clone().unwrap();
    from.parameter_sets = sets();
    picture.fill(1, &from);
    assert!(Arc::ptr_eq(&first, picture.sets.as_ref().unwrap()));
}

#[derive(Debug, Clone)]
enum Step {
    Offer { len: usize, start: bool },
    Join,
    Leave(usize),
    Read(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let len = prop_oneof![8 => 1..3000_usize, 1 => 100_000..900_000_usize, 1 => Just(BYTES + 1)];
    prop_oneof![
        12 => (len, proptest::bool::weighted(0.1)).prop_map(|(len, start)| Step::Offer { len, start }),
        1 => Just(Step::Join),
        1 => (0..8_usize).prop_map(Step::Leave),
        10 => (0..8_usize).prop_map(Step::Read),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever reads whenever sees a part of what was offered, in order, each stretch from a key frame on.
    #[test]
    fn whatever_the_order_of_things(steps in vec(step(), 1..600)) {
        let mut camera = Camera::new();
        let mut readers: Vec<(Reader, Seen)> = Vec::new();
        for step in steps {
            match step {
                Step::Offer { len, start } => camera.offer(len, start),
                Step::Join if readers.len() < 8 => {
                    readers.push((camera.tap.follow(), Seen::default()));
                }
                Step::Join => {}
                Step::Leave(n) if n < readers.len() => drop(readers.remove(n)),
                Step::Leave(_) => {}
                Step::Read(n) => {
                    if let Some((reader, seen)) = readers.get_mut(n) {
                        seen.poll(reader, &camera.offered);
                    }
                }
            }
            camera.assert_bounded();
        }
        for (reader, seen) in &mut readers {
            while seen.poll(reader, &camera.offered) {}
        }
    }
}

/// Threads at full speed, one of them slow: nobody sees a torn picture, nobody waits for another.
#[test]
fn readers_of_other_threads_see_the_same() {
    const OFFERED: u64 = 30_000;
    let (mut feeder, tap) = tap();
    let go = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..5)
        .map(|n| {
            let (tap, go) = (tap.clone(), go.clone());
            thread::spawn(move || {
                let mut reader = tap.follow();
                go.store(true, Ordering::Release);
                let mut seen = Seen::default();
                loop {
                    match reader.next(Duration::from_secs(60)) {
                        Next::Picture(picture, left_out) => {
                            seen.take(&picture, left_out, picture.start.is_start());
                        }
                        Next::Nothing => panic!("a wake-up was lost"),
                        Next::End => return seen,
                    }
                    if n == 0 {
                        thread::sleep(Duration::from_millis(2));
                    } else if n == 1 && seen.pictures % 300 == 299 {
                        // Gone, and back.
                        drop(reader);
                        reader = tap.follow();
                        seen.last = None;
                    }
                }
            })
        })
        .collect();
    while !go.load(Ordering::Acquire) {
        thread::yield_now();
    }
    for n in 0..OFFERED {
        let number = tap.head.load(Ordering::Relaxed);
        let start = if n % 25 == 0 { Start::Idr } else { Start::None };
        feeder.offer(&unit(number, 200 + (n % 7) as usize * 100, start));
        if n % 64 == 0 {
            // A camera takes its time, too.
            thread::sleep(Duration::from_micros(500));
        }
    }
    let made = feeder.ring.as_ref().map_or(0, |ring| ring.made);
    drop(feeder);
    for (n, thread) in threads.into_iter().enumerate() {
        let seen = thread.join().unwrap();
        assert!(seen.pictures > 0, "{n}");
    }
    assert_eq!(tap.viewers.load(Ordering::Relaxed), 0);
    assert!(tap.wake.load().is_empty());
    // What a reader held when its buffer's turn came was made anew, and hardly anything else.
    assert!(made < OFFERED as usize / 10, "{made} buffers");
}
