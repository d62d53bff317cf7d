//! Reading a text: every section by the table, and what several keys together may not say.

use picam_capture::CameraSpec;
use picam_ring::Shares;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{Camera, Config, LEFT_OUT, Network, OTHER_CAMERAS, OTHER_NETWORKS, Stills, Web};
use super::page::{has_owner, has_viewer, is_safe};
use super::problem::{Problem, Report, Wrong};
use super::secret::Secret;
use super::section::Section;
use super::wifi::WifiNetwork;

/// What a text says, and what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The configuration, with defaults in place of what could not be used.
    pub config: Config,
    /// What could not be used, in the order of the text.
    pub problems: Vec<Problem>,
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
    top.read_inside(&mut config.gps, &mut report);
    top.read_inside(&mut config.motion, &mut report);
    top.read_inside(&mut config.microphone, &mut report);
    top.read_inside(&mut config.overlay, &mut report);
    read_stills(&top, &mut config.stills, &mut report);
    top.read_inside(&mut config.battery, &mut report);
    top.read_inside(&mut config.led, &mut report);
    top.read_inside(&mut config.button, &mut report);
    top.read_inside(&mut config.trigger, &mut report);
    top.read_inside(&mut config.ignition, &mut report);
    top.read_inside(&mut config.retention, &mut report);
    read_web(&top, &mut config.web, &mut report);
    top.read_inside(&mut config.device, &mut report);
    if let Some(wifi) = top.read_inside(&mut config.wifi, &mut report)
        && let Some(networks) = read_networks(&wifi, &mut report)
    {
        config.wifi.networks = networks;
    }
    top.read_inside(&mut config.log, &mut report);
    Parsed {
        config,
        problems: report.into_problems(),
    }
}

fn read_stills(top: &Section<'_>, stills: &mut Stills, report: &mut Report<'_>) {
    let Some(section) = top.read_inside(stills, report) else {
        return;
    };
    if stills.lasting.is_some() && stills.every.is_none() {
        let at = section.place_of(&["for"]);
        let what = "stills.for: no still is taken by itself, however long";
        let remedy = "set stills.every, too";
        stills.lasting = None;
        report.add(at, Wrong::new(what, remedy), Some(LEFT_OUT.to_owned()));
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

fn read_networks(section: &Section<'_>, report: &mut Report<'_>) -> Option<Vec<WifiNetwork>> {
    let remedy = "write [[wifi.network]] with two brackets, and ssid and passphrase below";
    let list = section.list("network", Wrong::new("networks are a list", remedy), report)?;
    let mut networks = Vec::new();
    for value in list {
        let at = value.span().start;
        let without = || Some(OTHER_NETWORKS.to_owned());
        let remedy = "write [[wifi.network]] with ssid and passphrase below";
        let Some(table) = value.get_ref().as_table() else {
            report.add(at, Wrong::new("this is no network", remedy), without());
            continue;
        };
        let mut network = Network::default();
        let section = Section::read(table, &mut network, report);
        if section.get("ssid").is_none() {
            report.add(
                at,
                Wrong::new("this network has no ssid", remedy),
                without(),
            );
        }
        let Network { ssid, passphrase } = network;
        // A passphrase that cannot be used must not make the network an open one.
        let usable = section.get("passphrase").is_none() || passphrase.is_some();
        if let (Some(ssid), true) = (ssid, usable) {
            networks.push(WifiNetwork { ssid, passphrase });
        }
    }
    Some(networks)
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
        ..Camera::default()
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
    let (name, source) = (camera.name.clone()?, camera.source.clone()?);
    if let Some(end) = name.find('=') {
        // It would divide the string elsewhere.
        let what = format!("camera.name: '{name}' holds '='");
        let remedy = format!("call it '{}'", name.get(..end).unwrap_or_default());
        report.add(at, Wrong::new(what, remedy), Some(OTHER_CAMERAS.to_owned()));
        return None;
    }
    match CameraSpec::parse(&format!("{name}={source}")) {
        Ok(mut spec) => {
            spec.picture = camera.picture();
            let password = camera.password.as_ref().map(Secret::reveal);
            if let Some(Err(error)) = password.map(|password| spec.set_password(password)) {
                let at = section.place_of(&["password"]);
                let remedy = "leave the password out, or give the source its user";
                let wrong = Wrong::new(format!("camera.password: {error}"), remedy);
                report.add(at, wrong, Some(LEFT_OUT.to_owned()));
            }
            Some(spec)
        }
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
