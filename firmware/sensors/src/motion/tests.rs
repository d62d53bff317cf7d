//! Chips by transcripts of their bus, and their lines in the configuration.

use std::time::Duration;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use picam_testkit::pulse::{Pulse, Shape};
use picam_time::BootNs;
use proptest::prelude::*;

use super::sensor::OnBus;
use super::*;

const LIS3DH: u8 = 0x18;
const ADXL345: u8 = 0x53;
const MPU: u8 = 0x68;

fn at(ms: u64) -> BootNs {
    BootNs::from_secs(9) + Duration::from_millis(ms)
}

/// That it says what it is, and is set up.
fn begun(chip: Chip) -> Vec<Transaction> {
    let [address, _] = chip.addresses();
    let (who, said, settings): (u8, u8, &[[u8; 2]]) = match chip {
        Chip::Lis3dh => (
            0x0f,
            0x33,
            &[
                [0x2e, 0],
                [0x20, 0x57],
                [0x21, 0],
                [0x22, 0],
                [0x23, 0xb8],
                [0x24, 0x40],
                [0x2e, 0x80],
            ],
        ),
        Chip::Adxl345 => (
            0x00,
            0xe5,
            &[
                [0x2d, 0],
                [0x38, 0],
                [0x2c, 0x0a],
                [0x31, 0x0b],
                [0x2e, 0],
                [0x38, 0x9f],
                [0x2d, 0x08],
            ],
        ),
        Chip::Mpu6050 => (
            0x75,
            0x68,
            &[
                [0x6b, 0x01],
                [0x1a, 0x03],
                [0x19, 0x09],
                [0x1c, 0x18],
                [0x1d, 0x03],
                [0x6a, 0x00],
                [0x6a, 0x04],
                [0x23, 0x08],
                [0x6a, 0x40],
            ],
        ),
    };
    let mut all = vec![Transaction::write_read(address, vec![who], vec![said])];
    all.extend(
        settings
            .iter()
            .map(|setting| Transaction::write(address, setting.to_vec())),
    );
    all
}

/// One g downwards and a quarter forward, `count` times, as each chip says it.
fn measured(chip: Chip, count: usize) -> Vec<u8> {
    let sample: [u8; 6] = match chip {
        // 12 mg in the upper 12 bits: 1.008 g is 84, 0.252 g is 21.
        Chip::Lis3dh => [0x50, 0x01, 0, 0, 0xc0, 0xfa],
        Chip::Adxl345 => [0x40, 0, 0, 0, 0x00, 0xff],
        Chip::Mpu6050 => [0x02, 0x00, 0, 0, 0xf8, 0x00],
    };
    sample.repeat(count)
}

/// A look that finds so many.
fn look(chip: Chip, count: u8) -> Vec<Transaction> {
    let bytes = |count: u8| measured(chip, count.into());
    match chip {
        Chip::Lis3dh => {
            let source = if count == 32 { 0xdf } else { count };
            vec![
                Transaction::write_read(LIS3DH, vec![0x2f], vec![source]),
                Transaction::write_read(LIS3DH, vec![0xa8], bytes(count)),
            ]
        }
        Chip::Adxl345 => {
            let status = Transaction::write_read(ADXL345, vec![0x39], vec![count]);
            let one = || Transaction::write_read(ADXL345, vec![0x32], bytes(1));
            std::iter::once(status)
                .chain((0..count).map(|_| one()))
                .collect()
        }
        Chip::Mpu6050 => vec![
            Transaction::write_read(MPU, vec![0x3a], vec![0x01]),
            Transaction::write_read(MPU, vec![0x72], vec![0, 6 * count + 3]),
            Transaction::write_read(MPU, vec![0x74], bytes(count)),
        ],
    }
}

fn empty(chip: Chip) -> Vec<Transaction> {
    match chip {
        Chip::Lis3dh => vec![Transaction::write_read(LIS3DH, vec![0x2f], vec![0x20])],
        Chip::Adxl345 => vec![Transaction::write_read(ADXL345, vec![0x39], vec![0])],
        Chip::Mpu6050 => vec![
            Transaction::write_read(MPU, vec![0x3a], vec![0]),
            Transaction::write_read(MPU, vec![0x72], vec![0, 0]),
        ],
    }
}

/// A sensor with a transcript.
fn sensor(chip: Chip, transcript: &[Vec<Transaction>]) -> OnBus<Mock> {
    OnBus::new(Mock::new(&transcript.concat()), chip, chip.addresses()[0])
}

