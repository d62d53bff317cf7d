//! A camera against one that is imitated.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use picam_media::{Colour, Encoder, EncoderSettings, Start, Yuv420};
use proptest::prelude::*;

use super::device::Agreed;
use super::fake::{Fake, Seen, Step};
use super::*;
use crate::{Encode, EncoderCounts, Software, StillPicture, Times};

const TIMEOUT: Duration = Duration::from_millis(20);
const SMALL: &[u8] = include_bytes!("../../tests/data/small.jpg");

struct Bench {
    source: V4l2Source<Fake>,
    seen: Arc<Mutex<Seen>>,
}

fn try_start(fake: Fake, wishes: &Wishes) -> Result<Bench, CaptureError> {
    start_with(fake, wishes, software)
}

fn start_with(fake: Fake, wishes: &Wishes, encoder: OpenEncoder) -> Result<Bench, CaptureError> {
    let (seen, clock) = (fake.seen.clone(), Arc::new(fake.clock.clone()));
    let source = V4l2Source::start(
        fake,
        "v4l2:/dev/video0",
        (wishes, &Picture::default()),
        clock,
        encoder,
    )?;
    Ok(Bench { source, seen })
}

fn software(settings: EncoderSettings) -> Result<Box<dyn Encode>, CaptureError> {
    Ok(Box::new(Software::new(settings, "a test")?))
}

/// An encoder that works beside the processor: it keeps two pictures until others come, or none do any more.
struct Late {
    software: Software,
    ready: VecDeque<AccessUnit>,
    is_finished: bool,
}

impl Late {
    fn open(settings: EncoderSettings) -> Result<Box<dyn Encode>, CaptureError> {
        Ok(Box::new(Self {
            software: Software::new(settings, "a test")?,
            ready: VecDeque::new(),
            is_finished: false,
        }))
    }
}

impl Encode for Late {
    fn put(&mut self, picture: &Yuv420, times: Times, key: bool) -> Result<(), CaptureError> {
        self.software.put(picture, times, key)?;
        let mut unit = AccessUnit::new();
        assert!(self.software.take(&mut unit, Duration::ZERO)?);
        self.ready.push_back(unit);
        Ok(())
    }

    fn take(&mut self, unit: &mut AccessUnit, _: Duration) -> Result<bool, CaptureError> {
        let keep = if self.is_finished { 0 } else { 2 };
        let came = self.ready.len() > keep;
        if came && let Some(ready) = self.ready.pop_front() {
            *unit = ready;
        }
        Ok(came)
    }

    fn finish(&mut self) -> Result<(), CaptureError> {
        self.is_finished = true;
        Ok(())
    }

    fn counts(&self) -> EncoderCounts {
        EncoderCounts {
            pending: self.ready.len() as u64,
            ..self.software.counts()
        }
    }

    fn describe(&self) -> String {
        "in hardware (a test)".to_owned()
    }
}

#[test]
fn what_an_encoder_still_has_comes_before_the_word_that_the_camera_is_gone() {
    let mut steps = pictures(vec![yuyv(); 10]);
    steps.push(Step::Fails(NO_DEVICE));
    let fake = Fake::new(b"YUYV", 64, 48, steps);
    let mut bench = start_with(fake, &Wishes::default(), Late::open).unwrap();
    let described = bench.source.describe();
    assert!(described.contains("encoded in hardware"), "{described}");
    let mut ticks = Vec::new();
    let error = loop {
        match bench.read() {
            (Ok(Event::Unit), unit) => ticks.push((unit.dts, unit.captured.0)),
            (Ok(_), _) => {}
            (Err(error), _) => break error,
        }
    };
    let expected = (0..10).map(|n| (3600 * n, 40_000_000 * (n as u64 + 1)));
    assert_eq!(ticks, Vec::from_iter(expected));
    assert!(matches!(error, CaptureError::Io { .. }), "{error}");
}

