//! What the tests of the board share. Each uses a part of it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::path::Path;
use std::time::Duration;

use picam_board_tests::board::Board;
use picam_board_tests::card::Card;
use picam_board_tests::footage::Footage;
use picam_board_tests::image::{Image, runs};
use picam_board_tests::run::Run;
use picam_board_tests::shell::Shell;
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::frames::numbers;
use picam_testkit::judges;

/// How long a board may take until everything runs.
pub const ALL_UP: Duration = Duration::from_secs(420);

/// The image and a directory for a test; `None` (the skip line is printed) where boards cannot run.
pub fn prepare(name: &str) -> Option<(Image, Run)> {
    if std::env::var_os("PICAM_BOARD_TESTS").is_none() {
        judges::skip(
            &format!("the emulated board's test '{name}' takes minutes"),
            &format!("scripts/board-tests {name}"),
        );
        return None;
    }
    let image = Image::of_this_tree().unwrap()?;
    Some((image, run(name)))
}

/// A directory of its own.
pub fn run(name: &str) -> Run {
    // Two with different seeds may run side by side.
    let seed =
        std::env::var("PICAM_SEED").map_or_else(|_| String::new(), |seed| format!("-{seed}"));
    Run::new(&runs(), &format!("{name}{seed}")).unwrap()
}

/// The same for a test of the long form, which shows `what`.
pub fn prepare_long(name: &str, what: &str) -> Option<(Image, Run)> {
    if std::env::var_os("PICAM_BOARD_LONG").is_none() {
        judges::skip(&format!("{what}: long form"), "scripts/board-tests --long");
        return None;
    }
    prepare(name)
}

/// A card as it comes from the flasher.
pub fn new_card(image: &Image, run: &Run) -> Card {
    Card::flashed(&image.file("card.img"), &run.dir().join("card.img")).unwrap()
}

/// What a start that takes too long is busy with.
const BUSY_WITH: &str = "cat /proc/uptime; systemctl list-jobs --no-pager; \
    ps -eo pid,stat,wchan:24,etimes,args | grep -v '\\['; dmesg | tail -20";

/// Waits until the recorder has said that it is ready. The shell itself comes after the recorder's first try, so that this is
/// so at once, or takes long; asking seldom costs a board that is starting less.
pub fn await_recorder(shell: &mut Shell) {
    let test = "systemctl -q is-active picam-record";
    let rounds = ALL_UP.as_secs() / 4;
    let command = format!("for i in $(seq {rounds}); do {test} && break; sleep 3; done; {test}");
    if shell.run_for(&command, ALL_UP * 2).unwrap().code != 0 {
        let busy = shell.run(BUSY_WITH).unwrap().text;
        panic!("waited too long for the recorder:\n{busy}");
    }
}

/// Waits until nothing is being started any more; says how that ended.
pub fn await_all(shell: &mut Shell) -> String {
    let wait = format!(
        "timeout {} systemctl is-system-running --wait",
        ALL_UP.as_secs()
    );
    let state = shell.run_for(&wait, ALL_UP * 2).unwrap();
    if state.text.trim().is_empty() {
        let busy = shell.run(BUSY_WITH).unwrap().text;
        panic!("waited too long for everything to run:\n{busy}");
    }
    state.text.trim().to_owned()
}

/// A property of a unit, a time in microseconds since the kernel's start.
pub fn stamp(shell: &mut Shell, unit: &str, property: &str) -> Duration {
    let text = shell
        .ok(&format!("systemctl show -P {property} {unit}"))
        .unwrap();
    let text = text.trim();
    Duration::from_micros(
        text.parse()
            .unwrap_or_else(|_| panic!("{unit}: {property} is '{text}'")),
    )
}

/// How long the stages of a start took.
#[derive(Debug)]
pub struct Start {
    pub systemd: Duration,
    pub recorder_started: Duration,
    pub recorder_ready: Duration,
    pub target: Duration,
}

impl Start {
    pub fn of(shell: &mut Shell) -> Self {
        Self {
            systemd: stamp(shell, "", "UserspaceTimestampMonotonic"),
            recorder_started: stamp(
                shell,
                "picam-record.service",
                "InactiveExitTimestampMonotonic",
            ),
            recorder_ready: stamp(
                shell,
                "picam-record.service",
                "ActiveEnterTimestampMonotonic",
            ),
            target: stamp(shell, "picam.target", "ActiveEnterTimestampMonotonic"),
        }
    }

