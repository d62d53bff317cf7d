//! Footage that lies on the card already.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use picam_firstboot::card::{CardError, Erase};

use crate::image::{Card, allowed, run};

/// A used card: names, and checksums of what is in the files.
fn record(place: &Path) {
    for n in 0..5_u8 {
        let name = format!("20261120_11080{n}_FN_00000{n}.mp4");
        let bytes: Vec<u8> = (0..700_000_u32)
            .map(|at| (at >> (n & 7)) as u8 ^ n)
            .collect();
        fs::write(place.join(name), bytes).unwrap();
    }
    fs::create_dir(place.join("mine")).unwrap();
    fs::write(place.join("mine/letter.txt"), "not of the camera").unwrap();
}

fn checksums(card: &Card) -> String {
    card.mounted(|place| {
        let find = format!(
            "cd '{}' && find . -type f | sort | xargs sha256sum",
            place.display()
        );
        run("sh", &["-c", &find])
    })
}

fn used(gigabytes: u64) -> Card {
    let mut card = Card::flashed(gigabytes);
    card.insert();
    card.prepare(Erase::No).unwrap();
    card.mounted(record);
    card
}

#[test]
fn a_reflashed_card_keeps_its_footage_byte_for_byte() {
    if !allowed() {
        return;
    }
    for gigabytes in [8, 512] {
        let mut card = used(gigabytes);
        let (files, table) = (checksums(&card), card.table());
        assert_eq!(files.lines().count(), 6);
        card.pull();
        card.flash();
        assert_ne!(card.table(), table);
        card.insert();
        card.prepare(Erase::No).unwrap();
        assert_eq!(checksums(&card), files);
        assert_eq!(card.table(), table);
        card.check();
    }
}

#[test]
fn an_exfat_made_by_others_is_kept_too() {
    if !allowed() {
        return;
    }
    for options in [
        &["-c", "4K"][..],
        &["-c", "1M", "-b", "1M"],
        &["-L", "OLD", "--pack-bitmap"],
    ] {
        let mut card = used(8);
        run("mkfs.exfat", &[options, &[&card.footage()]].concat());
        card.mounted(record);
        let files = checksums(&card);
        card.pull();
        card.flash();
        card.insert();
        card.prepare(Erase::No).unwrap();
        assert_eq!(checksums(&card), files, "{options:?}");
    }
}

#[test]
fn a_card_copied_to_a_larger_or_smaller_one_keeps_what_is_there() {
    if !allowed() {
        return;
    }
    for (from, to) in [(8, 16), (16, 8)] {
        let mut card = used(from);
        let files = checksums(&card);
        card.pull();
        let file = File::options().write(true).open(&card.file).unwrap();
        file.set_len(to * 1_000_000_000 / 512 * 512).unwrap();
        // As copied: the entry is of the other card. Then flashed, too: it is clamped to this one.
        for reflash in [false, true] {
            if reflash {
                card.flash();
            }
            card.insert();
            let entry = card.prepare(Erase::No).unwrap();
            if reflash {
                assert!(entry.end() <= to * 1_000_000_000 / 512);
            }
            // exfat-fuse refuses a volume that is longer than its partition.
            if from < to {
                assert_eq!(checksums(&card), files);
            }
            card.pull();
        }
        // Nothing of it was touched, mountable or not.
        file.set_len(from * 1_000_000_000 / 512 * 512).unwrap();
        card.partition(
            "label: dos\nlabel-id: 0x70636d31\nstart=4MiB,size=8MiB,type=c\nstart=1600MiB,type=7\n",
        );
        card.insert();
        assert_eq!(checksums(&card), files);
    }
}

#[test]
fn a_damaged_exfat_is_not_formatted() {
    if !allowed() {
        return;
    }
    // Offsets into the partition: main boot region, backup, FAT, bitmap and root directory.
    for (what, from, to) in [
        ("main boot region", 0, 12 * 512),
        ("backup boot region", 12 * 512, 24 * 512),
        ("boot checksums", 11 * 512, 12 * 512),
        ("FAT", 4 << 20, 5 << 20),
        ("bitmap, upcase table and root directory", 8 << 20, 9 << 20),
    ] {
        let mut card = used(8);
        let start = card.start() * 512;
        let footage = checksums(&card);
        card.pull();
        card.flash();
        let file = File::options()
            .read(true)
            .write(true)
            .open(&card.file)
            .unwrap();
        file.write_all_at(&vec![0; to - from], start + from as u64)
            .unwrap();
        let mut before = vec![0; 32 << 20];
        file.read_exact_at(&mut before, start).unwrap();
        for _ in 0..2 {
            card.insert();
            card.prepare(Erase::No).unwrap();
            card.pull();
        }
        let mut after = vec![0; 32 << 20];
        file.read_exact_at(&mut after, start).unwrap();
        if to <= 12 * 512 {
            // The main boot region alone is made anew, from its backup, as that of a volume to be checked.
            before.copy_within(12 * 512..24 * 512, 0);
            before[106] |= 2;
        }
        assert!(before == after, "the {what} was touched");
        if to <= 24 * 512 {
            card.insert();
            card.prepare(Erase::No).unwrap();
            assert_eq!(checksums(&card), footage, "{what}");
        }
    }
}

#[test]
fn what_its_owner_formatted_otherwise_is_not_made_exfat_again() {
    if !allowed() {
        return;
    }
    for program in [&["mkfs.vfat", "-F", "32"][..], &["mkfs.ext4", "-q", "-F"]] {
        let card = used(8);
        let partition = card.footage();
        let (name, options) = program.split_first().unwrap();
        run(name, &[options, &[&partition]].concat());
        let start = card.start() * 512;
        let read = || {
            let mut bytes = vec![0; 32 << 20];
            let file = File::open(&card.file).unwrap();
            file.read_exact_at(&mut bytes, start).unwrap();
            bytes
        };
        run("sync", &[]);
        let before = read();
        card.prepare(Erase::No).unwrap();
        assert!(read() == before, "{name}: it was touched");
    }
}

#[test]
fn erasing_is_asked_for_once_and_done_once() {
    if !allowed() {
        return;
    }
    let mut card = used(8);
    card.prepare(Erase::Unknown).unwrap();
    assert_eq!(checksums(&card).lines().count(), 6, "nothing was asked for");
    card.prepare(Erase::Asked(1)).unwrap();
    assert!(card.check().contains("files 0"));
    // The request is still in picam.toml at the next boots, and there is footage again.
    card.mounted(record);
    let files = checksums(&card);
    for erase in [Erase::Asked(1), Erase::Unknown, Erase::Asked(1), Erase::No] {
        card.pull();
        card.insert();
        card.prepare(erase).unwrap();
        assert_eq!(checksums(&card), files, "{erase:?}");
    }
    // It was gone; now somebody asks again with the very same file.
    card.prepare(Erase::Asked(1)).unwrap();
    assert!(card.check().contains("files 0"));
}

#[test]
fn footage_in_use_is_not_erased() {
    if !allowed() {
        return;
    }
    let card = used(8);
    let table = card.table();
    card.mounted(|place| {
        let refused = card.prepare(Erase::Asked(1));
        assert!(matches!(refused, Err(CardError::InUse)), "{refused:?}");
        assert!(place.join("mine/letter.txt").exists());
    });
    assert_eq!(card.table(), table);
    card.check();
}
