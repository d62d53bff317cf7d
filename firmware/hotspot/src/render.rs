//! The texts, of a configuration in which every field is judged.

use std::fmt;

use embedded_svc::wifi::Configuration;

use crate::country::Country;
use crate::escape::{is_host, is_interface, is_label, is_plain_path};
use crate::unusable::Unusable;
use crate::wlan::{AccessPoint, Extras, LEASES, Radio, Setup, Station};
use crate::{dnsmasq, environment, hostapd, networkd, supplicant};

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

/// The texts for a configuration. Refuses what is not safe to write; see [`settle`](crate::settle())
/// for the way from what is requested to what can be had.
pub fn render(configuration: &Configuration, extras: &Extras<'_>) -> Result<Files, Unusable> {
    check_extras(extras)?;
    let client = configuration.as_client_conf_ref();
    let access_point = configuration.as_ap_conf_ref();
    let access_point = access_point.map(AccessPoint::try_from).transpose()?;
    if let Some(AccessPoint { channel, .. }) = access_point {
        if !Country::allows(extras.country, channel) {
            return Err(Unusable::Forbidden(channel));
        }
        let of_client = client.and_then(|client| client.channel);
        if let Some(other) = of_client.filter(|&other| other != channel.number()) {
            return Err(Unusable::TwoChannels(channel.number(), other));
        }
    }
    let more = client.map_or(&[][..], |_| extras.more_networks);
    let stations = client.into_iter().chain(more).map(Station::try_from);
    let setup = Setup {
        access_point,
        stations: stations.collect::<Result<_, _>>()?,
        extras,
    };
    let ap = setup.access_point.as_ref();
    Ok(Files {
        hostapd: ap.map(|ap| hostapd::text(ap, &setup)),
        dnsmasq: ap.map(|_| dnsmasq::text(&setup)),
        wpa_supplicant: setup.station_interface().map(|_| supplicant::text(&setup)),
        networkd: networkd::texts(&setup),
        environment: environment::text(&setup),
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
