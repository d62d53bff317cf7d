//! Access point and stations in the field's own terms, and where they run.

use std::net::Ipv4Addr;

use embedded_svc::wifi::ClientConfiguration;

use crate::channel::Channel;
use crate::country::Country;
use crate::mac::Mac;
use crate::psk::Psk;

/// More phones than this no radio of a Raspberry Pi serves.
pub const MAX_CLIENTS: u16 = 10;
/// First and last address that phones get, in the hotspot's network of 256.
pub(crate) const LEASES: (u8, u8) = (10, 200);

/// A network's name of 1 to 32 bytes (IEEE 802.11-2020, 9.4.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssid(String);

impl Ssid {
    /// Most bytes.
    pub const MAX: usize = 32;

    /// A text that can be one.
    pub fn new(text: &str) -> Option<Self> {
        (1..=Self::MAX)
            .contains(&text.len())
            .then(|| Self(text.to_owned()))
    }

    /// A device's name, cut if need be, and its radio's last four digits.
    pub(crate) fn made_of(name: &str, radio: Mac) -> Self {
        let tail = radio.tail();
        let end = name.floor_char_boundary(Self::MAX - tail.len() - 1);
        Self(format!("{}-{tail}", name.get(..end).unwrap_or_default()))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The camera's own network: WPA2, and never an open one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessPoint {
    pub(crate) ssid: Ssid,
    /// Whether the name is kept out of beacons.
    pub(crate) hidden: bool,
    pub(crate) passphrase: Psk,
    pub(crate) channel: Channel,
    /// 802.11n, beside 802.11a or 802.11g.
    pub(crate) high_throughput: bool,
    pub(crate) max_clients: u16,
}

/// A network of somebody else, to join as a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Station {
    pub(crate) ssid: Ssid,
    pub(crate) bssid: Option<Mac>,
    /// `None` for an open network.
    pub(crate) passphrase: Option<Psk>,
    /// Where it was heard; it may be elsewhere.
    pub(crate) channel: Option<Channel>,
    pub(crate) pmf: Pmf,
}

/// Protected management frames, as wpa_supplicant counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pmf {
    Off = 0,
    Optional = 1,
    Required = 2,
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

/// What an [`embedded_svc`] configuration does not say.
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

/// What the radio does, every field of it judged.
pub(crate) struct Setup<'a> {
    pub(crate) access_point: Option<AccessPoint>,
    /// The preferred one first; if there is none, the radio is no station.
    pub(crate) stations: Vec<Station>,
    pub(crate) extras: &'a Extras<'a>,
}

impl<'a> Setup<'a> {
    pub(crate) fn station_interface(&self) -> Option<&'a str> {
        (!self.stations.is_empty()).then_some(self.extras.radio.interface)
    }

    /// The access point's interface and address.
    pub(crate) fn ap_interface(&self) -> (&'a str, Mac) {
        let Radio {
            interface,
            second,
            mac,
        } = self.extras.radio;
        match self.stations.is_empty() {
            true => (interface, mac),
            false => (second, mac.second()),
        }
    }
}
