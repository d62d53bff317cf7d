//! What the threads of a recording share, most of it without the threads: what they report and what becomes of orders, on a
//! real directory and a clock that is turned by hand.

mod clock;
mod desk;
mod drift;
mod overlay;
mod pictures;
mod place;
mod reload;
mod saves;
mod status;
mod stills;
mod whole;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use picam_capture::CameraSpec;
use picam_mp4::{Counters, FragmentLimits, Sample};
use picam_ring::{
    Boot, Picture, Recorder, RingConfig, Shares, SlotTable, Slots, Volume, head_len_for,
};
use picam_testkit::TurnedClock;
use picam_testkit::numbered::Numbered;
use picam_testkit::recording::AtKeyFrames as _;
use picam_time::{BootNs, Clock, TimeAnchor, TimeSource, UtcUs};

use crate::boot::boot_id;
use crate::desk::Desk;
use crate::report::Report;
use crate::status::Camera;
use crate::true_time::TrueTime;
use crate::volumes::Volumes;
use crate::{RecordPlan, Status};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
/// 2026-11-20 11:08:00 UTC.
pub(crate) const NOON: UtcUs = UtcUs(1_795_172_880_000_000);
pub(crate) const SLOT_SIZE: u64 = 1 << 20;
const FOOTAGE: Numbered = Numbered {
    fps: 10,
    gop: 10,
    key_len: (4_000, 1_000),
    delta_len: (400, 100),
};

/// At this moment it was so late, by that source.
pub(crate) fn said(moment: BootNs, utc: UtcUs, source: TimeSource) -> TimeAnchor {
    TimeAnchor::new(moment, utc, source).unwrap()
}

/// The parts of a recording that other threads share.
pub(crate) struct Parts {
    pub(crate) clock: TurnedClock,
    pub(crate) volumes: Volumes,
    pub(crate) desk: Arc<Desk>,
    pub(crate) status: Status,
    pub(crate) reports: Vec<Report>,
}

pub(crate) fn plan(directory: &Path) -> RecordPlan {
    let camera = |text: &str| CameraSpec::parse(text).unwrap();
    RecordPlan {
        footage: directory.join("footage"),
        disk: None,
        disk_note: None,
        cameras: vec![camera("front=sim:"), camera("rear=sim:")],
        segment: Duration::from_secs(1),
        slots: Slots::Count(20),
        slot_size: SLOT_SIZE,
        shares: Shares::default(),
        retention: None,
        system_clock: false,
        drive: false,
        gps: picam_sensors::gps::GpsSource::Off,
        motion: picam_sensors::motion::MotionSpec::Off,
        impact: None,
        microphone: picam_capture::MicrophoneSpec::Off,
        microphone_off: None,
        overlay: crate::OverlayPlan::default(),
        stills: crate::StillsPlan::default(),
        warnings: Vec::new(),
    }
}

pub(crate) fn parts(plan: &RecordPlan) -> Parts {
    let clock = TurnedClock::default();
    clock.turn(100 * SECOND);
    let time = Arc::new(TrueTime::new(clock.clone()));
    let volumes = Volumes::new(plan.footage.clone(), plan.disk.clone());
    let desk = Arc::new(Desk::new(&volumes, time, plan.shares));
    let cameras = Camera::all(plan, b"FR");
    let reports = cameras.iter().map(Camera::report).collect();
    let status = Status::new(plan, cameras, volumes.clone(), desk.clone());
    Parts {
        clock,
        volumes,
        desk,
        status,
        reports,
    }
}

/// What the control socket works with, while nobody records.
pub(crate) fn idle(directory: &Path) -> (Arc<Status>, Arc<Desk>) {
    let parts = parts(&plan(directory));
    (Arc::new(parts.status), parts.desk)
}

impl Parts {
    /// Records so many segments of a second each onto the card, and a part of another one, which goes on for as long as the
    /// recorder is kept.
    pub(crate) fn record(&self, segments: u64) -> (SlotTable, Recorder<picam_ring::FsDirectory>) {
        self.record_in(boot_id(), None, segments)
    }

    /// The same in a boot that began then.
    pub(crate) fn record_in(
        &self,
        boot_id: [u8; 16],
        booted: Option<UtcUs>,
        segments: u64,
    ) -> (SlotTable, Recorder<picam_ring::FsDirectory>) {
        self.record_of(b'F', boot_id, booted, segments)
    }

    /// The same of a camera.
    pub(crate) fn record_of(
        &self,
        letter: u8,
        boot_id: [u8; 16],
        booted: Option<UtcUs>,
        segments: u64,
    ) -> (SlotTable, Recorder<picam_ring::FsDirectory>) {
        let (directory, slots) = self.volumes.get(Volume::Card).open().unwrap();
        slots.look(&directory).unwrap();
        let config = RingConfig {
            letter,
            camera_name: "front".into(),
            slot_size: SLOT_SIZE,
            slots: 20,
            head_len: head_len_for(1, SLOT_SIZE),
            nominal_ticks: 90_000 * 60,
            shares: Shares::default(),
            limits: FragmentLimits::default(),
        };
        let boot = Boot::after(&directory, &slots.catalog(), boot_id);
        let mut recorder = Recorder::new(directory, config, boot, slots.clone());
        if let Some(booted) = booted {
            recorder.set_utc(booted).unwrap();
        }
        let tracks = Arc::new(FOOTAGE.tracks());
        for n in 0..segments * FOOTAGE.fps + 5 {
            if n > 0 && n % FOOTAGE.fps == 0 {
                recorder.finish().unwrap();
            }
            let data = FOOTAGE.coded(n);
            let sample = Sample {
                track: 0,
                dts: FOOTAGE.ticks(n),
                composition_offset: 0,
                duration: FOOTAGE.ticks(1) as u32,
                key: FOOTAGE.is_key(n),
                captured: self.clock.now(),
                data: &data,
            };
            let lost_before = Counters::default();
            let picture = Picture {
                sample,
                lost_before,
            };
            recorder.push(&picture, &tracks).unwrap();
            self.clock.turn(SECOND / FOOTAGE.fps as u32);
        }
        (slots, recorder)
    }
}
