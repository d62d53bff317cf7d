//! `picam.toml`: what to record, where to, and who may see it.
//!
//! Every key has a default, and a value that cannot be used is reported and replaced by its default:
//! a slip in the file must not keep the camera from recording. `docs/picam.toml` explains the keys.

mod device;
mod keys;
mod load;
mod problem;
mod secret;
mod section;
mod units;
pub(crate) mod values;
mod wifi;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use picam_capture::CameraSpec;
use picam_ring::{Reserve, Shares, Slots};
use picam_web::{Access, PasswordError, PasswordHash};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use device::{Device, FactoryReset, Place};
pub use load::{Loaded, load, load_over};
pub use problem::Problem;
pub use secret::Secret;
pub use units::{parse_duration, parse_size, show_duration, show_size};
pub use wifi::{Wifi, WifiChannel, WifiMode, WifiNetwork};

use problem::{Report, Wrong};
use section::Section;

/// The camera of a picam that was told nothing: a moving scene, drawn in software.
pub const DEFAULT_CAMERA: &str = "front=sim:?size=1280x720&fps=30";

/// Everything that can be configured.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The directory of slots.
    pub footage: PathBuf,
    /// Where a USB disk for the footage is mounted.
    pub disk: PathBuf,
    /// The cameras; `None` if the file names none.
    pub cameras: Option<Vec<CameraSpec>>,
    /// Nominal length of a segment.
    pub segment: Duration,
    /// How many slots, for all cameras together.
    pub slots: SlotCount,
    /// Length of a slot in bytes, whole pages.
    pub slot_size: u64,
    /// What [`SlotCount::Fill`] leaves free.
    pub reserve: Reserve,
    /// Whether the system's clock is believed.
    pub system_clock: bool,
    /// How much of the card each class may take.
    pub shares: Shares,
    /// Footage older than this is given up.
    pub max_age: Option<Duration>,
    /// The page.
    pub web: Web,
    /// The device itself.
    pub device: Device,
    /// The radio.
    pub wifi: Wifi,
    /// Messages.
    pub log: Log,
}

/// How many slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotCount {
    /// So many.
    Count(u32),
    /// As many as the card holds.
    Fill,
}

/// The page and who may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Whether there is a page.
    pub enabled: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whoever knows the password is let in; without one only this machine is.
    pub password_hash: Option<PasswordHash>,
    /// A new password in plain words. It goes before the hash, which is of an older one then.
    pub password: Option<Secret>,
    /// Whoever knows this one may look and change nothing; only beside an owner's.
    pub viewer_password_hash: Option<PasswordHash>,
    /// A new one in plain words.
    pub viewer_password: Option<Secret>,
}

/// Messages on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Their form.
    pub format: LogFormat,
    /// The least important ones shown.
    pub level: tracing::Level,
}

/// Form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line, for programs.
    Json,
}

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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            footage: PathBuf::from("./footage"),
            disk: PathBuf::from("/disk"),
            cameras: None,
            segment: Duration::from_secs(60),
            slots: SlotCount::Count(16),
            slot_size: 32 << 20,
            reserve: Reserve::Percent(2.0),
            system_clock: true,
            shares: Shares::default(),
            max_age: None,
            web: Web {
                enabled: true,
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
                password_hash: None,
                password: None,
                viewer_password_hash: None,
                viewer_password: None,
            },
            device: Device::default(),
            wifi: Wifi::default(),
            log: Log {
                format: LogFormat::Text,
                level: tracing::Level::INFO,
            },
        }
    }
}