#[test]
fn each_is_found_set_up_and_read_out() {
    for chip in Chip::ALL {
        let mut sensor = sensor(
            chip,
            &[begun(chip), look(chip, 5), empty(chip), look(chip, 1)],
        );
        let mut all = Vec::new();
        let counts = [0, 50, 100, 150].map(|ms| sensor.read(at(ms), &mut all).unwrap());
        assert_eq!(
            counts.map(|read| (read.count, read.overrun)),
            [(0, false), (5, false), (0, false), (1, false)]
        );
        assert_eq!(all.len(), 6);
        for [x, y, z] in all {
            assert!(
                (x - 0.25).abs() < 0.003 && y == 0.0 && (z + 1.0).abs() < 0.01,
                "{chip:?}: {x} {y} {z}"
            );
        }
        sensor.into_bus().done();
    }
}

#[test]
fn a_queue_that_was_full_is_said() {
    for chip in [Chip::Lis3dh, Chip::Adxl345] {
        let mut sensor = sensor(chip, &[begun(chip), look(chip, 32)]);
        let mut all = Vec::new();
        sensor.read(at(0), &mut all).unwrap();
        let read = sensor.read(at(1), &mut all).unwrap();
        assert_eq!((read.count, read.overrun), (32, true), "{chip:?}");
        sensor.into_bus().done();
    }
    // One that no longer knows where a measurement begins is emptied.
    let emptied = vec![
        Transaction::write_read(MPU, vec![0x3a], vec![0x11]),
        Transaction::write(MPU, vec![0x6a, 0x00]),
        Transaction::write(MPU, vec![0x6a, 0x04]),
        Transaction::write(MPU, vec![0x6a, 0x40]),
    ];
    let mut sensor = sensor(Chip::Mpu6050, &[begun(Chip::Mpu6050), emptied]);
    let mut all = Vec::new();
    sensor.read(at(0), &mut all).unwrap();
    assert!(sensor.read(at(1), &mut all).unwrap().overrun);
    sensor.into_bus().done();
}

#[test]
fn who_vanishes_is_identified_and_set_up_again_when_it_returns() {
    let nobody = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);
    for chip in Chip::ALL {
        for fault in [
            nobody,
            ErrorKind::Bus,
            ErrorKind::ArbitrationLoss,
            ErrorKind::Other,
        ] {
            let gone = |mut transcript: Vec<Transaction>, n: usize| {
                transcript.truncate(n + 1);
                let last = transcript.pop().unwrap();
                transcript.push(last.with_error(fault));
                transcript
            };
            // It goes in the middle of a look, does not answer, answers and goes while it is set up, and is back.
            let mut sensor = sensor(
                chip,
                &[
                    begun(chip),
                    gone(look(chip, 3), 1),
                    gone(begun(chip), 0),
                    gone(begun(chip), 4),
                    begun(chip),
                    look(chip, 2),
                ],
            );
            let mut all = Vec::new();
            let reads = [0, 50, 100, 150, 200, 250].map(|ms| sensor.read(at(ms), &mut all));
            let fine = reads.each_ref().map(Result::is_ok);
            assert_eq!(fine, [true, false, false, false, true, true], "{chip:?}");
            let said = reads[2].as_ref().unwrap_err().to_string();
            assert!(said.contains("does not answer"), "{said}");
            assert_eq!(all.len(), 2);
            sensor.into_bus().done();
        }
    }
}

#[test]
fn somebody_else_at_its_address_is_not_written_to() {
    for (chip, said) in [
        (Chip::Lis3dh, 0xe5),
        (Chip::Adxl345, 0xff),
        (Chip::Mpu6050, 0x00),
    ] {
        let who = begun(chip).swap_remove(0);
        let who = match chip {
            Chip::Lis3dh => Transaction::write_read(LIS3DH, vec![0x0f], vec![said]),
            Chip::Adxl345 => Transaction::write_read(ADXL345, vec![0x00], vec![said]),
            Chip::Mpu6050 => {
                drop(who);
                Transaction::write_read(MPU, vec![0x75], vec![said])
            }
        };
        let mut sensor = sensor(chip, &[vec![who]]);
        let error = sensor.read(at(0), &mut Vec::new()).unwrap_err();
        assert_eq!(error, MotionError::Other { chip, said });
        assert!(error.to_string().contains(chip.word()), "{error}");
        sensor.into_bus().done();
    }
}

