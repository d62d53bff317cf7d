//! A start as the image's: a kernel of its configuration (`scripts/board-kernel`), without an initramfs. Long form.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod common;
#[path = "start/devices.rs"]
mod devices;

use std::path::PathBuf;
use std::time::Duration;

use common::*;
use picam_board_tests::image::Image;
use picam_board_tests::run::Run;
use picam_board_tests::shell::Shell;
use picam_testkit::judges;
use picam_testkit::steps::Steps;

/// Drivers of a Pi 3B that a start or picam is nothing without, with what they drive. Of these, the I²C bus alone is a module.
/// The radio's SD host is not: its power sequence asks pins of the firmware, which QEMU does not have.
const DRIVERS: [(&str, &str); 4] = [
    ("sdhost-bcm2835", "3f202000.mmc"),
    ("pinctrl-bcm2835", "3f200000.gpio"),
    ("i2c-bcm2835", "3f804000.i2c"),
    ("bcm2835-wdt", "bcm2835-wdt"),
];

const BOUND: &str = "cd /sys/bus/platform/devices; \
    for d in *; do [ -e $d/driver ] && echo $d $(basename $(readlink $d/driver)); done; true";
/// What the device tree names and switches on, and nobody drives.
const IDLE: &str = "cd /sys/bus/platform/devices; for d in *; do [ -e $d/of_node/compatible ] && ! [ -e $d/driver ] && \
    echo $d $(tr '\\0' ' ' <$d/of_node/compatible); done; true";

/// The board and its turn, if there is such a kernel.
fn prepare_kernel() -> Option<(PathBuf, Image, Run)> {
    let Some(kernel) = std::env::var_os("PICAM_BOARD_KERNEL").map(PathBuf::from) else {
        judges::skip(
            "a start from a kernel as the image's, which takes most of an hour to build",
            "scripts/setup kernel; scripts/board-kernel --layers DIR --out DIR; scripts/board-tests --kernel DIR",
        );
        return None;
    };
    let image = Image::with_kernel(&kernel).unwrap()?;
    Some((kernel, image, run("kernel")))
}

/// The kernel is the one that was built, had no initramfs, and reads the card's filesystems by itself.
fn check_kernel(shell: &mut Shell, kernel: &std::path::Path) {
    let release = shell.ok("uname -r").unwrap();
    assert!(
        kernel.join("lib/modules").join(release.trim()).is_dir(),
        "{release}"
    );
    let log = shell.ok("journalctl -k -b --no-pager -o cat").unwrap();
    assert!(
        log.contains("VFS: Mounted root (squashfs filesystem) readonly on device"),
        "the kernel did not mount its root itself: {log}"
    );
    let modules = shell.ok("cut -d' ' -f1 /proc/modules").unwrap();
    for filesystem in ["squashfs", "exfat", "vfat", "ext4"] {
        assert!(
            !modules.lines().any(|module| module == filesystem),
            "{filesystem} is a module"
        );
    }
    let footage = shell.ok("findmnt -n -o FSTYPE,SOURCE /footage").unwrap();
    let footage: Vec<_> = footage.split_whitespace().collect();
    assert_eq!(footage, ["exfat", "/dev/mmcblk0p2"]);
}

fn check_drivers(shell: &mut Shell) {
    let bound = shell.ok(BOUND).unwrap();
    println!("driven:\n{bound}");
    println!("not driven:\n{}", shell.ok(IDLE).unwrap());
    for (driver, device) in DRIVERS {
        assert!(
            bound
                .lines()
                .any(|line| line == format!("{device} {driver}")),
            "{driver} does not drive {device}"
        );
    }
    // Nothing names it to be loaded: udev found it by what the device tree says.
    let modules = shell.ok("lsmod").unwrap();
    println!("{modules}");
    assert!(modules.contains("\ni2c_bcm2835 "), "{modules}");
}

fn check_watchdogs(shell: &mut Shell) {
    let said = shell
        .ok("cd /sys/class/watchdog; for w in watchdog0 watchdog1; do cat $w/identity $w/state; done")
        .unwrap();
    // The Pi's is there, and not opened (docs/board.md); systemd has the kernel's own.
    let expected = "Broadcom BCM2835 Watchdog timer\ninactive\nSoftware Watchdog\nactive";
    assert_eq!(said.trim(), expected);
}

#[test]
fn a_kernel_as_the_images_starts_without_an_initramfs() {
    let Some((kernel, image, run)) = prepare_kernel() else {
        return;
    };
    assert!(!image.file("initrd").exists());
    let mut steps = Steps::default();
    let mut card = new_card(&image, &run);
    for name in ["first start", "second start"] {
        let board = start(&image, card, &run, "");
        let mut shell = board.shell(&name.replace(' ', "-")).unwrap();
        await_recorder(&mut shell);
        let state = await_all(&mut shell);
        steps.step(name, || {
            Start::of(&mut shell).print(name);
            check_start(&mut shell, &state);
            check_kernel(&mut shell, &kernel);
        });
        if name == "second start" {
            steps.step("drivers", || check_drivers(&mut shell));
            steps.step("watchdogs", || check_watchdogs(&mut shell));
            devices::header(&mut steps, &board, &mut shell);
            println!("{}", shell.ok("dmesg -l warn,err,crit -t").unwrap());
        }
        // More than one file of 10 s.
        std::thread::sleep(Duration::from_secs(15));
        (card, _) = board.pull().unwrap();
    }
    steps.step("footage", || {
        let (_mounted, all) = judge_card(&card, &run);
        let mut boots: Vec<_> = all.iter().map(|segment| segment.record.boot_id).collect();
        boots.dedup();
        assert_eq!(boots.len(), 2, "{all:?}");
    });
    steps.step("root as it was", || {
        assert!(card.partition_is_as_in(3, &image.file("card.img")).unwrap());
    });
    steps.end();
}
