//! Every key there is, and what a misspelt one may have meant.

use toml::de::DeValue;

use super::problem::Wrong;

/// The keys of one section.
#[derive(Debug)]
pub(super) struct SectionKeys {
    /// Empty for the top of the file.
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
}

pub(super) static TOP: SectionKeys = SectionKeys {
    name: "",
    keys: &[
        "footage",
        "disk",
        "segment",
        "slots",
        "slot-size",
        "reserve",
        "system-clock",
    ],
};
pub(super) static CAMERA: SectionKeys = SectionKeys {
    name: "camera",
    keys: &["name", "source"],
};
pub(super) static SHARES: SectionKeys = SectionKeys {
    name: "shares",
    keys: &["event", "parking", "manual"],
};
pub(super) static RETENTION: SectionKeys = SectionKeys {
    name: "retention",
    keys: &["max-age"],
};
pub(super) static WEB: SectionKeys = SectionKeys {
    name: "web",
    keys: &[
        "enabled",
        "listen",
        "password",
        "password-hash",
        "viewer-password",
        "viewer-password-hash",
    ],
};
pub(super) static DEVICE: SectionKeys = SectionKeys {
    name: "device",
    keys: &[
        "name",
        "time-zone",
        "factory-reset",
        "footage",
        "format-disk",
    ],
};
pub(super) static WIFI: SectionKeys = SectionKeys {
    name: "wifi",
    keys: &["mode", "country", "ssid", "passphrase", "channel"],
};
pub(super) static WIFI_NETWORK: SectionKeys = SectionKeys {
    name: "wifi.network",
    keys: &["ssid", "passphrase"],
};
pub(super) static LOG: SectionKeys = SectionKeys {
    name: "log",
    keys: &["format", "level"],
};
static SECTIONS: [&SectionKeys; 8] = [
    &CAMERA,
    &SHARES,
    &RETENTION,
    &WEB,
    &DEVICE,
    &WIFI,
    &WIFI_NETWORK,
    &LOG,
];

/// How alike two words must be for one to be taken for the other (Jaro, 0 to 1).
const ALIKE: f64 = 0.75;

impl SectionKeys {
    /// The key with its section in front.
    pub(super) fn full(&self, key: &str) -> String {
        match self.name {
            "" => key.to_owned(),
            section => format!("{section}.{key}"),
        }
    }

    /// Whether the key belongs here; sections inside this one do too.
    pub(super) fn knows(&self, key: &str, value: &DeValue<'_>) -> bool {
        let full = self.full(key);
        let section = || SECTIONS.iter().any(|section| section.name == full);
        let nested = matches!(value, DeValue::Table(_) | DeValue::Array(_));
        self.keys.contains(&key) || ((nested || !value_like(key)) && section())
    }

    fn place(&self) -> String {
        match self.name {
            "" => "at the top of the file, above the first [section]".to_owned(),
            section => format!("below {}", header(section)),
        }
    }
}

/// A section as it is written; some may be there several times.
fn header(section: &str) -> String {
    match section {
        "camera" | "wifi.network" => format!("[[{section}]]"),
        _ => format!("[{section}]"),
    }
}

/// Whether the name of a section is also that of a key elsewhere.
fn value_like(key: &str) -> bool {
    all().any(|section| section.keys.contains(&key))
}

pub(super) fn all() -> impl Iterator<Item = &'static SectionKeys> {
    std::iter::once(&TOP).chain(SECTIONS)
}

/// What to say about a key that does not belong into `section`.
pub(super) fn unknown(section: &'static SectionKeys, key: &str) -> Wrong {
    let what = match section.name {
        "" => format!("unknown key '{key}'"),
        name => format!("unknown key '{key}' in [{name}]"),
    };
    // `slots` below [web] belongs to the top: the commonest slip in TOML.
    if let Some(right) = all().find(|other| other.keys.contains(&key)) {
        return Wrong::new(what, format!("'{key}' goes {}", right.place()));
    }
    let mut words: Vec<(&str, String)> = Vec::new();
    words.extend(section.keys.iter().map(|key| (*key, format!("'{key}'"))));
    if section.name.is_empty() {
        let sections = SECTIONS.iter().map(|section| section.name);
        words.extend(sections.map(|name| (name, header(name))));
    }
    let near = words
        .iter()
        .map(|(word, shown)| (strsim::jaro(word, key), shown))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let remedy = match near {
        Some((_, shown)) => format!("did you mean {shown}?"),
        None => {
            let known: Vec<&str> = words.iter().map(|(_, shown)| shown.as_str()).collect();
            format!("known here: {}", known.join(", "))
        }
    };
    Wrong::new(what, remedy)
}
