//! Footage on a USB disk: recorded to, pulled while it is written to, put back, started without it; and a
//! disk that is formatted because its owner named it, once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use picam_board_tests::board::Board;
use picam_board_tests::card::Card;
use picam_board_tests::footage::Footage;
use picam_board_tests::image::Image;
use picam_board_tests::run::Run;
use picam_board_tests::shell::Shell;
use picam_board_tests::usb_disk::UsbDisk;
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::frames::numbers;
use picam_testkit::steps::Steps;
use serde_json::Value;

const SETTINGS: &str = include_str!("../picam.toml");
const DISK: u64 = 512 << 20;
/// A hub, a disk, its check and the mount, all of it emulated on a host that may have other work.
const WAIT_TIMEOUT: Duration = ALL_UP;

/// picam.toml with footage on USB, and what else stands below `[device]`.
fn settings(more: &str) -> String {
    format!("{SETTINGS}\n[device]\nfootage = \"usb\"\n{more}\n")
}

fn boot(
    image: &Image,
    run: &Run,
    card: Card,
    disk: &UsbDisk,
    plugged: bool,
    name: &str,
) -> (Board, Shell) {
    let options = disk.options(plugged);
    let board = Board::start_with(image, card, run.dir(), "", &options).unwrap();
    let mut shell = board.shell(name).unwrap();
    await_recorder(&mut shell);
    (board, shell)
}

/// Waits until what is recorded goes to `volume`, and pictures are durable there; the status then.
fn await_volume(shell: &mut Shell, volume: &str) -> Value {
    let ask = "printf '{\"ask\":\"status\"}\\n' | nc.openbsd -U -N /run/picam/recorder.sock";
    let command = format!(
        "{ask} | grep '\"volume\":\"{volume}\",\"state\":\"recording\"' | grep '\"fault\":null'"
    );
    let seen = shell.until(&format!("recording to {volume}"), &command, WAIT_TIMEOUT);
    if let Err(error) = seen {
        let why = shell.run("journalctl -b --no-pager -o short-monotonic -u 'picam-disk*' -u disk.mount -u picam-record | tail -40; dmesg | tail -20; ls -l /run/picam-card; udevadm info /dev/sda");
        panic!("{error}\n{}", why.unwrap().text);
    }
    status(shell)["status"].clone()
}

fn faults(status: &Value) -> String {
    let all = status["card"]["faults"].as_array().into_iter().flatten();
    let words: Vec<&str> = all
        .flat_map(|fault| [fault["message"].as_str(), fault["remedy"].as_str()])
        .flatten()
        .collect();
    words.join("; ")
}

fn lost(status: &Value) -> u64 {
    let camera = &status["cameras"][0];
    let lost = camera["lost"].as_object().unwrap().values();
    lost.filter_map(Value::as_u64).sum::<u64>() + camera["dropped_queue"].as_u64().unwrap()
}

