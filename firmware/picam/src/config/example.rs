//! A configuration file that explains every key, made of the table.

use std::fmt::Write;

use picam_ring::Shares;

use super::keys::{
    Battery, Button, Camera, Config, Device, Gps, Ignition, Led, Log, Microphone, Motion, Network,
    Overlay, Retention, Stills, Trigger, Web, Wifi,
};
use super::table::Keyed;

/// `docs/picam.toml`: every key with its default. Over a device's own values, in `base`, every key is switched off instead:
/// that is the file for the device's owner.
pub(crate) fn example(base: Option<&Config>) -> String {
    let default = Config::default();
    let config = base.unwrap_or(&default);
    let mut example = Example {
        text: String::new(),
        over: base.is_some(),
    };
    example.section::<Config>(config);
    example.section(&Camera::default());
    example.section::<Gps>(&config.gps);
    example.section::<Motion>(&config.motion);
    example.section::<Microphone>(&config.microphone);
    example.section::<Overlay>(&config.overlay);
    example.section::<Stills>(&config.stills);
    example.section::<Battery>(&config.battery);
    example.section::<Led>(&config.led);
    example.section::<Button>(&config.button);
    example.section::<Trigger>(&config.trigger);
    example.section::<Ignition>(&config.ignition);
    example.section::<Shares>(&config.shares);
    example.section::<Retention>(&config.retention);
    example.section::<Web>(&config.web);
    example.section::<Device>(&config.device);
    example.section::<Wifi>(&config.wifi);
    example.section(&Network::default());
    example.section::<Log>(&config.log);
    example.text
}

struct Example {
    text: String,
    over: bool,
}

impl Example {
    fn section<T: Keyed>(&mut self, fields: &T) {
        let section = T::SECTION;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.help(section.help);
        let is_off = self.over || section.keys.iter().all(|key| key.example.is_some());
        let off = if is_off && section.is_list() { "#" } else { "" };
        match section.header {
            "" => self.line("#", ""),
            header => self.line(off, header),
        }
        let mut applies = None;
        for (key, value) in section.keys.iter().zip(T::VALUES) {
            if applies.replace(key.applies) != Some(key.applies) {
                self.line("# ", key.applies.sentence());
                self.text.push('\n');
            } else if !key.help.is_empty() {
                self.text.push('\n');
            }
            self.help(key.help);
            let off = if self.over || key.example.is_some() {
                "#"
            } else {
                ""
            };
            let shown = key
                .example
                .map_or_else(|| (value.show)(fields), str::to_owned);
            self.line(off, &format!("{} = {}", key.name, literal(shown)));
        }
    }

    fn help(&mut self, help: &[&str]) {
        for line in help {
            self.line("#", line);
        }
    }

    fn line(&mut self, before: &str, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{before}{line}");
    }
}

/// Numbers and truths stand without quotes.
fn literal(shown: String) -> String {
    match shown.parse::<f64>().is_ok_and(f64::is_finite) || shown.parse::<bool>().is_ok() {
        true => shown,
        false => toml::Value::String(shown).to_string(),
    }
}
