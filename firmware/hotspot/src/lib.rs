//! The camera's Wi-Fi, as text: what hostapd, dnsmasq, wpa_supplicant and systemd-networkd are told.
//!
//! Nothing here touches a radio, a file or a clock. [`settle`] turns what the owner wrote, and what
//! the radio can do, into an [`embedded_svc::wifi::Configuration`] and says what it had to leave out;
//! [`render`] turns that into the texts, and refuses whatever is not safe to write: an open network,
//! a passphrase with a line break, a channel that the country does not allow.
//!
//! `docs/hotspot.md` explains the choices.

mod channel;
mod choose;
mod configuration;
mod country;
mod dnsmasq;
mod environment;
mod escape;
mod hostapd;
mod mac;
mod networkd;
mod psk;
mod render;
mod scan;
mod settle;
mod supplicant;
mod unusable;
mod wlan;

pub use channel::Channel;
pub use choose::choose_channel;
pub use country::Country;
pub use mac::{Mac, NoMac};
pub use networkd::FILES as NETWORKD_FILES;
pub use psk::{Psk, PskError};
pub use render::{Files, render};
pub use scan::{Bss, lists_5_ghz, parse_scan};
pub use settle::{
    Air, Mode, NoHotspot, Requested, RequestedNetwork, Settled, default_ssid, settle,
};
pub use unusable::Unusable;
pub use wlan::{Extras, MAX_CLIENTS, Radio, Ssid};

pub use embedded_svc::wifi;
