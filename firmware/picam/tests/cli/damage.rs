//! What a card damaged: `check` finds it, `recover` mends it, `salvage` carves out what is left.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::recover::read_record;
use picam_testkit::judges::{decoded_pictures, ffmpeg_decodes};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::support::{FRAMES, Running, command, footage, input, picam, segments};

/// Changes one byte.
fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 4], at).unwrap();
}

fn zero(file: &Path, at: u64, len: usize) {
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.write_all_at(&vec![0; len], at).unwrap();
}

/// Makes a finished segment be as a power cut would have left it: its index hidden.
fn cut_off(path: &Path) {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let (record, _) = read_record(&file).unwrap();
    let mut header = (record.head_len - 32).to_be_bytes().to_vec();
    header.extend(b"free");
    file.write_all_at(&header, 32).unwrap();
}

/// Where the fragments of a segment begin, and how long they are.
fn fragments(path: &Path) -> Vec<(u64, u64)> {
    let file = fs::File::open(path).unwrap();
    let (record, _) = read_record(&file).unwrap();
    let bytes = fs::read(path).unwrap();
    let mut at = u64::from(record.head_len + record.init_len);
    let mut found = Vec::new();
    while let Some(fragment) = FragmentRecord::parse(&bytes[at as usize..]) {
        found.push((at, fragment.len.into()));
        at += u64::from(fragment.len);
    }
    found
}

/// A directory with one segment that holds the whole input.
fn one_segment() -> (TempDir, PathBuf) {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let camera = format!("front=file:{}?pace=off", input().display());
        let path = dir.path().to_str().unwrap();
        let options = "--segment 60s --slots 3 --slot-size 8MiB".split(' ');
        let mut run = command(&["record", "--camera", &camera, "--footage", path]);
        let done = run.args(options).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        dir
    });
    let dir = tempfile::tempdir().unwrap();
    let from = &segments(made.path())[0];
    let to = dir.path().join(from.file_name().unwrap());
    fs::copy(from, &to).unwrap();
    (dir, to)
}

#[test]
fn one_bit_in_a_cut_off_segment_costs_no_fragment_but_its_own() {
    let all = FRAMES as usize;
    for number in [3, 0] {
        let (dir, file) = one_segment();
        let path = dir.path().to_str().unwrap();
        cut_off(&file);
        let fragments = fragments(&file);
        assert!(fragments.len() >= 72, "{}", fragments.len());
        let (at, len) = fragments[number];
        flip(&file, at + len / 2);
        let before = decoded_pictures(&file);
        assert!(before + 1 >= all, "{before}");
        let said = format!("fragment {number} at byte {at} is damaged (CRC mismatch)");
        picam(&["check", path]).expect(1, &[&said]);
        picam(&["recover", path]).expect(
            0,
            &["1 segment recovered", "1 damaged fragment kept as far as"],
        );
        let file = &segments(dir.path())[0];
        let after = decoded_pictures(file);
        assert!(
            after >= before,
            "fragment {number}: {before} before, {after} after"
        );
        picam(&["check", path]).expect(1, &[&said, "1 fragment damaged when recovered"]);
    }
}

#[test]
fn every_part_of_a_finished_segment_is_checked_and_mended() {
    let (_keep, good) = one_segment();
    let good = fs::read(good).unwrap();
    let find = |kind: &[u8]| good.windows(4).position(|w| w == kind).unwrap() as u64;
    let (head, init) = {
        let record = picam_mp4::Record::parse(&good[..512]).unwrap().0;
        (u64::from(record.head_len), record.init_moov_len)
    };
    let parts = [
        ("stsz", find(b"stsz") + 4 + 8 + 40),
        ("stco", find(b"stco") + 4 + 8 + 3),
        ("stts", find(b"stts") + 4 + 8 + 7),
        ("stss", find(b"stss") + 4 + 8 + 3),
        ("stsc", find(b"stsc") + 4 + 8 + 3),
        ("avcC", find(b"avcC") + 4 + 14),
        ("mdhd", find(b"mdhd") + 4 + 4 + 16 + 1),
        ("header", 230),
        ("box sizes", 34),
        ("init", head + u64::from(init) - 30),
    ];
    for (name, at) in parts {
        let (dir, file) = one_segment();
        let path = dir.path().to_str().unwrap();
        picam(&["check", path]).expect(0, &["nothing is broken"]);
        flip(&file, at);
        picam(&["check", path]).expect(1, &["1 segment BROKEN"]);
        let done = picam(&["recover", path]);
        done.expect(0, &["repaired ", "1 repaired"]);
        picam(&["check", path]).expect(0, &["nothing is broken"]);
        assert!(fs::read(&file).unwrap() == good, "{name}: {done:?}");
        picam(&["recover", path]).expect(0, &["0 segments recovered\n"]);
    }
}