#[test]
fn a_still_is_what_the_camera_delivers_before_it_is_coded_and_costs_no_picture() {
    let jpeg = |n| match n {
        // One without its tables cannot stand alone.
        true => SMALL.to_vec(),
        false => without_tables(SMALL),
    };
    for (fourcc, bytes, own) in [
        (b"YUYV", yuyv(), false),
        (b"MJPG", jpeg(true), true),
        (b"MJPG", jpeg(false), false),
    ] {
        let fake = Fake::new(fourcc, 64, 48, pictures(vec![bytes.clone(); 6]));
        let mut bench = start(fake);
        assert_eq!(bench.source.take_still(), None);
        let (mut units, mut stills) = (0, Vec::new());
        while units < 6 {
            assert!(units != 3 || bench.source.want_still());
            let (event, unit) = bench.read();
            assert_eq!((event.unwrap(), unit.dropped_before), (Event::Unit, 0));
            units += 1;
            stills.extend(
                bench
                    .source
                    .take_still()
                    .map(|still| (units, unit.captured, still)),
            );
        }
        let [(4, captured, still)] = &stills[..] else {
            panic!("{stills:?}")
        };
        assert_eq!(still.captured, *captured);
        match &still.picture {
            StillPicture::Jpeg(jpeg) => assert!(own && *jpeg == bytes),
            StillPicture::Plain(picture, colour) => {
                assert!(!own);
                let full = fourcc == b"MJPG";
                assert_eq!(*colour == Colour::Bt601Full, full, "{colour:?}");
                assert_eq!((picture.width(), picture.height()), (64, 48));
            }
        }
    }
    let mut coded = try_start(Fake::new(b"H264", 64, 48, Vec::new()), &Wishes::default()).unwrap();
    assert!(!coded.source.want_still());
}

fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
    while rest[1] != 0xda {
        let (segment, behind) =
            rest.split_at(2 + usize::from(rest[2]) * 256 + usize::from(rest[3]));
        if segment[1] != 0xc4 {
            out.extend(segment);
        }
        rest = behind;
    }
    out.extend(rest);
    out
}

fn start(fake: Fake) -> Bench {
    let mut bench = try_start(fake, &Wishes::default()).unwrap();
    assert_eq!(bench.read().0.unwrap(), Event::Config(Config::default()));
    bench
}

impl Bench {
    fn read(&mut self) -> (Result<Event, CaptureError>, AccessUnit) {
        let mut unit = AccessUnit::new();
        let event = self.source.read(&mut unit, TIMEOUT);
        let out = self.seen.lock().unwrap().out;
        // Whatever happened, the driver has all its buffers.
        assert!(event.is_err() || out == 0, "{out} buffers are out");
        (event, unit)
    }

    /// Everything until nothing more comes: units, and places of damage.
    fn drain(&mut self) -> (Vec<AccessUnit>, u32) {
        let (mut units, mut damage) = (Vec::new(), 0);
        loop {
            match self.read() {
                (Ok(Event::Unit), unit) => {
                    damage += unit.damage_before;
                    units.push(unit);
                }
                (Ok(Event::Gap { damaged }), _) => damage += damaged,
                (Ok(Event::Timeout), _) if self.source.device.steps.is_empty() => break,
                (Ok(Event::Timeout), _) => {}
                other => panic!("{other:?}"),
            }
        }
        (units, damage)
    }

