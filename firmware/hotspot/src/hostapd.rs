//! hostapd.conf: the access point.

use std::fmt::Write;

use crate::escape::hex;
use crate::wlan::{AccessPoint, Setup};

/// Of what an owner writes, nothing stands here as it was written.
pub(crate) fn text(ap: &AccessPoint, setup: &Setup<'_>) -> String {
    let (interface, _) = setup.ap_interface();
    let (channel, run) = (ap.channel, setup.extras.run_dir);
    let mut text = format!(
        "# Written by `picam hotspot`; changes go into picam.toml.\n\
         interface={interface}\n\
         driver=nl80211\n\
         ctrl_interface={run}/hostapd\n\
         logger_syslog=0\n\
         logger_stdout=-1\n\
         logger_stdout_level=2\n\
         # Name and passphrase as hexadecimal digits: nothing in them can be taken for a setting.\n\
         ssid2={}\n\
         utf8_ssid=1\n\
         ignore_broadcast_ssid={}\n",
        hex(ap.ssid.as_str().as_bytes()),
        u8::from(ap.hidden),
    );
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={value}");
    };
    if let Some(country) = setup.extras.country {
        line("country_code", &country.code());
        line("ieee80211d", "1");
    }
    line("hw_mode", if channel.is_5_ghz() { "a" } else { "g" });
    line("channel", &channel.to_string());
    if ap.high_throughput {
        line("ieee80211n", "1");
    }
    line("wmm_enabled", "1");
    // Open authentication, which is how WPA2 begins; shared keys are WEP's.
    line("auth_algs", "1");
    // WPA2 alone, with AES alone. WPA3 and protected management frames fail on these radios.
    line("wpa", "2");
    line("wpa_key_mgmt", "WPA-PSK");
    line("rsn_pairwise", "CCMP");
    line("group_cipher", "CCMP");
    line("ieee80211w", "0");
    line("wpa_psk", &ap.passphrase.key(ap.ssid.as_str().as_bytes()));
    line("wps_state", "0");
    line("max_num_sta", &ap.max_clients.to_string());
    // Phones have no business with each other.
    line("ap_isolate", "1");
    text
}
