//! A disk beside the card: recorded to while it is there, left for the card when it is pulled, and gone back to.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use picam_system_tests::camera::{Camera, binary, free_address, wait_for};
use picam_system_tests::card::{Segment, segments};
use picam_system_tests::frames::{assert_consecutive, numbers};
use picam_system_tests::http;
use picam_system_tests::mounts::{self, Mount};
use picam_testkit::judges;
use picam_time::BootNs;

const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits until a segment has been finished that was begun after `after` on the boot clock; when it began.
fn wait_for_footage(dir: &Path, after: BootNs) -> BootNs {
    wait_for("footage", WAIT_TIMEOUT, || {
        let mut all = segments(dir).into_iter();
        let new = all.find(|s| s.finished() && s.record.start_boot > after);
        new.map(|s| s.record.start_boot)
    })
}

fn newest(dir: &Path) -> BootNs {
    let starts = segments(dir).into_iter().map(|s| s.record.start_boot);
    starts.max().unwrap_or(BootNs::ZERO)
}

fn picam(args: &[&str]) -> String {
    let output = Command::new(binary()).args(args).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{args:?}: {said}");
    said
}

#[test]
fn a_disk_is_recorded_to_while_it_is_there() {
    let tools = judges::have("ffmpeg", "ffmpeg")
        & judges::have("mount.exfat-fuse", "exfat-fuse")
        & judges::have("mkfs.exfat", "exfatprogs");
    if !tools || !mounts::allowed() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let card = scratch.path().join("card");
    fs::create_dir(&card).unwrap();
    let disk = Mount::exfat(64 << 20);
    let config = scratch.path().join("picam.toml");
    let text = format!("disk = {:?}\n[device]\nfootage = \"usb\"\n", disk.path());
    fs::write(&config, text).unwrap();
    let page = free_address();
    let listen = page.to_string();
    let args = [
        ["--config", config.to_str().unwrap()],
        ["--camera", "front=sim:?size=320x240&fps=10&bitrate=300k"],
        ["--segment", "1s"],
        ["--slots", "16"],
        ["--slot-size", "1MiB"],
        ["--listen", &listen],
    ];
    let mut camera = Camera::start("run", &card, args.as_flattened());
    let volume = |wanted: &str| {
        wait_for(&format!("footage to go to {wanted}"), WAIT_TIMEOUT, || {
            let status = http::get(page, "/api/status")?;
            (status["card"]["volume"] == wanted).then_some(status)
        })
    };
    // Without the disk, and nothing lands in the directory that it would be mounted on.
    wait_for_footage(&card, BootNs::ZERO);
    let status = volume("card");
    assert_eq!(status["volumes"][0]["state"], "away", "{status}");
    let faults = status["card"]["faults"].to_string();
    assert!(faults.contains("there is no USB disk"), "{status}");
    assert_eq!(fs::read_dir(disk.path()).unwrap().count(), 0);

    let mut inserted = disk.insert_exfat();
    let first_on_disk = wait_for_footage(disk.path(), BootNs::ZERO);
    let status = volume("usb");
    assert_eq!(status["volumes"][0]["state"], "recording", "{status}");
    assert_eq!(status["card"]["faults"], serde_json::json!([]), "{status}");
    let mut before: Vec<Segment> = segments(&card);
    before.extend(segments(disk.path()).into_iter().filter(Segment::finished));
    before.retain(|s| s.record.start_boot <= first_on_disk);
    before.sort_by_key(|s| s.record.start_boot);
    let shown: Vec<u32> = before
        .iter()
        .flat_map(|s| numbers(&s.path, 320, 240))
        .collect();
    assert_eq!(shown[0], 0);
    assert_consecutive(&shown, "over the way to the disk");

    // Both are one list, and one clip.
    let (card_dir, disk_dir) = (card.to_str().unwrap(), disk.path().to_str().unwrap());
    let list = http::get(page, "/api/segments").unwrap();
    let list = list["segments"].as_array().unwrap();
    let volumes: Vec<&str> = list.iter().map(|s| s["volume"].as_str().unwrap()).collect();
    assert!(
        volumes.contains(&"card") && volumes.contains(&"usb"),
        "{volumes:?}"
    );
    let starts: Vec<f64> = list
        .iter()
        .map(|s| s["boot"]["seconds"].as_f64().unwrap())
        .collect();
    assert!(starts.is_sorted_by(|a, b| a >= b), "{starts:?}");
    picam(&["check", card_dir, disk_dir]);
    let clip = scratch.path().join("clip.mp4");
    let clip_path = clip.to_str().unwrap();
    let end = format!("+{:.1}s", shown.len() as f64 / 10.0 - 0.5);
    picam(&[
        "clip", disk_dir, card_dir, "--from", "+0s", "--to", &end, "-o", clip_path,
    ]);
    assert_consecutive(&numbers(&clip, 320, 240), "in the clip of both");

    // Orders are about the volume that the id names.
    let id_on = |volume: &str| {
        let one = list
            .iter()
            .find(|s| s["volume"] == volume && s["state"] == "finished");
        one.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (of_card, of_disk) = (id_on("card"), id_on("usb"));
    assert!(of_disk.ends_with('u') && !of_card.ends_with('u'));
    let body = serde_json::json!({"id": "keep", "segment": of_disk});
    let (status, answer) = http::request(page, "POST", "/api/locks", Some(&body)).unwrap();
    assert_eq!(status, 204, "{answer}");
    let path = format!("/api/segments/{of_card}");
    let (status, answer) = http::request(page, "DELETE", &path, None).unwrap();
    assert_eq!(status, 204, "{answer}");
    wait_for("orders to be carried out", WAIT_TIMEOUT, || {
        let path = format!("/api/segments/{of_disk}");
        let kept = http::get(page, &path)?["locked"] == true;
        let marked = http::get(page, "/api/status")?["deletions"][0]["segment"] == *of_card;
        (kept && marked).then_some(())
    });

    // Pulled: the card takes over.
    let on_card = newest(&card);
    inserted.pull();
    wait_for_footage(&card, on_card);
    camera.assert_running();
    volume("card");
    disk.detach();

    // Put back: the disk has it again, and its ring goes on.
    let pulled = wait_for_footage(&card, newest(&card));
    let _inserted = disk.insert_exfat();
    wait_for_footage(disk.path(), pulled);
    let status = volume("usb");
    assert_eq!(status["cameras"][0]["state"], "recording", "{status}");
    camera.stop();
    picam(&["check", card_dir, disk_dir]);
    let mut numbered: Vec<u64> = segments(disk.path())
        .iter()
        .map(|s| s.record.sequence)
        .collect();
    numbered.sort_unstable();
    // What was recorded on the card in between took numbers, so that nothing seems to follow what it does not.
    assert!(
        numbered.windows(2).any(|pair| pair[1] > pair[0] + 1),
        "{numbered:?}"
    );
    for segment in segments(disk.path()).iter().chain(&segments(&card)) {
        judges::ffmpeg_decodes(&segment.path).unwrap();
    }
}
