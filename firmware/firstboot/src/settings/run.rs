//! One run: what is there, what is missing, what is done.

use std::io;

use crate::card::Erase;

use super::boot::{self, Found, Writes};
use super::credentials::{self, Situation};
use super::edit::{self, Place};
use super::files::Files;
use super::replace::replace;
use super::secrets::{is_machine_id, is_page_key, make_machine_id, make_page_key};
use super::text::{Sound, decode, is_torn, make_sound};
use super::{Host, Meaning, Paths, Reset};

const RESET: Place = Place {
    section: "device",
    key: "factory-reset",
};
/// Of a card that lost its `picam.toml`, on a system without a template.
const NO_TEMPLATE: &str = "# picam.toml: what this camera records, and who may see it.\n\
     # The file that was here is lost; what is not set below has its default.\n\n";

/// What a run came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What could not be done, in whole sentences. The next run tries again.
    pub problems: Vec<String>,
}

/// Reads as [`run`] does whether a card's owner asks for the footage to be erased.
pub fn erase_request(bytes: &[u8], meaning: impl Fn(&str) -> Meaning) -> Erase {
    if is_torn(bytes) {
        return Erase::Unknown;
    }
    let text = make_sound(&decode(bytes)).text;
    match meaning(&text).reset {
        Reset::Everything => Erase::Asked(request(bytes)),
        Reset::No | Reset::Settings => Erase::No,
    }
}

/// Does what is missing. A read-only boot partition is made writable while it is written to; with
/// `remount` it is read-only afterwards, however it was found.
pub fn run(files: &mut impl Files, host: &mut impl Host, paths: &Paths, remount: bool) -> Outcome {
    let mut writes = Writes::default();
    let (original, sound) = read(files, paths, &mut writes);
    let mut text = credentials::make_sections(&sound.text);
    let meaning = host.meaning(&text);
    let mut problems = Vec::new();
    let forget = reset_is_due(host, &meaning, &original).unwrap_or_else(|problem| {
        problems.push(problem);
        false
    });
    let situation = Situation {
        paths,
        meaning: &meaning,
        forget,
    };
    let secret = match credentials::has_plain_secret(&text, situation) {
        true => original.len(),
        false => 0,
    };
    if situation.forget {
        tracing::warn!("settings and passwords are reset, as factory-reset in picam.toml asks");
        // A broken state partition must not lock anybody out: passwords are reset all the same.
        problems.extend(empty(files, host, paths).err().map(|error| {
            let state = paths.state.display();
            format!("{state} cannot be emptied ({error}); passwords are reset all the same")
        }));
    }
    let id = ensure_machine_id(files, host, paths);
    problems.extend(
        id.err()
            .map(|error| format!("there is no machine id: {error}")),
    );
    let key = ensure_page_key(files, host, paths);
    problems.extend(key.err().map(|error| {
        format!("there is no key for the page's sessions, which end with it: {error}")
    }));
    let settled = credentials::settle(files, host, situation, &mut text, &mut writes);
    // As long as a password is missing, a reset is not done.
    if situation.forget && settled.is_empty() {
        text = edit::set(&text, RESET, "no", None);
    }
    problems.extend(settled);
    if text.as_bytes() != original {
        writes.toml = Some((text.into_bytes(), secret));
    }
    problems.extend(boot::write(files, host, paths, remount, &writes));
    problems.extend(identify(files, paths, &meaning));
    Outcome { problems }
}

/// Whether settings are to be reset now. With the footage only together with it: a request that seems
/// to be met must be.
fn reset_is_due(host: &mut impl Host, meaning: &Meaning, original: &[u8]) -> Result<bool, String> {
    let why = match meaning.reset {
        Reset::No => return Ok(false),
        Reset::Settings => return Ok(true),
        Reset::Everything => match host.is_erased(request(original)) {
            Ok(true) => return Ok(true),
            Ok(false) => "see what picam firstboot card says".to_owned(),
            Err(error) => error.to_string(),
        },
    };
    Err(format!(
        "the footage has not been erased ({why}), so nothing else is reset yet; restart the camera"
    ))
}

