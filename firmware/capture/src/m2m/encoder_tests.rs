//! The encoder over an imitated driver that codes with OpenH264, and gives trouble where a test wants it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use picam_media::{Colour, Encoder, ParameterSets};
use picam_time::BootNs;
use rustix::io::Errno;

use super::super::port::{Event, Next, Output, WaitFor};
use super::*;

const WANTED: Wanted = Wanted {
    width: 64,
    height: 48,
    fps: 30,
    bitrate: 1_000_000,
    gop: 1000,
    coded: H264,
    colour: Colour::Bt709,
};

const SETTINGS: EncoderSettings = EncoderSettings {
    width: WANTED.width as u16,
    height: WANTED.height as u16,
    fps: WANTED.fps,
    bitrate: WANTED.bitrate,
    gop: WANTED.gop,
    colour: WANTED.colour,
};

/// What shall go wrong, by the number of the picture counted over all set-ups, and what was asked.
#[derive(Default)]
struct Script {
    dropped: Vec<u64>,
    damaged: Vec<u64>,
    /// Nothing comes from this picture on, until it is set up anew.
    hangs_at: Option<u64>,
    /// The call that queues it fails.
    fails_at: Option<u64>,
    changes_at: Option<u64>,
    /// Requests for key frames that get lost.
    deaf: u32,
    /// Gone: opening fails too.
    unplugged: bool,
    /// A picture is so many times as large as it ought to be.
    padding: usize,
    seen: u64,
    opened: u32,
    keys: u32,
    bitrates: Vec<u32>,
    now: Duration,
}

type Shared = Arc<Mutex<Script>>;

/// An encoder that holds two pictures back, as one with a pipeline does.
struct Fake {
    script: Shared,
    encoder: Encoder,
    queued: VecDeque<u32>,
    coded: VecDeque<(u64, Vec<u8>, bool)>,
    free: Vec<u32>,
    held: Vec<Option<Vec<u8>>>,
    first: bool,
    key: bool,
    hangs: bool,
    changed: bool,
    stopped: bool,
}

impl Fake {
    fn open(script: &Shared) -> io::Result<Self> {
        let mut of = script.lock().unwrap();
        if of.unplugged {
            return Err(Errno::NODEV.into());
        }
        of.opened += 1;
        let encoder = Encoder::new(SETTINGS);
        Ok(Self {
            script: script.clone(),
            encoder: encoder.unwrap(),
            queued: VecDeque::new(),
            coded: VecDeque::new(),
            free: (0..6).collect(),
            held: vec![None; 6],
            first: true,
            key: false,
            hangs: false,
            changed: false,
            stopped: false,
        })
    }
}

fn annexb(unit: &AccessUnit, headers: bool) -> Vec<u8> {
    let mut prefixed = Vec::new();
    let sets: Option<&ParameterSets> = unit.parameter_sets.as_deref();
    if let Some(sets) = sets.filter(|_| headers) {
        sets.write_in_band(&mut prefixed);
    }
    prefixed.extend_from_slice(&unit.data);
    let (mut out, mut rest) = (Vec::new(), prefixed.as_slice());
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let (nal, behind) = after.split_at(u32::from_be_bytes(*len) as usize);
        out.extend_from_slice(&[0, 0, 0, 1]);
        out.extend_from_slice(nal);
        rest = behind;
    }
    out
}

impl Port for Fake {
    fn inputs(&self) -> u32 {
        4
    }

    fn queue(&mut self, slot: u32, picture: &Yuv420, stamp: u64) -> io::Result<()> {
        let mut script = self.script.lock().unwrap();
        let number = script.seen;
        script.seen += 1;
        if script.unplugged {
            return Err(Errno::NODEV.into());
        }
        if script.fails_at == Some(number) {
            return Err(Errno::IO.into());
        }
        self.hangs |= script.hangs_at == Some(number);
        self.changed |= script.changes_at == Some(number);
        self.queued.push_back(slot);
        if script.dropped.contains(&number) {
            return Ok(());
        }
        let mut unit = AccessUnit::new();
        let key = std::mem::take(&mut self.key);
        assert!(self.encoder.encode(picture, key, &mut unit).unwrap());
        let mut bytes = annexb(&unit, self.first);
        let padding = bytes.len() * script.padding;
        if padding > 0 {
            // Filler data, which is left out, would not count: a slice may be followed by anything in its last unit.
            bytes.resize(bytes.len() + padding, 0x55);
        }
        self.first = false;
        self.coded
            .push_back((stamp, bytes, script.damaged.contains(&number)));
        Ok(())
    }

    fn returned(&mut self) -> io::Result<Option<u32>> {
        let keep = if self.hangs { usize::MAX } else { 1 };
        Ok((self.queued.len() > keep)
            .then(|| self.queued.pop_front())
            .flatten())
    }