/// The list that the page shows, of one root shell's own request.
fn listed(shell: &mut Shell) -> Vec<Value> {
    let curl = "curl -sS -m 100 -b /run/jar -c /run/jar";
    let login = format!(
        "{curl} -o /dev/null -H 'content-type: application/json' -d '{{\"password\":\"emulated board\"}}' http://127.0.0.1/api/login"
    );
    shell.until("the page", &login, ALL_UP).unwrap();
    let text = shell
        .ok(&format!("{curl} 'http://127.0.0.1/api/segments?limit=200'"))
        .unwrap();
    let list: Value = serde_json::from_str(text.trim()).unwrap_or_else(|e| panic!("{e}: {text}"));
    list["segments"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .clone()
}

/// All of it plays.
fn judged(card: &Card, disk: &UsbDisk, run: &Run) -> (Vec<Segment>, Vec<Segment>) {
    let on_card = judge_footage(&card.footage(run.dir()).unwrap());
    let on_disk = disk.footage(run.dir()).unwrap();
    let (code, said) = picam_check(on_disk.path());
    assert_eq!(code, 0, "{said}");
    (on_card, judge_footage(&on_disk))
}

/// First and last number in the pictures of each segment of a start, in the order of the boot clock.
fn ends(footage: &Footage) -> Vec<(u64, u64, u64)> {
    let all = segments(footage.path());
    all.iter()
        .map(|segment| {
            let shown = numbers(&segment.path, 320, 240);
            let ends = (u64::from(shown[0]), u64::from(shown[shown.len() - 1]));
            (segment.record.start_boot.0, ends.0, ends.1)
        })
        .collect()
}

/// How many pictures are missing between the segments of both, pair by pair.
fn missing(card: &Card, disk: &UsbDisk, run: &Run) -> Vec<u64> {
    let mut all = ends(&card.footage(run.dir()).unwrap());
    all.extend(ends(&disk.footage(run.dir()).unwrap()));
    all.sort_unstable();
    let between = |pair: &[(u64, u64, u64)]| pair[1].1.saturating_sub(pair[0].2 + 1);
    all.windows(2).map(between).collect()
}

#[test]
fn footage_goes_to_the_disk_and_to_the_card_while_it_is_away() {
    let Some((image, run)) = prepare_long("disk", "a USB disk that is pulled and put back") else {
        return;
    };
    let card = new_card(&image, &run);
    card.put_boot_file("picam.toml", settings("").as_bytes())
        .unwrap();
    let disk = UsbDisk::formatted(&run.dir().join("disk.img"), DISK, "FOOTAGE").unwrap();
    let (board, mut shell) = boot(&image, &run, card, &disk, true, "disk");
    let mut qmp = board.qmp().unwrap();
    let mut steps = Steps::default();
    steps.step("recorded to", || {
        let status = await_volume(&mut shell, "usb");
        assert_eq!(status["card"]["volume"], "usb");
        assert!(status["card"]["total"].as_u64().unwrap() < DISK, "{status}");
        assert_eq!(lost(&status), 0, "{status}");
        let mount = shell
            .ok("findmnt -n -o FSTYPE,OPTIONS /disk; cat /sys/block/sda/device/timeout")
            .unwrap();
        assert!(
            mount.starts_with("exfat rw")
                && mount.contains("nosuid,nodev,noexec")
                && mount.trim().ends_with('8'),
            "{mount}"
        );
        std::thread::sleep(Duration::from_secs(25));
    });
    // A host that is too busy may have let it be started again before.
    let restarts = "systemctl show -P NRestarts picam-record";
    steps.step("pulled while it is written to", || {
        let before = shell.ok(restarts).unwrap();
        disk.pull(&mut qmp).unwrap();
        let status = await_volume(&mut shell, "card");
        println!("pulled: {}", faults(&status));
        assert_eq!(shell.ok(restarts).unwrap(), before);
        shell
            .until("unmounted", "! findmnt /disk", WAIT_TIMEOUT)
            .unwrap();
        let status = await_volume(&mut shell, "card");
        assert!(faults(&status).contains("there is no USB disk"), "{status}");
    });
    steps.step("put back", || {
        std::thread::sleep(Duration::from_secs(5));
        disk.plug(&mut qmp).unwrap();
        await_volume(&mut shell, "usb");
        std::thread::sleep(Duration::from_secs(15));
        let failed = shell.ok("systemctl --failed --no-legend --plain").unwrap();
        assert!(!failed.contains("disk"), "{failed}");
    });
    steps.step("one list of both", || {
        let list = listed(&mut shell);
        let on = |volume: &str| list.iter().filter(|s| s["volume"] == volume).count();
        assert!(on("card") >= 2 && on("usb") >= 2, "{list:?}");
        let ids: std::collections::BTreeSet<&str> =
            list.iter().map(|s| s["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), list.len(), "{list:?}");
        // Of one start all: the boot clock is the order, and the page shows the newest first.
        let starts: Vec<f64> = list
            .iter()
            .map(|s| s["boot"]["seconds"].as_f64().unwrap())
            .collect();
        assert!(starts.is_sorted_by(|a, b| a >= b), "{starts:?}");
    });
    let (card, _) = board.pull().unwrap();
    steps.step("everything plays", || {
        let (on_card, on_disk) = judged(&card, &disk, &run);
        println!(
            "{} segments on the card, {} on the disk",
            on_card.len(),
            on_disk.len()
        );
        assert!(on_card.len() >= 2 && on_disk.len() >= 2);
        // Going over to the disk costs nothing. Pulling it costs the last second, and what comes before the next key frame.
        let mut missing = missing(&card, &disk, &run);
        println!("pictures missing between segments: {missing:?}");
        missing.sort_unstable();
        let (most, others) = missing.split_last().unwrap();
        assert!(
            *most <= 30 && others.iter().sum::<u64>() <= 5,
            "{missing:?}"
        );
    });
    steps.step("started without it", || {
        let (board, mut shell) = boot(&image, &run, card, &disk, false, "without");
        let status = await_volume(&mut shell, "card");
        assert!(faults(&status).contains("there is no USB disk"), "{status}");
        let state = await_all(&mut shell);
        check_start(&mut shell, &state);
        disk.plug(&mut board.qmp().unwrap()).unwrap();
        await_volume(&mut shell, "usb");
        let _ = board.pull().unwrap();
    });
    steps.end();
}

#[test]
fn a_disk_is_formatted_once_and_only_by_its_name() {
    let Some((image, run)) = prepare_long("format-disk", "a USB disk that is formatted") else {
        return;
    };
    let card = new_card(&image, &run);
    card.put_boot_file("picam.toml", settings("").as_bytes())
        .unwrap();
    let disk = UsbDisk::blank(&run.dir().join("disk.img"), DISK).unwrap();
    let (board, mut shell) = boot(&image, &run, card, &disk, true, "unnamed");
    let ask = "printf '{\"ask\":\"status\"}\\n' | nc.openbsd -U -N /run/picam/recorder.sock | grep -o 'format-disk = ..[^\\\\]*'";
    let word = shell.until("the disk's word", ask, WAIT_TIMEOUT).unwrap();
    let word = word
        .trim()
        .trim_start_matches("format-disk = ")
        .trim_start_matches(['\\', '"'])
        .to_owned();
    println!("the word: {word}");
    assert!(word.contains("PICAM-0001"), "{word}");
    let (card, _) = board.pull().unwrap();
    assert!(
        disk.is_blank().unwrap(),
        "a disk that nobody named was written to"
    );
    // A slip formats nothing.
    let named = |word: &str| settings(&format!("format-disk = \"{word}\""));
    card.put_boot_file(
        "picam.toml",
        named(&word.replace("0001", "0002")).as_bytes(),
    )
    .unwrap();
    let (board, mut shell) = boot(&image, &run, card, &disk, true, "slip");
    shell.until("the disk's word", ask, WAIT_TIMEOUT).unwrap();
    let (card, _) = board.pull().unwrap();
    assert!(
        disk.is_blank().unwrap(),
        "a disk that nobody named was written to"
    );
    card.put_boot_file("picam.toml", named(&word).as_bytes())
        .unwrap();
    let (board, mut shell) = boot(&image, &run, card, &disk, true, "named");
    await_volume(&mut shell, "usb");
    std::thread::sleep(Duration::from_secs(20));
    let (card, _) = board.pull().unwrap();
    let (_, before) = judged(&card, &disk, &run);
    // The word still stands there.
    let (board, mut shell) = boot(&image, &run, card, &disk, true, "again");
    await_volume(&mut shell, "usb");
    std::thread::sleep(Duration::from_secs(15));
    let (card, _) = board.pull().unwrap();
    let (_, after) = judged(&card, &disk, &run);
    println!("{} segments, then {}", before.len(), after.len());
    assert!(after.len() > before.len(), "formatted again");
}
