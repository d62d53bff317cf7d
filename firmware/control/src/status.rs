//! What the recorder says of itself. It fills these in; everyone else only reads them.

use picam_ring::Volume;
use picam_time::TimeSource;
use serde::{Deserialize, Serialize};

/// Where the status comes from: the recorder in this process, or the one behind a socket.
pub trait StatusSource: Send + Sync + 'static {
    /// The state of things now. Runs on a thread that may block for a short while.
    fn status(&self) -> Result<Status, StatusUnavailable>;
}

/// The recorder does not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct StatusUnavailable {
    /// What happened, in plain words.
    pub reason: String,
    /// What a person can do about it.
    pub remedy: String,
}

/// Everything about the recorder and its card. With it goes the verdict, [`crate::verdict`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Status {
    /// Version of the recorder.
    pub version: String,
    /// Seconds since the device booted.
    pub uptime_s: f64,
    /// Whether somebody has said what time it is since boot.
    pub clock_known: bool,
    /// By whom, and how far off it is at most; `None` if nobody has.
    #[serde(default)]
    pub clock: Option<ClockStatus>,
    /// The GPS receiver; `None` if none is wanted. Where it is, is not said here: that is the footage's.
    #[serde(default)]
    pub gps: Option<GpsStatus>,
    /// The accelerometer; `None` if none is wanted.
    #[serde(default)]
    pub motion: Option<MotionStatus>,
    /// The microphone; `None` if none is configured.
    #[serde(default)]
    pub microphone: Option<MicrophoneStatus>,
    /// Stills.
    #[serde(default)]
    pub stills: StillsStatus,
    /// For how many seconds more nothing is recorded because somebody wants that; `None` if it is.
    #[serde(default)]
    pub paused_s: Option<u64>,
    /// Segments that somebody deleted and that are still there.
    #[serde(default)]
    pub deletions: Vec<DeletionStatus>,
    /// Every configured camera, in the order of the configuration.
    pub cameras: Vec<CameraStatus>,
    /// The filesystem that footage is recorded to.
    pub card: CardStatus,
    /// All places that footage is, or would be, recorded to; the best first.
    #[serde(default)]
    pub volumes: Vec<VolumeStatus>,
}

/// The clock that is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// Who said what time it is.
    pub source: TimeSource,
    /// Milliseconds that it is off at most, unless it is altogether wrong.
    pub accuracy_ms: u64,
    /// Whether another source that does not have it from this one says the same to the minute.
    pub confirmed: bool,
}

/// How far a GPS receiver has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpsMode {
    /// There is none, or it is silent.
    None,
    /// It looks for satellites.
    Searching,
    /// It knows latitude and longitude.
    #[serde(rename = "fix-2d")]
    Fix2d,
    /// It knows the altitude, too.
    #[serde(rename = "fix-3d")]
    Fix3d,
}

/// The GPS receiver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GpsStatus {
    /// Where its fixes come from, as in the configuration.
    pub source: String,
    /// How far it has come.
    pub state: GpsMode,
    /// Satellites that the present fix is made of.
    pub satellites_used: Option<u16>,
    /// Satellites in view.
    pub satellites_visible: Option<u16>,
    /// Horizontal dilution of precision of the present fix; 1 is good.
    pub hdop: Option<f32>,
    /// Milliseconds since it last knew where it is; `None` if it never did.
    pub last_fix_ms_ago: Option<u64>,
    /// Fixes that were not believed, since start.
    pub rejected: GpsRejected,
    /// Pieces of what it said that were damaged on their way, since start.
    pub broken: u64,
    /// Why there is none.
    pub fault: Option<Fault>,
}

/// The accelerometer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MotionStatus {
    /// Which, as in the configuration.
    pub sensor: String,
    /// How weak an impact may be that locks footage: low, medium, high, or off.
    pub sensitivity: String,
    /// Measurements a second; `None` while there are none.
    pub rate: Option<f64>,
    /// Measurements since start.
    pub samples: u64,
    /// How often its queue was full, so that some may be missing.
    pub overruns: u64,
    /// Impacts since start whose footage is locked.
    pub impacts: u64,
    /// Impacts since start whose footage is not: there were too many.
    pub not_locked: u64,
    /// The last impact.
    pub last_impact: Option<ImpactStatus>,
    /// Why nothing is measured.
    pub fault: Option<Fault>,
}

/// Something that hit the car.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ImpactStatus {
    /// Milliseconds since it began.
    pub ms_ago: u64,
    /// The most that was felt, g.
    pub peak_g: f32,
    /// By how much it changed the speed, metres a second.
    pub velocity_change: f32,
}

/// Fixes that were not believed, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpsRejected {
    /// No place on earth.
    pub invalid: u64,
    /// The receiver itself was not sure.
    pub poor: u64,
    /// Not newer than the one before.
    pub stale: u64,
    /// The place stood still while the car moved.
    pub frozen: u64,
    /// Farther away than a car gets.
    pub jumps: u64,
}

/// What the microphone is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MicrophoneState {
    /// It is being opened.
    Starting,
    /// It listens, and what it hears is recorded.
    On,
    /// It is switched off.
    Off,
    /// It does not listen while recording is paused.
    Paused,
    /// It cannot be listened to.
    Fault,
}

/// The microphone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MicrophoneStatus {
    /// Which, as in the configuration.
    pub source: String,
    /// What it is doing.
    pub state: MicrophoneState,
    /// How often sound was lost since nobody took it in time, since start.
    pub overruns: u64,
    /// Why it cannot be listened to.
    pub fault: Option<Fault>,
}