#[test]
fn an_init_is_borrowed_from_another_segment_and_a_lost_header_made_anew() {
    let dir = footage();
    let path = dir.path().to_str().unwrap();
    let files = segments(dir.path());
    let (record, _) = read_record(&fs::File::open(&files[1]).unwrap()).unwrap();
    cut_off(&files[1]);
    zero(&files[1], record.head_len.into(), 512);
    cut_off(&files[2]);
    zero(&files[2], 0, 512);
    picam(&["inspect", files[1].to_str().unwrap()]).expect(1, &["no player can open this"]);
    picam(&["check", path]).expect(1, &["2 segments BROKEN"]);
    picam(&["recover", path]).expect(0, &["init mended", "header mended", "2 segments recovered"]);
    picam(&["check", path]).expect(0, &["nothing is broken", "2 recovered"]);
    for file in segments(dir.path()) {
        ffmpeg_decodes(&file).unwrap();
    }
    assert_eq!(picam(&["check", "--json", path]).json()["frames"], FRAMES);
}

#[test]
fn a_recorder_mends_what_it_finds_damaged_and_goes_around_what_is_in_the_way() {
    let dir = footage();
    let path = dir.path().to_str().unwrap();
    let files = segments(dir.path());
    let good: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let index = good[0].windows(4).position(|w| w == b"stsz").unwrap() as u64;
    flip(&files[0], index + 4 + 8 + 40);
    zero(&files[1], 0, 512);
    fs::create_dir(dir.path().join("free_video_slot_F-_000777.bin")).unwrap();
    let said = "note   free_video_slot_F-_000777.bin: in the way";
    picam(&["check", path]).expect(1, &["2 segments BROKEN", said]);
    let options =
        "record --camera front=sim:?size=160x120&fps=10&bitrate=100k --segment 60s --slots 12";
    let mut args: Vec<&str> = options.split(' ').collect();
    args.extend(["--slot-size", "8MiB", "--footage", path]);
    let mut recorder = Running::start(&args);
    let end = Instant::now() + Duration::from_secs(60);
    let mended = || {
        let whole = |n: usize| decoded_pictures(&files[n]) == decoded(&good[n]);
        fs::read(&files[0]).unwrap() == good[0] && whole(1)
    };
    while !mended() {
        assert!(recorder.is_running() && Instant::now() < end);
        std::thread::sleep(Duration::from_millis(200));
    }
    recorder.send(Signal::TERM);
    recorder
        .end()
        .expect(0, &["was damaged by the card, and is mended", "recovered "]);
    picam(&["check", path]).expect(0, &["nothing is broken", said]);
}

/// How many pictures a decoder makes of a file's bytes.
fn decoded(bytes: &[u8]) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("as-it-was.mp4");
    fs::write(&file, bytes).unwrap();
    decoded_pictures(&file)
}