    fn error(&mut self) -> String {
        loop {
            match self.read().0 {
                Ok(_) => {}
                Err(CaptureError::Io { context, source }) => return format!("{context}: {source}"),
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// So many pictures of a camera that encodes, a key frame each ten, Annex B.
fn h264(pictures: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(EncoderSettings {
        width: 64,
        height: 48,
        fps: 25,
        bitrate: 200_000,
        gop: 10,
        colour: Colour::Bt601,
    })
    .unwrap();
    let mut picture = Yuv420::new(64, 48);
    let mut unit = AccessUnit::new();
    let mut all = Vec::new();
    for n in 0..pictures {
        picture.y.fill((n * 9 % 200 + 20) as u8);
        assert!(encoder.encode(&picture, false, &mut unit).unwrap());
        let mut bytes = Vec::new();
        if unit.start.is_start() {
            let sets = unit.parameter_sets.as_ref().unwrap();
            for set in sets.sps.iter().chain(&sets.pps) {
                bytes.extend_from_slice(&[0, 0, 0, 1]);
                bytes.extend_from_slice(set);
            }
        }
        let mut rest = &unit.data[..];
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (nal, after) = behind.split_at(u32::from_be_bytes(*length) as usize);
            bytes.extend_from_slice(&[0, 0, 0, 1]);
            bytes.extend_from_slice(nal);
            rest = after;
        }
        all.push(bytes);
    }
    all
}

fn yuyv() -> Vec<u8> {
    vec![90; 64 * 48 * 2]
}

fn pictures(all: Vec<Vec<u8>>) -> Vec<Step> {
    all.into_iter().map(Step::Picture).collect()
}

#[test]
fn raw_pictures_come_out_encoded_with_the_drivers_times() {
    let mut bench = start(Fake::new(b"YUYV", 64, 48, pictures(vec![yuyv(); 30])));
    let description = bench.source.describe();
    for part in [
        "v4l2:/dev/video0",
        "Fake",
        "yuyv 64x48 at 25",
        "encoded in software",
    ] {
        assert!(description.contains(part), "{description}");
    }
    assert!(bench.source.is_live());
    let (units, damage) = bench.drain();
    assert_eq!((units.len(), damage), (30, 0));
    assert_eq!(bench.seen.lock().unwrap().started, BUFFERS);
    for (n, unit) in units.iter().enumerate() {
        assert_eq!(unit.dts, 3600 * n as i64);
        assert_eq!(unit.captured.0, 40_000_000 * (n as u64 + 1));
        assert_eq!(unit.start.is_start(), n % 25 == 0, "{n}");
        assert_eq!(unit.dropped_before, 0);
        assert_eq!(unit.parameter_sets.as_ref().unwrap().width, 64);
    }
}

#[test]
fn a_key_frame_comes_when_asked_for() {
    let mut bench = start(Fake::new(
        b"NV12",
        64,
        48,
        pictures(vec![vec![80; 64 * 48 * 3 / 2]; 6]),
    ));
    let mut starts = Vec::new();
    for n in 0..6 {
        if n == 3 {
            assert!(bench.source.request_key_frame());
        }
        let (event, unit) = bench.read();
        assert_eq!(event.unwrap(), Event::Unit);
        starts.push(unit.start.is_start());
    }
    assert_eq!(starts, [true, false, false, true, false, false]);
}

#[test]
fn lost_damaged_empty_and_short_pictures_are_counted_each() {
    let steps = vec![
        Step::Picture(yuyv()),
        Step::Lose(3),
        Step::Picture(yuyv()),
        Step::Damaged(yuyv()),
        Step::Picture(Vec::new()),
        Step::Picture(yuyv()[..6000].to_vec()),
        Step::Lose(1),
        Step::Nothing,
        Step::Quiet,
        Step::Picture(yuyv()),
    ];
    let mut bench = start(Fake::new(b"YUYV", 64, 48, steps));
    let (units, damage) = bench.drain();
    let dropped: Vec<u32> = units.iter().map(|unit| unit.dropped_before).collect();
    assert_eq!(dropped, [0, 3, 1]);
    assert_eq!(damage, 3);
    // Delivered and counted are what the camera took: 3 + 4 + 3.
    assert_eq!(bench.source.device.sequence as usize, 3 + 4 + 3);
}

#[test]
fn a_buffer_longer_than_a_picture_is_no_damage() {
    let mut long = yuyv();
    long.resize(20_000, 1);
    let mut bench = start(Fake::new(b"YUYV", 64, 48, pictures(vec![long])));
    assert_eq!(bench.drain().0.len(), 1);
}

#[test]
fn mjpeg_goes_on_behind_broken_pictures() {
    let steps = vec![
        Step::Picture(SMALL.to_vec()),
        Step::Picture(SMALL[..400].to_vec()),
        Step::Picture(b"no picture at all".to_vec()),
        Step::Picture(SMALL.to_vec()),
    ];
    let mut bench = start(Fake::new(b"MJPG", 64, 48, steps));
    let (units, damage) = bench.drain();
    assert_eq!((units.len(), damage), (2, 2));
    assert_eq!(units[1].dts, 3 * 3600);
}

#[test]
fn a_camera_that_sends_nothing_but_rubbish_is_opened_anew() {
    let mut bench = start(Fake::new(b"MJPG", 64, 48, pictures(vec![vec![7; 50]; 400])));
    let error = bench.error();
    assert!(error.contains("300 pictures in a row"), "{error}");
}

#[test]
fn h264_is_recorded_as_it_comes_from_its_first_key_frame_on() {
    let stream = h264(35);
    let mut bench = start(Fake::new(b"H264", 64, 48, pictures(stream[4..].to_vec())));
    assert!(bench.source.describe().contains("recorded as it comes"));
    let (units, damage) = bench.drain();
    // Six of the group that was under way are lost; nothing could show them.
    assert_eq!((units.len(), damage), (25, 0));
    assert_eq!(units[0].dropped_before, 6);
    assert_eq!(units[0].start, Start::Idr);
    assert_eq!(units[0].dts, 0);
    for (unit, sent) in units.iter().zip(&stream[10..]) {
        // Slices are there byte by byte.
        assert!(sent.ends_with(&unit.data[4..]) || unit.start.is_start());
    }
}

#[test]
fn a_loss_in_h264_asks_for_a_key_frame() {
    let mut stream: Vec<Step> = pictures(h264(20));
    stream.insert(5, Step::Lose(2));
    stream.insert(9, Step::Damaged(vec![0, 0, 0, 1, 0x41, 7]));
    let mut fake = Fake::new(b"H264", 64, 48, stream);
    fake.takes_key_frames = true;
    let mut bench = start(fake);
    let (units, damage) = bench.drain();
    assert_eq!((units.len(), damage), (20, 1));
    assert_eq!(units.iter().map(|unit| unit.dropped_before).sum::<u32>(), 2);
    assert_eq!(bench.seen.lock().unwrap().key_frames, 2);
    assert!(bench.source.request_key_frame());
}

#[test]
fn unplugging_is_told_in_words() {
    for (number, words) in [(19, "unplugged"), (5, "waiting for pictures")] {
        let steps = vec![Step::Picture(yuyv()), Step::Fails(number)];
        let mut bench = start(Fake::new(b"YUYV", 64, 48, steps));
        let error = bench.error();
        assert!(error.contains(words), "{error}");
    }
    let steps = vec![Step::Picture(yuyv()), Step::Fault];
    let error = start(Fake::new(b"YUYV", 64, 48, steps)).error();
    assert!(error.contains("no picture will come"), "{error}");
}

fn refusal(fake: Fake, wishes: &Wishes) -> String {
    match try_start(fake, wishes) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_camera_or_has_nothing_to_record_is_refused_in_words() {
    let any = Wishes::default();
    let mut metadata = Fake::new(b"UVCH", 0, 0, Vec::new());
    metadata.identity.captures = false;
    let mut encoder = Fake::new(b"H264", 64, 48, Vec::new());
    encoder.identity.takes_pictures = true;
    for other in [metadata, encoder] {
        assert!(refusal(other, &any).contains("no camera"));
    }
    assert!(refusal(Fake::new(b"GREY", 64, 48, Vec::new()), &any).contains("GREY"));
    let mut busy = Fake::new(b"YUYV", 64, 48, Vec::new());
    busy.refuses.0 = Some(16);
    assert!(refusal(busy, &any).contains("another program"));
    let mut full = Fake::new(b"YUYV", 64, 48, Vec::new());
    full.refuses.1 = Some(28);
    assert!(refusal(full, &any).contains("starting it"));
}

#[test]
fn what_the_driver_makes_of_it_holds_and_is_said() {
    let agreed = Agreed {
        fourcc: FourCc(*b"YUYV"),
        width: 32,
        height: 16,
        stride: 80,
        has_whole_frames: true,
        is_709: false,
        is_full_range: false,
        rate: picam_media::FrameRate::new(15, 2),
    };
    let with = |agreed, steps| {
        let mut fake = Fake::new(b"YUYV", 64, 48, steps);
        fake.agreed = Some(agreed);
        fake
    };
    let mut bench = start(with(agreed, pictures(vec![vec![9; 80 * 16]; 3])));
    let description = bench.source.describe();
    for part in [
        "32x16 instead of 64x48",
        "7.5 pictures a second instead of 25",
    ] {
        assert!(description.contains(part), "{description}");
    }
    let (units, _) = bench.drain();
    assert_eq!(units[0].parameter_sets.as_ref().unwrap().height, 16);
    let any = Wishes::default();
    for (bad, words) in [
        (
            Agreed {
                has_whole_frames: false,
                ..agreed
            },
            "half pictures",
        ),
        (
            Agreed {
                width: 8000,
                ..agreed
            },
            "8000x16",
        ),
        (Agreed { width: 0, ..agreed }, "0x16"),
        (
            Agreed {
                fourcc: FourCc(*b"BGR3"),
                ..agreed
            },
            "insists on BGR3",
        ),
    ] {
        let what = refusal(with(bad, Vec::new()), &any);
        assert!(what.contains(words), "{what}");
    }
    // Another format that can be recorded will do, unless somebody asked for one.
    let other = Agreed {
        fourcc: FourCc(*b"NV12"),
        stride: 32,
        ..agreed
    };
    let mut bench = start(with(other, pictures(vec![vec![9; 32 * 24]])));
    assert_eq!(bench.drain().0.len(), 1);
    let picky = Wishes {
        format: Some(PixelFormat::Yuyv),
        ..any
    };
    assert!(refusal(with(other, Vec::new()), &picky).contains("insists"));
}

fn step() -> impl Strategy<Value = Step> {
    let small = Just(SMALL.to_vec());
    let damaged = (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
        let mut jpeg = SMALL.to_vec();
        let at = at.index(jpeg.len());
        jpeg[at] = byte;
        jpeg
    });
    let noise = prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        4 => small.clone().prop_map(Step::Picture),
        2 => damaged.prop_map(Step::Picture),
        1 => noise.clone().prop_map(Step::Picture),
        1 => noise.prop_map(Step::Damaged),
        1 => (0u32..50).prop_map(Step::Lose),
        1 => Just(Step::Quiet),
        1 => Just(Step::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn what_the_camera_took_is_delivered_or_counted(
        mut steps in prop::collection::vec(step(), 1..60),
        first in any::<u32>(),
        code in prop::sample::select(vec![*b"MJPG", *b"H264", *b"YUYV"]),
    ) {
        let taken: u32 = steps.iter().map(|step| match step {
            Step::Picture(_) | Step::Damaged(_) => 1,
            Step::Lose(lost) => *lost,
            _ => 0,
        }).sum();
        // Begins and ends with a picture that all of them can take, so that no loss is before or behind it.
        let good = match &code {
            b"MJPG" => SMALL.to_vec(),
            b"H264" => h264(1).remove(0),
            _ => yuyv(),
        };
        steps.insert(0, Step::Picture(good.clone()));
        steps.push(Step::Picture(good));
        let mut fake = Fake::new(&code, 64, 48, steps);
        fake.sequence = first;
        let mut bench = start(fake);
        let (units, damage) = bench.drain();
        let dropped: u32 = units.iter().map(|unit| unit.dropped_before).sum();
        prop_assert_eq!(units.len() as u32 + dropped + damage, taken + 2);
        for pair in units.windows(2) {
            prop_assert!(pair[0].dts < pair[1].dts && pair[0].captured <= pair[1].captured);
        }
    }
}