/// What has become of stills, since start.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StillsStatus {
    /// Seconds from one to the next that is taken by itself; `None` if none is.
    pub every_s: Option<f64>,
    /// On the card.
    pub made: u64,
    /// Wanted, and not made.
    pub failed: u64,
    /// Why the last one was not.
    pub fault: Option<Fault>,
}

/// What a place for footage is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumeState {
    /// It takes what is recorded.
    Recording,
    /// It is there, and another takes what is recorded.
    Waiting,
    /// It is not there.
    Away,
    /// It refused to be written to; it is tried again by itself.
    Refused,
}

/// One place for footage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeStatus {
    /// Which.
    pub volume: Volume,
    /// What it is doing.
    pub state: VolumeState,
    /// Its size in bytes; 0 while it is away.
    pub total: u64,
    /// Bytes not taken by any file.
    pub available: u64,
    /// What was put in order there since start.
    #[serde(default)]
    pub put_in_order: PutInOrder,
}

/// What power cuts and the card itself did to footage, as far as it was found since start. What each segment lost stands in
/// its header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutInOrder {
    /// Segments that had been cut off, and were finished.
    pub recovered: u64,
    /// Finished segments that the card had damaged, and that play again.
    pub mended: u64,
    /// Damaged fragments of all these; they are kept as far as they can be shown.
    pub damaged_fragments: u64,
}

/// A segment that is going to be given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletionStatus {
    /// Its id, as in `/api/segments`.
    pub segment: String,
    /// Seconds of running until then at most.
    pub in_s: u64,
}

/// What a camera is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraState {
    /// The source is being opened; nothing has been recorded yet.
    Starting,
    /// Frames reach the card.
    Recording,
    /// The source has come to its end (a file played once).
    Ended,
    /// Something keeps it from recording; see [`CameraStatus::fault`].
    Fault,
    /// Nothing is recorded as somebody wants that; see [`Status::paused_s`].
    Paused,
}

/// What is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// One sentence for a person.
    pub message: String,
    /// What that person can do.
    pub remedy: String,
}

/// One camera. With it goes whether it records, [`crate::verdict`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct CameraStatus {
    /// Name as in the configuration.
    pub name: String,
    /// Its letter in file names.
    pub letter: char,
    /// Where its pictures come from, without passwords.
    pub source: String,
    /// What it is doing.
    pub state: CameraState,
    /// Why it does not record, if it does not.
    pub fault: Option<Fault>,
    /// What of the wanted picture settings the camera does not do.
    #[serde(default)]
    pub picture_problems: Vec<String>,
    /// Picture width in pixels; `None` until the first frame.
    pub width: Option<u32>,
    /// Picture height in pixels; `None` until the first frame.
    pub height: Option<u32>,
    /// Measured frames per second; `None` until known.
    pub fps: Option<f64>,
    /// Frames recorded since start.
    pub frames: u64,
    /// Frames the encoder took and never gave back, since start.
    pub dropped_encoder: u64,
    /// Frames dropped because the queue to the card was full, since start.
    pub dropped_queue: u64,
    /// What else was lost or changed, since start.
    #[serde(default)]
    pub lost: Losses,
    /// Milliseconds since a frame was last known to survive a power cut; `None` before the first.
    pub last_durable_ms_ago: Option<u64>,
    /// The segment being recorded, as in `/api/segments`.
    pub segment: Option<String>,
    /// Segments finished since start.
    pub segments: u64,
    /// Its part of the card.
    pub ring: RingStatus,
}

/// What was lost or changed between the queue and the card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Pictures that went with a segment which the card no longer took.
    pub card: u64,
    /// Pictures for which the slot had no room.
    pub room: u64,
    /// Pictures that came before one at which decoding can start, or that cannot be stored.
    pub undecodable: u64,
    /// Samples of sound, motion and text.
    pub side: u64,
    /// Places where the source's stream was damaged.
    pub stream_damage: u64,
    /// Pictures whose times had to be changed.
    pub times_changed: u64,
}

/// One camera's slots.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingStatus {
    /// Slots in all.
    pub slots: u32,
    /// Length of one in bytes.
    pub slot_size: u64,
    /// Slots that hold no footage.
    pub spare: u32,
    /// Slots that the card refused to write, set aside and tried again now and then.
    #[serde(default)]
    pub failed: u32,
    /// Segments given up since start because they had grown too old.
    #[serde(default)]
    pub aged: u64,
    /// Segments of each class.
    pub classes: ClassCounts,
    /// Shares that are nearly full, as sentences.
    pub warnings: Vec<String>,
}

/// Segments of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Recorded while driving.
    pub normal: u32,
    /// Locked by an impact or another event.
    pub event: u32,
    /// Recorded while parked.
    pub parking: u32,
    /// Locked by a person.
    pub manual: u32,
}

/// The filesystem that the footage lies on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardStatus {
    /// Which place this is.
    #[serde(default)]
    pub volume: Volume,
    /// Its size in bytes.
    pub total: u64,
    /// Bytes not taken by any file.
    pub available: u64,
    /// Files that are not ours.
    pub foreign_files: u64,
    /// What they take, in bytes.
    pub foreign_bytes: u64,
    /// Entries that cannot be used: what has a slot's name and is no file, or cannot be read.
    #[serde(default)]
    pub unusable: u64,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}
