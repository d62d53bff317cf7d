//! The recorder and the page as two services: what systemd is told, and what goes through the socket
//! between them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::card::segments;
use picam_system_tests::http;
use picam_system_tests::mounts::{self, Mount};
use picam_testkit::judges;
use picam_time::{Clock, SystemClock, UtcUs};

const CAMERA: [[&str; 2]; 4] = [
    ["--camera", "front=sim:?size=320x240&fps=30&bitrate=500k"],
    ["--segment", "2s"],
    ["--slots", "8"],
    ["--slot-size", "1MiB"],
];

/// systemd's end of `sd_notify(3)`.
struct Systemd {
    socket: UnixDatagram,
}

impl Systemd {
    fn at(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        Self { socket }
    }

    /// The messages of the next `time`.
    fn listen(&self, time: Duration) -> Vec<String> {
        let end = Instant::now() + time;
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        while Instant::now() < end {
            if let Ok(len) = self.socket.recv(&mut buffer) {
                said.push(String::from_utf8_lossy(&buffer[..len]).into_owned());
            }
        }
        said
    }
}

/// `picam record` as systemd would start it.
fn record(footage: &Path, notify: &Path, args: &[&str]) -> Child {
    Command::new(binary())
        .arg("record")
        .arg("--footage")
        .arg(footage)
        .args(CAMERA.as_flattened())
        .args(args)
        .env("NOTIFY_SOCKET", notify)
        .env("WATCHDOG_USEC", "2000000")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn made(directory: PathBuf) -> PathBuf {
    std::fs::create_dir(&directory).unwrap();
    directory
}

fn watchdogs(said: &[String]) -> usize {
    said.iter()
        .filter(|message| message.contains("WATCHDOG=1"))
        .count()
}

#[test]
fn the_watchdog_is_fed_by_frames_on_the_card_and_by_nothing_else() {
    if !mounts::allowed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let notify = scratch.path().join("notify");
    let systemd = Systemd::at(&notify);
    let mount = Mount::ext4(96 << 20);
    let mut child = record(mount.path(), &notify, &[]);
    let ready = wait_for("READY=1", Duration::from_secs(10), || {
        let said = systemd.listen(Duration::from_millis(100));
        said.iter()
            .any(|message| message.contains("READY=1"))
            .then(|| segments(mount.path()).len())
    });
    assert!(ready > 0, "ready before anything is on the card");
    let fed = watchdogs(&systemd.listen(Duration::from_secs(3)));
    assert!((3..=8).contains(&fed), "fed {fed} times in 3 s");
    mount.freeze();
    // What was under way may still be told.
    systemd.listen(Duration::from_secs(1));
    let fed = watchdogs(&systemd.listen(Duration::from_secs(3)));
    mount.thaw();
    assert_eq!(fed, 0, "fed while nothing reached the card");
    let fed = watchdogs(&systemd.listen(Duration::from_secs(3)));
    assert!(fed > 0, "not fed again after the card came back");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_camera_that_is_known_to_be_missing_is_no_reason_to_restart() {
    let scratch = tempfile::tempdir().unwrap();
    let notify = scratch.path().join("notify");
    let systemd = Systemd::at(&notify);
    let missing = ["--camera", "rear=file:/no/such/file.mp4"];
    let mut child = record(&made(scratch.path().join("footage")), &notify, &missing);
    let said = systemd.listen(Duration::from_secs(6));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.iter().any(|message| message.contains("READY=1")));
    let fed = watchdogs(&said);
    assert!(fed > 6, "fed {fed} times in 6 s");
}

#[test]
fn the_page_in_a_process_of_its_own_comes_and_goes() {
    if !judges::have("systemd-socket-activate", "systemd") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let footage = made(scratch.path().join("footage"));
    let socket = scratch.path().join("recorder.sock");
    let path = socket.to_str().unwrap();
    let mut args = CAMERA.as_flattened().to_vec();
    args.extend(["--control", path]);
    let mut camera = Camera::start("record", &footage, &args);
    wait_for("the first segment", Duration::from_secs(10), || {
        (!segments(&footage).is_empty()).then_some(())
    });
    let mut frames = 0;
    for _ in 0..5 {
        let address = free_address();
        let mut web = Command::new("systemd-socket-activate")
            .arg(format!("--listen={address}"))
            .arg(binary())
            .args(["web", "--recorder", path, "--footage"])
            .arg(&footage)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let status = wait_for("the status", Duration::from_secs(10), || {
            http::get(address, "/api/status").filter(|status| status["cameras"].is_array())
        });
        web.kill().unwrap();
        web.wait().unwrap();
        let now = status["cameras"][0]["frames"].as_u64().unwrap();
        assert!(now > frames, "{now} frames after {frames}: {status}");
        assert_eq!(status["cameras"][0]["dropped_queue"], 0);
        frames = now;
        std::thread::sleep(Duration::from_millis(300));
    }
    camera.assert_running();
    camera.stop();
}

#[test]
fn a_page_that_is_switched_off_turns_everybody_away() {
    if !judges::have("systemd-socket-activate", "systemd") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let config = scratch.path().join("picam.toml");
    std::fs::write(&config, "[web]\nenabled = false\n").unwrap();
    // Built before a port is chosen, so that nobody takes it meanwhile.
    let picam = binary();
    let address = free_address();
    let mut web = Command::new("systemd-socket-activate")
        .arg(format!("--listen={address}"))
        .arg(picam)
        .args(["web", "--recorder", "/nobody", "--config"])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the port", Duration::from_secs(5), || {
        TcpStream::connect(address).ok()
    });
    for _ in 0..3 {
        assert!(http::request(address, "GET", "/", None).is_err());
    }
    assert!(web.try_wait().unwrap().is_none(), "it ended");
    web.kill().unwrap();
    web.wait().unwrap();
}

