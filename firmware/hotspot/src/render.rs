//! The texts, of a configuration in which every field is judged.

use std::fmt;
use std::net::Ipv4Addr;

use embedded_svc::wifi::{
    AccessPointConfiguration, AuthMethod, ClientConfiguration, Configuration, PmfConfiguration,
    Protocol,
};

use crate::channel::Channel;
use crate::country::Country;
use crate::escape::{is_host, is_interface, is_label, is_plain_path};
use crate::mac::Mac;
use crate::psk::{Psk, PskError};
use crate::{dnsmasq, environment, hostapd, networkd, supplicant};

/// More phones than this no radio of a Raspberry Pi serves.
pub const MAX_CLIENTS: u16 = 10;
/// First and last address that phones get, in the hotspot's network of 256.
pub(crate) const LEASES: (u8, u8) = (10, 200);

/// What a [`Configuration`] does not say.
#[derive(Clone)]
pub struct Extras<'a> {
    /// The device's name, a host name of one label.
    pub name: &'a str,
    /// The regulatory domain; `None` is the world's.
    pub country: Option<Country>,
    /// The radio.
    pub radio: Radio<'a>,
    /// The camera's own address in the hotspot, the only one that anybody can reach there. Phones get
    /// those that end in 10 to 200.
    pub address: Ipv4Addr,
    /// Networks to join when the configuration's is not there.
    pub more_networks: &'a [ClientConfiguration],
    /// Hosts that phones ask whether there is an internet: they are told the camera's address.
    pub probe_hosts: &'a [&'a str],
    /// Where the daemons keep leases and control sockets, in RAM.
    pub run_dir: &'a str,
}

/// A radio and its interfaces.
#[derive(Debug, Clone, Copy)]
pub struct Radio<'a> {
    /// The interface that the kernel made.
    pub interface: &'a str,
    /// The one that is made for the hotspot when the first is a station.
    pub second: &'a str,
    /// Its address.
    pub mac: Mac,
}

/// The texts. Several hold passphrases: they are for files that nobody else may read, and for no
/// log.
#[derive(Clone, PartialEq, Eq)]
pub struct Files {
    /// For hostapd; `None` if it is not to run.
    pub hostapd: Option<String>,
    /// For dnsmasq; `None` if it is not to run.
    pub dnsmasq: Option<String>,
    /// For wpa_supplicant; `None` if it is not to run.
    pub wpa_supplicant: Option<String>,
    /// For systemd-networkd and udevd: names and texts.
    pub networkd: Vec<(&'static str, String)>,
    /// For the units that start them.
    pub environment: String,
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("hostapd", &self.hostapd.is_some())
            .field("dnsmasq", &self.dnsmasq.is_some())
            .field("wpa_supplicant", &self.wpa_supplicant.is_some())
            .field("networkd", &self.networkd.len())
            .field("environment", &self.environment)
            .finish()
    }
}

/// Why a configuration is not rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Everybody could join.
    #[error("a hotspot without a passphrase would be open to everybody: set one")]
    OpenHotspot,
    /// Security that the Pi's radios cannot do as access points, or that nobody should use.
    #[error("{0:?} cannot be had on this radio: use WPA2 with a passphrase")]
    Security(AuthMethod),
    /// An open network with a password, which would go unused without a word.
    #[error("an open network takes no passphrase: leave it out, or choose WPA2")]
    UnusedPassphrase,
    /// Not a WPA2 passphrase.
    #[error(transparent)]
    Psk(#[from] PskError),
    /// No network without a name.
    #[error("a network's name has 1 to 32 bytes, and this one has none: choose one")]
    Ssid,
    /// No such channel, or none that an access point of ours can be on.
    #[error("{0} is no channel for a hotspot: choose 1 to 13, 36 to 48 or 149 to 165")]
    Channel(u8),
    /// A channel that is somebody else's there.
    #[error(
        "channel {0} is not free for hotspots in cars there: choose another, or set the country"
    )]
    Forbidden(Channel),
    /// Station and access point cannot be on two channels.
    #[error("one radio has one channel, but the hotspot is on {0} and the station on {1}")]
    TwoChannels(u8, u8),
    /// 40 MHz of a band that has 80.
    #[error("a second channel is not used: leave it out")]
    SecondaryChannel,
    /// None of the protocols that phones speak on that band.
    #[error("a hotspot speaks 802.11g or 802.11n: choose one of them")]
    Protocols,
    /// No phones, or more than the radio can serve.
    #[error("{0} phones at a time are not possible: choose 1 to {MAX_CLIENTS}")]
    Clients(u16),
    /// A name that cannot stand in the files.
    #[error("'{0}' is no name of an interface: use letters, digits, - and _, at most 15")]
    Interface(String),
    /// The two interfaces of one radio.
    #[error("hotspot and station need two interfaces, but both are called '{0}'")]
    OneInterface(String),
    /// A name that cannot stand in the files.
    #[error("'{0}' is no host name: use a-z, 0-9 and -")]
    Name(String),
    /// An address that the phones' would collide with, or that is not the camera's to take.
    #[error("{0} cannot be the camera's address: use a private one that ends in 1 to 9")]
    Address(Ipv4Addr),
    /// A path that cannot stand in the files.
    #[error("'{0}' cannot be the daemons' directory: use a plain absolute path")]
    Directory(String),
}

/// A hotspot that may be written down.
pub(crate) struct Hotspot<'a> {
    pub(crate) interface: &'a str,
    pub(crate) mac: Mac,
    pub(crate) ssid: &'a str,
    pub(crate) hidden: bool,
    pub(crate) channel: Channel,
    pub(crate) high_throughput: bool,
    pub(crate) psk: Psk,
    pub(crate) clients: u16,
}