    fn output(&mut self) -> io::Result<Next> {
        let keep = if self.stopped { 0 } else { 2 };
        if self.hangs || self.coded.len() <= keep {
            return Ok(match self.stopped && !self.hangs {
                true => Next::End,
                false => Next::Nothing,
            });
        }
        let slot = self.free.pop().expect("a buffer was not given back");
        let (stamp, bytes, is_damaged) = self.coded.pop_front().unwrap();
        let len = bytes.len();
        self.held[slot as usize] = Some(bytes);
        Ok(Next::Output(Output {
            slot,
            offset: 0,
            len,
            stamp,
            is_key: false,
            is_damaged,
            is_last: false,
        }))
    }

    fn bytes(&self, output: &Output) -> &[u8] {
        self.held[output.slot as usize]
            .as_deref()
            .expect("it was given back")
    }

    fn give_back(&mut self, slot: u32) -> io::Result<()> {
        self.held[slot as usize] = None;
        self.free.push(slot);
        Ok(())
    }

    fn event(&mut self) -> io::Result<Option<Event>> {
        Ok(std::mem::take(&mut self.changed).then_some(Event::SourceChange))
    }

    fn wait(&mut self, _: WaitFor, timeout: Duration) -> io::Result<()> {
        self.script.lock().unwrap().now += timeout;
        Ok(())
    }

    fn force_key_frame(&mut self) -> io::Result<()> {
        let mut script = self.script.lock().unwrap();
        script.keys += 1;
        self.key = script.keys > script.deaf;
        Ok(())
    }

    fn set_bitrate(&mut self, bitrate: u32) -> io::Result<()> {
        self.script.lock().unwrap().bitrates.push(bitrate);
        Ok(())
    }

    fn stop(&mut self) -> io::Result<()> {
        self.stopped = true;
        Ok(())
    }

    fn now(&self) -> Duration {
        self.script.lock().unwrap().now
    }
}

struct Rig {
    encoder: WithFallback,
    script: Shared,
    /// Numbers of pictures that came out, whether decoding can start there, and what was lost before.
    came: Vec<(i64, bool, u32)>,
    next: u64,
}

impl Rig {
    fn new(script: Script) -> Self {
        let script = Arc::new(Mutex::new(script));
        let of = script.clone();
        let session = Session::open(Box::new(move || Fake::open(&of)), WANTED.fps).unwrap();
        let hardware = Hardware::new(session, &WANTED, "fake".to_owned(), "fake".to_owned());
        Self {
            encoder: WithFallback::new(hardware, SETTINGS),
            script,
            came: Vec::new(),
            next: 0,
        }
    }