#[test]
fn a_page_without_its_recorder_says_so_and_shows_the_footage() {
    let scratch = tempfile::tempdir().unwrap();
    let footage = made(scratch.path().join("footage"));
    let camera = Camera::start("record", &footage, CAMERA.as_flattened());
    wait_for("a finished segment", Duration::from_secs(10), || {
        (segments(&footage).len() > 1).then_some(())
    });
    camera.stop();
    let address = free_address();
    let listen = address.to_string();
    let socket = scratch.path().join("nobody.sock");
    let args = ["--listen", &listen, "--recorder", socket.to_str().unwrap()];
    let page = Camera::start("web", &footage, &args);
    let (code, status) = wait_for("an answer", Duration::from_secs(10), || {
        http::request(address, "GET", "/api/status", None).ok()
    });
    assert_eq!(code, 503);
    let text = status.to_string();
    assert!(text.contains("the recorder does not answer"), "{text}");
    let list = http::get(address, "/api/segments").unwrap();
    assert!(!list["segments"].as_array().unwrap().is_empty(), "{list}");
    page.stop();
}

#[test]
fn footage_gets_its_time_once_somebody_tells_it() {
    let scratch = tempfile::tempdir().unwrap();
    let footage = made(scratch.path().join("footage"));
    let socket = scratch.path().join("recorder.sock");
    let config = scratch.path().join("picam.toml");
    std::fs::write(&config, "system-clock = false\n").unwrap();
    let mut args = CAMERA.as_flattened().to_vec();
    args.extend(["--control", socket.to_str().unwrap()]);
    args.extend(["--config", config.to_str().unwrap()]);
    let camera = Camera::start("record", &footage, &args);
    let timeless = |name: &str| name.starts_with("boot");
    let names = || -> Vec<String> {
        let found = segments(&footage);
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        found.iter().map(|segment| name(&segment.path)).collect()
    };
    wait_for("two segments", Duration::from_secs(20), || {
        (names().len() > 1).then_some(())
    });
    assert!(names().iter().all(|name| timeless(name)), "{:?}", names());
    let told = Command::new(binary())
        .args(["time", "--recorder"])
        .arg(&socket)
        .status()
        .unwrap();
    assert!(told.success());
    // The housekeeper looks every 20 s.
    wait_for("their true time", Duration::from_secs(30), || {
        names().iter().all(|name| !timeless(name)).then_some(())
    });
    camera.stop();
}

/// Asks the recorder something.
fn ask(socket: &Path, request: &serde_json::Value) -> serde_json::Value {
    use std::io::{BufRead, BufReader, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// `set-time` by a phone, as if it were this much later than the system's clock says.
fn set_time(socket: &Path, later: Duration) -> serde_json::Value {
    let utc = UtcUs::from(std::time::SystemTime::now()) + later;
    let request = serde_json::json!({
        "ask": "set-time", "source": "phone", "boot_ns": SystemClock.now().0, "utc_us": utc.0,
    });
    ask(socket, &request)
}

#[test]
fn a_clock_set_to_2099_erases_nothing_and_a_clock_set_right_heals_the_names() {
    const YEARS_73: Duration = Duration::from_secs(73 * 31_557_600);
    let scratch = tempfile::tempdir().unwrap();
    let footage = made(scratch.path().join("footage"));
    let socket = scratch.path().join("recorder.sock");
    let config = scratch.path().join("picam.toml");
    std::fs::write(&config, "[retention]\nmax-age = \"30d\"\n").unwrap();
    let mut args = CAMERA[0].to_vec();
    args.extend(["--slots", "60", "--slot-size", "1MiB", "--segment", "1s"]);
    args.extend(["--control", socket.to_str().unwrap()]);
    args.extend(["--config", config.to_str().unwrap()]);
    let camera = Camera::start("record", &footage, &args);
    let names = || -> Vec<String> {
        let found = segments(&footage);
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        found.iter().map(|segment| name(&segment.path)).collect()
    };
    let sequence = |name: &String| name.get(19..25).map(str::to_owned);
    wait_for("some segments", Duration::from_secs(30), || {
        (names().len() > 4).then_some(())
    });
    let before: Vec<_> = names().iter().filter_map(sequence).collect();
    let in_year = |year: &str, what: &str| {
        // The housekeeper looks every 20 s: twice, for names first, and then for what is too old.
        wait_for(what, Duration::from_secs(60), || {
            names()
                .iter()
                .all(|name| name.starts_with(year))
                .then_some(())
        });
        let now: Vec<_> = names().iter().filter_map(sequence).collect();
        let lost = before.iter().filter(|before| !now.contains(before)).count();
        assert_eq!(lost, 0, "{now:?}");
    };
    let year = names()[0].get(..4).unwrap().to_owned();
    let far = (year.parse::<u32>().unwrap() + 73).to_string();
    assert_eq!(set_time(&socket, YEARS_73), "done");
    in_year(&far, "names by the wrong clock");
    std::thread::sleep(Duration::from_secs(22));
    in_year(&far, "nothing to be given up");
    assert_eq!(set_time(&socket, Duration::ZERO), "done");
    in_year(&year, "names by the right clock");
    let status = ask(&socket, &serde_json::json!({"ask": "status"}));
    assert_eq!(
        status["status"]["cameras"][0]["ring"]["aged"], 0,
        "{status}"
    );
    camera.stop();
}

#[test]
fn telling_the_time_to_nobody_is_an_error_with_a_remedy() {
    let told = Command::new(binary())
        .args(["time", "--recorder", "/no/such/socket"])
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(1));
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(said.contains("--control"), "{said}");
}
