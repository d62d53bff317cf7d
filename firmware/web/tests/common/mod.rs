//! What the tests stand on: slots as the recorder leaves them, a server over a directory of them,
//! and a client that sends exactly the bytes it is given.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub)]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use picam_control::live::LiveSource;
use picam_control::lock::Origin;
use picam_control::orders::{Denied, Order, OrderTaker, Save, Saved, Why};
use picam_control::picture::{CameraPicture, PictureSource, Range, Setting, Wanted};
use picam_control::status::{
    CameraState, CameraStatus, CardStatus, Losses, RingStatus, Status, StatusSource,
    StatusUnavailable,
};
use picam_control::stills::{StillFrom, StillMade};
use picam_mp4::{
    Counters, Flush, FragmentLimits, ReadAt, Record, Sample, SegmentWriter, SlotFile, TrackConfig,
    sample_entry,
};
use picam_ring::SegmentName;
use picam_time::{BootNs, UtcUs};
use picam_web::{Access, Limits, Sessions, TokenHash, WebConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub const HEAD_LEN: usize = 32_768;
pub const INIT_LEN: usize = 4096;
/// Where the fragments begin.
pub const FIRST: usize = HEAD_LEN + INIT_LEN;
/// Length of each fragment.
pub const FRAGMENT: usize = 65_536;
pub const SLOT: usize = 1 << 20;

/// The record of a segment being recorded, as its name has it.
pub fn record(name: &str) -> Record {
    let name = SegmentName::parse(name).unwrap();
    Record {
        sequence: name.sequence.into(),
        boot_id: [7; 16],
        boot_number: 42,
        camera: name.camera,
        class: name.class.letter(),
        camera_name: "front".into(),
        start_boot: BootNs::from_secs(2161),
        start_utc: match name.time {
            picam_ring::NameTime::Utc(seconds) => Some(UtcUs::from_secs(seconds)),
            picam_ring::NameTime::Boot { .. } => None,
        },
        slot_len: SLOT as u64,
        head_len: HEAD_LEN as u32,
        init_len: 0,
        init_moov_len: 0,
        written_len: 0,
        end: 0,
        duration: Duration::ZERO,
        recovered: false,
        counters: Counters::default(),
        init_crc: None,
        pictures_before: 0,
    }
}

/// A slot in memory.
struct Memory(Vec<u8>);

impl ReadAt for Memory {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn size(&self) -> std::io::Result<u64> {
        self.0.size()
    }
}

impl SlotFile for Memory {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.0[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self, _: Flush) -> std::io::Result<()> {
        Ok(())
    }
}

/// Records `fragments` fragments of [`FRAGMENT`] bytes into a slot that held something else, ten
/// frames a second, one frame each.
fn write(record: &Record, fragments: usize, finish: bool) -> Vec<u8> {
    let sps = vec![0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0xa0];
    let pps = vec![0x68, 0xce, 0x3c, 0x80];
    let stsd = sample_entry::h264(&[sps], &[pps], 64, 64).unwrap();
    let track = TrackConfig::video(stsd, 64, 64);
    let picture: Vec<u8> = (0..64_000)
        .map(|i| (i / 7) as u8 ^ record.sequence as u8)
        .collect();
    let sample = |n: usize| Sample {
        track: 0,
        dts: n as i64 * 9000,
        composition_offset: 0,
        duration: 9000,
        key: true,
        captured: BootNs(n as u64 * 100_000_000),
        data: &picture,
    };
    let mut writer = SegmentWriter::new(FragmentLimits::default());
    let slot = Memory(vec![0x5a; SLOT]);
    writer
        .begin(slot, record.clone(), vec![track], &sample(0))
        .unwrap();
    for n in 0..fragments {
        writer.push(&sample(n)).unwrap();
        writer.commit(Some((n as i64 + 1) * 9000)).unwrap();
    }
    writer.counters_mut().unwrap().dropped_queue = 2;
    let (Memory(bytes), record) = match finish {
        true => writer.finish(None).unwrap().unwrap(),
        false => {
            // What is left to be written hidden is made visible by the next commit only.
            writer.flush().unwrap();
            writer.abandon().unwrap()
        }
    };
    assert_eq!(record.init_len as usize, INIT_LEN);
    bytes
}

/// A slot being recorded.
pub fn recording(record: &Record, fragments: usize) -> Vec<u8> {
    write(record, fragments, false)
}

/// A slot with a finished segment.
pub fn finished(record: &Record, fragments: usize) -> Vec<u8> {
    write(record, fragments, true)
}

/// Turns the slot in `bytes` into one whose segment claims to end at `end`.
pub fn claim_end(bytes: &mut [u8], end: u64) -> Record {
    let (mut record, _) = Record::parse(bytes).unwrap();
    record.end = end;
    record.store(bytes.first_chunk_mut().unwrap());
    record
}

/// Length of a long segment.
pub const LONG: u64 = 64 << 20;

/// A finished segment of [`LONG`] bytes, mostly holes: more than sockets and buffers hold, so that
/// most of it has yet to be read when its download stalls.
pub fn put_long(dir: &Path, name: &str) -> (File, Record) {
    let mut bytes = finished(&record(name), 1);
    let record = claim_end(&mut bytes, LONG);
    let path = dir.join(name);
    std::fs::write(&path, &bytes).unwrap();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    file.set_len(LONG).unwrap();
    (file, record)
}

/// A finished segment of two fragments on the card, and what a download must give.
pub fn put_finished(dir: &Path, name: &str) -> Vec<u8> {
    let bytes = finished(&record(name), 2);
    std::fs::write(dir.join(name), &bytes).unwrap();
    bytes[..FIRST + 2 * FRAGMENT].to_vec()
}

/// A status that tests can change.
#[derive(Clone)]
pub struct Recorder(pub Arc<Mutex<Result<Status, StatusUnavailable>>>);

impl StatusSource for Recorder {
    fn status(&self) -> Result<Status, StatusUnavailable> {
        self.0.lock().unwrap().clone()
    }
}

/// Takes every order, or says no.
#[derive(Clone, Default)]
pub struct Orders {
    pub taken: Arc<Mutex<Vec<Order>>>,
    pub saves: Arc<Mutex<Vec<Save>>>,
    pub looks: Arc<Mutex<Vec<Wanted>>>,
    pub denied: Arc<Mutex<Option<Denied>>>,
}

impl OrderTaker for Orders {
    fn order(&self, order: Order) -> Result<(), Denied> {
        if let Some(denied) = self.denied.lock().unwrap().clone() {
            return Err(denied);
        }
        self.taken.lock().unwrap().push(order);
        Ok(())
    }

    fn save(&self, save: Save) -> Result<Saved, Denied> {
        if let Some(denied) = self.denied.lock().unwrap().clone() {
            return Err(denied);
        }
        let (before_s, after_s) = (save.before_s.into(), save.after_s.into());
        self.saves.lock().unwrap().push(save);
        Ok(Saved {
            held: vec!["F000001".into()],
            pending: vec!["F000002".into()],
            beyond: Vec::new(),
            before_s,
            after_s,
            from: Some("F000001@0.5".into()),
            to: Some("F000001@90.5".into()),
        })
    }

    fn still(&self, camera: &str) -> Result<StillMade, Denied> {
        if let Some(denied) = self.denied.lock().unwrap().clone() {
            return Err(denied);
        }
        Ok(StillMade {
            id: "100F0001".into(),
            camera: camera.chars().next().unwrap(),
            name: "front".into(),
            file: "/footage/DCIM/100PICAM/PICF0001.JPG".into(),
            width: 1920,
            height: 1080,
            bytes: 4,
            taken: Some(UtcUs(1_795_172_880_250_000)),
            from: StillFrom::Raw,
            took_ms: 90,
        })
    }
}

impl PictureSource for Orders {
    /// There is one camera, called F, and it takes everything.
    fn picture(&self, camera: &str, set: Wanted, origin: Origin) -> Result<CameraPicture, Denied> {
        if camera != "F" {
            return Err(Denied::new(
                Why::NoCamera,
                "there is no such camera",
                "none",
            ));
        }
        if let Some(denied) = self.denied.lock().unwrap().clone() {
            return Err(denied);
        }
        assert_eq!(origin, Origin::Page);
        if !set.is_empty() {
            self.looks.lock().unwrap().push(set);
        }
        Ok(CameraPicture {
            name: "front".into(),
            letter: 'F',
            is_open: true,
            settings: vec![Setting {
                key: "brightness".into(),
                form: "-100 to 100".into(),
                is_available: true,
                wanted: None,
                by: None,
                now: Some("0".into()),
                default: Some("0".into()),
                words: Vec::new(),
                ranges: vec![Range {
                    least: "-100".into(),
                    most: "100".into(),
                }],
                controls: Vec::new(),
                problem: None,
            }],
            reopens: vec!["size".into()],
        })
    }
}

/// The other end of a live view, for each one that was asked for.
#[derive(Clone, Default)]
pub struct Cameras {
    pub followed: Arc<Mutex<Vec<UnixStream>>>,
}

impl LiveSource for Cameras {
    /// There is one, called F.
    fn follow(&self, camera: char) -> Result<UnixStream, Denied> {
        if camera != 'F' {
            return Err(Denied::new(
                Why::NoCamera,
                "there is no such camera",
                "none",
            ));
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        self.followed.lock().unwrap().push(ours);
        Ok(theirs)
    }
}

pub fn camera() -> CameraStatus {
    CameraStatus {
        name: "front".into(),
        letter: 'F',
        source: "sim:".into(),
        state: CameraState::Recording,
        fault: None,
        picture_problems: Vec::new(),
        width: Some(1920),
        height: Some(1080),
        fps: Some(30.0),
        frames: 100,
        dropped_encoder: 0,
        dropped_queue: 0,
        lost: Losses::default(),
        last_durable_ms_ago: Some(300),
        segment: None,
        segments: 3,
        ring: RingStatus::default(),
    }
}

/// A running server over a directory of its own.
pub struct Server {
    pub addr: SocketAddr,
    pub dir: TempDir,
    /// Where the USB disk is mounted.
    pub disk: TempDir,
    /// What outlives the program.
    pub state: TempDir,
    pub recorder: Recorder,
    /// What was ordered.
    pub orders: Orders,
    /// Who watches.
    pub cameras: Cameras,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Lets programs look at every server here that has a password; `printf picam-test | sha256sum`.
pub const VIEWERS_TOKEN: &str = "picam-test";
const VIEWERS_TOKEN_HASH: &str =
    "viewer-822a7677288aa17f62d7ad49d089f41cae1a775c43685cfe09955200ab6463d7";

impl Server {
    pub fn open() -> Self {
        Self::start(Access::LocalOpen, Limits::default())
    }

    pub fn start(access: Access, limits: Limits) -> Self {
        let status = Status {
            version: "0.1.0".into(),
            uptime_s: 10.0,
            clock_known: true,
            clock: None,
            gps: None,
            motion: None,
            microphone: None,
            stills: Default::default(),
            paused_s: None,
            deletions: Vec::new(),
            cameras: vec![camera()],
            card: CardStatus::default(),
            volumes: Vec::new(),
        };
        let recorder = Recorder(Arc::new(Mutex::new(Ok(status))));
        let mut server = Self::over(access, limits, Arc::new(recorder.clone()));
        server.recorder = recorder;
        server
    }

    /// A server that asks somebody else for its status.
    pub fn over(access: Access, limits: Limits, status: Arc<dyn StatusSource>) -> Self {
        Self::keeping(access, limits, status, None)
    }

    /// A server that has settings, too.
    pub fn keeping(
        access: Access,
        limits: Limits,
        status: Arc<dyn StatusSource>,
        settings: Option<Arc<dyn picam_web::settings::SettingsSource>>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = tempfile::tempdir().unwrap();
        let state = tempfile::tempdir().unwrap();
        let sessions = Sessions::kept([7; 32], Some(state.path().join("sessions")));
        let orders = Orders::default();
        let cameras = Cameras::default();
        let config = WebConfig {
            footage: dir.path().into(),
            disk: Some(disk.path().into()),
            access,
            token: TokenHash::parse(VIEWERS_TOKEN_HASH),
            sessions,
            status,
            orders: Arc::new(orders.clone()),
            live: Arc::new(cameras.clone()),
            pictures: Arc::new(orders.clone()),
            power: Some(state.path().join("guard.json")),
            settings,
            limits,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let stopped = async { stopped.await.unwrap_or(()) };
                picam_web::serve(listener, config, stopped).await.unwrap();
            });
        });
        Self {
            addr,
            dir,
            disk,
            state,
            recorder: Recorder(Arc::new(Mutex::new(Err(StatusUnavailable {
                reason: String::new(),
                remedy: String::new(),
            })))),
            orders,
            cameras,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    /// Sends one request on a connection of its own. `head` is its lines but for `Host`.
    pub fn send(&self, head: &str, body: &str) -> Reply {
        let mut stream = self.connect();
        let request = self.request(head, body);
        stream.write_all(request.as_bytes()).unwrap();
        Reply::read(&mut stream, head.starts_with("HEAD"))
    }

    pub fn request(&self, head: &str, body: &str) -> String {
        let (line, rest) = head.split_once("\r\n").unwrap_or((head, ""));
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!("{rest}\r\n")
        };
        let length = match body.len() {
            0 => String::new(),
            n => format!("Content-Length: {n}\r\n"),
        };
        let host = if rest.to_ascii_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.addr)
        };
        format!("{line} HTTP/1.1\r\n{host}{rest}{length}\r\n{body}")
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), "")
    }

    /// Ends the server and waits for it.
    pub fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// A response as it came over the wire.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    /// Reads one response; its body has the stated length, or what came before the connection ended.
    pub fn read(stream: &mut TcpStream, bodiless: bool) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(stream.read(&mut byte).unwrap(), 1, "ended in the header");
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut reply = Self {
            status: head[9..12].parse().unwrap(),
            head,
            body: Vec::new(),
        };
        let length = reply
            .header("content-length")
            .map_or(0, |n| n.parse().unwrap());
        if !bodiless && reply.status != 304 {
            let mut body = stream.take(length);
            // A connection that was cut leaves less than was promised.
            let _ = body.read_to_end(&mut reply.body);
        }
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}
