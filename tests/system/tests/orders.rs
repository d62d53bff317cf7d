//! Locks, deletions and pauses, as owner, page and services order them; and what a page that was taken over can do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::card::segments;
use picam_system_tests::http;
use picam_testkit::judges::skip;
use picam_time::{Clock, SystemClock};
use serde_json::{Value, json};

const CAMERAS: [[&str; 2]; 5] = [
    ["--camera", "front=sim:?size=320x240&fps=30&bitrate=500k"],
    ["--camera", "rear=sim:?size=320x240&fps=30&bitrate=500k"],
    ["--segment", "1s"],
    ["--slots", "60"],
    ["--slot-size", "1MiB"],
];

struct Scene {
    scratch: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("footage")).unwrap();
        Self { scratch }
    }

    fn footage(&self) -> PathBuf {
        self.scratch.path().join("footage")
    }

    fn socket(&self) -> PathBuf {
        self.scratch.path().join("recorder.sock")
    }

    fn start(&self, command: &str, more: &[&str]) -> Camera {
        let socket = self.socket();
        let mut args = CAMERAS.as_flattened().to_vec();
        args.extend(["--control", socket.to_str().unwrap()]);
        args.extend(more);
        let camera = Camera::start(command, &self.footage(), &args);
        wait_for("the socket", Duration::from_secs(20), || {
            UnixStream::connect(&socket).ok()
        });
        camera
    }

    /// Names of segments, by the id that they keep: `F000123`.
    fn segments(&self) -> Vec<(String, char)> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        let all = segments(&self.footage());
        let mut all: Vec<(String, char)> = all
            .iter()
            .map(|segment| {
                let name = name(&segment.path);
                let id = format!("{}{}", &name[16..17], &name[19..25]);
                (id, name[17..18].chars().next().unwrap())
            })
            .collect();
        all.sort();
        all
    }

    fn class(&self, id: &str) -> Option<char> {
        let all = self.segments();
        all.iter()
            .find(|(known, _)| known == id)
            .map(|found| found.1)
    }

    fn wait_for_segments(&self, count: usize) {
        wait_for("segments", Duration::from_secs(60), || {
            (self.segments().len() >= count).then_some(())
        });
    }

    fn ask(&self, request: &Value) -> Value {
        ask(&self.socket(), request)
    }

    fn picam(&self, args: &[&str]) -> (bool, String) {
        let output = Command::new(binary())
            .args(args)
            .arg("--recorder")
            .arg(self.socket())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

fn ask(socket: &Path, request: &Value) -> Value {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_micros() as i64
}

fn rfc(us: i64) -> String {
    let seconds = format!("@{}.{:06}", us / 1_000_000, us % 1_000_000);
    let date = Command::new("date")
        .args(["-u", "-d", &seconds, "+%Y-%m-%dT%H:%M:%S.%6NZ"])
        .output()
        .unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_owner_locks_every_camera_now_and_ahead_and_unlocks() {
    let scene = Scene::new();
    let camera = scene.start("record", &[]);
    scene.wait_for_segments(6);
    let before: Vec<_> = scene.segments();
    let now = now_us();
    // From half a second ago until three seconds from now.
    let (from, to) = (rfc(now - 500_000), rfc(now + 3_000_000));
    let lock = [
        "lock", "--from", &from, "--to", &to, "--id", "crash", "--reason", "a deer",
    ];
    let (done, said) = scene.picam(&lock);
    assert!(done, "{said}");
    // The same once more is the same.
    assert!(scene.picam(&lock).0);
    let (_, listed) = scene.picam(&["locks"]);
    assert_eq!(listed.matches("crash").count(), 1, "{listed}");
    assert!(listed.contains("owner: a deer"), "{listed}");
    for letter in ['F', 'R'] {
        wait_for(
            "what was being recorded, and what came",
            Duration::from_secs(60),
            || {
                let locked = scene.segments();
                let locked = locked
                    .iter()
                    .filter(|(id, class)| id.starts_with(letter) && *class == 'E');
                (locked.count() >= 2).then_some(())
            },
        );
        // What had been recorded long before is not.
        let first = before
            .iter()
            .find(|(id, _)| id.starts_with(letter))
            .unwrap();
        assert_eq!(scene.class(&first.0), Some('N'));
    }
    // What comes after is not locked any more.
    let count = scene.segments().len();
    scene.wait_for_segments(count + 8);
    let all = scene.segments();
    let newest = all.iter().rfind(|(id, _)| id.starts_with('F'));
    let newest_finished = all.iter().filter(|(id, _)| id.starts_with('F')).nth_back(1);
    assert_eq!(newest.unwrap().1, 'N');
    assert_eq!(newest_finished.unwrap().1, 'N');
    let locked = all
        .iter()
        .find(|(_, class)| *class == 'E')
        .unwrap()
        .0
        .clone();
    let (done, said) = scene.picam(&["unlock", &locked]);
    assert!(done, "{said}");
    assert_eq!(scene.class(&locked), Some('N'));
    let (done, said) = scene.picam(&["unlock", "F999999"]);
    assert!(!done && said.contains("no segment F999999"), "{said}");
    let (done, said) = scene.picam(&["lock", "--from", &to, "--to", &from]);
    assert!(!done && said.contains("ends before it begins"), "{said}");
    camera.stop();
}

#[test]
fn a_lock_that_was_answered_is_carried_out_after_a_cut() {
    let scene = Scene::new();
    let camera = scene.start("record", &[]);
    scene.wait_for_segments(16);
    let wanted = scene.segments();
    let span = json!({"utc": {"from_us": now_us() - 3_600_000_000_i64, "to_us": now_us()}});
    let lock = json!({"ask": "lock", "id": "button-1", "span": span, "origin": "button"});
    assert_eq!(scene.ask(&lock), "done");
    // Cut off before it can have been carried out.
    camera.kill();
    let locked = |wanted: &[(String, char)]| {
        let all = scene.segments();
        let is_locked = |id: &String| {
            all.iter()
                .any(|(known, class)| known == id && *class == 'E')
        };
        wanted.iter().filter(|(id, _)| is_locked(id)).count()
    };
    let at_once = locked(&wanted);
    assert!(at_once < wanted.len(), "everything was locked already");
    let camera = scene.start("record", &[]);
    wait_for("all to be locked", Duration::from_secs(90), || {
        (locked(&wanted) == wanted.len()).then_some(())
    });
    camera.stop();
}

#[test]
fn the_api_keeps_marks_takes_back_and_pauses() {
    let scene = Scene::new();
    let address = free_address();
    let listen = address.to_string();
    let camera = scene.start("run", &["--listen", &listen]);
    scene.wait_for_segments(8);
    let post = |path: &str, body: &Value| {
        let (status, answer) = http::request(address, "POST", path, Some(body)).unwrap();
        (status, answer)
    };
    let (status, answer) = post("/api/locks", &json!({"id": "a", "segment": "F000002"}));
    assert_eq!(status, 204, "{answer}");
    wait_for(
        "both cameras' footage to be kept",
        Duration::from_secs(30),
        || {
            let kept = |letter: char| {
                let all = scene.segments();
                all.iter()
                    .any(|(id, class)| id.starts_with(letter) && *class == 'M')
            };
            (kept('F') && kept('R')).then_some(())
        },
    );
    assert_eq!(scene.class("F000002"), Some('M'));
    let (status, _) = http::request(address, "DELETE", "/api/segments/F000001", None).unwrap();
    assert_eq!(status, 204);
    let marked = || -> Vec<Value> {
        let status = http::get(address, "/api/status").unwrap_or_default();
        status["deletions"].as_array().cloned().unwrap_or_default()
    };
    let mark = wait_for("the mark", Duration::from_secs(5), || {
        marked().first().cloned()
    });
    assert_eq!(mark["segment"], "F000001");
    assert!(mark["in_s"].as_u64() > Some(86_000), "{mark}");
    assert_eq!(scene.class("F000001"), Some('N'), "it is there still");
    camera.kill();

    let camera = scene.start("run", &["--listen", &listen]);
    let mark = wait_for("the mark", Duration::from_secs(30), || {
        marked().first().cloned()
    });
    assert_eq!(mark["segment"], "F000001");
    let (status, _) = post("/api/segments/F000001/restore", &json!({}));
    assert_eq!(status, 204);
    wait_for("no mark", Duration::from_secs(5), || {
        marked().is_empty().then_some(())
    });
    let (status, answer) = http::request(address, "DELETE", "/api/segments/F999999", None).unwrap();
    assert_eq!((status, answer["remedy"].is_string()), (404, true));

    // A stop ends by itself.
    let frames = || {
        let status = http::get(address, "/api/status").unwrap();
        let state = status["cameras"][0]["state"].as_str().unwrap().to_owned();
        (state, status["cameras"][0]["frames"].as_u64().unwrap())
    };
    assert_eq!(post("/api/pause", &json!({"seconds": 8})).0, 204);
    wait_for("the pause", Duration::from_secs(5), || {
        (frames().0 == "paused").then_some(())
    });
    let (status, answer) = http::request(address, "GET", "/api/health", None).unwrap();
    assert_eq!((status, &answer["recording"]), (503, &json!(false)));
    std::thread::sleep(Duration::from_secs(2));
    let (state, before) = frames();
    std::thread::sleep(Duration::from_millis(2500));
    let (still, after) = frames();
    if state == "paused" && still == "paused" {
        assert_eq!(before, after, "something was recorded");
    }
    wait_for("recording", Duration::from_secs(30), || {
        let (state, now) = frames();
        (state == "recording" && now > after + 30).then_some(())
    });
    // And an hour has no more than ten minutes, and four stops.
    let stops = (0..6)
        .map(|_| {
            let paused = post("/api/pause", &json!({"seconds": 600})).0;
            post("/api/resume", &json!({}));
            paused
        })
        .collect::<Vec<_>>();
    assert_eq!(stops, [204, 204, 204, 429, 429, 429]);
    camera.stop();
    let check = Command::new(binary())
        .arg("check")
        .arg(scene.footage())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.status.success(), "{said}");
    assert!(!said.contains("foreign"), "{said}");
}

/// Asks as another user, who may open the socket.
const AS_NOBODY: &str = "import os, socket, sys
os.setgid(65534); os.setuid(65534)
for line in sys.stdin:
    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(line.encode())
    print(s.makefile().readline(), end='', flush=True)
";

struct Nobody {
    child: std::process::Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Nobody {
    fn at(socket: &Path) -> Self {
        std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o666)).unwrap();
        let mut child = Command::new("python3")
            .args(["-c", AS_NOBODY])
            .arg(socket)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn ask(&mut self, request: &Value) -> Value {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(format!("{request}\n").as_bytes()).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What somebody may send who took over the process that has `right`, and what must be refused.
#[test]
fn a_page_that_was_taken_over_erases_nothing_and_commands_nothing() {
    if !rustix::process::geteuid().is_root() {
        skip(
            "another user can be played by root only",
            "sudo -E cargo test -p picam-system-tests --test orders",
        );
        return;
    }
    let scene = Scene::new();
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scene.scratch.path(), open).unwrap();
    let camera = scene.start("record", &["--page-user", "65534"]);
    scene.wait_for_segments(12);
    // What an impact locked is to stay locked.
    let impact = json!({
        "ask": "lock", "id": "i", "origin": "impact", "span": {"segment": "F000003"},
    });
    assert_eq!(scene.ask(&impact), "done");
    wait_for("the impact's lock", Duration::from_secs(30), || {
        (scene.class("F000003") == Some('E')).then_some(())
    });
    let before = scene.segments();
    let mut page = Nobody::at(&scene.socket());
    let status = page.ask(&json!({"ask": "status"}));
    assert!(status["status"]["cameras"].is_array());
    let boot_ns = SystemClock.now().0;
    for request in [
        json!({"ask": "set-time", "source": "gps", "boot_ns": boot_ns, "utc_us": now_us()}),
        json!({"ask": "unlock", "segment": "F000003"}),
        json!({"ask": "microphone", "on": true}),
        json!({"ask": "microphone", "on": false}),
        json!({"ask": "lock", "id": "x", "span": {"segment": "F000001"}, "origin": "impact"}),
        json!({"ask": "lock", "id": "x", "span": {"segment": "F000001"}, "origin": "button"}),
        json!({"ask": "lock", "id": "x", "span": {"segment": "F000001"}, "origin": "owner"}),
        json!({"ask": "slots", "count": 1}),
        json!({"ask": "page", "order": {"max-age": {"seconds": 1}}}),
    ] {
        let answer = page.ask(&request);
        assert!(
            answer["refused"]["reason"].is_string(),
            "{request}: {answer}"
        );
    }
    let frames = || scene.ask(&json!({"ask": "status"}))["status"]["cameras"][0]["frames"].as_u64();
    let mut refused = 0;
    for round in 0..60 {
        for (id, _) in &before {
            let order = match round % 4 {
                0 => {
                    json!({"lock": {"id": format!("{round}{id}"), "span": {"segment": id}, "reason": ""}})
                }
                1 => json!({"delete": {"segment": id}}),
                2 => json!({"pause": {"seconds": 1}}),
                _ => json!({"resume": {}}),
            };
            let answer = page.ask(&json!({"ask": "page", "order": order}));
            refused += usize::from(answer != "done");
        }
    }
    assert!(
        refused > 100,
        "{refused} of 720 or more orders were refused"
    );
    // Recording has gone on, and does.
    let then = frames();
    wait_for("more frames", Duration::from_secs(30), || {
        (frames() > then).then_some(())
    });
    // The housekeeper has carried out what it was told.
    std::thread::sleep(Duration::from_secs(5));
    let after = scene.segments();
    for (id, class) in &before {
        let now = after.iter().find(|(known, _)| known == id);
        let Some((_, now)) = now else {
            panic!("{id} is gone")
        };
        assert!(*class != 'E' || *now == 'E', "{id} is not locked any more");
    }
    // Three of thirty slots of a camera are what the page may keep.
    for letter in ['F', 'R'] {
        let kept = after
            .iter()
            .filter(|(id, class)| id.starts_with(letter) && *class == 'M');
        assert!(kept.count() <= 3, "{after:?}");
    }
    camera.stop();
}
