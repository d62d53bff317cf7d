//! `picam.toml`: what to record, where to, and who may see it.
//!
//! Every key has a default, and a value that cannot be used is reported and replaced by its default:
//! a slip in the file must not keep the camera from recording. [`keys`] is the table of all keys.

mod device;
mod example;
mod hints;
mod keys;
mod load;
mod problem;
mod secret;
mod section;
mod table;
mod units;
pub(crate) mod values;
mod wifi;

use std::path::PathBuf;

use picam_capture::CameraSpec;
use picam_ring::{Shares, Slots};
use picam_web::{Access, PasswordError, PasswordHash};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use device::{FactoryReset, Place};
pub use keys::{Config, Device, Log, Retention, Web, Wifi};
pub use load::{Loaded, load, load_over};
pub use problem::Problem;
pub use secret::Secret;
pub use units::{parse_duration, parse_size, show_duration, show_size};
pub use values::{LogFormat, SlotCount};
pub use wifi::{WifiChannel, WifiMode, WifiNetwork};

pub(crate) use example::example;
pub(crate) use table::{card_keys, interrupts_page};

use keys::{Camera, LEFT_OUT, OTHER_CAMERAS};
use problem::{Report, Wrong};
use section::Section;

/// The camera of a picam that was told nothing: a moving scene, drawn in software.
pub const DEFAULT_CAMERA: &str = "front=sim:?size=1280x720&fps=30";

/// What a text says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The configuration, with defaults in place of what could not be used.
    pub config: Config,
    /// What could not be used, in the order of the text.
    pub problems: Vec<Problem>,
}

impl Config {
    /// Where a USB disk is mounted, if the footage shall go to one.
    pub fn disk_wanted(&self) -> Option<&PathBuf> {
        (self.device.footage == Place::Usb).then_some(&self.disk)
    }

    /// How many slots, as the ring wants to know it.
    pub fn ring_slots(&self) -> Slots {
        match self.slots {
            SlotCount::Count(count) => Slots::Count(count),
            SlotCount::Fill => Slots::Fill(self.reserve),
        }
    }
}

/// Reads a configuration. Never fails: see [`Parsed::problems`].
pub fn parse_config(text: &str) -> Parsed {
    parse_over(Config::default(), text)
}

/// Reads a configuration in which every key that is left out, or cannot be used, has its value from
/// `base`.
pub fn parse_over(base: Config, text: &str) -> Parsed {
    let mut report = Report::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        if !report.has_line_of(at) {
            let what = format!("not TOML: {}", error.message());
            let remedy = "write key = value, text in quotes, and sections as [name]";
            report.add(at, Wrong::new(what, remedy), None);
        }
    }
    let mut config = base;
    let top = Section::read(table.get_ref(), &mut config, &mut report);
    if let Some(cameras) = read_cameras(&top, &mut report)
        && (!cameras.is_empty() || config.cameras.is_none())
    {
        config.cameras = Some(cameras);
    }
    read_shares(&top, &mut config.shares, &mut report);
    top.read_inside(&mut config.retention, &mut report);
    read_web(&top, &mut config.web, &mut report);
    top.read_inside(&mut config.device, &mut report);
    if let Some(wifi) = top.read_inside(&mut config.wifi, &mut report)
        && let Some(networks) = wifi::read_networks(&wifi, &mut report)
    {
        config.wifi.networks = networks;
    }
    top.read_inside(&mut config.log, &mut report);
    Parsed {
        config,
        problems: report.into_problems(),
    }
}

fn read_shares(top: &Section<'_>, shares: &mut Shares, report: &mut Report<'_>) {
    let before = *shares;
    if top.read_inside(shares, report).is_none() {
        return;
    }
    if let Err(error) = shares.validate() {
        let sentence = error.to_string();
        let (what, remedy) = sentence.split_once("; ").unwrap_or((&sentence, ""));
        *shares = before;
        let instead = format!("{} + {} + {}", shares.event, shares.parking, shares.manual);
        let at = top.place_of(&["shares"]);
        report.add(at, Wrong::new(what, remedy), Some(instead));
    }
}

fn read_web(top: &Section<'_>, web: &mut Web, report: &mut Report<'_>) {
    let default = web.listen;
    let Some(section) = top.read_inside(web, report) else {
        return;
    };
    if has_viewer(web) && !has_owner(web) {
        let at = section.place_of(&["viewer-password", "viewer-password-hash"]);
        let what = "web: there is a password of viewers, and none of the owner";
        let remedy = "set web.password, too";
        (web.viewer_password, web.viewer_password_hash) = (None, None);
        report.add(at, Wrong::new(what, remedy), Some(LEFT_OUT.to_owned()));
    }
    if web.enabled && !is_safe(web) {
        let what = format!(
            "web.listen: {} is open to others, and there is no password",
            web.listen
        );
        let remedy =
            "set web.password-hash to what `picam password` prints, or listen on 127.0.0.1";
        web.listen = match default.ip().is_loopback() {
            true => default,
            false => Web::default().listen,
        };
        let instead = web.listen.to_string();
        let at = section.place_of(&["listen"]);
        report.add(at, Wrong::new(what, remedy), Some(instead));
    }
}

