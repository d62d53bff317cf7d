//! systemd-networkd's files: addresses of the interfaces.

use std::net::Ipv4Addr;

use crate::wlan::Setup;

/// Every file that there can be.
pub const FILES: [&str; 3] = [ACCESS_POINT, SECOND, STATION];

const ACCESS_POINT: &str = "50-picam-hotspot.network";
const SECOND: &str = "50-picam-hotspot.link";
const STATION: &str = "50-picam-station.network";
const HEAD: &str = "# Written by `picam hotspot`; changes go into picam.toml.\n";

pub(crate) fn texts(setup: &Setup<'_>) -> Vec<(&'static str, String)> {
    let mut files = Vec::new();
    let station = setup.station_interface();
    if setup.access_point.is_some() {
        let (interface, _) = setup.ap_interface();
        files.push((ACCESS_POINT, access_point(interface, setup.extras.address)));
        if station.is_some() {
            files.push((SECOND, second(interface)));
        }
    }
    if let Some(interface) = station {
        files.push((STATION, client(interface)));
    }
    files
}

/// The address is there before hostapd is, so that dnsmasq and the page need not wait for a phone.
fn access_point(interface: &str, address: Ipv4Addr) -> String {
    format!(
        "{HEAD}\
         [Match]\n\
         Name={interface}\n\
         \n\
         [Link]\n\
         RequiredForOnline=no\n\
         \n\
         [Network]\n\
         Address={address}/24\n\
         ConfigureWithoutCarrier=yes\n\
         IgnoreCarrierLoss=yes\n\
         DHCP=no\n\
         IPv6AcceptRA=no\n\
         LinkLocalAddressing=no\n\
         LLMNR=no\n\
         MulticastDNS=yes\n"
    )
}

/// The second interface keeps the name and the address that it was made with.
fn second(interface: &str) -> String {
    format!(
        "{HEAD}\
         [Match]\n\
         OriginalName={interface}\n\
         \n\
         [Link]\n\
         NamePolicy=kernel\n\
         MACAddressPolicy=none\n"
    )
}

fn client(interface: &str) -> String {
    format!(
        "{HEAD}\
         [Match]\n\
         Name={interface}\n\
         \n\
         [Link]\n\
         RequiredForOnline=no\n\
         \n\
         [Network]\n\
         DHCP=yes\n\
         LLMNR=no\n\
         MulticastDNS=yes\n"
    )
}
