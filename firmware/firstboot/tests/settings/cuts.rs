//! The power goes at every step of every run, on a FAT that keeps any part of what was not synced.

use std::path::Path;

use picam_control::settings::SettingsChange;
use picam_firstboot::settings::{Files, Host, Meaning, Reset, change, run};

use crate::camera::{FakeHost, KEYS, hash, paths};
use crate::fat::{Fat, Image, Mutant};

const MANY: usize = 10_000;

/// Cards whose boots are cut, for each situation; `PICAM_CUTS` sets it.
fn cases() -> u64 {
    let requested = std::env::var("PICAM_CUTS").ok();
    requested.map_or(100, |cuts| cuts.parse().unwrap())
}

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// A card with these files, all of it durable.
fn card(files: &[(&str, &str)]) -> Image {
    let mut fat = Fat::mount(&Image::default(), MANY, Mutant::None);
    for (name, text) in files {
        let path = Path::new("/").join(name);
        let mut file = fat.create(&path).unwrap();
        fat.write(&mut file, text.as_bytes()).unwrap();
    }
    fat.unmount()
}

/// Boots once; returns whether everything worked.
fn boot(fat: &mut Fat, seed: u64) -> bool {
    let mut host = FakeHost {
        seed,
        ..FakeHost::default()
    };
    run(fat, &mut host, &paths(Path::new("/")), true)
        .problems
        .is_empty()
}

fn text(fat: &Fat, name: &str) -> Option<String> {
    let bytes = fat.read(&Path::new("/").join(name)).ok()??;
    String::from_utf8(bytes).ok()
}

fn meaning(fat: &Fat) -> Option<Meaning> {
    let text = text(fat, "boot/picam.toml")?;
    text.parse::<toml_edit::DocumentMut>().ok()?;
    Some(FakeHost::default().meaning(&text))
}

/// A `picam.toml` of several clusters.
fn long(text: &str) -> String {
    format!(
        "# explanation\n{}slots = 5\n{text}\n# the end\n",
        "# line\n".repeat(200)
    )
}

/// Cuts boots of a card at random until one comes through, `cases` times. `holds` is asked about the
/// card after each cut, `ends` after the boot that came through.
fn cut_boots(
    image: &Image,
    cases: u64,
    mutant: Mutant,
    holds: impl Fn(&Fat) -> Result<(), String>,
    ends: impl Fn(&Fat) -> Result<(), String>,
) -> Result<usize, String> {
    let mut fat = Fat::mount(image, MANY, mutant);
    assert!(boot(&mut fat, 1));
    let steps = MANY - fat.steps_left();
    assert!(steps > 5);
    let mut cuts = 0;
    for case in 0..cases {
        let mut random = Random(case * 2 + 1);
        random.below(2);
        let mut image = image.clone();
        for again in 0..=random.below(3) {
            // The first cut goes through all steps in turn.
            let after = match again {
                0 => case as usize % steps,
                _ => random.below(steps),
            };
            let mut fat = Fat::mount(&image, after, mutant);
            boot(&mut fat, random.0);
            image = fat.cut(&mut |end| random.below(end));
            cuts += 1;
            let fat = Fat::mount(&image, MANY, mutant);
            holds(&fat).map_err(|why| format!("case {case}, cut after step {after}: {why}"))?;
        }
        let mut fat = Fat::mount(&image, MANY, mutant);
        let came_through = boot(&mut fat, random.0);
        ends(&fat).map_err(|why| format!("case {case}: {why}"))?;
        if !came_through {
            return Err(format!("case {case}: the last boot had problems"));
        }
        if mutant == Mutant::None {
            fat.assert_sound();
        }
    }
    Ok(cuts)
}

/// What its owner wrote is there, old version or new.
fn is_whole(fat: &Fat) -> Result<(), String> {
    let text = text(fat, "boot/picam.toml");
    match text.as_deref() {
        Some(text) if text.contains("slots = 5") && text.contains("# the end") => Ok(()),
        _ => Err(format!("picam.toml is lost: {text:?}")),
    }
}