/// Tells one request to erase footage from another.
fn request(toml: &[u8]) -> u32 {
    crc32fast::hash(toml)
}

/// `picam.toml` as it stands on the card, and as TOML.
fn read(files: &impl Files, paths: &Paths, writes: &mut Writes) -> (Vec<u8>, Sound) {
    let original = match boot::find(files, paths) {
        Found::Here(bytes) => bytes,
        Found::OnItsWay(bytes) => {
            tracing::warn!("picam.toml was lost in a power cut; its new version was not");
            writes.finish = Some(bytes.clone());
            bytes
        }
        Found::Lost => {
            tracing::warn!("there is no picam.toml; it is made anew");
            Vec::new()
        }
        Found::Unreadable(error) => {
            tracing::warn!(
                "picam.toml cannot be read ({error}); it is kept as picam-broken.toml and made anew"
            );
            writes.set_aside = true;
            Vec::new()
        }
    };
    if original.is_empty() {
        let template = files.read(&paths.template).ok().flatten();
        let text = template.map_or_else(|| NO_TEMPLATE.to_owned(), |bytes| decode(&bytes));
        return (original, make_sound(&text));
    }
    let sound = make_sound(&decode(&original));
    for line in &sound.ignored {
        tracing::warn!("picam.toml:{line}: this is no TOML; the line is made a comment");
    }
    (original, sound)
}

/// Empties the state partition, but for what its filesystem needs.
fn empty(files: &mut impl Files, host: &impl Host, paths: &Paths) -> io::Result<()> {
    if !host.is_writable(&paths.state)? {
        return Err(io::ErrorKind::ReadOnlyFilesystem.into());
    }
    for name in files.list(&paths.state)? {
        if name != "lost+found" {
            files.remove(&paths.state.join(name))?;
        }
    }
    files.sync_all(&paths.state)
}

fn ensure_machine_id(
    files: &mut impl Files,
    host: &mut impl Host,
    paths: &Paths,
) -> io::Result<()> {
    let path = paths.state.join("machine-id");
    if files
        .read(&path)?
        .is_some_and(|bytes| is_machine_id(&bytes))
    {
        return files.publish(&path);
    }
    let id = make_machine_id(&mut |bytes| host.random(bytes))?;
    replace(files, &path, format!("{id}\n").as_bytes(), 0)?;
    files.publish(&path)
}

/// What the page signs its sessions with: only for root, who hands it over.
fn ensure_page_key(files: &mut impl Files, host: &mut impl Host, paths: &Paths) -> io::Result<()> {
    let path = paths.state.join("page-key");
    if files.read(&path)?.is_some_and(|bytes| is_page_key(&bytes)) {
        return Ok(());
    }
    let key = make_page_key(&mut |bytes| host.random(bytes))?;
    replace(files, &path, format!("{key}\n").as_bytes(), 0)
}

/// Host name and time zone, until the next start.
fn identify(files: &mut impl Files, paths: &Paths, meaning: &Meaning) -> Vec<String> {
    let Meaning {
        name, time_zone, ..
    } = meaning;
    let mut problems = Vec::new();
    for (path, text) in [
        (paths.host_name.clone(), format!("{name}\n")),
        (
            paths.run.join("device.env"),
            format!("TZ={time_zone}\nPICAM_NAME={name}\n"),
        ),
    ] {
        let there = files.read(&path).ok().flatten();
        if there.as_deref() == Some(text.as_bytes()) {
            continue;
        }
        let written = files
            .make_directory(path.parent().unwrap_or(&paths.run))
            .and_then(|()| files.create(&path))
            .and_then(|mut file| files.write(&mut file, text.as_bytes()))
            .and_then(|()| files.publish(&path));
        problems.extend(
            written
                .err()
                .map(|error| format!("{} cannot be written: {error}", path.display())),
        );
    }
    problems
}
