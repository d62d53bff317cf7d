//! What the recorder says about itself, for the page and the log.
//!
//! Whoever asks pays for putting the answer together, from what the recording threads have stored. No lock is shared with
//! them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use picam_control::orders::{Denied, Why};
use picam_control::status::{
    CameraState, CameraStatus, CardStatus, ClassCounts, ClockStatus, DeletionStatus, Fault,
    PutInOrder, RingStatus, StatusSource, StatusUnavailable, VolumeState, VolumeStatus,
};
use picam_ring::{
    Catalog, Class, Directory, FsDirectory, SegmentId, Shares, SlotTable, Volume, share_warnings,
    too_few_slots,
};
use picam_sensors::gps::GpsSource;
use picam_time::{AGREEMENT, BootNs, Clock, Offer, TimeAnchor, TimeSource};

use crate::boot::Root;
use crate::desk::Desk;
use crate::disk_note::DiskNote;
use crate::ear::Ear;
use crate::gps;
use crate::motion;
use crate::orders::{Deletion, seconds_up};
use crate::report::{ENDED, RECORDING, Report, Shared};
use crate::stills::{self, StillsPlan};
use crate::true_time::TrueTime;
use crate::volumes::Volumes;
use crate::{Pulse, RecordPlan};

/// What one camera is, and what was last heard of its faults.
#[derive(Clone)]
pub(crate) struct Camera {
    pub(crate) name: String,
    pub(crate) letter: u8,
    pub(crate) shared: Arc<Shared>,
}

impl Camera {
    /// One of which nothing was heard yet.
    pub(crate) fn new(name: String, letter: u8) -> Self {
        Self {
            name,
            letter,
            shared: Arc::default(),
        }
    }

    /// Those of a plan.
    pub(crate) fn all(plan: &RecordPlan, letters: &[u8]) -> Vec<Self> {
        let all = plan.cameras.iter().zip(letters);
        all.map(|(camera, &letter)| Self::new(camera.name.clone(), letter))
            .collect()
    }

    /// Through what its threads report.
    pub(crate) fn report(&self) -> Report {
        Report {
            shared: self.shared.clone(),
        }
    }

    /// Where it records to.
    fn volume(&self) -> Volume {
        match self.shared.on_disk.load(Ordering::Relaxed) {
            true => Volume::Usb,
            false => Volume::Card,
        }
    }
}

/// The state of a recording.
pub struct Status {
    cameras: ArcSwap<Vec<Camera>>,
    disk_note: Option<PathBuf>,
    slot_size: u64,
    shares: Shares,
    warnings: ArcSwap<Vec<String>>,
    clock: Arc<TrueTime>,
    volumes: Volumes,
    desk: Arc<Desk>,
    /// Of the card, and of the disk.
    media: [Medium; 2],
    gps: GpsSource,
    gps_shown: Arc<gps::Shown>,
    motion: motion::Wanted,
    motion_shown: Arc<motion::Shown>,
    ear: Option<Arc<Ear>>,
    stills: StillsPlan,
    stills_shown: Arc<stills::Shown>,
}

/// What the housekeeper found out about a volume.
#[derive(Debug, Default)]
struct Medium {
    is_forged: AtomicBool,
    rotten: AtomicU64,
    recovered: AtomicU64,
    mended: AtomicU64,
    damaged_fragments: AtomicU64,
    full: ArcSwapOption<String>,
}

impl Medium {
    fn put_in_order(&self) -> PutInOrder {
        PutInOrder {
            recovered: self.recovered.load(Ordering::Relaxed),
            mended: self.mended.load(Ordering::Relaxed),
            damaged_fragments: self.damaged_fragments.load(Ordering::Relaxed),
        }
    }
}

impl Status {
    pub(crate) fn new(
        plan: &RecordPlan,
        cameras: Vec<Camera>,
        volumes: Volumes,
        desk: Arc<Desk>,
    ) -> Self {
        Self {
            cameras: ArcSwap::from_pointee(cameras),
            disk_note: plan.disk_note.clone(),
            slot_size: plan.slot_size,
            shares: plan.shares,
            warnings: ArcSwap::from_pointee(plan.warnings.clone()),
            clock: desk.clock(),
            volumes,
            desk,
            media: Default::default(),
            gps: if plan.drive {
                GpsSource::Off
            } else {
                plan.gps.clone()
            },
            gps_shown: Arc::default(),
            motion: plan.motion_wanted(),
            motion_shown: Arc::default(),
            stills: plan.stills.clone(),
            stills_shown: Arc::default(),
            ear: plan.microphone.is_on().then(|| {
                let note = plan.microphone_off.clone();
                Arc::new(Ear::new(plan.microphone.clone(), note))
            }),
        }
    }

