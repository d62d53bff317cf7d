use std::sync::mpsc::{Receiver, sync_channel};

use picam_mp4::camm;
use picam_sensors::motion::Read;
use picam_testkit::TurnedClock;
use picam_testkit::pulse::{Pulse, Shape};

use super::*;
use crate::side_input::{SideInput, side_input};

/// A sensor whose queue is what it is told to be.
struct Told {
    felt: Vec<[f32; 3]>,
    overrun: bool,
}

impl Accelerometer for Told {
    fn read(&mut self, _: BootNs, into: &mut Vec<[f32; 3]>) -> Result<Read, MotionError> {
        into.extend(&self.felt);
        Ok(Read {
            count: self.felt.len(),
            overrun: self.overrun,
        })
    }
}

struct Bench {
    motion: Motion,
    clock: TurnedClock,
    input: SideInput,
    impacts: Receiver<Impact>,
    _directory: tempfile::TempDir,
}

fn bench() -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let (sender, input) = side_input();
    let cameras = SideSenders::default();
    cameras.add(sender);
    let parts = crate::tests::parts(&crate::tests::plan(directory.path()));
    let (locks, impacts) = sync_channel(2);
    let clock = parts.clock.clone();
    let mut motion = Motion::new(
        parts.desk.clock(),
        cameras,
        parts.desk,
        locks,
        Arc::default(),
    );
    motion.detector = Some(Detector::new(Sensitivity::Low));
    Bench {
        motion,
        clock,
        input,
        impacts,
        _directory: directory,
    }
}

impl Bench {
    /// Lets the sensor feel a tenth of a second at a time, with a pulse of 6 g and 100 ms at a moment.
    fn drive(&mut self, tenths: u32, hit_after: Option<f64>) {
        let pulse = Pulse {
            shape: Shape::Haversine,
            peak_g: 6.0,
            length_s: 0.1,
        };
        for tenth in 0..tenths {
            self.clock.turn(Duration::from_millis(100));
            let felt = (1..=10).map(|n| {
                let t = (f64::from(tenth * 10) + f64::from(n)) / 100.0;
                let hit = hit_after.map_or(0.0, |after| pulse.at(t - after));
                [hit as f32, 0.0, 1.0]
            });
            let mut sensor = Told {
                felt: felt.collect(),
                overrun: false,
            };
            self.motion.look(&mut sensor).unwrap();
        }
    }
}

#[test]
fn what_it_feels_reaches_a_camera_in_metres_and_in_order() {
    let mut bench = bench();
    bench.drive(20, None);
    let units: Vec<AccessUnit> = std::iter::from_fn(|| bench.input.receive()).collect();
    assert_eq!(units.len(), 200);
    assert!(units.windows(2).all(|pair| pair[0].dts < pair[1].dts));
    assert_eq!(
        camm::acceleration(&units[0].data),
        Some([0.0, 0.0, 9.80665])
    );
    assert!(units[199].captured <= bench.clock.now());
    bench.motion.show();
    let wanted = Wanted {
        sensor: "lis3dh".parse().unwrap(),
        impact: Some(Sensitivity::Low),
    };
    let status = bench
        .motion
        .shown
        .status(&wanted, bench.clock.now())
        .unwrap();
    assert_eq!(
        (status.sensor.as_str(), status.sensitivity.as_str()),
        ("lis3dh", "low")
    );
    assert_eq!(
        (status.samples, status.overruns, status.last_impact),
        (200, 0, None)
    );
    assert!((status.rate.unwrap() - 100.0).abs() < 5.0);
    assert_eq!(
        bench
            .motion
            .shown
            .status(&Wanted::default(), bench.clock.now()),
        None
    );
}

#[test]
fn an_impact_is_hurried_to_the_card_and_locks_footage() {
    let mut bench = bench();
    let before = bench.motion.desk.hastes();
    bench.drive(60, Some(4.0));
    let impact = bench.impacts.try_recv().unwrap();
    assert!((impact.peak_g - 6.0).abs() < 0.2, "{impact:?}");
    assert_eq!(bench.motion.desk.hastes() - before, 2);
    assert!(bench.impacts.try_recv().is_err());
    bench.motion.show();
    let wanted = Wanted {
        sensor: "sim".parse().unwrap(),
        impact: Some(Sensitivity::Low),
    };
    let status = bench
        .motion
        .shown
        .status(&wanted, bench.clock.now())
        .unwrap();
    assert_eq!((status.impacts, status.not_locked), (1, 0));
    let last = status.last_impact.unwrap();
    assert!((1_900..2_100).contains(&last.ms_ago), "{last:?}");
}

#[test]
fn a_sensor_that_is_torn_off_by_what_hits_the_car_has_felt_it() {
    let mut bench = bench();
    bench.drive(41, Some(4.0));
    assert!(bench.impacts.try_recv().is_err());
    let mut since = None;
    bench.motion.lost(&MotionError::Silent, &mut since);
    assert!(bench.impacts.try_recv().is_ok());
    // It is said once, and not before it has been away for a while.
    assert_eq!(bench.motion.seen.fault, None);
    bench.clock.turn(MISSING_AFTER);
    bench.motion.lost(&MotionError::Silent, &mut since);
    assert!(bench.motion.seen.fault.is_some());
}

#[test]
fn overruns_are_counted_and_time_goes_on() {
    let mut bench = bench();
    bench.drive(3, None);
    bench.clock.turn(Duration::from_secs(3));
    let mut sensor = Told {
        felt: vec![[0.0, 0.0, 1.0]; 32],
        overrun: true,
    };
    bench.motion.look(&mut sensor).unwrap();
    assert_eq!(bench.motion.seen.overruns, 1);
    let units: Vec<BootNs> = std::iter::from_fn(|| bench.input.receive())
        .map(|unit| unit.captured)
        .collect();
    assert!(units.is_sorted());
    // The 32 are the last third of a second, not what followed those before.
    assert!(units[30].since(units[29]) > Duration::from_secs(2));
}

#[test]
fn a_sensor_that_is_not_there_is_tried_again_until_told_to_stop() {
    let bench = bench();
    let (shown, clock) = (bench.motion.shown.clone(), bench.clock.clone());
    let wanted = Wanted {
        sensor: "lis3dh:/dev/i2c-picam-has-none".parse().unwrap(),
        impact: None,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let thread = {
        let (wanted, stop, motion) = (wanted.clone(), stop.clone(), bench.motion);
        std::thread::spawn(move || motion.run(&wanted, &stop))
    };
    let fault = loop {
        match shown.status(&wanted, clock.now()).unwrap().fault {
            Some(fault) => break fault,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(
        fault.message.contains("/dev/i2c-picam-has-none"),
        "{fault:?}"
    );
    stop.store(true, Ordering::SeqCst);
    thread.join().unwrap();
}