#[test]
fn a_bus_that_is_held_measures_nothing() {
    for chip in Chip::ALL {
        for level in [0x00, 0xff] {
            let [address, _] = chip.addresses();
            let mut held = look(chip, 1);
            let data = held.pop().unwrap();
            drop(data);
            let register = match chip {
                Chip::Lis3dh => 0xa8,
                Chip::Adxl345 => 0x32,
                Chip::Mpu6050 => 0x74,
            };
            held.push(Transaction::write_read(
                address,
                vec![register],
                vec![level; 6],
            ));
            let mut sensor = sensor(chip, &[begun(chip), held, begun(chip)]);
            let mut all = Vec::new();
            assert!(sensor.read(at(0), &mut all).is_ok());
            assert_eq!(
                sensor.read(at(50), &mut all),
                Err(MotionError::Garbage),
                "{chip:?}"
            );
            assert!(all.is_empty());
            assert!(sensor.read(at(100), &mut all).is_ok());
            sensor.into_bus().done();
        }
    }
}

#[test]
fn one_that_was_reset_and_says_nothing_new_is_set_up_again() {
    for chip in Chip::ALL {
        let mut sensor = sensor(
            chip,
            &[
                begun(chip),
                empty(chip),
                empty(chip),
                begun(chip),
                look(chip, 1),
            ],
        );
        let mut all = Vec::new();
        let reads = [0, 499, 500, 550, 600].map(|ms| sensor.read(at(ms), &mut all));
        assert_eq!(reads[2], Err(MotionError::Silent));
        assert_eq!(
            reads.map(|read| read.is_ok()),
            [true, true, false, true, true]
        );
        assert_eq!(all.len(), 1);
        sensor.into_bus().done();
    }
}

#[test]
fn a_simulated_car_is_hit_as_often_as_it_shall_be() {
    let spec: MotionSpec = "sim:20".parse().unwrap();
    let mut sensor = open(&spec, at(0)).unwrap().unwrap();
    let mut detector = Detector::new(Sensitivity::Low);
    let mut pace = Pace::default();
    let mut impacts = Vec::new();
    for look in 1..=1300 {
        let now = at(50 * look);
        let mut all = Vec::new();
        let read = sensor.read(now, &mut all).unwrap();
        assert_eq!((read.count, read.overrun), (5, false));
        for (g, at) in all.into_iter().zip(pace.times(read.count, now)) {
            if let Some(Finding::Impact(impact)) = detector.feel(&Sample { at, g }) {
                impacts.push(impact);
            }
        }
    }
    let seconds: Vec<u64> = impacts
        .iter()
        .map(|impact| impact.at.since(at(0)).as_secs())
        .collect();
    assert_eq!(seconds, [20, 40, 60]);
    for impact in impacts {
        assert!((impact.peak_g - 5.0).abs() < 0.3, "{impact:?}");
        assert!((impact.velocity_change - 2.2).abs() < 0.3, "{impact:?}");
    }
    // Who does not look loses the oldest.
    let mut all = Vec::new();
    let read = sensor.read(at(66_000), &mut all).unwrap();
    assert_eq!((read.count, read.overrun), (32, true));
}

#[test]
fn accelerometers_are_read_as_they_are_shown() {
    for (text, shown) in [
        ("off", "off"),
        ("lis3dh", "lis3dh"),
        ("lis3dh:/dev/i2c-1?address=0x18", "lis3dh"),
        ("lis3dh?address=0x19", "lis3dh?address=0x19"),
        (
            "adxl345:/dev/i2c-3?address=0x1d",
            "adxl345:/dev/i2c-3?address=0x1d",
        ),
        ("mpu6050", "mpu6050"),
        ("sim", "sim"),
        ("sim:", "sim"),
        ("sim:60", "sim:60"),
    ] {
        let spec: MotionSpec = text.parse().unwrap();
        assert_eq!(spec.to_string(), shown);
        assert_eq!(shown.parse(), Ok(spec));
    }
}

#[test]
fn other_accelerometers_are_refused_with_examples() {
    for text in [
        "",
        "on",
        "auto",
        "off:",
        "lis3dh:",
        "lis3dh?",
        "lis3dh:i2c-1",
        "lis3dh:/dev/../etc/passwd",
        "lis3dh?address=18",
        "lis3dh?address=0x53",
        "lis3dh?addres=0x18",
        "adxl345?address=0x18",
        "bma180",
        "sim:4",
        "sim:x",
        "sim?60",
    ] {
        let error = text.parse::<MotionSpec>().unwrap_err().to_string();
        assert!(
            error.contains("is no accelerometer: write \"off\""),
            "{text}: {error}"
        );
    }
}

/// A bus on which anything is said, and which fails now and then.
struct Noise(std::vec::IntoIter<u8>);

