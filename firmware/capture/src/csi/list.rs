//! Which cameras libcamera finds: what `picam-csi --list` and `--probe` say (`firmware/csi/list.cpp`).

use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use picam_media::FrameRate;
use serde::Deserialize;

use super::camera::share;
use super::params::{PREFIX, check_name};
use super::process::{Process, is_named, program};
use crate::v4l2::{Found, Identity, Offer, PixelFormat, list_nodes, signature};

/// No honest answer is longer, in bytes.
const LONGEST: u64 = 1 << 20;
/// More cameras, and more sizes of one, are not looked at.
const MOST: usize = 64;
/// Sizes that are named of a camera, as long as its sensor has so many pixels.
const USUAL_SIZES: [(u32, u32); 2] = [(1920, 1080), (1280, 720)];

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Which there are; none is touched.
    Names,
    /// Also what each mode of their sensors shows: it is set up for a moment, unless somebody records it.
    Modes,
}

impl Wanted {
    const fn option(self) -> &'static str {
        match self {
            Self::Names => "--list",
            Self::Modes => "--probe",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    cameras: Vec<Camera>,
}

#[derive(Deserialize)]
struct Camera {
    id: String,
    model: String,
    /// Those that libcamera names where the sensor has no modes.
    sizes: Vec<(u32, u32)>,
    modes: Vec<SensorMode>,
}

/// How the sensor can be read out.
#[derive(Deserialize)]
struct SensorMode {
    width: u32,
    height: u32,
    /// Shortest time from picture to picture, microseconds.
    shortest_us: u32,
    seen_width: u32,
    sensor_width: u32,
}

/// What the kernel calls nodes of receivers of ribbon cables; they are there when a sensor is.
const RECEIVERS: [&str; 2] = ["unicam", "rp1-cfe"];

/// The cameras, unless libcamera takes longer than `limit` to tell: it is asked in a process, which is ended then. Where it
/// cannot be asked and the kernel has one, that is told as a camera with a problem.
pub(crate) fn find(root: &Path, what: Wanted, limit: Duration) -> Vec<Found> {
    if !is_named() && media_nodes(root).is_empty() {
        return Vec::new();
    }
    find_by(program(), root, what, limit)
}

pub(super) fn find_by(program: OsString, root: &Path, what: Wanted, limit: Duration) -> Vec<Found> {
    match ask(program, what, limit) {
        Ok(found) => found,
        Err(why) => {
            tracing::debug!("cameras on the ribbon cable: {why}");
            receiver(root)
                .map(|node| unusable(node, why))
                .into_iter()
                .collect()
        }
    }
}

/// The node of a receiver that has a sensor.
fn receiver(root: &Path) -> Option<PathBuf> {
    let is_one = |node: &String| {
        let name = root.join("sys/class/video4linux").join(node).join("name");
        let name = std::fs::read_to_string(name).unwrap_or_default();
        RECEIVERS.iter().any(|receiver| name.starts_with(receiver))
    };
    let mut nodes = list_nodes(root).into_iter();
    nodes.find(is_one).map(|node| root.join("dev").join(node))
}

fn unusable(node: PathBuf, why: String) -> Found {
    Found {
        id: PREFIX.to_owned(),
        node,
        identity: Identity {
            driver: "libcamera".to_owned(),
            card: "camera on the ribbon cable".to_owned(),
            captures: true,
            ..Identity::default()
        },
        offers: Vec::new(),
        controls: Vec::new(),
        is_new: false,
        problem: Some(why),
    }
}

/// Nodes of the kernel by which cameras are put together of their parts.
fn media_nodes(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root.join("dev"));
    let is_media = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("media"))
    };
    let entries = entries.into_iter().flatten().flatten();
    let mut nodes: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_media).collect();
    nodes.sort();
    nodes.truncate(MOST);
    nodes
}

/// Something that changes when one of these nodes comes, goes or gets other rights; 0 while there is none.
pub(crate) fn media_signature(root: &Path) -> u64 {
    let nodes = media_nodes(root);
    let mut hasher = DefaultHasher::new();
    for node in &nodes {
        (node, signature(node)).hash(&mut hasher);
    }
    match nodes.is_empty() {
        true => 0,
        false => hasher.finish() | 1,
    }
}

pub(super) fn ask(program: OsString, what: Wanted, limit: Duration) -> Result<Vec<Found>, String> {
    let (mut reads, writes) = std::io::pipe().map_err(|error| error.to_string())?;
    let process = Process::start(
        program,
        vec![what.option().into()],
        (Stdio::null(), writes.into()),
    )
    .map_err(|error| error.to_string())?;
    let (done, answer) = sync_channel(1);
    let thread = std::thread::Builder::new().name("csi-list".to_owned());
    thread
        .spawn(move || {
            let mut text = String::new();
            let read = reads.by_ref().take(LONGEST).read_to_string(&mut text);
            let _ = done.send(read.map(|_| text));
        })
        .map_err(|error| error.to_string())?;
    let text = answer
        .recv_timeout(limit)
        .map_err(|_| format!("libcamera has not answered within {limit:?}"))?
        .map_err(|error| error.to_string())?;
    if text.is_empty() {
        process.ends_within(Duration::from_millis(100));
        return Err(process.last_words());
    }
    parse(&text)
}

/// Reads the answer; cameras whose names cannot be are left out.
pub(super) fn parse(text: &str) -> Result<Vec<Found>, String> {
    let answer: Answer = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let cameras = answer.cameras.into_iter().take(MOST);
    let named = cameras.filter(|camera| !camera.id.is_empty() && check_name(&camera.id).is_ok());
    Ok(named.map(found).collect())
}

fn found(camera: Camera) -> Found {
    let printable = |text: &str| text.chars().filter(|c| !c.is_control()).take(64).collect();
    Found {
        id: format!("{PREFIX}{}", camera.id),
        node: PathBuf::new(),
        identity: Identity {
            driver: "libcamera".to_owned(),
            card: printable(&camera.model),
            bus: camera.id.clone(),
            captures: true,
            ..Identity::default()
        },
        offers: offers(&camera),
        controls: Vec::new(),
        is_new: false,
        problem: None,
    }
}

/// Sizes with the rates and shares of the sensor's width that they can be had at: the most that is seen, and what is faster
/// and sees less.
fn offers(camera: &Camera) -> Vec<Offer> {
    let offer = |(width, height): (u32, u32), rate: Option<FrameRate>, field_of_view| Offer {
        fourcc: PixelFormat::Yu12.fourcc(),
        width,
        height,
        rates: rate.into_iter().collect(),
        field_of_view,
    };
    if camera.modes.is_empty() {
        let sizes = camera.sizes.iter().copied().take(MOST);
        return sizes.map(|size| offer(size, None, None)).collect();
    }
    let mut offers: Vec<Offer> = Vec::new();
    for size in USUAL_SIZES {
        let mut modes: Vec<(Option<f64>, u32)> = camera
            .modes
            .iter()
            .take(MOST)
            .filter(|mode| mode.width >= size.0 && mode.height >= size.1)
            .map(|mode| (share(mode.seen_width, mode.sensor_width), mode.shortest_us))
            .collect();
        let seen = |share: &Option<f64>| (share.unwrap_or(1.0) * 100.0).round() as u32;
        modes.sort_by_key(|(share, shortest)| (std::cmp::Reverse(seen(share)), *shortest));
        let mut fastest = u32::MAX;
        for (share, shortest) in modes {
            if shortest < fastest {
                fastest = shortest;
                offers.push(offer(size, FrameRate::new(1_000_000, shortest), share));
            }
        }
    }
    offers
}
