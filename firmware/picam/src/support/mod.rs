//! The support file: one text with what whoever helps the owner asks for first, bounded in length and time, without footage and
//! without any secret. `picam settings` makes it, for it alone sees the settings and the saved log.

mod facts;
mod logs;

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use jiff::Timestamp;
use picam_firstboot::settings::{Files, RealFiles, Scrubber, public};
use picam_web::settings::SupportFile;

use crate::config::{Config, card_keys, parse_over};

/// Longest section in bytes, but for the logs.
const SECTION: usize = 24 << 10;
/// Longest log of this start, in bytes.
const JOURNAL: usize = 256 << 10;
/// Longest log of the starts before, in bytes.
const SAVED: usize = 448 << 10;

const TITLE: &str = "\
picam support file
==================

For whoever helps the owner of this camera. It holds no footage, no passphrase and no password, and no hash of one.
It does hold names of networks, and what the camera logged: read it before you publish it.
";

/// Where the facts come from.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) boot: &'a Path,
    pub(crate) state: &'a Path,
    /// The recorder's control socket.
    pub(crate) recorder: Option<&'a Path>,
    /// The guard's file.
    pub(crate) guard: Option<&'a Path>,
    /// The device's own values, under the owner's.
    pub(crate) base: &'a Config,
}

/// Puts it together. What cannot be found out is noted in its place.
pub(crate) fn write(sources: &Sources<'_>) -> SupportFile {
    let read = |name: &str| RealFiles.read(&sources.boot.join(name));
    let toml = read("picam.toml");
    let access = read("picam-access.txt").ok().flatten();
    let bytes = match &toml {
        Ok(Some(bytes)) => bytes.as_slice(),
        _ => &[],
    };
    let keys = card_keys();
    let scrubber = Scrubber::new(bytes, access.as_deref().unwrap_or_default(), &keys);
    let settings = public(bytes, &keys);
    let parsed = parse_over(sources.base.clone(), &settings);
    let (now, log) = (
        Timestamp::try_from(SystemTime::now()),
        sources.state.join("log"),
    );
    let now = now.unwrap_or_default();

    let mut text = String::from(TITLE);
    let mut section = |name: &str, longest: usize, body: String| {
        let body = scrubber.scrub(&body);
        let body = end_of(body.trim_end(), longest);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n\n== {name} ==\n\n{body}\n");
    };
    section("Camera", SECTION, facts::camera());
    section("Clock", SECTION, facts::clock(now));
    section("Starts", SECTION, logs::starts(&log));
    section("Recorder", SECTION, facts::recorder(sources.recorder));
    section(
        "Battery, and how the last starts ended",
        SECTION,
        facts::power(sources.guard),
    );
    section("Failed units", SECTION, facts::failed_units());
    section("Memory", SECTION, facts::memory());
    section("Filesystems", SECTION, facts::filesystems());
    let problems: Vec<String> = parsed.problems.iter().map(ToString::to_string).collect();
    let shown = match toml {
        Ok(Some(_)) => settings,
        Ok(None) => "There is none.".to_owned(),
        Err(error) => format!("It cannot be read: {error}"),
    };
    section("picam.toml, without secrets and comments", SECTION, shown);
    section("What is wrong with picam.toml", SECTION, list(&problems));
    section("Log of this start", JOURNAL, logs::journal(JOURNAL));
    section(
        "Saved log, the newest last",
        SAVED,
        logs::saved(&log, SAVED),
    );
    let name = scrubber.scrub(&parsed.config.device.name);
    let day = now.strftime("%Y-%m-%d");
    SupportFile {
        name: format!("picam-support-{name}-{day}.txt"),
        text,
    }
}

fn list(lines: &[String]) -> String {
    match lines {
        [] => "nothing".to_owned(),
        lines => lines.join("\n"),
    }
}

