//! From a source's own units to those of the camera's one timeline.

use picam_capture::Timeline;
use picam_media::{AccessUnit, LeadingMarker};

/// What the capture thread does to each unit before it goes into the queue. Lives as long as the camera,
/// over all openings of its source.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    timeline: Timeline,
    /// The same for sound, which may have a clock of its own.
    sound: Timeline,
    leading: LeadingMarker,
    /// Epochs begun so far.
    epochs: u32,
    /// Damage that no unit carries yet.
    damage: u32,
}

impl Intake {
    /// The source begins: opened anew, or its clock was set.
    pub(crate) fn begin_epoch(&mut self) {
        self.epochs = self.epochs.saturating_add(1);
    }

    /// Something was left out that no unit carries.
    pub(crate) fn note_gap(&mut self, damaged: u32) {
        self.damage = self.damage.saturating_add(damaged);
    }

    /// Damage that no unit came to carry; counts from 0 again.
    pub(crate) fn take_damage(&mut self) -> u32 {
        std::mem::take(&mut self.damage)
    }

    /// Puts a unit of sound onto the timeline.
    pub(crate) fn accept_side(&mut self, unit: &mut AccessUnit) {
        unit.epoch = self.epochs;
        self.sound.map(unit);
    }

    /// Puts a picture onto the timeline.
    pub(crate) fn accept(&mut self, unit: &mut AccessUnit) {
        unit.epoch = self.epochs;
        unit.damage_before = unit.damage_before.saturating_add(self.take_damage());
        self.timeline.map(unit);
        self.leading.mark(unit);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use std::time::Duration;

    use picam_media::{Codec, ParameterSets, Place, Start};
    use picam_mp4::read::Movie;
    use picam_mp4::{Counters, FragmentLimits, ReadAt, Sample, TrackConfig, sample_entry};
    use picam_ring::{
        Boot, Catalog, Directory, Picture, Placement, Recorder, RingConfig, Shares, SlotName, Taken,
    };
    use picam_testkit::read_slot;
    use picam_testkit::recording::listed;
    use picam_testkit::sim_disk::{Mutant, SimDisk};
    use picam_time::BootNs;

    use super::*;
    use crate::backoff::{Backoff, Run};
    use crate::joints::Joints;

    const SECOND: Duration = Duration::from_secs(1);
    /// Pictures a second: few, so that hours take no time.
    const FPS: u64 = 5;
    const SLOTS: u32 = 80;

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

    /// Records `length` seconds of a source that runs for so many seconds each time, and is back after the `pause` that
    /// follows, its clock at zero. Returns the disk and how many pictures were recorded.
    fn record(length: u64, runs: u64, mut pause: impl FnMut(i64) -> Duration) -> (SimDisk, u64) {
        let disk = SimDisk::new(Mutant::None);
        let mut recorder = recorder(&disk);
        let sets = ParameterSets {
            codec: Codec::H264,
            vps: Vec::new(),
            sps: vec![vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80]],
            pps: vec![vec![0x68, 0xce, 0x3c, 0x80]],
            width: 640,
            height: 480,
            frame_ticks: None,
        };
        let stsd = sample_entry::h264(&sets.sps, &sets.pps, 640, 480).unwrap();
        let (mut intake, mut joints) = (Intake::default(), Joints::default());
        let begin = BootNs::from_secs(7);
        let mut now = begin;
        let mut pictures = 0;
        while now < begin + Duration::from_secs(length) {
            intake.begin_epoch();
            // Parameter sets are equal, not the same.
            let tracks = Arc::new(vec![TrackConfig::video(stsd.clone(), 640, 480)]);
            let sets = Arc::new(sets.clone());
            for n in 0..runs * FPS {
                let mut unit = AccessUnit {
                    data: vec![n as u8; 600],
                    dts: (n * 90_000 / FPS) as i64,
                    pts: (n * 90_000 / FPS) as i64,
                    start: if n.is_multiple_of(FPS) {
                        Start::Idr
                    } else {
                        Start::None
                    },
                    captured: now,
                    parameter_sets: Some(sets.clone()),
                    ..AccessUnit::new()
                };
                intake.accept(&mut unit);
                let joint = joints.next(&unit, false, |extra| recorder.urgency(unit.dts, extra));
                let placement = match joint.unwrap().place {
                    Place::Begin => Placement::New(&tracks),
                    Place::Append => Placement::Current,
                    other => panic!("{other:?}"),
                };
                let picture = Picture {
                    sample: Sample {
                        track: 0,
                        dts: unit.dts,
                        composition_offset: unit.composition_offset().unwrap(),
                        duration: 18_000,
                        key: unit.start.is_start(),
                        captured: unit.captured,
                        data: &unit.data,
                    },
                    lost_before: Counters::default(),
                };
                assert_eq!(recorder.place(&picture, placement).unwrap(), Taken::Yes);
                pictures += 1;
                now += SECOND / FPS as u32;
                recorder.tick(now).unwrap();
            }
            let back = now + pause(((runs * FPS - 1) * 90_000 / FPS) as i64);
            while now < back {
                now = back.min(now + SECOND / 4);
                recorder.tick(now).unwrap();
            }
        }
        recorder.finish().unwrap();
        (disk, pictures)
    }

