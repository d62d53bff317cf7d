//! From what the owner wrote to what can be had.
//!
//! A slip never costs the hotspot, if there is a passphrase: what cannot be used is left out, and
//! said. Without a passphrase there is no hotspot at all, for an open one is worse than none.

use embedded_svc::wifi::{
    AccessPointConfiguration, AuthMethod, ClientConfiguration, Configuration, PmfConfiguration,
    Protocol, ScanMethod, ScanSortMethod,
};

use crate::channel::{Channel, choose_channel};
use crate::country::Country;
use crate::escape::is_label;
use crate::mac::Mac;
use crate::psk::{Psk, PskError};
use crate::scan::Bss;

/// Phones at a time. The Pi's radios end at 7 to 10, depending on their firmware
/// (raspberrypi/linux#3010); a phone that is turned away at once beats one that is not answered.
const CLIENTS: u16 = 7;
/// What a device is called whose name cannot be used.
const NAME: &str = "picam";
/// Bytes of an SSID (IEEE 802.11-2020, 9.4.2.2).
const MAX_SSID: usize = 32;

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
pub struct Wish<'a> {
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
    pub networks: Vec<WishedNetwork<'a>>,
}

/// A network of somebody else.
#[derive(Clone, Copy)]
pub struct WishedNetwork<'a> {
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

/// What can be had of a [`Wish`]. Holds passphrases, so there is no `Debug`.
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
    /// What is otherwise than wished: whole sentences.
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
    let tail = radio.tail();
    let mut end = name.len().min(MAX_SSID - tail.len() - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{tail}", name.get(..end).unwrap_or_default())
}