impl Config {
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
    let top = Section::open(&keys::TOP, table.get_ref(), &mut report);
    read_top(&top, &mut config, &mut report);
    if let Some(cameras) = read_cameras(&top, &mut report)
        && (!cameras.is_empty() || config.cameras.is_none())
    {
        config.cameras = Some(cameras);
    }
    read_shares(&top, &mut config.shares, &mut report);
    if let Some(retention) = open(&keys::RETENTION, &top, &mut report) {
        let show = |age: &Option<_>| age.map_or("no limit".to_owned(), show_duration);
        retention.set(
            &mut report,
            "max-age",
            &mut config.max_age,
            values::max_age,
            show,
        );
    }
    read_web(&top, &mut config.web, &mut report);
    if let Some(section) = open(&keys::DEVICE, &top, &mut report) {
        device::read(&section, &mut config.device, &mut report);
    }
    if let Some(section) = open(&keys::WIFI, &top, &mut report) {
        wifi::read(&section, &mut config.wifi, &mut report);
    }
    if let Some(log) = open(&keys::LOG, &top, &mut report) {
        let Log { format, level } = &mut config.log;
        log.set(
            &mut report,
            "format",
            format,
            values::log_format,
            |format| {
                let word = match format {
                    LogFormat::Text => "text",
                    LogFormat::Json => "json",
                };
                word.to_owned()
            },
        );
        log.set(&mut report, "level", level, values::log_level, |level| {
            level.to_string().to_lowercase()
        });
    }
    Parsed {
        config,
        problems: report.into_problems(),
    }
}

fn open<'a>(
    keys: &'static keys::SectionKeys,
    top: &Section<'a>,
    report: &mut Report<'_>,
) -> Option<Section<'a>> {
    let table = top.table(keys.name, report)?;
    Some(Section::open(keys, table, report))
}

fn read_top(top: &Section<'_>, config: &mut Config, report: &mut Report<'_>) {
    let show_path = |path: &PathBuf| path.display().to_string();
    top.set(
        report,
        "footage",
        &mut config.footage,
        values::path,
        show_path,
    );
    top.set(report, "disk", &mut config.disk, values::path, show_path);
    top.set(
        report,
        "segment",
        &mut config.segment,
        values::segment,
        |&d| show_duration(d),
    );
    top.set(
        report,
        "slots",
        &mut config.slots,
        values::slots,
        values::show_slots,
    );
    top.set(
        report,
        "slot-size",
        &mut config.slot_size,
        values::slot_size,
        |&n| show_size(n),
    );
    top.set(
        report,
        "reserve",
        &mut config.reserve,
        values::reserve,
        values::show_reserve,
    );
    let show_truth = bool::to_string;
    top.set(
        report,
        "system-clock",
        &mut config.system_clock,
        values::truth,
        show_truth,
    );
}

fn read_shares(top: &Section<'_>, shares: &mut Shares, report: &mut Report<'_>) {
    let Some(section) = open(&keys::SHARES, top, report) else {
        return;
    };
    let before = *shares;
    let show = f64::to_string;
    section.set(report, "event", &mut shares.event, values::fraction, show);
    section.set(
        report,
        "parking",
        &mut shares.parking,
        values::fraction,
        show,
    );
    section.set(report, "manual", &mut shares.manual, values::fraction, show);
    if let Err(error) = shares.validate() {
        let sentence = error.to_string();
        let (what, remedy) = sentence.split_once("; ").unwrap_or((&sentence, ""));
        let at = top.get("shares").map_or(0, |value| value.span().start);
        *shares = before;
        let instead = format!("{} + {} + {}", shares.event, shares.parking, shares.manual);
        report.add(at, Wrong::new(what, remedy), Some(instead));
    }
}

/// What holds in place of a password that cannot be used.
const LEFT_OUT: &str = "as if it were left out";

