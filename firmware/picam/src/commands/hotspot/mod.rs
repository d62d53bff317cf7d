//! `picam hotspot`: what the daemons of the radio are told.

mod files;
mod radio;

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use clap::Args;
use picam_hotspot::{
    Air, Channel, Extras, Mode, Radio, Requested, RequestedNetwork, Settled, parse_scan, render,
    settle,
};

use super::failure::Failure;
use crate::cli::ConfigFiles;
use crate::config::{Config, Loaded, Secret, Wifi};
use crate::service::log;

/// The camera's address in its own network. The units of `board/` name that network, too.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 66, 1);
/// The interface of a hotspot beside a station.
const SECOND: &str = "ap0";

/// Options of `hotspot`.
#[derive(Debug, Args)]
pub(crate) struct HotspotOptions {
    #[command(flatten)]
    files: ConfigFiles,
    /// Directory for the files of hostapd, dnsmasq and wpa_supplicant and for hotspot.env, created if it
    /// is missing. They hold passphrases, and only their owner may read them
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Directory for the files of systemd-networkd, such as /run/systemd/network
    #[arg(long, value_name = "DIR")]
    networkd: Option<PathBuf>,
    /// The radio's interface
    #[arg(long, value_name = "NAME", default_value = "wlan0")]
    interface: String,
    /// Listen first, for up to 8 s, so that the least used channel is taken, or that of the station's
    /// network. Without it, and if nothing is heard, the hotspot is on channel 6
    #[arg(long)]
    scan: bool,
}

/// Writes the files, and says in one line what they make of the radio.
pub(crate) fn run(options: &HotspotOptions) -> Result<(), Failure> {
    let Loaded { config, problems } = options.files.load();
    log::init(config.log);
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    let mac = radio::mac(Path::new("/sys/class/net"), &options.interface)?;
    let requested = requested(&config);
    // Hotspot and station are on one band, and that is 2.4 GHz unless a channel of the other is named.
    let five_ghz = requested.channel.is_some_and(|number| number > 14);
    let heard = match options.scan && requested.mode != Mode::Off {
        true => parse_scan(&radio::scan(&options.interface, five_ghz)),
        false => Vec::new(),
    };
    let air = Air {
        radio: mac,
        // Asked for only if it matters.
        five_ghz: five_ghz && radio::has_5_ghz(&options.interface),
        heard: &heard,
    };
    let settled = settle(&requested, air);
    for note in &settled.notes {
        tracing::warn!("{note}");
    }
    let radio = Radio {
        interface: &options.interface,
        second: SECOND,
        mac,
    };
    let extras = Extras {
        name: &settled.name,
        country: settled.country,
        radio,
        address: ADDRESS,
        more_networks: &settled.more_networks,
        probe_hosts: &picam_web::probe_hosts(),
        // A path that is no UTF-8 is refused as one that is not plain.
        run_dir: options.out.to_str().unwrap_or_default(),
    };
    // What is left to be wrong came with the command line.
    let files = render(&settled.configuration, &extras).map_err(Failure::usage)?;
    files::write(&files, &options.out, options.networkd.as_deref())?;
    // Whoever had a hotspot before has none any more: the files are those of a radio that is off.
    if let Some(refused) = settled.refused {
        return Err(Failure::new(refused.to_string()));
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}", summary(&settled, options))?;
    out.flush()?;
    Ok(())
}

fn requested(config: &Config) -> Requested<'_> {
    let Wifi {
        mode,
        country,
        ssid,
        passphrase,
        channel,
        networks,
    } = &config.wifi;
    Requested {
        name: &config.device.name,
        mode: *mode,
        country: country.as_deref(),
        ssid: ssid.as_deref(),
        passphrase: passphrase.as_ref().map(Secret::reveal),
        channel: channel.map(Channel::number),
        networks: networks
            .iter()
            .map(|network| RequestedNetwork {
                ssid: &network.ssid,
                passphrase: network.passphrase.as_ref().map(Secret::reveal),
            })
            .collect(),
    }
}

fn summary(settled: &Settled, options: &HotspotOptions) -> String {
    let rules = settled.country.map_or("the world".to_owned(), |c| c.code());
    let out = options.out.display();
    let hotspot = settled.configuration.as_ap_conf_ref().map(|ap| {
        // Quotes and escapes: a name may hold anything.
        format!("hotspot {:?} on channel {}", ap.ssid.as_str(), ap.channel)
    });
    let station = settled.configuration.as_client_conf_ref().map(|first| {
        let more = match settled.more_networks.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("station of {:?}{more}", first.ssid.as_str())
    });
    match (hotspot, station) {
        (None, None) => format!("Wi-Fi is off ({out})"),
        (Some(one), None) | (None, Some(one)) => format!("{one}, rules of {rules} ({out})"),
        (Some(hotspot), Some(station)) => {
            format!("{hotspot}, {station}, rules of {rules} ({out})")
        }
    }
}
