//! Disks that are no picam card are left as they are, to the last byte.

use std::fs::File;
use std::os::unix::fs::FileExt;

use picam_firstboot::card::{CardError, Erase};
use rustix::fs::{SeekFrom, seek};

use crate::image::{Card, allowed};

#[test]
fn disks_of_others_are_refused_untouched() {
    if !allowed() {
        return;
    }
    let windows = "label: dos\nstart=1MiB,size=100MiB,type=7\nsize=1GiB,type=7\ntype=7\n";
    let raspberry_pi_os = "label: dos\nstart=4MiB,size=512MiB,type=c\ntype=83\n";
    let gpt = "label: gpt\nstart=4MiB,size=256MiB\nsize=512MiB\n";
    let no_root = "label: dos\nstart=4MiB,size=256MiB,type=c\nstart=260MiB,size=4MiB,type=da\n";
    let no_boot =
        "label: dos\n\nstart=260MiB,size=4MiB,type=da\nstart=264MiB,size=512MiB,type=83\n";
    let old_root = "label: dos\nstart=4MiB,size=256MiB,type=c\nstart=260MiB,size=4MiB,type=da\n\
         start=264MiB,size=512MiB,type=83\nstart=776MiB,size=2GiB,type=f\n";
    for (what, layout, word) in [
        ("blank", "", "no partition table"),
        ("Windows", windows, "partition 1 (type 0x07"),
        ("Raspberry Pi OS", raspberry_pi_os, "no partition 3"),
        ("GPT", gpt, "GPT"),
        ("no root", no_root, "no partition 3"),
        ("no boot", no_boot, "partition 1"),
        ("no room", old_root, "partition 4"),
    ] {
        for asked in [Erase::No, Erase::Asked(1)] {
            let mut card = Card::empty(8 << 30);
            if !layout.is_empty() {
                card.partition(layout);
            }
            refuse(&mut card, asked, what, word);
        }
    }
    // Ours, but of 1.7 GB.
    let mut small = Card::empty(1_700_000_000 / 512 * 512);
    small.flash();
    refuse(&mut small, Erase::No, "small", "too small");
}

fn refuse(card: &mut Card, erase: Erase, what: &str, word: &str) {
    // Something to lose where footage would begin.
    let file = File::options().write(true).open(&card.file).unwrap();
    file.write_all_at(&[0x11; 1 << 20], 1600 << 20).unwrap();
    let before = contents(card);
    card.insert();
    let refused = card.prepare(erase);
    let Err(CardError::Refused(refusal)) = &refused else {
        panic!("{what}: {refused:?}");
    };
    let message = refusal.to_string();
    assert!(message.contains(word), "{what}: {message}");
    card.pull();
    assert!(contents(card) == before, "{what} was written to");
}

/// Everything on the card: its pages that are not zeros, and where they lie.
fn contents(card: &Card) -> Vec<(u64, [u8; 4096])> {
    let file = File::open(&card.file).unwrap();
    let mut pages = Vec::new();
    let mut at = 0;
    while let Ok(data) = seek(&file, SeekFrom::Data(at)) {
        let end = seek(&file, SeekFrom::Hole(data)).unwrap();
        for page_at in (data / 4096 * 4096..end).step_by(4096) {
            let mut page = [0; 4096];
            let _ = file.read_at(&mut page, page_at).unwrap();
            if page != [0; 4096] {
                pages.push((page_at, page));
            }
        }
        at = end;
    }
    pages
}
