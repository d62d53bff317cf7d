//! The kernel gives up, and systemd hangs: the board starts again by itself, and records. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::*;
use picam_board_tests::board::Board;
use picam_board_tests::shell::Shell;

/// Waits for the next shell on the same line, and for the recorder.
fn again(board: &Board, shell: Shell, name: &str) -> Shell {
    let start = Instant::now();
    let mut console = shell.into_console();
    console.expect(&["bcm2835-power"], ALL_UP).unwrap();
    let mut shell = Shell::open(console, ALL_UP).unwrap();
    await_recorder(&mut shell);
    println!(
        "{name}: recording again after {} s of the host's; {:?} since the start",
        start.elapsed().as_secs(),
        board.started.elapsed()
    );
    shell
}

#[test]
fn a_board_that_hangs_starts_again() {
    let Some((image, run)) = prepare_long("hangs", "a kernel that panics and a systemd that hangs")
    else {
        return;
    };
    let board = start(
        &image,
        new_card(&image, &run),
        &run,
        "systemd.watchdog_sec=40",
    );
    let mut shell = board.shell("serial").unwrap();
    await_recorder(&mut shell);
    std::thread::sleep(Duration::from_secs(15));

    // The Pi's watchdog, not opened, is what restarts the board (drivers/watchdog/bcm2835_wdt.c, restart handler).
    shell.ok("modprobe bcm2835_wdt").unwrap();
    shell.throw("echo c > /proc/sysrq-trigger").unwrap();
    let mut shell = again(&board, shell, "panic");

    shell.ok("modprobe bcm2835_wdt").unwrap();
    shell
        .throw("echo 1 > /sys/fs/cgroup/init.scope/cgroup.freeze")
        .unwrap();
    let _shell = again(&board, shell, "systemd frozen");
    std::thread::sleep(Duration::from_secs(15));

    let (card, _) = board.pull().unwrap();
    let footage = card.footage(run.dir()).unwrap();
    let all = judge_footage(&footage);
    // Each of three starts left something.
    let mut boots: Vec<_> = all.iter().map(|s| s.record.boot_id).collect();
    boots.dedup();
    assert!(boots.len() >= 3, "{boots:?}");
}
