//! Wi-Fi passphrase and page password: kept where they are, made where they are missing.

use std::io;
use std::time::Duration;

use super::access::{Access, PagePassword, show, shown_password, shown_ssid};
use super::boot::{Writes, made_path};
use super::edit::{self, Place};
use super::files::Files;
use super::secrets::{PASSPHRASE_GROUPS, PASSWORD_GROUPS, make_secret};
use super::{Host, Meaning, Paths};

pub(super) const PASSPHRASE: Place = Place {
    section: "wifi",
    key: "passphrase",
};
pub(super) const PASSWORD: Place = Place {
    section: "web",
    key: "password",
};
pub(super) const HASH: Place = Place {
    section: "web",
    key: "password-hash",
};
/// Of those who may only look. Nobody needs one, and the camera makes none.
pub(super) const VIEWER_PASSWORD: Place = Place {
    section: "web",
    key: "viewer-password",
};
pub(super) const VIEWER_HASH: Place = Place {
    section: "web",
    key: "viewer-password-hash",
};

/// How long the first boot waits for the radio, whose driver loads some seconds after everything else.
const RADIO: Duration = Duration::from_secs(15);

/// What they are settled from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Situation<'a> {
    pub(super) paths: &'a Paths,
    pub(super) meaning: &'a Meaning,
    /// Whether what is there is to be forgotten.
    pub(super) forget: bool,
}

/// Makes room for them in the text.
pub(super) fn make_sections(text: &str) -> String {
    edit::make_section(&edit::make_section(text, PASSPHRASE.section), HASH.section)
}

/// Whether the text holds a secret that must not stay behind where it stood.
pub(super) fn has_plain_secret(text: &str, situation: Situation<'_>) -> bool {
    // What is no hash may be the password itself, in the wrong place.
    let no_hash = edit::has(text, HASH) && situation.meaning.password_hash.is_none();
    situation.forget || no_hash || edit::has(text, PASSWORD) || edit::has(text, VIEWER_PASSWORD)
}

/// Settles both, changes the text, and has `picam-access.txt` say so.
pub(super) fn settle(
    files: &impl Files,
    host: &mut impl Host,
    situation: Situation<'_>,
    text: &mut String,
    writes: &mut Writes,
) -> Vec<String> {
    let mut problems = Vec::new();
    let passphrase = passphrase(host, situation, text).unwrap_or_else(|error| {
        problems.push(format!(
            "no Wi-Fi passphrase could be made ({error}), so there is no hotspot; restart the camera"
        ));
        None
    });
    let old_access = files.read(&situation.paths.access()).ok().flatten();
    let old_access = old_access.unwrap_or_default();
    let shown = shown_password(&old_access);
    let password = password(files, host, situation, text, shown.clone());
    let Page { password, made } = password.unwrap_or_else(|error| {
        problems.push(format!(
            "the page's password could not be hashed ({error}), so the page stays closed; restart the \
             camera"
        ));
        Page {
            password: PagePassword::Missing,
            made: None,
        }
    });
    if let Err(error) = viewer(host, situation, text) {
        problems.push(format!(
            "the password of viewers could not be hashed ({error}), so nobody can look without the owner's; restart the camera"
        ));
    }
    let Meaning { name, hotspot, .. } = situation.meaning;
    let access = |ssid: Option<String>| {
        show(&Access {
            name,
            ssid: ssid.as_deref(),
            passphrase: passphrase.as_deref(),
            hotspot: *hotspot,
            password: password.clone(),
        })
    };
    let ssid = |timeout| ssid(host, situation.meaning, &old_access, timeout);
    let access = match access(ssid(Duration::ZERO)) {
        // It has to be written anyway: then with the name that a radio may still bring.
        text if text.as_bytes() != old_access && *hotspot => access(ssid(RADIO)),
        text => text,
    };
    writes.made = made;
    if access.as_bytes() != old_access {
        let gone = shown.is_some() && shown != shown_password(access.as_bytes());
        let secret = if gone { old_access.len() } else { 0 };
        writes.access = Some((access.into_bytes(), secret));
    }
    problems
}