/// A network that may be joined.
pub(crate) struct Network<'a> {
    pub(crate) ssid: &'a str,
    pub(crate) bssid: Option<Mac>,
    /// `None` for an open network.
    pub(crate) psk: Option<Psk>,
    pub(crate) pmf: u8,
}

/// The texts for a configuration. Refuses what is not safe to write; see [`settle`](crate::settle())
/// for the way from a wish to what can be had.
pub fn render(configuration: &Configuration, extras: &Extras<'_>) -> Result<Files, Unusable> {
    check_extras(extras)?;
    let Radio {
        interface,
        second,
        mac,
    } = extras.radio;
    let (access_point, client) = (
        configuration.as_ap_conf_ref(),
        configuration.as_client_conf_ref(),
    );
    let hotspot = match (access_point, client) {
        (None, _) => None,
        (Some(ap), None) => Some(hotspot(ap, interface, mac, extras.country)?),
        (Some(ap), Some(client)) => {
            if let Some(channel) = client.channel.filter(|&channel| channel != ap.channel) {
                return Err(Unusable::TwoChannels(ap.channel, channel));
            }
            Some(hotspot(ap, second, mac.second(), extras.country)?)
        }
    };
    let networks = match client {
        None => Vec::new(),
        Some(first) => std::iter::once(first)
            .chain(extras.more_networks)
            .map(network)
            .collect::<Result<_, _>>()?,
    };
    let station = client.map(|_| interface);
    Ok(Files {
        hostapd: hotspot
            .as_ref()
            .map(|hotspot| hostapd::text(hotspot, extras)),
        dnsmasq: hotspot
            .as_ref()
            .map(|hotspot| dnsmasq::text(hotspot, extras)),
        wpa_supplicant: station.map(|_| supplicant::text(&networks, hotspot.as_ref(), extras)),
        networkd: networkd::texts(hotspot.as_ref(), station, extras),
        environment: environment::text(hotspot.as_ref(), station, extras),
    })
}

fn check_extras(extras: &Extras<'_>) -> Result<(), Unusable> {
    let Radio {
        interface, second, ..
    } = extras.radio;
    for name in [interface, second] {
        if !is_interface(name) {
            return Err(Unusable::Interface(name.to_owned()));
        }
    }
    if interface == second {
        return Err(Unusable::OneInterface(interface.to_owned()));
    }
    if !is_label(extras.name) {
        return Err(Unusable::Name(extras.name.to_owned()));
    }
    if let Some(host) = extras.probe_hosts.iter().find(|host| !is_host(host)) {
        return Err(Unusable::Name((*host).to_owned()));
    }
    let [.., last] = extras.address.octets();
    if !extras.address.is_private() || !(1..LEASES.0).contains(&last) {
        return Err(Unusable::Address(extras.address));
    }
    if !is_plain_path(extras.run_dir) {
        return Err(Unusable::Directory(extras.run_dir.to_owned()));
    }
    Ok(())
}

fn hotspot<'a>(
    ap: &'a AccessPointConfiguration,
    interface: &'a str,
    mac: Mac,
    country: Option<Country>,
) -> Result<Hotspot<'a>, Unusable> {
    match ap.auth_method {
        AuthMethod::None => return Err(Unusable::OpenHotspot),
        AuthMethod::WPA2Personal if ap.password.is_empty() => return Err(Unusable::OpenHotspot),
        AuthMethod::WPA2Personal => {}
        other => return Err(Unusable::Security(other)),
    }
    if ap.ssid.is_empty() {
        return Err(Unusable::Ssid);
    }
    let channel = Channel::new(ap.channel).ok_or(Unusable::Channel(ap.channel))?;
    if !Country::allows(country, channel) {
        return Err(Unusable::Forbidden(channel));
    }
    if ap.secondary_channel.is_some() {
        return Err(Unusable::SecondaryChannel);
    }
    let long_range = Protocol::P802D11BGNLR | Protocol::P802D11LR;
    let high_throughput = ap.protocols.contains(Protocol::P802D11BGN);
    let spoken = high_throughput || ap.protocols.contains(Protocol::P802D11BG);
    if !spoken || !ap.protocols.is_disjoint(long_range) {
        return Err(Unusable::Protocols);
    }
    if !(1..=MAX_CLIENTS).contains(&ap.max_connections) {
        return Err(Unusable::Clients(ap.max_connections));
    }
    Ok(Hotspot {
        interface,
        mac,
        ssid: &ap.ssid,
        hidden: ap.ssid_hidden,
        channel,
        high_throughput,
        psk: Psk::parse(&ap.password)?,
        clients: ap.max_connections,
    })
}

/// The channel is a hint, and so is the way to scan: wpa_supplicant looks everywhere anyway.
fn network(client: &ClientConfiguration) -> Result<Network<'_>, Unusable> {
    let psk = match client.auth_method {
        AuthMethod::None if client.password.is_empty() => None,
        AuthMethod::None => return Err(Unusable::UnusedPassphrase),
        AuthMethod::WPA2Personal => Some(Psk::parse(&client.password)?),
        other => return Err(Unusable::Security(other)),
    };
    if client.ssid.is_empty() {
        return Err(Unusable::Ssid);
    }
    Ok(Network {
        ssid: &client.ssid,
        bssid: client.bssid.map(Mac::new),
        psk,
        pmf: match client.pmf_cfg {
            PmfConfiguration::NotCapable => 0,
            PmfConfiguration::Capable { required: false } => 1,
            PmfConfiguration::Capable { required: true } => 2,
        },
    })
}
