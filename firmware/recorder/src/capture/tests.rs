//! What a capture thread makes of what its source does; without the thread.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU32;

use picam_capture::Config;
use picam_control::orders::Order;
use picam_media::{SoundCodec, Start};
use picam_testkit::TurnedClock;

use super::*;
use crate::live;
use crate::queue::{Item, Receiver, queue};
use crate::tests::{Parts, SECOND, parts, plan};

const SOUND: SoundFormat = SoundFormat {
    codec: SoundCodec::Pcm16,
    rate: 48_000,
    channels: 1,
};

const TENTH: Duration = Duration::from_millis(100);

/// What a source does next, after so long; of a unit, what it is.
struct Step {
    after: Duration,
    event: Result<Event, CaptureError>,
    kind: UnitKind,
    start: Start,
    damage: u32,
}

impl Step {
    fn of(event: Event) -> Self {
        Self {
            after: TENTH,
            event: Ok(event),
            kind: UnitKind::Video,
            start: Start::None,
            damage: 0,
        }
    }
}

/// A source that does what is written down, and then ends.
struct Script {
    clock: TurnedClock,
    events: VecDeque<Step>,
    is_live: bool,
    read: i64,
    asked: Arc<AtomicU32>,
}

impl Source for Script {
    fn read(&mut self, unit: &mut AccessUnit, _: Duration) -> Result<Event, CaptureError> {
        let end = Step {
            after: SECOND,
            ..Step::of(Event::End)
        };
        let step = self.events.pop_front().unwrap_or(end);
        self.clock.turn(step.after);
        unit.data.clear();
        unit.data.push(self.read as u8);
        (unit.kind, unit.start) = (step.kind, step.start);
        (unit.dts, unit.pts) = (self.read * 9_000, self.read * 9_000);
        unit.captured = self.clock.now();
        unit.damage_before = step.damage;
        self.read += 1;
        step.event
    }

    fn request_key_frame(&mut self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn is_live(&self) -> bool {
        self.is_live
    }

    fn describe(&self) -> String {
        "a script".into()
    }
}

struct Bench {
    parts: Parts,
    script: Script,
    asked: Arc<AtomicU32>,
    _directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let parts = parts(&plan(directory.path()));
    let asked = Arc::new(AtomicU32::new(0));
    let script = Script {
        clock: parts.clock.clone(),
        events: VecDeque::new(),
        is_live: true,
        read: 0,
        asked: asked.clone(),
    };
    Bench {
        parts,
        script,
        asked,
        _directory: directory,
    }
}

fn capture<'a>(
    parts: &'a Parts,
    clock: &'a dyn Clock,
    sender: Sender,
    writer: &'a Thread,
    stop: &'a AtomicBool,
) -> Capture<'a> {
    Capture {
        camera: "front",
        clock,
        sender,
        live: live::tap().0,
        writer,
        report: &parts.reports[0],
        desk: &parts.desk,
        stop,
        was_paused: false,
        turn: parts.reports[0].shared.knobs.wanted().0,
        intake: Intake::default(),
        sound: None,
        still_asked: false,
        said_sound: false,
        said_damage: false,
        said_picture: Vec::new(),
    }
}

impl Bench {
    fn event(&mut self, event: Event) {
        self.script.events.push_back(Step::of(event));
    }

    fn unit(&mut self, kind: UnitKind, start: Start, damage: u32) {
        self.script.events.push_back(Step {
            kind,
            start,
            damage,
            ..Step::of(Event::Unit)
        });
    }

    /// Pumps the source dry; how that ended, and what came out.
    fn pump(self, meanwhile: impl FnOnce(&Parts)) -> (Result<(), String>, Run, Vec<Item>) {
        let (sender, mut receiver) = queue();
        let (me, stop) = (std::thread::current(), AtomicBool::new(false));
        let clock = self.parts.desk.clock();
        let mut capture = capture(&self.parts, &*clock, sender, &me, &stop);
        meanwhile(&self.parts);
        let mut run = Run::default();
        let outcome = capture.pump(Box::new(self.script), &mut run);
        (outcome, run, all(&mut receiver))
    }
}

fn all(receiver: &mut Receiver) -> Vec<Item> {
    std::iter::from_fn(|| receiver.has_more().then(|| receiver.receive()).flatten()).collect()
}

fn shown(items: &[Item]) -> Vec<(UnitKind, u8, u32)> {
    let show = |item: &Item| (item.unit.kind, item.unit.data[0], item.unit.epoch);
    items.iter().map(show).collect()
}

#[test]
fn what_a_source_delivers_is_queued_with_what_is_known_of_it() {
    use UnitKind::{Sound, Video};
    let mut bench = bench();
    bench.event(Event::Config(Config {
        sound: Some(SOUND),
        ..Config::default()
    }));
    bench.unit(Video, Start::Idr, 0);
    bench.unit(Sound, Start::None, 0);
    bench.event(Event::Gap { damaged: 2 });
    bench.event(Event::Timeout);
    bench.unit(Video, Start::None, 1);
    bench.event(Event::Config(Config::default()));
    bench.unit(Video, Start::Idr, 0);
    let shared = bench.parts.reports[0].shared.clone();
    let (outcome, run, items) = bench.pump(|_| {});
    assert_eq!(outcome, Ok(()));
    let expected = [(Video, 1, 1), (Sound, 2, 1), (Video, 5, 1), (Video, 7, 2)];
    assert_eq!(shown(&items), expected);
    let damage: Vec<u32> = items.iter().map(|item| item.unit.damage_before).collect();
    assert_eq!(damage, [0, 0, 3, 0]);
    let sound: Vec<bool> = items.iter().map(|item| item.sound.is_some()).collect();
    assert_eq!(sound, [true, true, true, false]);
    // Eight events a tenth of a second each, and the end after a second.
    assert_eq!(run.lasted, 8 * TENTH + SECOND);
    assert_eq!((run.reached, run.replays), (Some(7 * 9_000), false));
    assert!(shared.has_delivered.load(Ordering::Relaxed));
}