/// The hotspot's name, as far as it is known.
fn ssid(
    host: &impl Host,
    meaning: &Meaning,
    old_access: &[u8],
    timeout: Duration,
) -> Option<String> {
    if meaning.ssid.is_some() {
        return meaning.ssid.clone();
    }
    // The radio comes late, and has been here before: no boot writes for that.
    let shown = || {
        let tail = |ssid: &String| {
            let tail = ssid.strip_prefix(&meaning.name)?.strip_prefix('-')?;
            (tail.len() == 4 && tail.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())
        };
        shown_ssid(old_access).filter(|ssid| tail(ssid).is_some())
    };
    host.default_ssid(&meaning.name, Duration::ZERO)
        .or_else(shown)
        .or_else(|| host.default_ssid(&meaning.name, timeout))
}

fn passphrase(
    host: &mut impl Host,
    situation: Situation<'_>,
    text: &mut String,
) -> io::Result<Option<String>> {
    let kept = situation.meaning.passphrase.clone();
    if kept.is_some() && !situation.forget {
        return Ok(kept);
    }
    if kept.is_none() && is_set(text, PASSPHRASE) {
        tracing::warn!(
            "the Wi-Fi passphrase in picam.toml cannot be used; the camera makes its own"
        );
    }
    let made = make_secret(PASSPHRASE_GROUPS, &mut |bytes| host.random(bytes))?;
    *text = edit::set(text, PASSPHRASE, &made, None);
    Ok(Some(made))
}

/// The page's password as it is from now on.
struct Page {
    password: PagePassword,
    /// Its hash, if it turned out in this run that the camera made it.
    made: Option<String>,
}

fn password(
    files: &impl Files,
    host: &mut impl Host,
    situation: Situation<'_>,
    text: &mut String,
    shown: Option<String>,
) -> io::Result<Page> {
    let Situation {
        meaning, forget, ..
    } = situation;
    let kept = meaning.password_hash.clone().filter(|_| !forget);
    let (page, hash) = match (&meaning.password, kept) {
        // Never one of old: it does not outlive the start that reads it.
        (Some(chosen), _) => {
            let page = Page {
                password: PagePassword::Chosen,
                made: None,
            };
            (page, host.hash(chosen)?)
        }
        (None, Some(hash)) => (whose(files, host, situation, &hash, shown), hash),
        (None, None) => {
            let made = make_secret(PASSWORD_GROUPS, &mut |bytes| host.random(bytes))?;
            let hash = host.hash(&made)?;
            let page = Page {
                password: PagePassword::Made(made),
                made: Some(hash.clone()),
            };
            (page, hash)
        }
    };
    if meaning.password.is_none() && is_set(text, PASSWORD) {
        tracing::warn!("the page's password in picam.toml cannot be used, and is taken out");
    }
    if meaning.password_hash.as_ref() != Some(&hash) {
        *text = edit::set(text, HASH, &hash, Some(PASSWORD));
    }
    *text = edit::remove(text, PASSWORD);
    Ok(page)
}

/// The password of those who may only look becomes its hash.
fn viewer(host: &impl Host, situation: Situation<'_>, text: &mut String) -> io::Result<()> {
    let chosen = &situation.meaning.viewer_password;
    if situation.forget && chosen.is_none() {
        *text = edit::remove(text, VIEWER_HASH);
    }
    match chosen {
        Some(chosen) => {
            let hash = host.hash(chosen)?;
            *text = edit::set(text, VIEWER_HASH, &hash, Some(VIEWER_PASSWORD));
        }
        None if is_set(text, VIEWER_PASSWORD) => {
            tracing::warn!(
                "the password of viewers in picam.toml cannot be used, and is taken out"
            );
        }
        None => {}
    }
    *text = edit::remove(text, VIEWER_PASSWORD);
    Ok(())
}

/// Whether a hash belongs to a password that the camera made.
fn whose(
    files: &impl Files,
    host: &impl Host,
    situation: Situation<'_>,
    hash: &str,
    shown: Option<String>,
) -> Page {
    let made = files.read(&made_path(situation.paths)).ok().flatten();
    let is_made = made.is_some_and(|made| made.trim_ascii() == hash.as_bytes());
    let (password, made) = match (shown, is_made) {
        (Some(shown), true) => (PagePassword::Made(shown), None),
        (None, true) => (PagePassword::MadeBefore, None),
        // The state partition was made anew, or its owner changed the password.
        (Some(shown), false) if host.verifies(hash, &shown) => {
            (PagePassword::Made(shown), Some(hash.to_owned()))
        }
        _ => (PagePassword::Chosen, None),
    };
    Page { password, made }
}

/// Whether somebody wrote a value there.
fn is_set(text: &str, place: Place) -> bool {
    edit::has(text, place) && edit::string(text, place).as_deref() != Some("")
}
