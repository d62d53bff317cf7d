//! LED and button on the kernel's driver of a Pi's pins, each from outside.

use std::time::{Duration, Instant};

use picam_board_tests::board::{Board, await_halt};
use picam_board_tests::pins;
use picam_board_tests::qtest::Qtest;
use picam_board_tests::shell::Shell;
use picam_testkit::steps::Steps;

use crate::common::*;

/// Of the header: docs/hardware.md. The button pulls its line to ground.
const LED: u8 = 17;
const BUTTON: u8 = 5;
/// For what a busy emulated board does by itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// Presses are as long as a person's whose camera is slow: the board's looks at the button come late now and then.
const PRESS: Duration = Duration::from_millis(1_500);
const UP: &str = "systemctl -q is-active picam-hostapd";

/// What was seen of the LED.
#[derive(Debug, Default)]
struct Seen {
    /// How often it went on.
    flashes: u32,
    /// Part of the time that it was lit.
    lit: f64,
}

fn look(bus: &mut Qtest, time: Duration) -> Seen {
    let began = Instant::now();
    let mut flashes = 0;
    let (mut lit, mut all) = (0_u32, 0_u32);
    let mut last = true;
    while began.elapsed() < time {
        let level = pins::level(bus, LED).unwrap();
        flashes += u32::from(level && !last);
        (lit, all) = (lit + u32::from(level), all + 1);
        last = level;
        std::thread::sleep(Duration::from_millis(10));
    }
    Seen {
        flashes,
        lit: f64::from(lit) / f64::from(all.max(1)),
    }
}

fn press(bus: &mut Qtest, time: Duration) {
    pins::drive(bus, BUTTON, false).unwrap();
    std::thread::sleep(time);
    pins::drive(bus, BUTTON, true).unwrap();
}

fn recorder(shell: &mut Shell) -> String {
    let text = shell.ok("systemctl show -P MainPID picam-record").unwrap();
    text.trim().to_owned()
}

pub fn all(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    let mut bus = board.bus().unwrap();
    steps.step(
        "a button that is pressed from the start does nothing",
        || {
            // Nothing pulls the emulated line up: it was low, which is pressed, for minutes.
            let said = shell
                .ok("journalctl --no-pager -o cat -u picam-guard")
                .unwrap();
            assert!(!said.contains("the button was held"), "{said}");
            assert!(
                !said.contains("no LED") && !said.contains("no button"),
                "{said}"
            );
            pins::drive(&mut bus, BUTTON, true).unwrap();
            std::thread::sleep(Duration::from_secs(2));
        },
    );
    steps.step("dark with flashes while it records", || {
        let seen = look(&mut bus, Duration::from_secs(10));
        println!("recording: {seen:?}");
        assert!(seen.flashes >= 4 && seen.lit < 0.35, "{seen:?}");
    });
    steps.step("a press locks a segment", || {
        press(&mut bus, PRESS);
        shell
            .until(
                "the order",
                "journalctl --no-pager -o cat -u picam-guard | grep -q 'footage is kept'",
                PATIENCE,
            )
            .unwrap();
        shell
            .until("a locked file", "ls /footage | grep -q _FE_", PATIENCE)
            .unwrap();
    });
    steps.step(
        "a long press switches the hotspot off, another one on",
        || {
            shell.until("the hotspot", UP, ALL_UP).unwrap();
            press(&mut bus, Duration::from_secs(5));
            shell
                .until("no hotspot", &format!("! {UP}"), PATIENCE)
                .unwrap();
            press(&mut bus, Duration::from_secs(5));
            shell.until("the hotspot again", UP, PATIENCE).unwrap();
            assert!(board_is_on(shell));
        },
    );
    steps.step("a frozen recorder shows within three seconds", || {
        let pid = recorder(shell);
        shell.ok(&format!("kill -STOP {pid}")).unwrap();
        let stopped = Instant::now();
        std::thread::sleep(Duration::from_secs(3));
        let seen = look(&mut bus, Duration::from_secs(4));
        shell.ok(&format!("kill -CONT {pid}")).unwrap();
        println!(
            "from 3 s after the stop on: {seen:?}; {:?} stopped",
            stopped.elapsed()
        );
        // Ten in two seconds, where the board gets round to it.
        assert!(
            seen.flashes >= 10 && (0.3..0.7).contains(&seen.lit),
            "{seen:?}"
        );
        assert_eq!(recorder(shell), pid, "it was started again");
        shell
            .until(
                "the recorder to answer",
                "journalctl --no-pager -o cat -u picam-guard | tail -n 3 | grep -q 'answers again'",
                PATIENCE,
            )
            .unwrap();
    });
}

fn board_is_on(shell: &mut Shell) -> bool {
    let state = shell.run("systemctl is-system-running").unwrap().text;
    !state.contains("stopping")
}

/// Leaves the board halted.
pub fn switch_off(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    steps.step("a button that is held switches the board off", || {
        shell.ok("dmesg -n 7").unwrap();
        let mut bus = board.bus().unwrap();
        pins::drive(&mut bus, BUTTON, true).unwrap();
        std::thread::sleep(Duration::from_secs(2));
        // And is stuck.
        pins::drive(&mut bus, BUTTON, false).unwrap();
        await_halt(shell, PATIENCE).unwrap();
    });
}