fn read_web(top: &Section<'_>, web: &mut Web, report: &mut Report<'_>) {
    let Some(section) = open(&keys::WEB, top, report) else {
        return;
    };
    let default = web.listen;
    section.set(
        report,
        "enabled",
        &mut web.enabled,
        values::truth,
        bool::to_string,
    );
    section.set(
        report,
        "listen",
        &mut web.listen,
        values::listen,
        SocketAddr::to_string,
    );
    let (key, show) = ("password", |_: &_| LEFT_OUT.to_owned());
    section.set(report, key, &mut web.password, values::password, show);
    let (key, show) = ("password-hash", |_: &_| LEFT_OUT.to_owned());
    let hash = &mut web.password_hash;
    section.set(report, key, hash, values::password_hash, show);
    let (key, show) = ("viewer-password", |_: &_| LEFT_OUT.to_owned());
    let viewer = &mut web.viewer_password;
    section.set(report, key, viewer, values::password, show);
    let (key, show) = ("viewer-password-hash", |_: &_| LEFT_OUT.to_owned());
    let hash = &mut web.viewer_password_hash;
    section.set(report, key, hash, values::password_hash, show);
    if has_viewer(web) && !has_owner(web) {
        let key = ["viewer-password", "viewer-password-hash"];
        let at = key.into_iter().find_map(|key| section.get(key));
        let at = at.map_or(0, |value| value.span().start);
        let what = "web: there is a password of viewers, and none of the owner";
        let remedy = "set web.password, too";
        (web.viewer_password, web.viewer_password_hash) = (None, None);
        report.add(at, Wrong::new(what, remedy), Some(LEFT_OUT.to_owned()));
    }
    if web.enabled && !is_safe(web) {
        let at = section.get("listen").map_or(0, |value| value.span().start);
        let what = format!(
            "web.listen: {} is open to others, and there is no password",
            web.listen
        );
        let remedy =
            "set web.password-hash to what `picam password` prints, or listen on 127.0.0.1";
        web.listen = match default.ip().is_loopback() {
            true => default,
            false => Config::default().web.listen,
        };
        let instead = web.listen.to_string();
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
    let value = top.get("camera")?;
    let at = value.span().start;
    let list = value.get_ref().as_array();
    if list.is_none() && !report.has_line_of(at) {
        let remedy = "write [[camera]] with two brackets, and name and source below";
        report.add(at, Wrong::new("cameras are a list", remedy), None);
    }
    let mut cameras: Vec<CameraSpec> = Vec::new();
    for value in list.into_iter().flatten() {
        let Some(spec) = read_camera(value, report) else {
            continue;
        };
        if let Some(wrong) = one_too_many(&cameras, &spec) {
            report.add(value.span().start, wrong, Some(WITHOUT.to_owned()));
            continue;
        }
        cameras.push(spec);
    }
    Some(cameras)
}

/// What a camera that cannot be used is replaced by.
const WITHOUT: &str = "the other cameras alone";

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
            Some(WITHOUT.to_owned()),
        );
        return None;
    };
    let section = Section::open(&keys::CAMERA, table, report);
    let (mut name, mut source) = (None, None);
    let without = |_: &Option<String>| WITHOUT.to_owned();
    let text = |value: &DeValue<'_>| values::text(value, "it in quotes").map(Some);
    section.set(report, "name", &mut name, text, without);
    section.set(report, "source", &mut source, text, without);
    for (key, example) in [("name", "\"front\""), ("source", "\"sim:\"")] {
        if section.get(key).is_none() {
            let wrong = Wrong::new(
                format!("this camera has no {key}"),
                format!("write {key} = {example}"),
            );
            report.add(at, wrong, Some(WITHOUT.to_owned()));
        }
    }
    let (name, source) = (name?, source?);
    if let Some(end) = name.find('=') {
        // It would divide the string elsewhere.
        let what = format!("camera.name: '{name}' holds '='");
        let remedy = format!("call it '{}'", name.get(..end).unwrap_or_default());
        report.add(at, Wrong::new(what, remedy), Some(WITHOUT.to_owned()));
        return None;
    }
    match CameraSpec::parse(&format!("{name}={source}")) {
        Ok(spec) => Some(spec),
        Err(error) => {
            let at = section.get("source").map_or(at, |value| value.span().start);
            let sentence = error.to_string();
            let remedy = "see docs/picam.toml for the kinds of sources";
            report.add(at, Wrong::new(sentence, remedy), Some(WITHOUT.to_owned()));
            None
        }
    }
}

#[cfg(test)]
mod tests;
