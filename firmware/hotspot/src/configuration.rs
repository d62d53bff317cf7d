//! The edge to [`embedded_svc`]: its access point and its client, from and to the terms of this crate.
//!
//! Its types allow what no camera may do, an open hotspot above all. What comes from them is judged here.

use embedded_svc::wifi::{
    AccessPointConfiguration, AuthMethod, ClientConfiguration, Configuration, PmfConfiguration,
    Protocol, ScanMethod, ScanSortMethod,
};

use crate::channel::Channel;
use crate::mac::Mac;
use crate::psk::Psk;
use crate::unusable::Unusable;
use crate::wlan::{AccessPoint, MAX_CLIENTS, Pmf, Ssid, Station};

/// Phones at a time. The Pi's radios end at 7 to 10, depending on their firmware
/// (raspberrypi/linux#3010); a phone that is turned away at once beats one that is not answered.
const CLIENTS: u16 = 7;

/// The hotspot. Every field is set here: the default of `embedded_svc` is an open network.
pub(crate) fn access_point(
    ssid: &Ssid,
    passphrase: &Psk,
    channel: Channel,
) -> AccessPointConfiguration {
    AccessPointConfiguration {
        ssid: text(ssid.as_str()),
        ssid_hidden: false,
        channel: channel.number(),
        secondary_channel: None,
        protocols: Protocol::P802D11BG | Protocol::P802D11BGN,
        auth_method: AuthMethod::WPA2Personal,
        password: text(passphrase.reveal()),
        max_connections: CLIENTS,
    }
}

/// A network to join. Without a passphrase it is an open one.
pub(crate) fn station(ssid: &Ssid, passphrase: Option<&Psk>) -> ClientConfiguration {
    ClientConfiguration {
        ssid: text(ssid.as_str()),
        bssid: None,
        auth_method: match passphrase {
            None => AuthMethod::None,
            Some(_) => AuthMethod::WPA2Personal,
        },
        password: passphrase.map_or_else(heapless::String::new, |psk| text(psk.reveal())),
        channel: None,
        scan_method: ScanMethod::CompleteScan(ScanSortMethod::Signal),
        pmf_cfg: PmfConfiguration::NotCapable,
    }
}

impl TryFrom<&AccessPointConfiguration> for AccessPoint {
    type Error = Unusable;

    fn try_from(ap: &AccessPointConfiguration) -> Result<Self, Unusable> {
        match ap.auth_method {
            AuthMethod::None => return Err(Unusable::OpenHotspot),
            AuthMethod::WPA2Personal if ap.password.is_empty() => {
                return Err(Unusable::OpenHotspot);
            }
            AuthMethod::WPA2Personal => {}
            other => return Err(Unusable::Security(other)),
        }
        let ssid = Ssid::new(&ap.ssid).ok_or(Unusable::Ssid)?;
        let channel = Channel::new(ap.channel).ok_or(Unusable::Channel(ap.channel))?;
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
        Ok(Self {
            ssid,
            hidden: ap.ssid_hidden,
            passphrase: Psk::parse(&ap.password)?,
            channel,
            high_throughput,
            max_clients: ap.max_connections,
        })
    }
}

/// The way to scan is a hint: wpa_supplicant looks everywhere anyway.
impl TryFrom<&ClientConfiguration> for Station {
    type Error = Unusable;

    fn try_from(client: &ClientConfiguration) -> Result<Self, Unusable> {
        let passphrase = match client.auth_method {
            AuthMethod::None if client.password.is_empty() => None,
            AuthMethod::None => return Err(Unusable::UnusedPassphrase),
            AuthMethod::WPA2Personal => Some(Psk::parse(&client.password)?),
            other => return Err(Unusable::Security(other)),
        };
        Ok(Self {
            ssid: Ssid::new(&client.ssid).ok_or(Unusable::Ssid)?,
            bssid: client.bssid.map(Mac::new),
            passphrase,
            channel: client.channel.and_then(Channel::new),
            pmf: match client.pmf_cfg {
                PmfConfiguration::NotCapable => Pmf::Off,
                PmfConfiguration::Capable { required: false } => Pmf::Optional,
                PmfConfiguration::Capable { required: true } => Pmf::Required,
            },
        })
    }
}

/// Of an access point and the station that is preferred.
pub(crate) fn configuration(
    access_point: Option<AccessPointConfiguration>,
    station: Option<ClientConfiguration>,
) -> Configuration {
    match (station, access_point) {
        (None, None) => Configuration::None,
        (Some(station), None) => Configuration::Client(station),
        (None, Some(ap)) => Configuration::AccessPoint(ap),
        (Some(station), Some(ap)) => Configuration::Mixed(station, ap),
    }
}

/// [`Ssid`] and [`Psk`] fit; of what did not, nothing would be left, which is refused.
fn text<const N: usize>(text: &str) -> heapless::String<N> {
    heapless::String::try_from(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_for_is_taken() {
        let ssid = Ssid::new("Caf\u{e9}").unwrap();
        let psk = Psk::parse(&"x".repeat(63)).unwrap();
        let channel = Channel::new(149).unwrap();
        let taken = AccessPoint::try_from(&access_point(&ssid, &psk, channel)).unwrap();
        assert_eq!(
            (&taken.ssid, &taken.passphrase, taken.channel),
            (&ssid, &psk, channel)
        );
        assert!(!taken.hidden && taken.high_throughput);
        assert_eq!(taken.max_clients, CLIENTS);
        let longest = Ssid::new(&"n".repeat(32)).unwrap();
        for passphrase in [None, Some(psk)] {
            let taken = Station::try_from(&station(&longest, passphrase.as_ref())).unwrap();
            assert_eq!((&taken.ssid, taken.passphrase), (&longest, passphrase));
        }
    }
}
