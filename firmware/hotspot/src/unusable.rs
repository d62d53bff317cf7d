//! What a configuration can have that is not written down.

use std::net::Ipv4Addr;

use embedded_svc::wifi::AuthMethod;

use crate::channel::Channel;
use crate::psk::PskError;
use crate::wlan::MAX_CLIENTS;

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