/// The end of a text, from the beginning of a line on, and a note that it is not all of it.
fn end_of(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let mut start = text.len() - longest;
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = text.get(start..).unwrap_or_default();
    // A log without ends of lines is shown from its middle.
    let whole = tail.split_once('\n').map_or(tail, |(_, whole)| whole);
    format!(
        "[{} bytes before this are left out]\n{whole}",
        text.len() - whole.len()
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use picam_firstboot::settings::MAX_SUPPORT;

    use super::*;

    const TOML: &str = "# old: xyzzy0\n[device]\nname = \"van\"\n[wifi]\npassphrase = \"xyzzy plugh\"\nchannel = 99\n\
        [web]\npassword = \"xyzzy page\"\nviewer-password-hash = \"$argon2id$xyzzy\"\n";

    fn bundle(dir: &Path) -> SupportFile {
        write(&Sources {
            boot: &dir.join("boot"),
            state: &dir.join("state"),
            recorder: Some(&dir.join("nobody.sock")),
            guard: Some(&dir.join("guard.json")),
            base: &Config::default(),
        })
    }

    #[test]
    fn it_tells_what_is_asked_for_first_and_no_secret() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        fs::create_dir_all(dir.join("boot")).unwrap();
        fs::create_dir_all(dir.join("state/log")).unwrap();
        fs::write(dir.join("boot/picam.toml"), TOML).unwrap();
        let ends = r#"[{"cause":"battery-low","cell_mv":3390,"charge":null,"after_s":7200},null]"#;
        let note = format!(r#"{{"boot_ns":1,"battery":null,"ends":{ends}}}"#);
        fs::write(dir.join("guard.json"), note).unwrap();
        fs::write(
            dir.join("boot/picam-access.txt"),
            "Password:    wxyz-abcd-efgh\r\n",
        )
        .unwrap();
        // Somebody logged what must not be logged.
        let log = "\n-- start 11111111-2222-3333-4444-555555555555, 60.5 s after it, clock 2026-11-20T10:00:00Z\n\
            [1.5] picam[1]: joined with xyzzy plugh\n[2.5] picam[2]: wxyz-abcd-efgh, $argon2id$xyzzy\n\
            [3.0] picam[1]: the camera is missing\n";
        fs::write(dir.join("state/log/picam.log"), log).unwrap();
        let SupportFile { name, text } = bundle(dir);
        assert!(
            name.starts_with("picam-support-van-20") && name.ends_with(".txt"),
            "{name}"
        );
        for expected in [
            env!("CARGO_PKG_VERSION"),
            "kernel:",
            "uptime:",
            "11111111-2222-3333-4444-555555555555",
            "name = \"van\"",
            "channel",
            "the camera is missing",
            "joined with ********",
            "the recorder does not answer",
            "battery-low",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        for secret in ["xyzzy", "plugh", "wxyz-abcd", "$argon2"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }

    #[test]
    fn without_any_of_it_there_is_still_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let SupportFile { name, text } = bundle(dir.path());
        assert!(name.starts_with("picam-support-picam-"), "{name}");
        assert!(text.contains("There is none."), "{text}");
    }

    #[test]
    fn however_much_was_logged_it_fits() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("state/log");
        fs::create_dir_all(&log).unwrap();
        fs::create_dir_all(dir.path().join("boot")).unwrap();
        let huge = format!("slots = 3\n{}", "# comment \u{fc}\nx = 1\n".repeat(30_000));
        fs::write(dir.path().join("boot/picam.toml"), huge).unwrap();
        let line = "[12.5] picam[1]: \u{1b}[31m \u{fc}ber\r\n";
        for name in ["picam.log", "picam.log.1", "picam.log.7"] {
            fs::write(log.join(name), line.repeat(100_000)).unwrap();
        }
        // Without ends of lines, and no text.
        fs::write(log.join("picam.log.2"), vec![0xff; 3 << 20]).unwrap();
        let SupportFile { text, .. } = bundle(dir.path());
        assert!(
            text.len() > SAVED && text.len() <= MAX_SUPPORT,
            "{}",
            text.len()
        );
        assert!(
            text.ends_with("[31m \u{fc}ber\n"),
            "{:?}",
            text.get(text.len() - 50..)
        );
    }

    #[test]
    fn the_end_begins_with_a_line() {
        assert_eq!(end_of("one\ntwo\n", 100), "one\ntwo\n");
        assert_eq!(
            end_of("one\ntwo\nthree", 9),
            "[8 bytes before this are left out]\nthree"
        );
        assert!(end_of(&"\u{fc}".repeat(100), 9).ends_with('\u{fc}'));
    }
}