/// The owner can get in, and nobody else.
fn is_settled(fat: &Fat) -> Result<(), String> {
    is_whole(fat)?;
    let meaning = meaning(fat).ok_or("no TOML")?;
    let access = text(fat, "boot/picam-access.txt").ok_or("no access file")?;
    let passphrase = meaning.passphrase.ok_or("no passphrase")?;
    let stored = meaning.password_hash.ok_or("no password")?;
    let line = access
        .lines()
        .find_map(|line| line.strip_prefix("Password:    "));
    let line = line.ok_or("no password line")?;
    let opens = stored == hash(line) || line.contains("you set") && stored == hash("correct horse");
    match access.contains(&passphrase) && opens && meaning.reset == Reset::No {
        true if meaning.password.is_none() => Ok(()),
        _ => Err(format!("{access}\n{stored}")),
    }
}

#[test]
fn a_first_boot_cut_anywhere_ends_settled() {
    for toml in [
        "[wifi]\nmode = \"hotspot\"\n",
        "[web]\npassword = \"correct horse\"\n[wifi]\n",
    ] {
        let image = card(&[("boot/picam.toml", &long(toml))]);
        let cuts = cut_boots(&image, cases(), Mutant::None, is_whole, is_settled).unwrap();
        eprintln!("{cuts} cuts of a first boot");
    }
}

#[test]
fn a_provisioned_password_is_gone_however_often_the_power_went() {
    let image = card(&[(
        "boot/picam.toml",
        &long("[web]\npassword = \"correct horse\"\n"),
    )]);
    let gone = |fat: &Fat| {
        is_settled(fat)?;
        for name in [
            "boot/picam.toml",
            "boot/picam.toml.new",
            "boot/picam.toml.new2",
            "boot/picam-access.txt",
        ] {
            if text(fat, name).is_some_and(|text| text.contains("correct horse")) {
                return Err(format!("{name} holds the password"));
            }
        }
        Ok(())
    };
    cut_boots(&image, cases(), Mutant::None, is_whole, gone).unwrap();
}

#[test]
fn a_factory_reset_cut_anywhere_is_done_in_the_end() {
    let mut fat = Fat::mount(
        &card(&[
            (
                "boot/picam.toml",
                &long("[device]\nfactory-reset = \"no\"\n"),
            ),
            ("state/journal", "who was where"),
            ("state/drift", "1.0"),
        ]),
        MANY,
        Mutant::None,
    );
    assert!(boot(&mut fat, 7));
    let used = meaning(&fat).unwrap();
    let toml = text(&fat, "boot/picam.toml")
        .unwrap()
        .replace("\"no\"", "\"settings\"");
    let mut file = fat.create(Path::new("/boot/picam.toml")).unwrap();
    fat.write(&mut file, toml.as_bytes()).unwrap();
    drop(file);
    let image = fat.unmount();
    let reset = |fat: &Fat| {
        is_settled(fat)?;
        let now = meaning(fat).unwrap();
        let old = [text(fat, "state/journal"), text(fat, "state/drift")];
        match now.passphrase != used.passphrase && now.password_hash != used.password_hash {
            true if old == [None, None] => Ok(()),
            _ => Err(format!("not reset: {now:?}, {old:?}")),
        }
    };
    cut_boots(&image, cases(), Mutant::None, is_whole, reset).unwrap();
}

#[test]
fn a_repair_cut_anywhere_is_done_in_the_end() {
    let new = long("[wifi]\npassphrase = \"my own phrase\"\n");
    for torn in [None, Some("\0\0\0")] {
        let mut files = vec![("boot/picam.toml.new", new.as_str())];
        files.extend(torn.map(|torn| ("boot/picam.toml", torn)));
        let either = |fat: &Fat| {
            is_whole(fat).or_else(|why| match text(fat, "boot/picam.toml.new") {
                Some(text) if text == new => Ok(()),
                other => Err(format!("{why}, and the new version: {other:?}")),
            })
        };
        cut_boots(&card(&files), cases(), Mutant::None, either, is_settled).unwrap();
    }
}

