//! A card that was just flashed, of any size.

use std::fs;

use picam_firstboot::card::Erase;

use crate::image::{Card, allowed};

const MIB: u64 = 2048;

#[test]
fn any_card_gets_its_footage() {
    if !allowed() {
        return;
    }
    for (gigabytes, cluster) in [(8, 32 << 10), (64, 128 << 10), (512, 256 << 10)] {
        let mut card = Card::flashed(gigabytes);
        let disk = card.insert();
        card.prepare(Erase::No).unwrap();
        card.check();
        card.assert_rest_untouched();
        let table = card.table();
        let expected = format!("card2 : start=     3276800, size={:>12}, type=7", {
            let sectors = gigabytes * 1_000_000_000 / 512 - 1600 * MIB;
            sectors / (4 * MIB) * (4 * MIB)
        });
        assert!(table.contains(&expected), "{expected}\n{table}");
        // The kernel knows it without a reboot.
        let kernel = fs::read_to_string(format!(
            "/sys/class/block/{}p2/start",
            disk.trim_start_matches("/dev/")
        ));
        assert_eq!(kernel.unwrap().trim(), "3276800");
        let (fat, first_cluster, cluster_bytes) = card.geometry();
        assert_eq!(cluster_bytes, cluster);
        assert_eq!((fat % (4 * MIB), first_cluster % (4 * MIB)), (0, 0));
        assert!(card.describe().contains("FOOTAGE"));
        card.mounted(|place| {
            fs::write(place.join("20261120_110800_FN_000001.mp4"), [7; 1 << 20]).unwrap();
        });
        card.pull();
        card.insert();
        card.mounted(|place| {
            let bytes = fs::read(place.join("20261120_110800_FN_000001.mp4")).unwrap();
            assert_eq!(bytes, [7; 1 << 20]);
        });
    }
}

#[test]
fn a_card_beyond_two_tebibytes_is_used_as_far_as_its_table_reaches() {
    if !allowed() {
        return;
    }
    let mut card = Card::empty(3 << 40);
    card.flash();
    card.insert();
    let entry = card.prepare(Erase::No).unwrap();
    assert!(entry.end() < 1 << 32 && entry.end() > (1 << 32) - 8 * MIB);
    let (_, first_cluster, cluster) = card.geometry();
    assert_eq!((first_cluster % (32 * MIB), cluster), (0, 512 << 10));
    card.check();
    card.assert_rest_untouched();
}

#[test]
fn the_second_boot_writes_nothing_and_takes_milliseconds() {
    if !allowed() {
        return;
    }
    let mut card = Card::flashed(8);
    card.insert();
    card.prepare(Erase::No).unwrap();
    let disk = card.open();
    let (written, start) = (written(&card), std::time::Instant::now());
    drop(disk);
    card.prepare(Erase::No).unwrap();
    let took = start.elapsed();
    assert_eq!(self::written(&card), written);
    assert!(took.as_millis() < 100, "{took:?} with nothing to do");
    eprintln!("nothing to do: {took:?}");
}

/// Sectors written to the disk so far, by the kernel's count.
fn written(card: &Card) -> String {
    let disk = card.footage();
    let disk = disk
        .strip_prefix("/dev/")
        .and_then(|disk| disk.strip_suffix("p2"));
    let stat = fs::read_to_string(format!("/sys/block/{}/stat", disk.unwrap())).unwrap();
    stat.split_whitespace().nth(6).unwrap().to_owned()
}
