//! wpa_supplicant.conf: the networks that the camera joins.

use std::fmt::Write;

use crate::channel::Channel;
use crate::country::Country;
use crate::escape::hex;
use crate::wlan::{Setup, Station};

/// The preferred network first.
pub(crate) fn text(setup: &Setup<'_>) -> String {
    let (stations, extras) = (&setup.stations, setup.extras);
    let mut text = format!(
        "# Written by `picam hotspot`; changes go into picam.toml.\n\
         ctrl_interface={}/wpa_supplicant\n\
         update_config=0\n\
         p2p_disabled=1\n",
        extras.run_dir
    );
    // Writing to a String cannot fail.
    if let Some(country) = extras.country {
        let _ = writeln!(text, "country={}", country.code());
    }
    let ap = setup.access_point.as_ref();
    let band = ap.map(|ap| band(ap.channel, extras.country));
    for (station, priority) in stations.iter().zip((1..=stations.len()).rev()) {
        let _ = block(&mut text, station, priority, band.as_deref());
    }
    text
}

fn block(
    text: &mut String,
    station: &Station,
    priority: usize,
    band: Option<&str>,
) -> std::fmt::Result {
    writeln!(text, "network={{")?;
    writeln!(text, "\tssid={}", hex(station.ssid.as_str().as_bytes()))?;
    if let Some(bssid) = station.bssid {
        writeln!(text, "\tbssid={bssid}")?;
    }
    // Networks that hide their name are asked for by it.
    writeln!(text, "\tscan_ssid=1")?;
    writeln!(text, "\tpriority={priority}")?;
    if let Some(band) = band {
        writeln!(text, "\tfreq_list={band}")?;
        writeln!(text, "\tscan_freq={band}")?;
    }
    match &station.passphrase {
        None => writeln!(text, "\tkey_mgmt=NONE")?,
        Some(psk) => {
            writeln!(text, "\tkey_mgmt=WPA-PSK\n\tproto=RSN\n\tpairwise=CCMP")?;
            writeln!(text, "\tpsk={}", psk.key(station.ssid.as_str().as_bytes()))?;
            writeln!(text, "\tieee80211w={}", station.pmf as u8)?;
        }
    }
    writeln!(text, "}}")
}

/// The frequencies that a station may be on when it takes the hotspot with it: those that the hotspot
/// may be on, of its own band.
fn band(hotspot: Channel, country: Option<Country>) -> String {
    let allowed = Channel::all().filter(|channel| {
        channel.is_5_ghz() == hotspot.is_5_ghz() && Country::allows(country, *channel)
    });
    let list: Vec<String> = allowed
        .map(|channel| channel.frequency().to_string())
        .collect();
    list.join(" ")
}
