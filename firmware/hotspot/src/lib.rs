//! The camera's Wi-Fi, as text: what hostapd, dnsmasq, wpa_supplicant and systemd-networkd are told.
//!
//! Nothing here touches a radio, a file or a clock. [`settle`] turns what the owner wrote, and what
//! the radio can do, into an [`embedded_svc::wifi::Configuration`] and says what it had to leave out;
//! [`render`] turns that into the texts, and refuses whatever is not safe to write: an open network,
//! a passphrase with a line break, a channel that the country does not allow.
//!
//! `docs/hotspot.md` explains the choices.

mod channel;
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

pub use channel::{Channel, choose_channel};
pub use country::Country;
pub use mac::{Mac, NoMac};
pub use networkd::FILES as NETWORKD_FILES;
pub use psk::{Psk, PskError};
pub use render::{Extras, Files, MAX_CLIENTS, Radio, Unusable, render};
pub use scan::{Bss, lists_5_ghz, parse_scan};
pub use settle::{Air, Mode, NoHotspot, Settled, Wish, WishedNetwork, default_ssid, settle};

pub use embedded_svc::wifi;
