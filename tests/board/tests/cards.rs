//! Cards that are not as they should be: each records, or says why not. Long form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use picam_board_tests::board::Board;
use picam_board_tests::card::Card;
use picam_board_tests::image::Image;
use picam_board_tests::run::Run;
use picam_board_tests::shell::Shell;
use picam_testkit::steps::Steps;
use serde_json::Value;

/// A board that has started with `card`, its recorder ready.
fn boot(image: &Image, run: &Run, card: Card, name: &str) -> (Board, Shell) {
    let board = start(image, card, run, "");
    let mut shell = board.shell(name).unwrap();
    await_recorder(&mut shell);
    (board, shell)
}

/// What the recorder says of its camera: recording, or why not.
fn said(shell: &mut Shell) -> (bool, String) {
    let status = status(shell);
    let status = &status["status"];
    let faults = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.map(|fault| fault["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let camera = &status["cameras"][0];
    let mut why = faults(&status["card"]["faults"]);
    why.extend(camera["fault"]["message"].as_str().map(str::to_owned));
    (camera["state"] == "recording", why.join("; "))
}

/// It records within two minutes.
fn must_record(shell: &mut Shell) {
    let command = "printf '{\"ask\":\"status\"}\\n' | nc.openbsd -U -N /run/picam/recorder.sock | grep '\"state\":\"recording\"'";
    shell
        .until("recording", command, Duration::from_secs(120))
        .unwrap();
}

/// It does not, and says why in status and journal; its process goes on.
fn must_say_why(shell: &mut Shell, what: &str) {
    std::thread::sleep(Duration::from_secs(10));
    let (records, why) = said(shell);
    println!("{what}: {why}");
    assert!(!records && !why.is_empty(), "{what}: {records} {why}");
    shell.ok("systemctl is-active picam-record").unwrap();
    let journal = shell.ok("journalctl -b -u picam-record -u picam-card -u picam-fsck -u footage.mount --no-pager -o cat | grep -E 'ERROR|WARN|[Ff]ailed' | tail -5").unwrap();
    assert!(!journal.trim().is_empty(), "{what}: the journal is silent");
    println!("{what}, journal: {journal}");
}

/// Exit code of the check before the footage was mounted.
fn check_said(shell: &mut Shell) -> String {
    shell
        .ok("systemctl show -P ExecMainStatus picam-fsck")
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn odd_cards_record_or_say_why_not() {
    let Some((image, run)) =
        prepare_long("cards", "cards that are broken, full, or another camera's")
    else {
        return;
    };
    let mut steps = Steps::default();
    let (board, mut shell) = boot(&image, &run, new_card(&image, &run), "base");
    std::thread::sleep(Duration::from_secs(45));
    shell.ok("sync").unwrap();
    let (base, _) = board.pull().unwrap();
    let base = base.copy(&run.dir().join("base.img")).unwrap();
    let footage = base.partition(2).unwrap();
    let before = judge_footage(&base.footage(run.dir()).unwrap()).len();
    assert!(before >= 2);
    let copy = || base.copy(&run.dir().join("card.img")).unwrap();
    let junk = vec![0xa5; 512];

    steps.step("the exFAT's first boot sector is gone", || {
        let card = copy();
        card.overwrite(footage.offset, &junk).unwrap();
        let (board, mut shell) = boot(&image, &run, card, "boot-sector");
        must_record(&mut shell);
        let (card, _) = board.pull().unwrap();
        let all = judge_footage(&card.footage(run.dir()).unwrap());
        assert!(all.len() >= before, "{} segments of {before}", all.len());
    });
    steps.step("the FAT is full of nonsense", || {
        let card = copy();
        // Boot sector: the FAT's first sector at 80, its length in sectors at 84 (exFAT specification, 3.1).
        let sector = card.read(footage.offset, 512).unwrap();
        let word =
            |at: usize| u64::from(u32::from_le_bytes(sector[at..at + 4].try_into().unwrap()));
        let fat = footage.offset + word(80) * 512;
        card.overwrite(
            fat + 8,
            &vec![0x5a; (word(84) * 512).min(65_536) as usize - 8],
        )
        .unwrap();
        let (board, mut shell) = boot(&image, &run, card, "fat");
        let (records, why) = said(&mut shell);
        let check = check_said(&mut shell);
        println!("nonsense in the FAT: recording {records}; {why}; exit code of the check {check}");
        assert!(records || !why.is_empty());
        let _ = board.pull().unwrap();
    });
    steps.step("both boot regions of the exFAT are gone", || {
        let card = copy();
        card.overwrite(footage.offset, &vec![0xa5; 24 * 512])
            .unwrap();
        let (board, mut shell) = boot(&image, &run, card, "no-exfat");
        must_say_why(&mut shell, "no exFAT");
        // "Operational error" (fsck.exfat(8)).
        assert_eq!(check_said(&mut shell), "8");
        // Nothing was written over what may be footage.
        let (card, _) = board.pull().unwrap();
        assert_eq!(card.read(footage.offset, 512).unwrap(), junk);
    });
    steps.step("no footage partition", || {
        let card = copy();
        card.overwrite(446 + 16, &[0; 16]).unwrap();
        let (board, mut shell) = boot(&image, &run, card, "no-partition");
        let (records, why) = said(&mut shell);
        println!("no footage partition: recording {records}; {why}");
        if !records {
            must_say_why(&mut shell, "no footage partition");
        }
        let _ = board.pull().unwrap();
    });
    steps.step("formatting was cut off", || {
        let card = copy();
        card.set_kind(2, 0xda).unwrap();
        let (board, mut shell) = boot(&image, &run, card, "formatting");
        must_record(&mut shell);
        let (card, _) = board.pull().unwrap();
        assert_eq!(card.partition(2).unwrap(), footage);
        assert_eq!(card.footage(run.dir()).unwrap().check.0, 0);
    });
    steps.step("copied to a larger card", || {
        let card = copy();
        card.grow(8 << 30).unwrap();
        let (board, mut shell) = boot(&image, &run, card, "larger");
        must_record(&mut shell);
        let (card, _) = board.pull().unwrap();
        let all = judge_footage(&card.footage(run.dir()).unwrap());
        assert!(all.len() >= before, "{} segments of {before}", all.len());
    });
    steps.step("a full card", || {
        let (board, mut shell) = boot(&image, &run, copy(), "full");
        let fill = |what: &str| format!("systemctl stop picam-record; rm -f {what}; truncate -s +$(df --output=avail -B1 /footage | tail -1) /footage/holiday.bin; df -B1 /footage; systemctl start picam-record");
        // With some of its slots left it goes on in these, and says so.
        println!("{}", shell.ok(&fill("/footage/*.mp4")).unwrap());
        must_record(&mut shell);
        std::thread::sleep(Duration::from_secs(10));
        let (records, why) = said(&mut shell);
        println!("full card with some slots: recording {records}; {why}");
        assert!(records && why.contains("the card is full"), "{why}");
        // With none left it cannot.
        println!("{}", shell.ok(&fill("$(find /footage -type f ! -name holiday.bin)")).unwrap());
        must_say_why(&mut shell, "full card");
        shell.ok("rm /footage/holiday.bin").unwrap();
        must_record(&mut shell);
        let _ = board.pull().unwrap();
    });
    steps.step("another camera's footage", || {
        let card = new_card(&image, &run);
        card.copy_range(&base, footage.offset, footage.size)
            .unwrap();
        let (board, mut shell) = boot(&image, &run, card, "other");
        must_record(&mut shell);
        std::thread::sleep(Duration::from_secs(15));
        let (card, _) = board.pull().unwrap();
        assert_eq!(card.partition(2).unwrap(), footage);
        let all = judge_footage(&card.footage(run.dir()).unwrap());
        assert!(all.len() > before, "{} segments of {before}", all.len());
        let (code, said) = picam_check(card.footage(run.dir()).unwrap().path());
        assert_eq!(code, 0, "{said}");
    });
    steps.end();
}