#[test]
fn a_card_without_a_filesystem_gives_its_footage_back() {
    let dir = footage();
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("card.img");
    // No table, no names: slots behind 16 MiB of zeros, on sectors but not on pages.
    let mut bytes = vec![0; (16 << 20) + 3 * 512];
    for file in segments(dir.path()) {
        bytes.extend(fs::read(file).unwrap());
    }
    fs::write(&image, &bytes).unwrap();
    let out = work.path().join("out");
    let args = [
        "salvage",
        image.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
    ];
    let done = picam(&args);
    done.expect(0, &["segments, "]);
    assert!(
        fs::read(&image).unwrap() == bytes,
        "the card was written to"
    );
    let names = |dir: &Path| -> Vec<_> {
        let name = |path: PathBuf| path.file_name().unwrap().to_owned();
        segments(dir).into_iter().map(name).collect()
    };
    assert_eq!(names(&out), names(dir.path()));
    let mut pictures = 0;
    for file in segments(&out) {
        ffmpeg_decodes(&file).unwrap();
        pictures += decoded_pictures(&file);
    }
    assert_eq!(pictures, FRAMES as usize);
    picam(&["check", out.to_str().unwrap()]).expect(0, &["nothing is broken"]);

    // Again: nothing is written twice; what is missing is made.
    let files = segments(&out);
    let before = fs::metadata(&files[0]).unwrap().modified().unwrap();
    fs::remove_file(&files[1]).unwrap();
    let again = picam(&args);
    again.expect(0, &["going on at", "is there already"]);
    assert_eq!(fs::metadata(&files[0]).unwrap().modified().unwrap(), before);
    assert!(files[1].exists());
    // Not with the notes of another card.
    bytes[0] = 1;
    fs::write(&image, &bytes).unwrap();
    picam(&args).expect(1, &["is of another card"]);
}

/// Footage at both ends of a card that takes a while to look through, and the power goes in between.
#[test]
fn a_salvage_that_is_killed_goes_on_where_it_was() {
    let dir = footage();
    let work = tempfile::tempdir().unwrap();
    let image = work.path().join("card.img");
    let card = fs::File::create(&image).unwrap();
    let len = 4 << 30;
    card.set_len(len).unwrap();
    let files = segments(dir.path());
    let size = |file: &PathBuf| fs::metadata(file).unwrap().len();
    let (mut front, mut back) = (0, len - files.iter().map(size).sum::<u64>());
    for (n, file) in files.iter().enumerate() {
        let at = if n < 2 { &mut front } else { &mut back };
        card.write_all_at(&fs::read(file).unwrap(), *at).unwrap();
        *at += size(file);
    }
    let out = work.path().join("out");
    let notes = out.join("salvage.json");
    let args = [
        "salvage",
        image.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
    ];
    let mut salvage = Running::start(&args);
    while salvage.is_running() && !notes.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    salvage.send(Signal::KILL);
    salvage.end();
    picam(&args).expect(0, &["going on at"]);
    let pictures: usize = segments(&out)
        .iter()
        .map(|file| decoded_pictures(file))
        .sum();
    assert_eq!(pictures, FRAMES as usize);
}

#[test]
fn salvage_says_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let out = out.to_str().unwrap();
    let empty = dir.path().join("empty.img");
    fs::write(&empty, vec![0; 1 << 20]).unwrap();
    picam(&["salvage", empty.to_str().unwrap(), "-o", out]).expect(1, &["no footage of picam"]);
    picam(&["salvage", "/no/such/card", "-o", out]).expect(1, &["cannot be read"]);
    picam(&["salvage", dir.path().to_str().unwrap(), "-o", out]).expect(1, &["cannot be read"]);
}

#[test]
fn a_copy_that_was_broken_off_plays_as_far_as_it_came() {
    for hidden in [false, true] {
        let (_whole, path) = one_segment();
        if hidden {
            cut_off(&path);
        }
        let fragments = fragments(&path);
        let (last, last_len) = *fragments.last().unwrap();
        let bytes = fs::read(&path).unwrap();
        let pictures_to = |n: usize| {
            let record = FragmentRecord::parse(&bytes[fragments[n - 1].0 as usize..]);
            record.unwrap().counters.frames as usize
        };
        for (end, kept) in [
            // Within a fragment's first page, within its footage, behind it, and not on a page's border.
            (fragments[2].0 + 100, 2),
            (fragments[3].0 + fragments[3].1 / 2 + 1, 3),
            (fragments[4].0, 4),
            (last + last_len - 1, fragments.len() - 1),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let copy = dir.path().join(path.file_name().unwrap());
            fs::copy(&path, &copy).unwrap();
            let file = OpenOptions::new().write(true).open(&copy).unwrap();
            file.set_len(end).unwrap();
            let said = if hidden {
                "1 segment recovered"
            } else {
                "1 repaired"
            };
            picam(&["recover", dir.path().to_str().unwrap()]).expect(0, &[said]);
            let pictures = decoded_pictures(&copy);
            assert!(pictures >= pictures_to(kept), "{end}: {pictures}");
        }
    }
}
