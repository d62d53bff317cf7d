//! An hour of running: the root keeps its bytes, the recorder its process and its memory. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;

const SETTINGS: &str = "segment = \"10s\"\nslot-size = \"1MiB\"\nslots = 16\n\
    [[camera]]\nname = \"front\"\nsource = \"sim:?size=160x120&fps=10&bitrate=200k\"\n\
    [wifi]\ncountry = \"DE\"\npassphrase = \"emulated board\"\n[web]\npassword = \"emulated board\"\n";
const RUNNING: Duration = Duration::from_secs(3600);
/// Round the ring of 16 slots and some more.
const SEGMENTS: u64 = 100;

#[test]
fn an_hour_changes_nothing_but_the_footage() {
    let Some((image, run)) = prepare_long("hour", "an hour of running") else {
        return;
    };
    let card = new_card(&image, &run);
    card.put_boot_file("picam.toml", SETTINGS.as_bytes())
        .unwrap();
    let board = start(&image, card, &run, "");
    let mut shell = board.shell("hour").unwrap();
    await_recorder(&mut shell);
    assert_eq!(await_all(&mut shell), "running");
    let recorder = "systemctl show -P MainPID -P NRestarts picam-record";
    let memory = "grep -E 'VmRSS|VmHWM' /proc/$(systemctl show -P MainPID picam-record)/status; df -h /var /run /tmp";
    let before = shell.ok(recorder).unwrap();
    println!("at the beginning: {}", shell.ok(memory).unwrap());

    std::thread::sleep(RUNNING);

    println!("at the end: {}", shell.ok(memory).unwrap());
    assert_eq!(
        shell.ok(recorder).unwrap(),
        before,
        "the recorder was started again"
    );
    let status = status(&mut shell);
    println!("{status}");
    let camera = &status["status"]["cameras"][0];
    assert_eq!(camera["state"], "recording", "{status}");
    assert!(camera["segments"].as_u64().unwrap() >= SEGMENTS, "{status}");
    let failed = shell
        .ok("systemctl --failed --no-legend --plain --no-pager")
        .unwrap();
    assert_eq!(failed.trim(), "");

    let (card, _) = board.pull().unwrap();
    assert!(card.partition_is_as_in(3, &image.file("card.img")).unwrap());
    let footage = card.footage(run.dir()).unwrap();
    assert_eq!(footage.check.0, 0, "{}", footage.check.1);
    let (code, said) = picam_check(footage.path());
    assert_eq!(code, 0, "{said}");
}