/// Settles for what can be had.
pub fn settle(wish: &Wish<'_>, air: Air<'_>) -> Settled {
    let mut notes = Vec::new();
    let country = country(wish.country, &mut notes);
    let name = name(wish.name, &mut notes);
    let (wants_hotspot, wants_stations) = match wish.mode {
        Mode::Hotspot => (true, false),
        Mode::HotspotAndStation => (true, true),
        Mode::Station => (false, true),
        Mode::Off => (false, false),
    };
    let mut networks = Vec::new();
    if wants_stations {
        networks = stations(&wish.networks, &mut notes);
    }
    let mut refused = None;
    let mut hotspot = None;
    // Whoever only wanted to join other networks, and cannot, shall not be locked out.
    if wants_hotspot || (wants_stations && networks.is_empty()) {
        match password(wish.passphrase) {
            Ok(password) => hotspot = Some(password),
            Err(error) if networks.is_empty() => refused = Some(error),
            Err(error) => notes.push(format!("{error} (until then: station alone)")),
        }
    }
    let first = (!networks.is_empty()).then(|| networks.remove(0));
    let configuration = match (first, hotspot) {
        (None, None) => Configuration::None,
        (Some(first), None) => Configuration::Client(first),
        (None, Some(password)) => {
            let channel = own_channel(wish.channel, country, air, &mut notes);
            let ssid = own_ssid(wish.ssid, name, air.radio, &mut notes);
            Configuration::AccessPoint(access_point(ssid, password, channel))
        }
        (Some(mut first), Some(password)) => {
            let names = std::iter::once(&first).chain(&networks);
            let names: Vec<&str> = names.map(|network| network.ssid.as_str()).collect();
            let shared = stations_channel(&names, wish.channel, country, air);
            let channel =
                shared.unwrap_or_else(|| own_channel(wish.channel, country, air, &mut notes));
            first.channel = shared.map(Channel::number);
            let ssid = own_ssid(wish.ssid, name, air.radio, &mut notes);
            Configuration::Mixed(first, access_point(ssid, password, channel))
        }
    };
    Settled {
        configuration,
        more_networks: networks,
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

fn own_ssid(
    wished: Option<&str>,
    name: &str,
    radio: Mac,
    notes: &mut Vec<String>,
) -> heapless::String<32> {
    if let Some(ssid) = wished {
        match text(ssid) {
            Some(ssid) => return ssid,
            None => notes.push("wifi.ssid does not have 1 to 32 bytes; choose another".to_owned()),
        }
    }
    // It is short enough.
    text(&default_ssid(name, radio)).unwrap_or_default()
}

/// A text that is not empty, if there is room for it.
fn text<const N: usize>(text: &str) -> Option<heapless::String<N>> {
    let text = heapless::String::try_from(text).ok()?;
    (!text.is_empty()).then_some(text)
}

fn password(wished: Option<&str>) -> Result<heapless::String<64>, NoHotspot> {
    let wished = wished.ok_or(NoHotspot::NoPassphrase)?;
    Psk::parse(wished)?;
    text(wished).ok_or(NoHotspot::Passphrase(PskError::Length(wished.len())))
}

/// Every field is set here: the default of `embedded_svc` is an open network.
fn access_point(
    ssid: heapless::String<32>,
    password: heapless::String<64>,
    channel: Channel,
) -> AccessPointConfiguration {
    AccessPointConfiguration {
        ssid,
        ssid_hidden: false,
        channel: channel.number(),
        secondary_channel: None,
        protocols: Protocol::P802D11BG | Protocol::P802D11BGN,
        auth_method: AuthMethod::WPA2Personal,
        password,
        max_connections: CLIENTS,
    }
}

/// The networks that can be joined.
fn stations(wished: &[WishedNetwork<'_>], notes: &mut Vec<String>) -> Vec<ClientConfiguration> {
    let mut networks = Vec::new();
    for (index, network) in wished.iter().enumerate() {
        match station(*network) {
            Ok(network) => networks.push(network),
            Err(wrong) => {
                let number = index + 1;
                notes.push(format!(
                    "wifi.network {number} cannot be joined: {wrong} (until then: without it)"
                ));
            }
        }
    }
    if networks.is_empty() {
        let wrong = "there is no network to join; write [[wifi.network]] with ssid and passphrase";
        notes.push(format!("{wrong} (until then: hotspot alone)"));
    }
    networks
}

fn station(network: WishedNetwork<'_>) -> Result<ClientConfiguration, String> {
    let wrong = || "its ssid does not have 1 to 32 bytes".to_owned();
    let ssid = text(network.ssid).ok_or_else(wrong)?;
    let (auth_method, password) = match network.passphrase {
        None => (AuthMethod::None, heapless::String::new()),
        Some(wished) => {
            Psk::parse(wished).map_err(|error| error.to_string())?;
            let password = text(wished).ok_or("its passphrase is too long")?;
            (AuthMethod::WPA2Personal, password)
        }
    };
    Ok(ClientConfiguration {
        ssid,
        bssid: None,
        auth_method,
        password,
        channel: None,
        scan_method: ScanMethod::CompleteScan(ScanSortMethod::Signal),
        pmf_cfg: PmfConfiguration::NotCapable,
    })
}

fn usable(channel: Channel, country: Option<Country>, air: Air<'_>) -> bool {
    Country::allows(country, channel) && (air.five_ghz || !channel.is_5_ghz())
}

/// The channel of a hotspot that has the radio for itself, or whose station has not been heard.
fn own_channel(
    wished: Option<u8>,
    country: Option<Country>,
    air: Air<'_>,
    notes: &mut Vec<String>,
) -> Channel {
    let chosen = || choose_channel(air.heard);
    let Some(number) = wished else {
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
    names: &[&str],
    wished: Option<u8>,
    country: Option<Country>,
    air: Air<'_>,
) -> Option<Channel> {
    let wants_5_ghz = wished
        .and_then(Channel::new)
        .is_some_and(|channel| channel.is_5_ghz() && usable(channel, country, air));
    let shareable = |bss: &&Bss| {
        bss.channel().is_some_and(|channel| {
            usable(channel, country, air) && (wants_5_ghz || !channel.is_5_ghz())
        })
    };
    names.iter().find_map(|name| {
        let same = air
            .heard
            .iter()
            .filter(|bss| bss.ssid.as_deref() == Some(*name));
        let loudest = same.filter(shareable).max_by_key(|bss| bss.signal_dbm);
        loudest.and_then(Bss::channel)
    })
}
