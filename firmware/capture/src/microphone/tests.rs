//! Microphones that do what devices do.

use std::collections::VecDeque;

use picam_media::{SoundCodec, UnitKind};
use picam_testkit::TurnedClock;

use super::*;

const STEP: Duration = Duration::from_millis(20);

/// What a device does at each call.
enum Does {
    /// Delivers 20 ms of this sample.
    Delivers(i16),
    Overruns,
    Fails,
    Nothing,
}

struct Fake {
    clock: Arc<TurnedClock>,
    does: VecDeque<Does>,
    channels: u16,
}

impl Device for Fake {
    fn format(&self) -> (u32, u16) {
        (48_000, self.channels)
    }

    fn read(&mut self, samples: &mut Vec<i16>, timeout: Duration) -> Result<Heard, CaptureError> {
        let does = self.does.pop_front().unwrap_or(Does::Nothing);
        self.clock.turn(STEP.min(timeout));
        match does {
            Does::Delivers(sample) => {
                let count = 960 * usize::from(self.channels);
                samples.extend(std::iter::repeat_n(sample, count));
                Ok(Heard::Until(self.clock.now()))
            }
            Does::Overruns => Ok(Heard::Overrun),
            Does::Nothing => Ok(Heard::Nothing),
            Does::Fails => Err(CaptureError::Config("gone".into())),
        }
    }
}

fn microphone(channels: u16, does: impl IntoIterator<Item = Does>) -> Microphone {
    let clock = Arc::new(TurnedClock::default());
    clock.turn(Duration::from_secs(100));
    let fake = Fake {
        clock: clock.clone(),
        does: does.into_iter().collect(),
        channels,
    };
    Microphone::of(Box::new(fake), clock).unwrap()
}

fn read(microphone: &mut Microphone) -> Result<(Listened, AccessUnit), CaptureError> {
    let mut unit = AccessUnit::new();
    let listened = microphone.read(&mut unit, Duration::from_millis(200))?;
    Ok((listened, unit))
}

#[test]
fn frames_follow_each_other_at_the_times_of_what_is_heard() {
    for channels in [1, 2] {
        let mut microphone = microphone(channels, (0..60).map(|n| Does::Delivers(n * 500)));
        let SoundCodec::Aac(config) = microphone.format().codec else {
            panic!("{:?}", microphone.format())
        };
        assert_eq!(
            (config.frame_samples(), microphone.format().channels),
            (1024, channels)
        );
        let mut times = Vec::new();
        while times.len() < 50 {
            let (listened, unit) = read(&mut microphone).unwrap();
            assert_eq!((listened, unit.kind), (Listened::Unit, UnitKind::Sound));
            assert!(!unit.data.is_empty());
            times.push(unit.dts);
        }
        // What the encoder puts in front is heard before the device was opened.
        assert_eq!(times[0], 100 * 90_000 - 1920);
        assert!(
            times.windows(2).all(|pair| pair[1] - pair[0] == 1920),
            "{times:?}"
        );
    }
}

#[test]
fn after_an_overrun_sound_goes_on_at_the_time_that_it_is() {
    let mut does: Vec<Does> = (0..5).map(Does::Delivers).collect();
    does.push(Does::Overruns);
    does.extend((0..5).map(Does::Delivers));
    let mut microphone = microphone(1, does);
    let all: Vec<_> = (0..9).map(|_| read(&mut microphone).unwrap()).collect();
    let kinds: Vec<Listened> = all.iter().map(|(listened, _)| *listened).collect();
    use Listened::{Nothing, Overrun, Unit};
    assert_eq!(
        kinds,
        [Unit, Unit, Unit, Unit, Overrun, Unit, Unit, Unit, Unit]
    );
    // 20 ms passed without a sample.
    assert_eq!(all[5].1.dts, 100 * 90_000 + 6 * 1800 - 1920);
    assert_eq!(read(&mut microphone).unwrap().0, Nothing);
}

#[test]
fn a_device_that_fails_says_so_and_one_that_is_silent_keeps_nobody() {
    let mut microphone = microphone(1, [Does::Nothing, Does::Fails]);
    assert_eq!(read(&mut microphone).unwrap().0, Listened::Nothing);
    let error = read(&mut microphone).unwrap_err();
    assert_eq!(error.to_string(), "gone");
}

#[test]
fn a_device_without_a_clock_is_read_no_faster_than_time_passes() {
    struct Plugin;
    impl Device for Plugin {
        fn format(&self) -> (u32, u16) {
            (48_000, 1)
        }
        fn read(&mut self, samples: &mut Vec<i16>, _: Duration) -> Result<Heard, CaptureError> {
            samples.extend([7; 4096]);
            Ok(Heard::Until(BootNs::from_secs(100)))
        }
    }
    let clock = Arc::new(TurnedClock::default());
    clock.turn(Duration::from_secs(100));
    let mut microphone = Microphone::of(Box::new(Plugin), clock.clone()).unwrap();
    let mut frames = 0;
    for _ in 0..100 {
        frames += u64::from(read(&mut microphone).unwrap().0 == Listened::Unit);
        let told = Duration::from_nanos(frames * 1024 * 1_000_000_000 / 48_000);
        let passed = clock.now().since(BootNs::from_secs(100));
        assert!(
            told <= passed + Duration::from_millis(300),
            "{told:?} {passed:?}"
        );
    }
    assert!(frames > 80, "{frames}");
}

#[test]
fn the_simulated_one_beeps_at_full_seconds_also_when_nobody_listened() {
    let clock = Arc::new(TurnedClock::default());
    clock.turn(Duration::from_millis(100_300));
    let mut sim = Sim::open(clock.clone(), 0);
    let mut samples = Vec::new();
    let mut beeps = Vec::new();
    while samples.len() < 3 * 48_000 {
        let before = samples.len();
        let heard = sim.read(&mut samples, Duration::from_secs(1)).unwrap();
        assert_eq!(heard, Heard::Until(clock.now()));
        if samples[before..].iter().any(|sample| sample.abs() > 10_000) {
            beeps.push(before / 48);
        }
    }
    // 0.3 s into a second: after 700 ms, in five blocks of 20 ms.
    assert_eq!(beeps[..6], [700, 720, 740, 760, 780, 1700]);
    assert_eq!(
        sim.read(&mut samples, Duration::from_millis(5)).unwrap(),
        Heard::Nothing
    );
    clock.turn(Duration::from_secs(2));
    assert_eq!(sim.read(&mut samples, STEP).unwrap(), Heard::Overrun);
    assert_eq!(
        sim.read(&mut samples, STEP).unwrap(),
        Heard::Until(clock.now())
    );
}

#[test]
fn what_is_not_there_says_so_in_one_line() {
    let clock = Arc::new(TurnedClock::default());
    let open = |text: &str| Microphone::open(&text.parse().unwrap(), clock.clone());
    assert!(open("sim:").is_ok());
    for text in ["off", "alsa:no-such-device", "alsa:hw:31"] {
        let error = open(text).err().unwrap().to_string();
        assert!(
            error.contains("microphone") && !error.contains('\n'),
            "{error}"
        );
    }
}
