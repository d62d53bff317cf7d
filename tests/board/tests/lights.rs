//! LED and button on the kernel's driver of a Pi's pins, each from outside.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;

use std::time::{Duration, Instant};

use picam_board_tests::board::{Board, await_halt};
use picam_board_tests::pins;
use picam_board_tests::qtest::Qtest;
use picam_board_tests::shell::Shell;
use picam_system_tests::card::Segment;
use picam_testkit::steps::Steps;

use common::*;

/// Of the header: docs/hardware.md. The button pulls its line to ground.
const LED: u8 = 17;
const BUTTON: u8 = 5;
/// For what a busy emulated board does by itself.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Presses are as long as a person's whose camera is slow: the board's looks at the button come late now and then.
const PRESS: Duration = Duration::from_millis(1_500);
/// What the guard has said.
const SAID: &str = "journalctl --no-pager -o cat -u picam-guard";
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

fn all(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    let mut bus = board.bus().unwrap();
    steps.step(
        "a button that is pressed from the start does nothing",
        || {
            // Nothing pulls the emulated line up: it was low, which is pressed, for minutes.
            let said = shell.ok(SAID).unwrap();
            assert!(!said.contains("held"), "{said}");
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
                &format!("{SAID} | grep -q 'footage is kept'"),
                TIMEOUT,
            )
            .unwrap();
        shell
            .until("a locked file", "ls /footage | grep -q _FE_", TIMEOUT)
            .unwrap();
    });
    steps.step(
        "a long press switches the hotspot off, another one on",
        || {
            shell.until("the hotspot", UP, ALL_UP).unwrap();
            press(&mut bus, Duration::from_secs(5));
            shell
                .until("no hotspot", &format!("! {UP}"), TIMEOUT)
                .unwrap();
            press(&mut bus, Duration::from_secs(5));
            shell.until("the hotspot again", UP, TIMEOUT).unwrap();
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
                &format!("{SAID} | tail -n 3 | grep -q 'answers again'"),
                TIMEOUT,
            )
            .unwrap();
    });
}

#[test]
fn an_led_says_whether_it_records_and_a_button_keeps_it() {
    let Some((image, run)) = prepare("lights") else {
        return;
    };
    let mut steps = Steps::default();
    let board = start(&image, new_card(&image, &run), &run, "");
    let mut shell = board.shell("lights").unwrap();
    await_recorder(&mut shell);
    await_all(&mut shell);
    all(&mut steps, &board, &mut shell);
    switch_off(&mut steps, &board, &mut shell);
    let (card, _) = board.pull().unwrap();
    steps.step("footage", || {
        let (_mounted, all) = judge_card(&card, &run);
        assert!(all.last().is_some_and(Segment::finished), "{all:?}");
    });
    let board = start(&image, card, &run, "");
    let mut shell = board.shell("again").unwrap();
    steps.step("the next start knows why", || {
        let ends = "grep -q '\"ends\":.{\"cause\":\"button\"' /run/picam-guard/status.json";
        shell.until("the guard to tell", ends, ALL_UP).unwrap();
    });
    steps.end();
}

fn board_is_on(shell: &mut Shell) -> bool {
    let state = shell.run("systemctl is-system-running").unwrap().text;
    !state.contains("stopping")
}

/// Leaves the board halted.
fn switch_off(steps: &mut Steps, board: &Board, shell: &mut Shell) {
    steps.step("a button that is held switches the board off", || {
        shell.ok("dmesg -n 7").unwrap();
        let mut bus = board.bus().unwrap();
        // And is stuck.
        pins::drive(&mut bus, BUTTON, false).unwrap();
        await_halt(shell, 2 * TIMEOUT).unwrap();
    });
}