    /// Whether every camera has something on the card, or never will.
    pub(crate) fn all_under_way(&self) -> bool {
        self.cameras.load().iter().all(|camera| {
            camera.shared.durable_until() > BootNs::ZERO
                || camera.shared.state.load(Ordering::Relaxed) == ENDED
        })
    }

    /// From now on these are recorded, and this is wrong with the configuration.
    pub(crate) fn set(&self, cameras: Vec<Camera>, warnings: Vec<String>) {
        self.cameras.store(Arc::new(cameras));
        self.warnings.store(Arc::new(warnings));
    }

    /// The camera of this name or letter.
    pub(crate) fn camera_called(&self, called: &str) -> Result<Camera, Denied> {
        let cameras = self.cameras.load();
        let is_it = |camera: &&Camera| {
            camera.name == called || called.as_bytes() == [camera.letter].as_slice()
        };
        cameras.iter().find(is_it).cloned().ok_or_else(|| {
            let remedy = "the cameras there are have their letters and names in /api/status";
            Denied::new(
                Why::NoCamera,
                format!("there is no camera '{called}'"),
                remedy,
            )
        })
    }

    /// What the watchdog wants to know of each camera.
    pub fn pulses(&self) -> Vec<Pulse> {
        let pulse = |camera: &Camera| Pulse {
            durable_until: camera.shared.durable_until(),
            fault_beats: camera.shared.fault_beats.load(Ordering::Relaxed),
            ended: camera.shared.state.load(Ordering::Relaxed) == ENDED,
        };
        self.cameras.load().iter().map(pulse).collect()
    }

    /// Where whoever listens to the receiver says how that goes.
    pub(crate) fn gps_shown(&self) -> Arc<gps::Shown> {
        self.gps_shown.clone()
    }

    /// Where whoever listens to the accelerometer does.
    pub(crate) fn motion_shown(&self) -> Arc<motion::Shown> {
        self.motion_shown.clone()
    }

    /// Where whoever makes stills does.
    pub(crate) fn stills_shown(&self) -> Arc<stills::Shown> {
        self.stills_shown.clone()
    }

    /// Names of all cameras.
    pub(crate) fn camera_names(&self) -> Vec<String> {
        let cameras = self.cameras.load();
        cameras.iter().map(|camera| camera.name.clone()).collect()
    }

    /// The microphone, if there is one.
    pub(crate) fn ear(&self) -> Option<Arc<Ear>> {
        self.ear.clone()
    }

    /// What time it is by whom.
    fn clock_status(&self) -> Option<ClockStatus> {
        let known = self.clock.known();
        let source = known.anchor()?.source();
        Some(ClockStatus {
            source,
            accuracy_ms: source.accuracy().as_millis() as u64,
            confirmed: known.is_confirmed(),
        })
    }

    /// On the boot clock.
    pub(crate) fn now(&self) -> BootNs {
        self.clock.now()
    }

    /// Somebody says what time it is.
    pub(crate) fn set_time(&self, anchor: TimeAnchor) -> Offer {
        self.clock.offer(anchor)
    }

    /// The clock that is believed, if it says another time than this.
    pub(crate) fn contradicts(&self, said: &TimeAnchor) -> Option<TimeSource> {
        let known = self.clock.known();
        let believed = known.anchor()?;
        let differs = believed.booted().apart(said.booted()) >= AGREEMENT;
        differs.then_some(believed.source())
    }