/// Whether the page shows footage only to whom it may.
pub(crate) fn is_safe(web: &Web) -> bool {
    has_owner(web) || Access::LocalOpen.is_safe_on(web.listen.ip())
}

/// Whether somebody has to log in.
pub(crate) fn has_owner(web: &Web) -> bool {
    web.password.is_some() || web.password_hash.is_some()
}

fn has_viewer(web: &Web) -> bool {
    web.viewer_password.is_some() || web.viewer_password_hash.is_some()
}

/// What it takes to see footage. Passwords in plain words are hashed, which takes some tenths of a
/// second each.
pub(crate) fn access(
    web: &Web,
    hash: impl Fn(&str) -> Result<PasswordHash, PasswordError>,
) -> Result<Access, PasswordError> {
    let one = |password: &Option<Secret>, known: &Option<PasswordHash>| match password {
        Some(password) => hash(password.reveal()).map(Some),
        None => Ok(known.clone()),
    };
    let owner = one(&web.password, &web.password_hash)?;
    let viewer = one(&web.viewer_password, &web.viewer_password_hash)?;
    Ok(match (owner, viewer) {
        (Some(owner), Some(viewer)) => Access::Passwords { owner, viewer },
        (Some(owner), None) => Access::Password(owner),
        (None, _) => Access::LocalOpen,
    })
}

fn read_cameras(top: &Section<'_>, report: &mut Report<'_>) -> Option<Vec<CameraSpec>> {
    let remedy = "write [[camera]] with two brackets, and name and source below";
    let list = top.list("camera", Wrong::new("cameras are a list", remedy), report)?;
    let mut cameras: Vec<CameraSpec> = Vec::new();
    for value in list {
        let Some(spec) = read_camera(value, report) else {
            continue;
        };
        if let Some(wrong) = one_too_many(&cameras, &spec) {
            report.add(value.span().start, wrong, Some(OTHER_CAMERAS.to_owned()));
            continue;
        }
        cameras.push(spec);
    }
    Some(cameras)
}

fn one_too_many(cameras: &[CameraSpec], spec: &CameraSpec) -> Option<Wrong> {
    let name = &spec.name;
    if cameras.iter().any(|other| other.name == *name) {
        let what = format!("two cameras are called '{name}'");
        return Some(Wrong::new(what, "give each a name of its own"));
    }
    let names = cameras.iter().chain([spec]);
    let letters = picam_ring::assign_letters(names.map(|camera| camera.name.as_str()));
    let error = letters.err()?;
    Some(Wrong::new(error.to_string(), "leave out the others"))
}

fn read_camera(value: &Spanned<DeValue<'_>>, report: &mut Report<'_>) -> Option<CameraSpec> {
    let at = value.span().start;
    let Some(table) = value.get_ref().as_table() else {
        let remedy = "write [[camera]] with name and source below";
        report.add(
            at,
            Wrong::new("this is no camera", remedy),
            Some(OTHER_CAMERAS.to_owned()),
        );
        return None;
    };
    let mut camera = Camera {
        name: None,
        source: None,
    };
    let section = Section::read(table, &mut camera, report);
    for (key, example) in [("name", "\"front\""), ("source", "\"sim:\"")] {
        if section.get(key).is_none() {
            let wrong = Wrong::new(
                format!("this camera has no {key}"),
                format!("write {key} = {example}"),
            );
            report.add(at, wrong, Some(OTHER_CAMERAS.to_owned()));
        }
    }
    let (name, source) = (camera.name?, camera.source?);
    if let Some(end) = name.find('=') {
        // It would divide the string elsewhere.
        let what = format!("camera.name: '{name}' holds '='");
        let remedy = format!("call it '{}'", name.get(..end).unwrap_or_default());
        report.add(at, Wrong::new(what, remedy), Some(OTHER_CAMERAS.to_owned()));
        return None;
    }
    match CameraSpec::parse(&format!("{name}={source}")) {
        Ok(spec) => Some(spec),
        Err(error) => {
            let at = section.place_of(&["source"]);
            let sentence = error.to_string();
            let remedy = "see docs/picam.toml for the kinds of sources";
            report.add(
                at,
                Wrong::new(sentence, remedy),
                Some(OTHER_CAMERAS.to_owned()),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
