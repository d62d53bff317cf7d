//! The power goes at every step, and the next boot goes on: the end is the same.

use picam_firstboot::card::{Erase, prepare};

use crate::cut::{At, Cut};
use crate::image::{Card, allowed};

/// What happens between the cut and the next boot.
#[derive(Debug, Clone, Copy)]
enum Between {
    /// The kernel starts anew, and reads the table.
    Reboot,
    /// Only the program was gone.
    Restart,
    /// The image is written over the card.
    Reflash,
}

/// Cuts after every number of steps of `begin`; returns how many there are.
fn cut_everywhere(begin: impl Fn() -> Card, erase: Erase, at: At, between: Between) -> usize {
    let mut uncut = begin();
    uncut.insert();
    uncut.prepare(erase).unwrap();
    let expected = uncut.describe();
    for steps in 0.. {
        let mut card = begin();
        card.insert();
        let mut cut = Cut::after(card.open(), steps, at, card.footage());
        let disk = card.open().card();
        if prepare(&mut cut, &disk, erase).is_ok() {
            assert_eq!(card.describe(), expected);
            return steps;
        }
        let done = format!("{:?}", cut.done);
        drop(cut);
        match between {
            Between::Restart => {}
            Between::Reboot => {
                card.pull();
                card.insert();
            }
            Between::Reflash => {
                card.pull();
                card.flash();
                card.insert();
            }
        }
        let again = card.prepare(erase);
        assert!(again.is_ok(), "{between:?} after {done}: {again:?}");
        assert_eq!(card.describe(), expected, "{between:?} after {done}");
        card.assert_rest_untouched();
    }
    unreachable!()
}

#[test]
fn a_first_boot_cut_anywhere_ends_the_same() {
    if !allowed() {
        return;
    }
    let mut cuts = 0;
    for (gigabytes, at, between) in [
        (8, At::Before, Between::Reboot),
        (8, At::Before, Between::Restart),
        (8, At::Amid, Between::Reboot),
        (8, At::Before, Between::Reflash),
        (8, At::Amid, Between::Reflash),
        (64, At::Before, Between::Reboot),
        (64, At::Amid, Between::Reboot),
        (512, At::Before, Between::Reboot),
        (512, At::Amid, Between::Reflash),
    ] {
        let steps = cut_everywhere(|| Card::flashed(gigabytes), Erase::No, at, between);
        let expected = "table, attach, note, format, sync, check, note, table, attach";
        assert_eq!(steps, 9, "{expected}");
        cuts += steps;
    }
    eprintln!("{cuts} cuts of a first boot");
}

#[test]
fn an_erasure_cut_anywhere_ends_the_same() {
    if !allowed() {
        return;
    }
    let used = || {
        let mut card = Card::flashed(8);
        card.insert();
        card.prepare(Erase::No).unwrap();
        card.mounted(|place| std::fs::write(place.join("old.mp4"), [1; 100_000]).unwrap());
        card.pull();
        card
    };
    for (at, between) in [
        (At::Before, Between::Reboot),
        (At::Before, Between::Restart),
        (At::Amid, Between::Reboot),
    ] {
        let steps = cut_everywhere(used, Erase::Asked(1), at, between);
        assert_eq!(steps, 9);
    }
}

#[test]
fn footage_kept_survives_a_cut_anywhere() {
    if !allowed() {
        return;
    }
    let reflashed = || {
        let mut card = Card::flashed(8);
        card.insert();
        card.prepare(Erase::No).unwrap();
        card.mounted(|place| std::fs::write(place.join("old.mp4"), [1; 100_000]).unwrap());
        card.pull();
        card.flash();
        card
    };
    for between in [Between::Reboot, Between::Restart, Between::Reflash] {
        // "files 1" of fsck.exfat is in what is compared.
        let steps = cut_everywhere(reflashed, Erase::No, At::Before, between);
        assert_eq!(steps, 2, "table, attach");
    }
}
