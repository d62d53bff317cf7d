//! Keys that are not in the table, and what they may have meant.

use toml::de::DeValue;

use super::keys::SECTIONS;
use super::problem::Wrong;
use super::table::SectionKeys;

/// How alike two words must be for one to be taken for the other (Jaro, 0 to 1).
const ALIKE: f64 = 0.75;

/// Whether the key belongs into that section; sections inside it do too.
pub(super) fn knows(section: &SectionKeys, key: &str, value: &DeValue<'_>) -> bool {
    let full = section.full(key);
    let is_section = || SECTIONS.iter().any(|other| other.name() == full);
    let nested = matches!(value, DeValue::Table(_) | DeValue::Array(_));
    // The name of a section may be that of a key elsewhere.
    let is_key = || SECTIONS.iter().any(|other| other.has(key));
    section.has(key) || ((nested || !is_key()) && is_section())
}

/// What to say about a key that does not belong into `section`.
pub(super) fn unknown(section: &SectionKeys, key: &str) -> Wrong {
    let what = match section.name() {
        "" => format!("unknown key '{key}'"),
        name => format!("unknown key '{key}' in [{name}]"),
    };
    // `slots` below [web] belongs to the top: the commonest slip in TOML.
    if let Some(right) = SECTIONS.iter().find(|other| other.has(key)) {
        let place = match right.header {
            "" => "at the top of the file, above the first [section]".to_owned(),
            header => format!("below {header}"),
        };
        return Wrong::new(what, format!("'{key}' goes {place}"));
    }
    let keys = section
        .keys
        .iter()
        .map(|key| (key.name, format!("'{}'", key.name)));
    let mut words: Vec<(&str, String)> = keys.collect();
    if section.header.is_empty() {
        let sections = SECTIONS.iter().filter(|section| !section.header.is_empty());
        words.extend(sections.map(|section| (section.name(), section.header.to_owned())));
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