    /// Of every segment in order: first and last presentation time in seconds, duration, pictures.
    fn segments(disk: &SimDisk) -> Vec<(BootNs, f64, f64, usize)> {
        let mut found = BTreeSet::new();
        let mut all = Vec::new();
        for entry in disk.list().unwrap() {
            let Some(SlotName::Segment(name)) = SlotName::parse(&entry.name) else {
                continue;
            };
            assert!(found.insert(name.sequence));
            let file = disk.open(&entry.name).unwrap();
            let mut bytes = vec![0; file.size().unwrap() as usize];
            file.read_exact_at(0, &mut bytes).unwrap();
            let (_, record, _) = read_slot(&bytes).unwrap();
            let movie = Movie::read(&bytes).unwrap();
            let samples = &movie.video().unwrap().samples;
            let span = samples.last().unwrap().dts - samples[0].dts;
            let length = movie.duration as f64 / f64::from(movie.timescale);
            all.push((
                record.start_boot,
                span as f64 / 90_000.0,
                length,
                samples.len(),
            ));
        }
        all.sort_by_key(|segment| segment.0);
        all
    }

    /// It is left alone as any source is that fails again and again, and takes a second to open. Or it falls silent
    /// each time, which is noticed after five seconds.
    #[test]
    fn an_hour_of_a_source_that_fails_every_five_seconds_takes_hardly_more_slots_than_a_steady_one()
    {
        let (steady, pictures) = record(3600, 3600, |_| Duration::ZERO);
        assert_eq!(pictures, 3600 * FPS);
        let steady = segments(&steady).len();
        assert!(steady > 30, "{steady}");
        for silent in [Duration::ZERO, 5 * SECOND] {
            let mut backoff = Backoff::default();
            let (flapping, _) = record(3600, 5, |reached| {
                let pause = backoff.after(Run {
                    lasted: 5 * SECOND + silent,
                    reached: Some(reached),
                    replays: false,
                });
                silent + pause + SECOND
            });
            let flapping = segments(&flapping).len();
            assert!(
                flapping * 10 <= steady * 12,
                "{flapping} slots instead of {steady} where it is silent for {silent:?}"
            );
        }
    }

    #[test]
    fn a_source_opened_anew_within_a_segment_leaves_a_gap_of_real_time_in_it() {
        // Twelve seconds of pictures in sixteen of time.
        let (disk, pictures) = record(16, 3, |_| SECOND);
        assert_eq!(pictures, 12 * FPS);
        let all = segments(&disk);
        let [(_, span, length, samples)] = all[..] else {
            panic!("{all:?}")
        };
        assert_eq!(samples as u64, pictures);
        // The last pause is behind the last picture.
        assert!((span - 14.8).abs() < 0.01, "{span}");
        assert!((length - 15.0).abs() < 0.01, "{length}");
    }

    #[test]
    fn damage_without_a_picture_goes_with_the_next() {
        let mut intake = Intake::default();
        intake.begin_epoch();
        intake.note_gap(2);
        intake.note_gap(1);
        let mut unit = AccessUnit {
            damage_before: 4,
            ..AccessUnit::new()
        };
        intake.accept(&mut unit);
        assert_eq!((unit.damage_before, unit.epoch), (7, 1));
        assert_eq!(intake.take_damage(), 0);
    }
}
