//! dnsmasq.conf: addresses for phones, and the few names that they can have.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::wlan::{LEASES, Setup};

/// What Windows looks up beside its web page, and what it expects to be told (Microsoft, "NCSI active
/// probes"): the one name that is not the camera's. Nothing is ever sent there through us.
const WINDOWS: (&str, Ipv4Addr) = ("dns.msftncsi.com", Ipv4Addr::new(131, 107, 255, 255));
/// Where every camera's page is, whatever its name.
const DEFAULT_NAME: &str = "picam.local";

pub(crate) fn text(setup: &Setup<'_>) -> String {
    let extras = setup.extras;
    let (interface, _) = setup.ap_interface();
    let (address, run) = (extras.address, extras.run_dir);
    let (first, last) = (leased(address, LEASES.0), leased(address, LEASES.1));
    let mut text = format!(
        "# Written by `picam hotspot`; changes go into picam.toml.\n\
         # On the hotspot's interface alone, whenever it comes and goes.\n\
         interface={interface}\n\
         except-interface=lo\n\
         bind-dynamic\n\
         # Nobody is asked, and nothing is read from the device: there are the names below or none.\n\
         no-resolv\n\
         no-poll\n\
         no-hosts\n\
         # None is written.\n\
         pid-file\n\
         dhcp-authoritative\n\
         dhcp-rapid-commit\n\
         # Phones look themselves whether an address is taken; asking for them costs 3 s.\n\
         no-ping\n\
         dhcp-leasefile={run}/dnsmasq.leases\n\
         dhcp-range={first},{last},255.255.255.0,12h\n\
         dhcp-option=option:dns-server,{address}\n\
         # No router: phones keep their mobile data for the internet.\n\
         dhcp-option=option:router\n"
    );
    let own = format!("{}.local", extras.name);
    let probes = extras.probe_hosts.iter().copied();
    let mut names: Vec<(&str, Ipv4Addr)> = [own.as_str(), DEFAULT_NAME]
        .into_iter()
        .chain(probes)
        .map(|name| (name, address))
        .collect();
    if !extras.probe_hosts.is_empty() {
        names.push(WINDOWS);
    }
    if own == DEFAULT_NAME {
        names.remove(0);
    }
    for (name, address) in names {
        // Without the second line, asking for an IPv6 address is refused instead of answered: a phone
        // may take the server for a broken one then. Writing to a String cannot fail.
        let _ = writeln!(text, "host-record={name},{address}\nlocal=/{name}/");
    }
    text
}

fn leased(address: Ipv4Addr, last: u8) -> Ipv4Addr {
    let [a, b, c, _] = address.octets();
    Ipv4Addr::new(a, b, c, last)
}