    pub fn print(&self, what: &str) {
        println!(
            "{what}: kernel to systemd {:.1} s, systemd to recorder {:.1} s, recorder to first durable fragment {:.1} s; \
             kernel to first durable fragment {:.1} s, to picam.target {:.1} s: {:.0} %",
            self.systemd.as_secs_f64(),
            (self.recorder_started - self.systemd).as_secs_f64(),
            (self.recorder_ready - self.recorder_started).as_secs_f64(),
            self.recorder_ready.as_secs_f64(),
            self.target.as_secs_f64(),
            self.share() * 100.0,
        );
    }

    /// The recorder's part of the time until everything runs.
    pub fn share(&self) -> f64 {
        self.recorder_ready.as_secs_f64() / self.target.as_secs_f64()
    }
}

/// What must hold of every start.
pub fn check_start(shell: &mut Shell, state: &str) {
    let failed = shell
        .ok("systemctl --failed --no-legend --plain --no-pager")
        .unwrap();
    assert!(
        state == "running" && failed.trim().is_empty(),
        "{state}; failed: {failed}"
    );
    let cycles = shell
        .ok("journalctl -b --no-pager | grep -i 'ordering cycle' || true")
        .unwrap();
    assert_eq!(cycles, "");
    assert_ne!(
        shell.run("touch /usr/written").unwrap().code,
        0,
        "the root can be written to"
    );
    let root = shell.ok("findmnt -n -o FSTYPE,OPTIONS /").unwrap();
    assert!(root.starts_with("squashfs ro"), "{root}");
    // Bits: Documentation/admin-guide/tainted-kernels.rst. None is set by Debian's own modules.
    assert_eq!(
        shell.ok("cat /proc/sys/kernel/tainted").unwrap().trim(),
        "0"
    );
    let chain = shell
        .ok("systemd-analyze critical-chain --no-pager picam-record.service | sed 's/\\x1b\\[[0-9;]*m//g'")
        .unwrap();
    println!("{chain}");
    for word in [
        "network", "firewall", "hostapd", "hotspot", "dnsmasq", "names", "wlan", "web", "time",
        "gps",
    ] {
        let units = chain.lines().filter(|line| {
            line.contains(".service") || line.contains(".target") || line.contains(".socket")
        });
        for unit in units {
            assert!(!unit.contains(word), "the recorder waited for {unit}");
        }
    }
}

/// Every segment on the card plays to its end in ffmpeg, with no frame twice or out of order. Returns them.
pub fn judge_footage(footage: &Footage) -> Vec<Segment> {
    let all = segments(footage.path());
    for segment in &all {
        judges::ffprobe(&segment.path, false).unwrap();
        judges::ffmpeg_decodes(&segment.path).unwrap();
        let shown = numbers(&segment.path, 320, 240);
        assert!(
            !shown.is_empty(),
            "{} shows nothing",
            segment.path.display()
        );
        // An emulated processor may be too slow for a picture; picam counts it, and its number is left out.
        for pair in shown.windows(2) {
            assert!(pair[0] < pair[1], "{}: {pair:?}", segment.path.display());
        }
    }
    all
}

/// A pulled card's filesystem is clean, its footage plays ([`judge_footage`]), and `picam check` finds nothing.
/// The segments can be read for as long as the footage is mounted.
pub fn judge_card(card: &Card, run: &Run) -> (Footage, Vec<Segment>) {
    let footage = card.footage(run.dir()).unwrap();
    assert_eq!(footage.check.0, 0, "{}", footage.check.1);
    let all = judge_footage(&footage);
    let (code, said) = picam_check(footage.path());
    assert_eq!(code, 0, "{said}");
    (footage, all)
}

/// `picam check` of this machine on a directory: exit code and what it printed.
pub fn picam_check(dir: &Path) -> (i32, String) {
    let picam = picam_system_tests::camera::binary();
    let output = std::process::Command::new(picam)
        .arg("check")
        .arg(dir)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The recorder's own words on its state.
pub fn status(shell: &mut Shell) -> serde_json::Value {
    let text = shell
        .ok("printf '{\"ask\":\"status\"}\\n' | nc.openbsd -U -N /run/picam/recorder.sock")
        .unwrap();
    // The watcher for stalls may have had its say in between.
    let line = text
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Switches a board on with a card.
pub fn start(image: &Image, card: Card, run: &Run, more: &str) -> Board {
    Board::start(image, card, run.dir(), more).unwrap()
}
