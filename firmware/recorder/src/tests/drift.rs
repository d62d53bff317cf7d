//! Sound and pictures stay together for an hour although their clocks do not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use picam_media::{AccessUnit, SoundCodec, SoundFormat, Start, UnitKind};
use picam_mp4::read::{Movie, Track};
use picam_mp4::{Counters, FragmentLimits, ReadAt, Sample, TrackConfig, sample_entry};
use picam_ring::{Boot, Catalog, Directory, Picture, Recorder, RingConfig, Shares, SlotName};
use picam_testkit::recording::{AtKeyFrames as _, listed};
use picam_testkit::sim_disk::{Mutant, Rng, SimDisk};
use picam_time::BootNs;

use crate::intake::Intake;
use crate::sides::Sides;

const SLOTS: u32 = 80;
/// Pictures, and packets of sound, a second: few, so that an hour takes no time.
const RATE: u64 = 5;
const SOUND: SoundFormat = SoundFormat {
    codec: SoundCodec::Pcm16,
    rate: 48_000,
    channels: 1,
};

fn recorder(disk: &SimDisk) -> Recorder<SimDisk> {
    let config = RingConfig {
        letter: b'F',
        camera_name: "front".into(),
        slot_size: 1 << 20,
        slots: SLOTS as usize,
        head_len: 64 * 1024,
        nominal_ticks: 90_000 * 30,
        shares: Shares::default(),
        limits: FragmentLimits::default(),
    };
    for sequence in 0..SLOTS {
        let name = SlotName::Spare {
            camera: b'F',
            sequence,
        };
        disk.create(&name.to_string(), config.slot_size).unwrap();
    }
    let catalog = Catalog::read(disk).unwrap();
    let boot = Boot::after(disk, &catalog, [1; 16]);
    Recorder::new(disk.clone(), config, boot, listed(disk))
}

/// What happens at a moment, told by a source whose clock is so many millionths fast, and how late it comes.
fn unit(kind: UnitKind, n: u64, fast_ppm: f64, late: Duration) -> AccessUnit {
    let truth = Duration::from_millis(n * 1000 / RATE);
    let told = (truth.as_secs_f64() * 90_000.0 * (1.0 + fast_ppm * 1e-6)).round() as i64;
    AccessUnit {
        kind,
        data: (n as u32).to_be_bytes().repeat(100),
        dts: told,
        pts: told,
        start: match n.is_multiple_of(RATE) && kind == UnitKind::Video {
            true => Start::Idr,
            false => Start::None,
        },
        captured: BootNs::from_secs(7) + truth + late,
        ..AccessUnit::new()
    }
}

/// How far a picture and the sound of the same moment are apart on the card, at the most, in seconds; every moment has both.
fn apart(disk: &SimDisk) -> f64 {
    let (mut worst, mut count) = (0.0f64, 0);
    for entry in disk.list().unwrap() {
        let Some(SlotName::Segment(_)) = SlotName::parse(&entry.name) else {
            continue;
        };
        let file = disk.open(&entry.name).unwrap();
        let mut bytes = vec![0; entry.size as usize];
        file.read_exact_at(0, &mut bytes).unwrap();
        let movie = Movie::read(&bytes).unwrap();
        let times = |track: &Track| -> BTreeMap<u32, f64> {
            let shown = track.samples.iter().map(|sample| {
                let data = &bytes[sample.offset as usize..][..4];
                let number = u32::from_be_bytes(data.try_into().unwrap());
                (
                    number,
                    track.presentation(sample) as f64 / f64::from(track.timescale),
                )
            });
            shown.collect()
        };
        let [pictures, sound] = [0, 1].map(|n| times(&movie.tracks[n]));
        for (number, shown) in &pictures {
            // At a joint, one may be in the next segment by a hair.
            if let Some(heard) = sound.get(number) {
                worst = worst.max((shown - heard).abs());
                count += 1;
            }
        }
    }
    assert!(count + 2 * u64::from(SLOTS) >= 3600 * RATE, "{count}");
    worst
}

#[test]
fn sound_and_pictures_stay_together_for_an_hour_of_drift() {
    for (video_ppm, sound_ppm) in [(100.0, -100.0), (-50.0, 50.0)] {
        let disk = SimDisk::new(Mutant::None);
        let mut recorder = recorder(&disk);
        let mut intake = Intake::default();
        let mut sides = Sides::default();
        sides.set_sound(Some(SOUND));
        let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480).unwrap();
        let mut tracks = vec![TrackConfig::video(stsd, 640, 480)];
        tracks.extend(sides.tracks().unwrap());
        let tracks = Arc::new(tracks);
        intake.begin_epoch();
        let mut rng = Rng(1);
        for n in 0..3600 * RATE {
            // Some come late, some in time.
            let mut late =
                || Duration::from_millis(if rng.below(3) == 0 { 0 } else { rng.below(30) });
            let late_picture = if n == 0 { Duration::ZERO } else { late() };
            let mut picture = unit(UnitKind::Video, n, video_ppm, late_picture);
            intake.accept(&mut picture);
            let mut sound = unit(UnitKind::Sound, n, sound_ppm, late_picture);
            intake.accept_side(&mut sound);
            let sample = Sample {
                track: 0,
                dts: picture.dts,
                composition_offset: 0,
                duration: 18_000,
                key: picture.start.is_start(),
                captured: picture.captured,
                data: &picture.data,
            };
            let now = picture.captured + Duration::from_millis(1);
            // What was heard with a picture comes just before it.
            let sample_of_sound = sides.sample(&sound).unwrap();
            let is_first = n == 0;
            if !is_first {
                recorder.push_side(&sample_of_sound, now);
            }
            let lost_before = Counters::default();
            recorder
                .push(
                    &Picture {
                        sample,
                        lost_before,
                    },
                    &tracks,
                )
                .unwrap();
            if is_first {
                recorder.push_side(&sample_of_sound, now);
            }
            recorder.tick(now).unwrap();
        }
        recorder.finish().unwrap();
        assert_eq!(recorder.total().lost_side, 0);
        let apart = apart(&disk);
        println!("{video_ppm} and {sound_ppm} millionths: {apart} s apart at the most");
        assert!(apart <= 0.005, "{apart}");
    }
}
