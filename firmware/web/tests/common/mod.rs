//! What the tests stand on: slots as the recorder leaves them, a server over a directory of them,
//! and a client that sends exactly the bytes it is given.

// Not every test uses all of it.
#![allow(dead_code, unreachable_pub)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use picam_mp4::layout::{HEAD_BOX, SECTOR};
use picam_mp4::{Counters, Record};
use picam_ring::SegmentName;
use picam_web::status::{CameraState, CameraStatus, CardStatus, RingStatus};
use picam_web::{Access, Limits, Status, StatusSource, StatusUnavailable, WebConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub const HEAD_LEN: usize = 8192;
pub const INIT_LEN: usize = 4096;
pub const FIRST: usize = HEAD_LEN + INIT_LEN;
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
        start_boot_ns: 2_161_000_000_000,
        start_utc_us: match name.time {
            picam_ring::NameTime::Utc(seconds) => Some(seconds * 1_000_000),
            picam_ring::NameTime::Boot { .. } => None,
        },
        slot_len: SLOT as u64,
        head_len: HEAD_LEN as u32,
        init_len: INIT_LEN as u32,
        init_moov_len: 1000,
        written_len: 0,
        end: 0,
        duration_ns: 0,
        recovered: false,
        counters: Counters::default(),
    }
}

fn box_header(to: &mut [u8], at: usize, len: usize, kind: &[u8; 4]) {
    to[at..at + 4].copy_from_slice(&(len as u32).to_be_bytes());
    to[at + 4..at + 8].copy_from_slice(kind);
}

fn store(bytes: &mut [u8], record: &Record) {
    let sector: &mut [u8; SECTOR] = bytes.first_chunk_mut().unwrap();
    record.store(sector);
}

/// A slot being recorded, with `fragments` of 64 KiB; every byte tells its place and sequence.
pub fn recording(record: &Record, fragments: usize) -> Vec<u8> {
    let salt = record.sequence as u8;
    let mut bytes: Vec<u8> = (0..SLOT).map(|i| (i / 7) as u8 ^ salt).collect();
    box_header(&mut bytes, 0, 32, b"ftyp");
    box_header(&mut bytes, HEAD_BOX, HEAD_LEN - HEAD_BOX, b"free");
    box_header(&mut bytes, HEAD_LEN, INIT_LEN, b"moov");
    let mut at = FIRST;
    for _ in 0..fragments {
        box_header(&mut bytes, at, 4096, b"moof");
        box_header(&mut bytes, at + 4096, 61_440, b"mdat");
        at += 65_536;
    }
    box_header(&mut bytes, at, SLOT - at, b"free");
    store(&mut bytes, record);
    bytes
}

/// Turns a recording into a finished segment, as the recorder does.
pub fn finish(bytes: &mut [u8], record: &Record, fragments: usize) {
    let record = Record {
        end: (FIRST + fragments * 65_536) as u64,
        duration_ns: 60_033_000_000,
        counters: Counters {
            frames: 1801,
            dropped_queue: 2,
            ..Counters::default()
        },
        ..record.clone()
    };
    bytes[SECTOR..HEAD_LEN].fill(0xab);
    box_header(bytes, HEAD_BOX, 6000, b"moov");
    store(bytes, &record);
}

pub fn finished(record: &Record, fragments: usize) -> Vec<u8> {
    let mut bytes = recording(record, fragments);
    finish(&mut bytes, record, fragments);
    bytes
}

/// A finished segment of two fragments on the card, and what a download must give.
pub fn put_finished(dir: &Path, name: &str) -> Vec<u8> {
    let bytes = finished(&record(name), 2);
    std::fs::write(dir.join(name), &bytes).unwrap();
    bytes[..FIRST + 2 * 65_536].to_vec()
}

/// A status that tests can change.
#[derive(Clone)]
pub struct Recorder(pub Arc<Mutex<Result<Status, StatusUnavailable>>>);

impl StatusSource for Recorder {
    fn status(&self) -> Result<Status, StatusUnavailable> {
        self.0.lock().unwrap().clone()
    }
}

pub fn camera() -> CameraStatus {
    CameraStatus {
        name: "front".into(),
        letter: 'F',
        source: "sim:".into(),
        state: CameraState::Recording,
        fault: None,
        width: Some(1920),
        height: Some(1080),
        fps: Some(30.0),
        frames: 100,
        dropped_encoder: 0,
        dropped_queue: 0,
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
    pub recorder: Recorder,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn open() -> Self {
        Self::start(Access::LocalOpen, Limits::default())
    }

    pub fn start(access: Access, limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let status = Status {
            version: "0.1.0".into(),
            uptime_s: 10.0,
            clock_known: true,
            cameras: vec![camera()],
            card: CardStatus::default(),
        };
        let recorder = Recorder(Arc::new(Mutex::new(Ok(status))));
        let config = WebConfig {
            footage: dir.path().into(),
            access,
            status: Arc::new(recorder.clone()),
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
            recorder,
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