    /// Puts so many pictures in, each with what came until then taken out.
    fn pictures(&mut self, count: u64, key_at: Option<u64>) -> Result<(), CaptureError> {
        for _ in 0..count {
            let mut picture = Yuv420::new(WANTED.width as u16, WANTED.height as u16);
            picture.y.fill((self.next * 7 % 200) as u8);
            let times = Times {
                ticks: self.next as i64,
                captured: BootNs(self.next * 33_333_333),
            };
            self.encoder
                .put(&picture, times, key_at == Some(self.next))?;
            self.next += 1;
            self.script.lock().unwrap().now += Duration::from_millis(33);
            self.take()?;
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), CaptureError> {
        let mut unit = AccessUnit::new();
        while self.encoder.take(&mut unit, Duration::ZERO)? {
            assert_eq!(unit.captured, BootNs(unit.dts as u64 * 33_333_333));
            let sets = unit
                .parameter_sets
                .as_ref()
                .expect("parameter sets are kept");
            assert_eq!((sets.width, sets.height), (64, 48));
            self.came
                .push((unit.dts, unit.start.is_start(), unit.dropped_before));
        }
        Ok(())
    }

    fn end(mut self) -> (Vec<(i64, bool, u32)>, EncoderCounts) {
        self.encoder.finish().unwrap();
        self.take().unwrap();
        let counts = self.encoder.counts();
        assert!(counts.is_complete(), "{counts:?}");
        assert_eq!((counts.pending, counts.coded), (0, self.came.len() as u64));
        let numbers: Vec<_> = self.came.iter().map(|came| came.0).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        // Whatever is between two that came was told with the second.
        let mut next = 0;
        for &(number, _, lost) in &self.came {
            assert_eq!(number, next + i64::from(lost), "{:?}", self.came);
            next = number + 1;
        }
        (self.came, counts)
    }
}

#[test]
fn pictures_come_with_their_own_times_and_the_headers_of_the_first() {
    let mut rig = Rig::new(Script::default());
    rig.pictures(40, Some(20)).unwrap();
    let (came, counts) = rig.end();
    assert_eq!(came.len(), 40);
    let starts: Vec<_> = came
        .iter()
        .filter(|came| came.1)
        .map(|came| came.0)
        .collect();
    assert_eq!(starts, [0, 20]);
    assert_eq!((counts.rebuilt, counts.dropped), (0, 0));
}

#[test]
fn what_the_encoder_leaves_out_is_found_and_counted() {
    let mut rig = Rig::new(Script {
        dropped: vec![0, 5, 6, 7, 20],
        ..Script::default()
    });
    rig.pictures(30, None).unwrap();
    let (came, counts) = rig.end();
    assert_eq!((came.len(), counts.dropped), (25, 5));
    assert_eq!(came.iter().find(|came| came.0 == 8).unwrap().2, 3);
}

#[test]
fn a_damaged_picture_is_left_out_and_a_key_frame_follows() {
    let mut rig = Rig::new(Script {
        damaged: vec![10],
        ..Script::default()
    });
    rig.pictures(40, None).unwrap();
    let (came, counts) = rig.end();
    assert_eq!((came.len(), counts.damaged), (39, 1));
    assert!(
        came.iter().any(|came| came.1 && came.0 > 10 && came.0 < 20),
        "{came:?}"
    );
}

#[test]
fn one_that_hangs_is_set_up_anew_within_two_seconds() {
    let mut rig = Rig::new(Script {
        hangs_at: Some(15),
        ..Script::default()
    });
    rig.pictures(150, None).unwrap();
    assert_eq!(rig.script.lock().unwrap().opened, 2);
    let name = rig.encoder.describe();
    assert!(name.contains("nothing came"), "{name}");
    let (came, counts) = rig.end();
    assert_eq!(counts.rebuilt, 1);
    let again = came.iter().find(|came| came.2 > 0).unwrap();
    assert!(again.1 && again.0 < 15 + 60, "{again:?}");
    // Four buffers were with it; the others found no room.
    assert!(counts.lost >= 4 && counts.refused > 0, "{counts:?}");
}

#[test]
fn a_failing_call_and_changed_formats_cost_what_was_on_its_way() {
    for script in [
        Script {
            fails_at: Some(10),
            ..Script::default()
        },
        Script {
            changes_at: Some(10),
            ..Script::default()
        },
    ] {
        let mut rig = Rig::new(script);
        rig.pictures(30, None).unwrap();
        assert_eq!(rig.script.lock().unwrap().opened, 2);
        let (came, counts) = rig.end();
        assert_eq!(counts.rebuilt, 1);
        assert!(came.len() >= 26, "{came:?}");
        assert!(came.iter().find(|came| came.2 > 0).unwrap().1);
    }
}

#[test]
fn a_request_that_gets_lost_is_made_again() {
    let mut rig = Rig::new(Script {
        deaf: 2,
        ..Script::default()
    });
    rig.pictures(60, Some(10)).unwrap();
    let (came, counts) = rig.end();
    assert_eq!(counts.keys_asked_again, 2);
    assert_eq!(came.iter().filter(|came| came.1).count(), 2, "{came:?}");
}

#[test]
fn behind_its_end_it_can_begin_again() {
    let mut rig = Rig::new(Script::default());
    rig.pictures(10, None).unwrap();
    rig.encoder.finish().unwrap();
    rig.take().unwrap();
    assert_eq!(rig.came.len(), 10);
    rig.pictures(10, None).unwrap();
    assert_eq!(rig.script.lock().unwrap().opened, 2);
    let (came, _) = rig.end();
    assert_eq!(came.len(), 20);
    assert!(came[10].1);
}

#[test]
fn software_takes_over_from_one_that_is_gone() {
    let mut rig = Rig::new(Script::default());
    rig.pictures(10, None).unwrap();
    rig.script.lock().unwrap().unplugged = true;
    rig.pictures(20, None).unwrap();
    let how = rig.encoder.describe();
    assert!(
        how.contains("in software") && how.contains("No such device"),
        "{how}"
    );
    let (came, counts) = rig.end();
    // Two were on their way, and some found no encoder.
    assert!(
        came.len() >= 20 && counts.lost + counts.refused <= 10,
        "{counts:?}"
    );
    assert!(came.iter().find(|came| came.2 > 0).unwrap().1, "{came:?}");
    assert_eq!(came.last().unwrap().0, 29);
}

#[test]
fn one_that_overshoots_is_asked_for_less() {
    let mut rig = Rig::new(Script {
        padding: 400,
        ..Script::default()
    });
    rig.pictures(300, None).unwrap();
    let asked = rig.script.lock().unwrap().bitrates.clone();
    assert!(
        asked.len() >= 2 && asked.is_sorted_by(|a, b| a > b),
        "{asked:?}"
    );
    assert!(*asked.last().unwrap() >= WANTED.bitrate * 4 / 10);
    rig.end();
}