impl embedded_hal::i2c::ErrorType for Noise {
    type Error = ErrorKind;
}

impl embedded_hal::i2c::I2c for Noise {
    fn transaction(
        &mut self,
        _: u8,
        operations: &mut [embedded_hal::i2c::Operation<'_>],
    ) -> Result<(), ErrorKind> {
        for operation in operations {
            let embedded_hal::i2c::Operation::Read(into) = operation else {
                continue;
            };
            for byte in into.iter_mut() {
                *byte = self.0.next().ok_or(ErrorKind::Other)?;
            }
        }
        Ok(())
    }
}

proptest! {
    /// Whatever a bus says, what comes of it could have been measured; and the detector takes it.
    #[test]
    fn any_bytes_are_read_or_refused(
        chip in prop::sample::select(Chip::ALL.to_vec()),
        said in prop::collection::vec(any::<u8>(), 0..4_000),
        jumps in prop::collection::vec(0_u64..300, 1..60),
    ) {
        let identity = match chip {
            Chip::Lis3dh => 0x33,
            Chip::Adxl345 => 0xe5,
            Chip::Mpu6050 => 0x68,
        };
        // It is set up, and from then on says anything.
        let said: Vec<u8> = std::iter::once(identity).chain(said).collect();
        let mut sensor = OnBus::new(Noise(said.into_iter()), chip, chip.addresses()[0]);
        let (mut pace, mut detector) = (Pace::default(), Detector::new(Sensitivity::High));
        let mut now = at(0);
        for ms in jumps {
            now += Duration::from_millis(ms);
            let mut all = Vec::new();
            let read = sensor.read(now, &mut all);
            prop_assert!(all.len() <= 33);
            if let Ok(read) = read {
                prop_assert_eq!(read.count, all.len());
            }
            for (&g, at) in all.iter().zip(pace.times(all.len(), now)) {
                prop_assert!(g.iter().all(|g| g.abs() < 25.0));
                detector.feel(&Sample { at, g });
            }
        }
        detector.end();
    }

    /// No numbers and no times make it fail; what it finds lies in what was felt.
    #[test]
    fn whatever_is_felt_an_impact_is_a_sound_one(
        felt in prop::collection::vec((0_u64..200_000_000, any::<f32>(), -20.0_f32..20.0, -20.0_f32..20.0), 1..400),
    ) {
        let mut detector = Detector::new(Sensitivity::High);
        let mut moment = at(0);
        let mut found = Vec::new();
        for (n, (ns, wild, y, z)) in felt.into_iter().enumerate() {
            moment += Duration::from_nanos(ns);
            let x = if n % 50 == 7 { wild } else { y - z };
            if let Some(Finding::Impact(impact)) = detector.feel(&Sample { at: moment, g: [x, y, z] }) {
                found.push(impact);
            }
        }
        found.extend(detector.end());
        for impact in &found {
            prop_assert!(impact.at >= at(0) && impact.at <= moment);
            prop_assert!(!impact.peak_g.is_nan() && !impact.velocity_change.is_nan());
        }
        let apart = found.windows(2).all(|pair| pair[0].at < pair[1].at);
        prop_assert!(apart);
    }

    /// An impact is the same however the sensor is turned.
    #[test]
    fn turning_the_sensor_changes_nothing(
        peak in 4.0_f64..30.0,
        length in 0.06_f64..0.2,
        around in 0.0_f64..std::f64::consts::TAU,
    ) {
        let pulse = Pulse { shape: Shape::Haversine, peak_g: peak, length_s: length };
        let impact = |turn: fn([f32; 3]) -> [f32; 3]| {
            let mut detector = Detector::new(Sensitivity::Low);
            let found = (0..800_u64).filter_map(|n| {
                let hit = pulse.at(n as f64 / 100.0 - 5.0);
                let g = [(hit * around.cos()) as f32, (hit * around.sin()) as f32, 1.0];
                match detector.feel(&Sample { at: at(10 * n), g: turn(g) }) {
                    Some(Finding::Impact(impact)) => Some(impact),
                    _ => None,
                }
            });
            found.collect::<Vec<_>>()
        };
        let upright = impact(|g| g);
        prop_assert_eq!(upright.len(), 1);
        for turn in [|[x, y, z]: [f32; 3]| [z, x, y], |[x, y, z]: [f32; 3]| [-y, -z, x]] {
            let turned = impact(turn);
            prop_assert_eq!(turned.len(), 1);
            prop_assert!((turned[0].peak_g - upright[0].peak_g).abs() < 0.05);
            prop_assert_eq!(turned[0].at, upright[0].at);
        }
    }
}
