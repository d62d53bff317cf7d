//! The file for whoever helps the owner, on the boot partition.

use std::path::Path;

use picam_firstboot::settings::{Files, MAX_SUPPORT, RealFiles, SupportError, lay_support, run};

use crate::camera::{Camera, FakeHost, paths};
use crate::fat::{Fat, Mutant};

const TOML: &str = "slots = 5\n";

#[test]
fn it_is_written_and_replaced_and_the_partition_is_read_only_again() {
    let mut camera = Camera::with(TOML);
    for text in ["what happened\n", "what happened then\n"] {
        let paths = camera.paths();
        lay_support(&mut RealFiles, &mut camera.host, &paths, text).unwrap();
        assert_eq!(camera.read("boot/picam-support.txt"), text);
        assert!(!*camera.host.writable.borrow());
    }
    assert_eq!(camera.read("boot/picam.toml"), TOML);
    // One that is too long is cut, between letters.
    let long = "\u{fc}".repeat(MAX_SUPPORT);
    let paths = camera.paths();
    lay_support(&mut RealFiles, &mut camera.host, &paths, &long).unwrap();
    assert!(long.starts_with(&camera.read("boot/picam-support.txt")));
}

#[test]
fn a_full_partition_is_left_to_the_owners_settings() {
    let mut camera = Camera::with(TOML);
    // Enough for the file, and then too little for picam.toml.
    camera.host.free = 1 << 20;
    let paths = camera.paths();
    let refused = lay_support(&mut RealFiles, &mut camera.host, &paths, "text\n").unwrap_err();
    assert!(matches!(refused, SupportError::NoRoom { .. }), "{refused}");
    let message = refused.to_string();
    assert!(
        message.contains("1024 KiB free") && message.contains("on a PC"),
        "{message}"
    );
    assert!(!camera.has("boot/picam-support.txt"));
    assert_eq!(camera.host.remounts.get(), 0);
}

#[test]
fn cut_off_anywhere_it_is_the_old_one_or_the_new_one_and_the_settings_stay() {
    let root = paths(Path::new("/"));
    let lay =
        |fat: &mut Fat, text: &str| lay_support(fat, &mut FakeHost::default(), &root, text).is_ok();
    let read = |fat: &Fat, path: &Path| fat.read(path).unwrap();
    let (toml, support) = (
        root.boot.join("picam.toml"),
        root.boot.join("picam-support.txt"),
    );
    let (old, new) = ("old\n".repeat(300), "new\n".repeat(400));
    let mut fat = Fat::mount(&Default::default(), 10_000, Mutant::None);
    let mut file = fat.create(&toml).unwrap();
    fat.write(&mut file, TOML.as_bytes()).unwrap();
    drop(file);
    assert!(lay(&mut fat, &old));
    let image = fat.unmount();
    let mut fat = Fat::mount(&image, 10_000, Mutant::None);
    assert!(lay(&mut fat, &new));
    let steps = 10_000 - fat.steps_left();
    let mut ends = [0, 0];
    for seed in 0..20_usize {
        for after in 0..=steps {
            let mut fat = Fat::mount(&image, after, Mutant::None);
            lay(&mut fat, &new);
            let mut n = seed;
            let cut = fat.cut(&mut |end| {
                n = n.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                (n >> 8) % end
            });
            let mut fat = Fat::mount(&cut, 10_000, Mutant::None);
            assert_eq!(read(&fat, &toml).as_deref(), Some(TOML.as_bytes()));
            let found = read(&fat, &support).unwrap();
            assert!(
                found == old.as_bytes() || found == new.as_bytes(),
                "after {after}"
            );
            ends[usize::from(found == new.as_bytes())] += 1;
            // The next start removes what is left, but for a second name of the very same clusters.
            let outcome = run(&mut fat, &mut FakeHost::default(), &root, true);
            assert_eq!(outcome.problems, [""; 0]);
            for way in ["new", "new2", "new3"] {
                let left = read(&fat, &root.boot.join(format!("picam-support.txt.{way}")));
                assert!(left.is_none_or(|left| left == found), "after {after}");
            }
            // And the next one is written as if nothing had happened.
            assert!(lay(&mut fat, "third\n"));
            assert!(lay(&mut fat, "fourth\n"));
            assert_eq!(read(&fat, &support).unwrap(), b"fourth\n");
            fat.assert_sound();
        }
    }
    assert!(ends.iter().all(|&n| n > 0), "{ends:?}");
}
