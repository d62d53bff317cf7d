//! From what the owner wrote to what can be had.
//!
//! A slip never costs the hotspot, if there is a passphrase: what cannot be used is left out, and
//! said. Without a passphrase there is no hotspot at all, for an open one is worse than none.

use embedded_svc::wifi::{ClientConfiguration, Configuration};

use crate::channel::Channel;
use crate::choose::choose_channel;
use crate::configuration::{self, configuration};
use crate::country::Country;
use crate::escape::is_label;
use crate::mac::Mac;
use crate::psk::{Psk, PskError};
use crate::scan::Bss;
use crate::wlan::Ssid;

/// What a device is called whose name cannot be used.
const NAME: &str = "picam";

/// What the radio shall be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The camera's own network.
    Hotspot,
    /// Both at once, on one channel.
    HotspotAndStation,
    /// Networks of others.
    Station,
    /// Nothing.
    Off,
}

/// What the owner wrote.
#[derive(Clone)]
pub struct Requested<'a> {
    /// The device's name: a label of RFC 1123 in lower case.
    pub name: &'a str,
    /// What the radio is for.
    pub mode: Mode,
    /// ISO 3166-1 alpha-2.
    pub country: Option<&'a str>,
    /// The hotspot's name; without one, see [`default_ssid`].
    pub ssid: Option<&'a str>,
    /// The hotspot's passphrase or key.
    pub passphrase: Option<&'a str>,
    /// The hotspot's channel; without one, the least used is taken.
    pub channel: Option<u8>,
    /// What to join as a station, the preferred one first.
    pub networks: Vec<RequestedNetwork<'a>>,
}

/// A network of somebody else.
#[derive(Clone, Copy)]
pub struct RequestedNetwork<'a> {
    /// Its name.
    pub ssid: &'a str,
    /// Its passphrase or key; `None` for an open network.
    pub passphrase: Option<&'a str>,
}

/// What is known of the radio and of the air around it.
#[derive(Debug, Clone, Copy)]
pub struct Air<'a> {
    /// The radio's own address.
    pub radio: Mac,
    /// Whether it can do 5 GHz.
    pub five_ghz: bool,
    /// What it has heard; nothing, if it did not listen.
    pub heard: &'a [Bss],
}

/// What can be had of a [`Requested`]. Holds passphrases, so there is no `Debug`.
#[derive(Clone)]
pub struct Settled {
    /// What to [`render`](crate::render()).
    pub configuration: Configuration,
    /// Networks to join after the first one, which is in the configuration.
    pub more_networks: Vec<ClientConfiguration>,
    /// The regulatory domain; `None` is the world's.
    pub country: Option<Country>,
    /// The device's name.
    pub name: String,
    /// What is otherwise than requested: whole sentences.
    pub notes: Vec<String>,
    /// Why nothing at all could be had. The configuration is `None` then.
    pub refused: Option<NoHotspot>,
}

/// Why there is no hotspot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHotspot {
    /// It would be open.
    #[error(
        "there is no hotspot without a passphrase: `picam firstboot settings` makes one and writes it \
         into picam.toml, or write wifi.passphrase there yourself"
    )]
    NoPassphrase,
    /// It cannot be what it shall be.
    #[error("there is no hotspot, as wifi.passphrase cannot be used: {0}")]
    Passphrase(#[from] PskError),
}

/// The name of a hotspot whose owner chose none: the device's, and the radio's last four digits.
pub fn default_ssid(name: &str, radio: Mac) -> String {
    Ssid::made_of(name, radio).as_str().to_owned()
}

/// Settles for what can be had.
pub fn settle(requested: &Requested<'_>, air: Air<'_>) -> Settled {
    let mut notes = Vec::new();
    let country = country(requested.country, &mut notes);
    let name = name(requested.name, &mut notes);
    let (wants_hotspot, wants_stations) = match requested.mode {
        Mode::Hotspot => (true, false),
        Mode::HotspotAndStation => (true, true),
        Mode::Station => (false, true),
        Mode::Off => (false, false),
    };
    let mut stations = match wants_stations {
        true => stations(&requested.networks, &mut notes),
        false => Vec::new(),
    };
    let mut refused = None;
    let mut passphrase = None;
    // Whoever only wanted to join other networks, and cannot, shall not be locked out.
    if wants_hotspot || (wants_stations && stations.is_empty()) {
        match self::passphrase(requested.passphrase) {
            Ok(usable) => passphrase = Some(usable),
            Err(error) if stations.is_empty() => refused = Some(error),
            Err(error) => notes.push(format!("{error} (until then: station alone)")),
        }
    }
    let access_point = passphrase.map(|passphrase| {
        let shared = stations_channel(&stations, requested.channel, country, air);
        if let Some(first) = stations.first_mut() {
            first.channel = shared.map(Channel::number);
        }
        let channel =
            shared.unwrap_or_else(|| own_channel(requested.channel, country, air, &mut notes));
        let ssid = own_ssid(requested.ssid, name, air.radio, &mut notes);
        configuration::access_point(&ssid, &passphrase, channel)
    });
    let mut stations = stations.into_iter();
    Settled {
        configuration: configuration(access_point, stations.next()),
        more_networks: stations.collect(),
        country,
        name: name.to_owned(),
        notes,
        refused,
    }
}