    /// A segment was given up because it had grown too old.
    pub(crate) fn aged(&self, letter: u8) {
        let cameras = self.cameras.load();
        for camera in cameras.iter().filter(|camera| camera.letter == letter) {
            camera.shared.aged.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn medium(&self, volume: Volume) -> &Medium {
        let [card, disk] = &self.media;
        match volume {
            Volume::Card => card,
            Volume::Usb => disk,
        }
    }

    /// A volume is smaller than it says.
    pub(crate) fn card_is_forged(&self, volume: Volume) {
        self.medium(volume).is_forged.store(true, Ordering::Relaxed);
    }

    /// Footage was found damaged.
    pub(crate) fn slot_is_rotten(&self, volume: Volume) {
        self.medium(volume).rotten.fetch_add(1, Ordering::Relaxed);
    }

    /// Segments were put in order.
    pub(crate) fn put_in_order(&self, volume: Volume, more: &PutInOrder) {
        let medium = self.medium(volume);
        for (count, more) in [
            (&medium.recovered, more.recovered),
            (&medium.mended, more.mended),
            (&medium.damaged_fragments, more.damaged_fragments),
        ] {
            count.fetch_add(more, Ordering::Relaxed);
        }
    }

    /// Slots are missing and there is no room for them, or (`None`) not any more.
    pub(crate) fn card_full(&self, volume: Volume, what: Option<String>) {
        self.medium(volume).full.store(what.map(Arc::new));
    }

    /// What takes the footage now.
    fn volume(&self) -> Volume {
        let cameras = self.cameras.load();
        cameras.iter().map(Camera::volume).max().unwrap_or_default()
    }

    fn camera(&self, camera: &Camera, catalog: &Catalog) -> CameraStatus {
        let shared = &camera.shared;
        let fault = shared.fault();
        let source = shared.source.load_full();
        let known = |value: u32| (value > 0).then_some(value);
        let state = match (shared.state.load(Ordering::Relaxed), &fault) {
            (ENDED, _) => CameraState::Ended,
            (_, Some(_)) => CameraState::Fault,
            (_, None) if self.desk.is_paused() => CameraState::Paused,
            (RECORDING, None) => CameraState::Recording,
            _ => CameraState::Starting,
        };
        let durable = shared.durable_until();
        let ago = self.clock.now().since(durable).as_millis();
        let segment = known(shared.segment.load(Ordering::Relaxed));
        CameraStatus {
            name: camera.name.clone(),
            letter: camera.letter.into(),
            source: source.map_or_else(|| "not opened yet".into(), |source| String::clone(&source)),
            state,
            fault,
            picture_problems: shared.knobs.problems(),
            width: known(shared.width.load(Ordering::Relaxed)),
            height: known(shared.height.load(Ordering::Relaxed)),
            fps: known(shared.frame_ticks.load(Ordering::Relaxed))
                .map(|ticks| f64::from(picam_media::TIMESCALE) / f64::from(ticks)),
            frames: shared.frames.load(Ordering::Relaxed),
            dropped_encoder: shared.dropped_encoder.load(Ordering::Relaxed),
            dropped_queue: shared.dropped_queue.load(Ordering::Relaxed),
            lost: shared.losses(),
            last_durable_ms_ago: (durable > BootNs::ZERO).then_some(ago as u64),
            segment: segment.map(|n| {
                let id = SegmentId {
                    volume: camera.volume(),
                    camera: camera.letter,
                    sequence: n - 1,
                };
                id.to_string()
            }),
            segments: shared.segments.load(Ordering::Relaxed),
            ring: self.ring(camera, catalog),
        }
    }

    fn ring(&self, camera: &Camera, catalog: &Catalog) -> RingStatus {
        let letter = camera.letter;
        let ring = catalog.ring(letter);
        let failed = |slots: SlotTable| slots.failed_slots(letter) as u32;
        let failed = self.volumes.get(self.volume()).slots().map_or(0, failed);
        let set_aside = (failed > 0).then(|| {
            format!(
                "{failed} slots failed and are set aside; they are tried again by themselves, and the card should be replaced \
                 if this stays"
            )
        });
        let count = |class| ring.count(class) as u32;
        let warnings = share_warnings(ring, &self.shares)
            .into_iter()
            .chain(too_few_slots(catalog, letter))
            .chain(set_aside)
            .collect();
        RingStatus {
            slots: ring.len() as u32,
            slot_size: self.slot_size,
            spare: ring.spares().len() as u32,
            failed,
            aged: camera.shared.aged.load(Ordering::Relaxed),
            classes: ClassCounts {
                normal: count(Class::Normal),
                event: count(Class::Event),
                parking: count(Class::Parking),
                manual: count(Class::Manual),
            },
            warnings,
        }
    }
}

/// Entries that are in the way.
fn unusable_fault(catalog: &Catalog) -> Option<Fault> {
    let first = catalog.unusable().first()?;
    let n = catalog.unusable().len();
    Some(Fault {
        message: format!(
            "{n} entries of the footage directory cannot be used, such as {first}; recording goes around them"
        ),
        remedy: "copy what you need off the card and check it for errors on a PC".into(),
    })
}

impl Status {
    fn deletions(&self) -> Vec<DeletionStatus> {
        let show = |(volume, deletion): (Volume, Deletion)| DeletionStatus {
            segment: match deletion.id(volume) {
                Some(id) => id.to_string(),
                None => deletion.segment.clone(),
            },
            in_s: seconds_up(deletion.waits(None)),
        };
        self.desk.deletions().into_iter().map(show).collect()
    }

    /// What was found by reading back what was written.
    fn medium_faults(&self, volume: Volume) -> Vec<Fault> {
        let medium = self.medium(volume);
        let mut faults = Vec::new();
        if medium.is_forged.load(Ordering::Relaxed) {
            faults.push(Fault {
                message: format!("{volume} is smaller than it says: what was written to it is not there"),
                remedy: "replace it with one of a known make, bought from a shop that can be trusted; until then the part \
                         that works is recorded to"
                    .into(),
            });
        }
        let rotten = medium.rotten.load(Ordering::Relaxed);
        if rotten > 0 {
            let found = match rotten {
                1 => "1 segment was".to_owned(),
                more => format!("{more} segments were"),
            };
            faults.push(Fault {
                message: format!("{found} found damaged on {volume} that had been written well"),
                remedy: format!("copy what you need off {volume} and replace it: it forgets"),
            });
        }
        faults.extend(medium.full.load_full().map(|message| Fault {
            message: String::clone(&message),
            remedy: picam_ring::Fault::NoSpace.remedy().into(),
        }));
        faults
    }

    /// What every place is doing, while `in_use` takes the footage.
    fn volume_states(&self, in_use: Volume) -> Vec<VolumeStatus> {
        let look = |(volume, card): (Volume, &crate::boot::Card)| {
            let space = match card.why_not() {
                None => FsDirectory::open(card.path(), false).and_then(|d| d.space()),
                Some(why) => Err(why),
            };
            let state = match &space {
                Err(_) => VolumeState::Away,
                Ok(_) if volume == in_use => VolumeState::Recording,
                Ok(_) if volume == Volume::Usb && self.volumes.is_banned() => VolumeState::Refused,
                Ok(_) => VolumeState::Waiting,
            };
            VolumeStatus {
                volume,
                state,
                total: space.as_ref().map_or(0, |space| space.total),
                available: space.as_ref().map_or(0, |space| space.available),
                put_in_order: self.medium(volume).put_in_order(),
            }
        };
        self.volumes.all().map(look).collect()
    }

    /// Why a disk that is wanted does not take the footage.
    fn disk_fault(&self, volumes: &[VolumeStatus]) -> Option<Fault> {
        let disk = volumes.iter().find(|v| v.volume == Volume::Usb)?;
        match disk.state {
            VolumeState::Recording | VolumeState::Waiting => None,
            VolumeState::Refused => Some(Fault {
                message: "the USB disk refuses to be written to; the card is recorded to".into(),
                remedy: "pull it and put it back, or check it for errors on a PC; it is tried again by itself".into(),
            }),
            VolumeState::Away => Some(match self.disk_note() {
                Some(note) => Fault {
                    message: note.message,
                    remedy: note.remedy,
                },
                None => Fault {
                    message: "there is no USB disk; the card is recorded to".into(),
                    remedy: "put the disk back, or set device.footage to \"card\"".into(),
                },
            }),
        }
    }

    /// What was found out about a disk that is there and was not taken.
    fn disk_note(&self) -> Option<DiskNote> {
        let text = std::fs::read_to_string(self.disk_note.as_ref()?).ok()?;
        let note = DiskNote::parse(&text)?;
        std::path::Path::new(&note.device).exists().then_some(note)
    }
}

impl StatusSource for Status {
    fn status(&self) -> Result<picam_control::status::Status, StatusUnavailable> {
        let volume = self.volume();
        let path = self.volumes.get(volume).path();
        let look = Root::look()
            .and_then(|root| root.refuse(path))
            .and_then(|()| FsDirectory::open(path, false))
            .and_then(|directory| Ok((directory.space()?, Catalog::read(&directory)?)));
        let mut card = CardStatus {
            volume,
            ..CardStatus::default()
        };
        let catalog = match look {
            Ok((space, catalog)) => {
                card.total = space.total;
                card.available = space.available;
                card.foreign_files = catalog.foreign().files;
                card.foreign_bytes = catalog.foreign().bytes;
                card.unusable = catalog.unusable().len() as u64;
                card.faults.extend(unusable_fault(&catalog));
                catalog
            }
            Err(error) => {
                card.faults.push(Fault {
                    message: format!("the footage directory cannot be read: {error}"),
                    remedy: picam_ring::Fault::of(&error).remedy().into(),
                });
                Catalog::default()
            }
        };
        let volumes = self.volume_states(volume);
        card.faults.extend(self.medium_faults(volume));
        card.faults.extend(self.disk_fault(&volumes));
        card.faults
            .extend(self.warnings.load().iter().map(|warning| Fault {
                message: warning.clone(),
                remedy: "correct picam.toml; the default is used until then".into(),
            }));
        let cameras = self.cameras.load();
        let cameras = cameras.iter().map(|camera| self.camera(camera, &catalog));
        let cameras = cameras.collect();
        Ok(picam_control::status::Status {
            version: env!("CARGO_PKG_VERSION").into(),
            uptime_s: self.clock.now().as_secs_f64(),
            clock_known: self.clock.utc().is_some(),
            clock: self.clock_status(),
            gps: self.gps_shown.status(&self.gps, self.clock.now()),
            motion: self.motion_shown.status(&self.motion, self.clock.now()),
            microphone: self.ear.as_ref().map(|ear| ear.status(self.clock.now())),
            stills: self.stills_shown.status(&self.stills),
            paused_s: self.desk.paused_for().map(seconds_up),
            deletions: self.deletions(),
            cameras,
            card,
            volumes,
        })
    }
}
