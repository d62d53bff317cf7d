//! A card's first start, and the second, on which all that is around the board has its turn: a phone, the devices of
//! the header, and whoever hangs or is killed.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod battery;
#[path = "../common/mod.rs"]
mod common;
mod devices;
mod phone;
mod watchdogs;

use std::time::Duration;

use common::*;
use picam_system_tests::card::Segment;
use picam_testkit::steps::Steps;

#[test]
fn a_blank_card_becomes_a_camera() {
    let Some((image, run)) = prepare("start") else {
        return;
    };
    let mut steps = Steps::default();
    let card = new_card(&image, &run);

    let board = start(&image, card, &run, "");
    let mut shell = board.shell("first").unwrap();
    await_recorder(&mut shell);
    let state = await_all(&mut shell);
    steps.step("first start", || {
        Start::of(&mut shell).print("first start");
        check_start(&mut shell, &state);
    });
    std::thread::sleep(Duration::from_secs(15));
    let (card, _) = board.pull().unwrap();
    steps.step("footage of the first start", || {
        let (_mounted, all) = judge_card(&card, &run);
        assert!(all.len() >= 2, "{all:?}");
    });

    let board = start(&image, card, &run, "");
    let mut shell = board.shell("second").unwrap();
    await_recorder(&mut shell);
    let state = await_all(&mut shell);
    steps.step("second start", || {
        let times = Start::of(&mut shell);
        times.print("second start");
        check_start(&mut shell, &state);
        // Both ends are of the same start, so that a slow host changes little.
        assert!(times.share() <= 0.4, "{times:?}");
        println!(
            "{}",
            shell
                .ok("systemd-analyze blame --no-pager | head -40")
                .unwrap()
        );
    });
    devices::all(&mut steps, &image, &board, &mut shell);
    phone::all(&mut steps, &mut shell, run.dir());
    let stopped = watchdogs::all(&mut steps, &mut shell);
    battery::all(&mut steps, &board, &mut shell);
    let (card, _) = board.pull().unwrap();
    steps.step("footage of the second start", || {
        let (_mounted, all) = judge_card(&card, &run);
        assert!(all.last().is_some_and(Segment::finished), "{all:?}");
        watchdogs::judge(stopped, &all);
    });
    steps.step("root as it was", || {
        assert!(card.partition_is_as_in(3, &image.file("card.img")).unwrap());
    });
    steps.end();
}
