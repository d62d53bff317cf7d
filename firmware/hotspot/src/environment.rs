//! hotspot.env: what the units need to know.

use crate::render::{Extras, Hotspot};

/// Lines that systemd (`EnvironmentFile=`) and shells read alike: no value needs quotes.
pub(crate) fn text(
    hotspot: Option<&Hotspot<'_>>,
    station: Option<&str>,
    extras: &Extras<'_>,
) -> String {
    let mode = match (hotspot, station) {
        (Some(_), None) => "hotspot",
        (Some(_), Some(_)) => "hotspot+station",
        (None, Some(_)) => "station",
        (None, None) => "off",
    };
    let country = extras.country.map_or("00".to_owned(), |c| c.code());
    let text = |value: Option<String>| value.unwrap_or_default();
    format!(
        "# Written by `picam hotspot`; changes go into picam.toml.\n\
         MODE={mode}\n\
         COUNTRY={country}\n\
         RADIO={}\n\
         AP_INTERFACE={}\n\
         AP_MAC={}\n\
         AP_ADDRESS={}\n\
         AP_CHANNEL={}\n\
         STA_INTERFACE={}\n",
        extras.radio.interface,
        text(hotspot.map(|hotspot| hotspot.interface.to_owned())),
        text(hotspot.map(|hotspot| hotspot.mac.to_string())),
        text(hotspot.map(|_| extras.address.to_string())),
        text(hotspot.map(|hotspot| hotspot.channel.to_string())),
        text(station.map(str::to_owned)),
    )
}