#[test]
fn leftovers_of_any_kind_do_no_harm() {
    let toml = long("[wifi]\n");
    for left in ["", "slots = 9\n", "\0\0", toml.as_str()] {
        let image = card(&[
            ("boot/picam.toml", &toml),
            ("boot/picam.toml.new", left),
            ("boot/picam-access.txt.new", left),
        ]);
        cut_boots(&image, cases(), Mutant::None, is_whole, is_settled).unwrap();
    }
}

#[test]
fn the_simulated_card_notices_a_missing_sync() {
    let image = card(&[("boot/picam.toml", &long("[wifi]\n"))]);
    for mutant in [Mutant::NoSync, Mutant::FreeEarly] {
        let caught = cut_boots(&image, 3000, mutant, is_whole, is_settled);
        assert!(caught.is_err(), "{mutant:?} was not noticed");
    }
}

/// The page changes a value and a passphrase, the power goes at each step, in ways that differ, and the next start makes up for it:
/// `picam.toml` is the old one or the new one all the time. How often it was which.
fn cut_changes(mutant: Mutant) -> Result<[usize; 2], String> {
    let before = long("[device]\nname = \"first\"\n[wifi]\npassphrase = \"first passphrase\"");
    let image = card(&[("boot/picam.toml", &before)]);
    let mut fat = Fat::mount(&image, MANY, Mutant::None);
    assert!(boot(&mut fat, 1));
    let image = fat.unmount();
    let before = text(&Fat::mount(&image, MANY, Mutant::None), "boot/picam.toml").unwrap();
    let after = before
        .replace("\"first\"", "\"second\"")
        .replace("first passphrase", "second passphrase");
    let keys = [
        ("device.name", "second"),
        ("wifi.passphrase", "second passphrase"),
    ];
    let requested = SettingsChange {
        set: keys
            .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
            .into(),
        ..SettingsChange::default()
    };
    let make = |fat: &mut Fat| {
        let mut host = FakeHost::default();
        change(
            fat,
            &mut host,
            &paths(Path::new("/")),
            &requested,
            KEYS,
            |_| Vec::new(),
        )
        .is_ok()
    };
    let mut fat = Fat::mount(&image, MANY, Mutant::None);
    assert!(make(&mut fat));
    let steps = MANY - fat.steps_left();
    assert!(steps > 5);
    let mut ends = [0, 0];
    for case in 0..cases() {
        let mut random = Random(case * 2 + 1);
        random.below(2);
        let after_steps = case as usize % (steps + 1);
        let mut fat = Fat::mount(&image, after_steps, mutant);
        make(&mut fat);
        let cut = fat.cut(&mut |end| random.below(end));
        let mut fat = Fat::mount(&cut, MANY, mutant);
        let came_through = boot(&mut fat, random.0);
        let found = text(&fat, "boot/picam.toml");
        match found.as_deref() {
            Some(found) if found == before => ends[0] += 1,
            Some(found) if found == after => ends[1] += 1,
            _ => {
                return Err(format!(
                    "case {case}, cut after step {after_steps}: {found:?}"
                ));
            }
        }
        if !came_through {
            return Err(format!("case {case}: the next start had problems"));
        }
        if mutant == Mutant::None {
            fat.assert_sound();
        }
    }
    Ok(ends)
}

#[test]
fn a_change_that_is_cut_off_is_made_or_not_made() {
    let ends = cut_changes(Mutant::None).unwrap();
    assert!(ends.iter().all(|&n| n > 0), "{ends:?}");
}

#[test]
fn leaving_a_sync_out_of_a_change_is_noticed() {
    for mutant in [Mutant::NoSync, Mutant::FreeEarly] {
        assert!(cut_changes(mutant).is_err(), "{mutant:?}");
    }
}
