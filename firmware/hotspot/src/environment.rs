//! hotspot.env: what the units need to know.

use crate::wlan::Setup;

/// Lines that systemd (`EnvironmentFile=`) and shells read alike: no value needs quotes.
pub(crate) fn text(setup: &Setup<'_>) -> String {
    let (ap, station, extras) = (
        setup.access_point.as_ref(),
        setup.station_interface(),
        setup.extras,
    );
    let (interface, mac) = setup.ap_interface();
    let mode = match (ap, station) {
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
        text(ap.map(|_| interface.to_owned())),
        text(ap.map(|_| mac.to_string())),
        text(ap.map(|_| extras.address.to_string())),
        text(ap.map(|ap| ap.channel.to_string())),
        text(station.map(str::to_owned)),
    )
}