fn country(code: Option<&str>, notes: &mut Vec<String>) -> Option<Country> {
    let found = Country::find(code?);
    if found.is_none() {
        let wrong = "the radio rules of wifi.country are not known; write two capitals such as DE";
        notes.push(format!("{wrong} (until then: channels 1 to 11)"));
    }
    found
}

fn name<'a>(name: &'a str, notes: &mut Vec<String>) -> &'a str {
    if is_label(name) {
        return name;
    }
    let wrong = "device.name is no host name; write a-z, 0-9 and - alone";
    notes.push(format!("{wrong} (until then: {NAME})"));
    NAME
}

fn own_ssid(requested: Option<&str>, name: &str, radio: Mac, notes: &mut Vec<String>) -> Ssid {
    if let Some(ssid) = requested {
        match Ssid::new(ssid) {
            Some(ssid) => return ssid,
            None => notes.push("wifi.ssid does not have 1 to 32 bytes; choose another".to_owned()),
        }
    }
    Ssid::made_of(name, radio)
}

fn passphrase(requested: Option<&str>) -> Result<Psk, NoHotspot> {
    Ok(Psk::parse(requested.ok_or(NoHotspot::NoPassphrase)?)?)
}

/// The networks that can be joined.
fn stations(
    requested: &[RequestedNetwork<'_>],
    notes: &mut Vec<String>,
) -> Vec<ClientConfiguration> {
    let mut stations = Vec::new();
    for (index, network) in requested.iter().enumerate() {
        match station(*network) {
            Ok(station) => stations.push(station),
            Err(wrong) => {
                let number = index + 1;
                notes.push(format!(
                    "wifi.network {number} cannot be joined: {wrong} (until then: without it)"
                ));
            }
        }
    }
    if stations.is_empty() {
        let wrong = "there is no network to join; write [[wifi.network]] with ssid and passphrase";
        notes.push(format!("{wrong} (until then: hotspot alone)"));
    }
    stations
}

fn station(network: RequestedNetwork<'_>) -> Result<ClientConfiguration, String> {
    let ssid = Ssid::new(network.ssid).ok_or("its ssid does not have 1 to 32 bytes")?;
    let passphrase = network.passphrase.map(Psk::parse).transpose();
    let passphrase = passphrase.map_err(|error| error.to_string())?;
    Ok(configuration::station(&ssid, passphrase.as_ref()))
}

fn usable(channel: Channel, country: Option<Country>, air: Air<'_>) -> bool {
    Country::allows(country, channel) && (air.five_ghz || !channel.is_5_ghz())
}

/// The channel of a hotspot that has the radio for itself, or whose station has not been heard.
fn own_channel(
    requested: Option<u8>,
    country: Option<Country>,
    air: Air<'_>,
    notes: &mut Vec<String>,
) -> Channel {
    let chosen = || choose_channel(air.heard);
    let Some(number) = requested else {
        return chosen();
    };
    let wrong = match Channel::new(number) {
        Some(channel) if usable(channel, country, air) => return channel,
        Some(channel) if !Country::allows(country, channel) => match country {
            Some(country) => format!("is not free for hotspots in cars in {}", country.code()),
            None => "needs wifi.country".to_owned(),
        },
        Some(_) => "is one of 5 GHz, which this radio does not have".to_owned(),
        None => "is none that a hotspot can be on".to_owned(),
    };
    let chosen = chosen();
    notes.push(format!(
        "wifi.channel {number} {wrong}; choose another (until then: {chosen})"
    ));
    chosen
}

/// Where the first of the networks that can be heard is loudest. A radio that is station and access
/// point has one channel, and only the station's network is free to say which. 5 GHz is used when it
/// was asked for alone.
fn stations_channel(
    stations: &[ClientConfiguration],
    requested: Option<u8>,
    country: Option<Country>,
    air: Air<'_>,
) -> Option<Channel> {
    let wants_5_ghz = requested
        .and_then(Channel::new)
        .is_some_and(|channel| channel.is_5_ghz() && usable(channel, country, air));
    let shareable = |bss: &&Bss| {
        bss.channel().is_some_and(|channel| {
            usable(channel, country, air) && (wants_5_ghz || !channel.is_5_ghz())
        })
    };
    stations.iter().find_map(|station| {
        let same = air
            .heard
            .iter()
            .filter(|bss| bss.ssid.as_deref() == Some(station.ssid.as_str()));
        let loudest = same.filter(shareable).max_by_key(|bss| bss.signal_dbm);
        loudest.and_then(Bss::channel)
    })
}