#[test]
fn a_pause_leaves_pictures_out_up_to_a_key_frame_after_it() {
    use UnitKind::{Sound, Video};
    let mut bench = bench();
    let kinds = [Start::Idr, Start::None, Start::Idr, Start::None];
    for start in kinds {
        bench.unit(Video, start, 0);
        bench.unit(Sound, Start::None, 0);
    }
    // The pause is over in the middle of the third unit's time.
    for start in [Start::None, Start::None, Start::Idr, Start::None] {
        bench.unit(Video, start, 0);
        bench.unit(Sound, Start::None, 0);
    }
    let shared = bench.parts.reports[0].shared.clone();
    let asked = bench.asked.clone();
    let (outcome, _, items) = bench.pump(|parts| {
        let pause = Order::Pause { seconds: 1 };
        parts.desk.order_of_page(pause).unwrap();
    });
    assert_eq!(outcome, Ok(()));
    let expected = [
        (Video, 12, 1),
        (Sound, 13, 1),
        (Video, 14, 1),
        (Sound, 15, 1),
    ];
    assert_eq!(shown(&items), expected);
    assert!(items.iter().all(|item| item.lost_in_queue == 0));
    // Only once it is over: at the pictures after it that nothing begins with.
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(shared.fault_beats.load(Ordering::Relaxed), 6);
}

#[test]
fn a_live_source_that_says_nothing_is_given_up_and_a_file_is_not() {
    for (is_live, seconds, fails) in [(true, 5, false), (true, 6, true), (false, 60, false)] {
        let mut bench = bench();
        bench.script.is_live = is_live;
        bench.unit(UnitKind::Video, Start::Idr, 0);
        for _ in 0..seconds {
            bench.event(Event::Timeout);
            bench.script.events.back_mut().unwrap().after = SECOND;
        }
        let (outcome, run, items) = bench.pump(|_| {});
        match outcome {
            Ok(()) => assert!(!fails, "{is_live} {seconds}"),
            Err(why) => assert!(
                fails && why.contains("a script: no picture for 5 s"),
                "{why}"
            ),
        }
        assert_eq!((items.len(), run.reached), (1, Some(0)));
    }
}

#[test]
fn what_fails_is_said_with_the_name_of_the_source() {
    let mut bench = bench();
    let error = CaptureError::Stream("it is broken".into());
    bench.unit(UnitKind::Video, Start::Idr, 0);
    bench.script.events.back_mut().unwrap().event = Err(error);
    let (outcome, run, items) = bench.pump(|_| {});
    assert_eq!(outcome, Err("a script: it is broken".into()));
    assert_eq!((items.len(), run.reached), (0, None));
}

#[test]
fn pictures_that_find_the_queue_full_are_counted_and_a_key_frame_is_asked_for_once() {
    let mut bench = bench();
    for n in 0..1_100 {
        let start = if n == 0 { Start::Idr } else { Start::None };
        bench.unit(UnitKind::Video, start, 0);
    }
    let shared = bench.parts.reports[0].shared.clone();
    let asked = bench.asked.clone();
    let (outcome, _, items) = bench.pump(|_| {});
    assert_eq!(outcome, Ok(()));
    assert_eq!((items.len(), asked.load(Ordering::Relaxed)), (1_023, 1));
    assert_eq!(shared.dropped_queue.load(Ordering::Relaxed), 1_100 - 1_023);
}

#[test]
fn an_opening_hangs_after_two_seconds() {
    assert_eq!(hangs(HANGS), None);
    let message = "it has been opening for 3 s: it hangs";
    assert_eq!(hangs(HANGS + SECOND).as_deref(), Some(message));
}

#[test]
fn a_source_that_failed_is_left_alone_for_as_long_as_was_said_unless_it_is_time_to_stop() {
    let bench = bench();
    let (sender, _receiver) = queue();
    let (me, stop) = (std::thread::current(), AtomicBool::new(false));
    let clock = bench.parts.desk.clock();
    let report = &bench.parts.reports[0];
    let capture = capture(&bench.parts, &*clock, sender, &me, &stop);
    let beats = || report.shared.fault_beats.load(Ordering::Relaxed);
    let wake = Wake::of(&CameraSpec::parse("front=sim:").unwrap());
    // The watchdog hears of it all the while.
    assert!(!capture.wait(5 * LOOK / 2, &wake));
    assert_eq!(beats(), 3);
    assert!(!capture.wait(Duration::ZERO, &wake));
    stop.store(true, Ordering::SeqCst);
    assert!(!capture.wait(LOOK, &wake));
    assert_eq!(beats(), 3);
}
