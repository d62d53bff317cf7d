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

/// Every field is set here: the default of `embedded_svc` is an open network.
impl From<&AccessPoint> for AccessPointConfiguration {
    fn from(ap: &AccessPoint) -> Self {
        let protocols = match ap.high_throughput {
            true => Protocol::P802D11BG | Protocol::P802D11BGN,
            false => Protocol::P802D11BG.into(),
        };
        Self {
            ssid: text(ap.ssid.as_str()),
            ssid_hidden: ap.hidden,
            channel: ap.channel.number(),
            secondary_channel: None,
            protocols,
            auth_method: AuthMethod::WPA2Personal,
            password: text(ap.passphrase.reveal()),
            max_connections: ap.max_clients,
        }
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

impl From<&Station> for ClientConfiguration {
    fn from(station: &Station) -> Self {
        let passphrase = station.passphrase.as_ref();
        Self {
            ssid: text(station.ssid.as_str()),
            bssid: station.bssid.map(Mac::octets),
            auth_method: match passphrase {
                None => AuthMethod::None,
                Some(_) => AuthMethod::WPA2Personal,
            },
            password: passphrase.map_or_else(heapless::String::new, |psk| text(psk.reveal())),
            channel: station.channel.map(Channel::number),
            scan_method: ScanMethod::CompleteScan(ScanSortMethod::Signal),
            pmf_cfg: match station.pmf {
                Pmf::Off => PmfConfiguration::NotCapable,
                pmf => PmfConfiguration::Capable {
                    required: pmf == Pmf::Required,
                },
            },
        }
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
pub(crate) fn configuration(ap: Option<&AccessPoint>, station: Option<&Station>) -> Configuration {
    match (station, ap) {
        (None, None) => Configuration::None,
        (Some(station), None) => Configuration::Client(station.into()),
        (None, Some(ap)) => Configuration::AccessPoint(ap.into()),
        (Some(station), Some(ap)) => Configuration::Mixed(station.into(), ap.into()),
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
    fn whatever_goes_over_the_edge_comes_back() {
        let ap = AccessPoint {
            ssid: Ssid::new("Caf\u{e9}").unwrap(),
            hidden: true,
            passphrase: Psk::parse(&"x".repeat(63)).unwrap(),
            channel: Channel::new(149).unwrap(),
            high_throughput: false,
            max_clients: 3,
        };
        let there = AccessPointConfiguration::from(&ap);
        assert_eq!(AccessPoint::try_from(&there), Ok(ap.clone()));
        for (passphrase, pmf) in [
            (None, Pmf::Off),
            (Some(ap.passphrase), Pmf::Optional),
            (Psk::parse("12345678").ok(), Pmf::Required),
        ] {
            let station = Station {
                ssid: Ssid::new(&"n".repeat(32)).unwrap(),
                bssid: Some(Mac::new([2, 0, 0, 0, 0, 1])),
                passphrase,
                channel: Channel::new(11),
                pmf,
            };
            let there = ClientConfiguration::from(&station);
            assert_eq!(Station::try_from(&there), Ok(station));
        }
    }
}
