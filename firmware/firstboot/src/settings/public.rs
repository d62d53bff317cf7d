//! The parts of `picam.toml` that services read: everything but what opens the Wi-Fi, the page or a camera; and for the
//! radio's service and for the recorder what each needs and nothing else.

use std::collections::BTreeSet;
use std::ops::Range;

use toml_edit::{Item, TableLike, Value};

use super::keys::{Access, Key, holds_secrets, is_plain, with};
use super::text::{decode, is_torn, lines_of, make_sound, parse};

/// What keys of secrets are called elsewhere.
const SECRET: [&str; 7] = ["pass", "phrase", "psk", "pwd", "secret", "token", "wpa"];
/// In the place of a passphrase. It opens nothing, but a network has one, and is none that is open to all.
const HIDDEN: &str = "\"********\"";
/// In the place of a camera's URL with a password in it. It is refused as the URL would be.
const REFUSED: &str = "\"rtsp://user:********@camera\"";
/// Where a camera's URL stands.
const SOURCE: [&str; 2] = ["camera", "source"];
/// All that the radio's service uses: passphrases, the camera's name, how to log.
const OF_THE_RADIO: [&str; 3] = ["wifi", "device", "log"];
/// In the place of a line that is no TOML: it still is none.
const UNREADABLE: &str = "?";

/// A `picam.toml` without passwords, passphrases and comments (old passwords stand in those), for services that nobody
/// would trust with them. All that is left keeps its line, so that mistakes are still told by their lines; a line that is
/// no TOML is a question mark. The hash of the page's password stays. Nothing is left of a file that is empty or torn.
pub fn public(bytes: &[u8], keys: &[Key]) -> String {
    part(bytes, Reader::Everybody, keys)
}

/// The sections of a `picam.toml` that the radio's service uses, passphrases included. Like [`public`] otherwise: no
/// password of the page, no hash of one, no comments, and every line in its place.
pub fn for_hotspot(bytes: &[u8], keys: &[Key]) -> String {
    part(bytes, Reader::Hotspot, keys)
}

/// The `[[camera]]` sections of a `picam.toml`, passwords included, for the recorder. Like [`public`] otherwise.
pub fn for_recorder(bytes: &[u8], keys: &[Key]) -> String {
    part(bytes, Reader::Recorder, keys)
}

/// What `public` hides: values of secrets, and lines that are no TOML, behind their `=`.
pub(super) fn secrets(bytes: &[u8], keys: &[Key]) -> Vec<String> {
    let text = decode(bytes);
    let sound = make_sound(&text);
    let mut secrets = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if sound.ignored.contains(&(at + 1)) {
            let (_, value) = line.split_once('=').unwrap_or(("", line));
            let quotes = |c: char| c.is_whitespace() || c == '"' || c == '\'';
            secrets.push(value.trim_matches(quotes).to_owned());
        }
    }
    if let Ok(document) = parse(&sound.text) {
        let mut found = Found::of(Reader::Everybody, keys);
        found.table(&sound.text, document.as_table(), &[], Kind::Lines, false);
        secrets.append(&mut found.secrets);
    }
    secrets
}

/// Whose part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Everybody,
    Hotspot,
    Recorder,
}

fn part(bytes: &[u8], reader: Reader, keys: &[Key]) -> String {
    if is_torn(bytes) {
        return String::new();
    }
    let text = decode(bytes);
    let broken: BTreeSet<usize> = make_sound(&text).ignored.into_iter().collect();
    let with_broken = |instead: &str| -> String {
        let lines = text.split_inclusive('\n').enumerate();
        lines
            .map(|(at, line)| match broken.contains(&(at + 1)) {
                true => format!("{instead}\n"),
                false => line.to_owned(),
            })
            .collect()
    };
    // As long as each other, so that places in the one are places in the other.
    let (sound, shown) = (with_broken(" "), with_broken(UNREADABLE));
    let Some(cuts) = cuts(&sound, reader, keys) else {
        return String::new();
    };
    let hidden = apply(&sound, &cuts);
    // Whatever went wrong: better no settings than somebody's password.
    match parse(&hidden).is_ok() {
        true => apply(&shown, &cuts),
        false => String::new(),
    }
}

/// A range and what comes in its place; ends of lines stay in any case.
type Cut = (Range<usize>, &'static str);

fn cuts(text: &str, reader: Reader, keys: &[Key]) -> Option<Vec<Cut>> {
    let document = parse(text).ok()?;
    let mut found = Found::of(reader, keys);
    found.table(text, document.as_table(), &[], Kind::Lines, false);
    let mut cuts = found.cuts;
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('#')) {
        let place = at + next;
        let quoted = found
            .tokens
            .iter()
            .find(|token| token.contains(&place))
            .map(|token| token.end);
        let end = text.get(place..).and_then(|rest| rest.find('\n'));
        let end = end.map_or(text.len(), |length| place + length);
        at = quoted.unwrap_or(end);
        if quoted.is_none() {
            cuts.push((place..end, ""));
        }
    }
    Some(cuts)
}

fn apply(text: &str, cuts: &[Cut]) -> String {
    let mut result = String::new();
    let mut sorted: Vec<&Cut> = cuts.iter().collect();
    sorted.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    let mut at = 0;
    for (range, instead) in sorted {
        // A comment behind a secret goes with its line.
        if range.start >= at {
            result.push_str(text.get(at..range.start).unwrap_or_default());
            result.push_str(instead);
        }
        let gone = text.get(range.start.max(at)..range.end).unwrap_or_default();
        result.extend(gone.matches('\n'));
        at = at.max(range.end);
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

/// Whether a table's keys have lines of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lines,
    Inline,
}

struct Found<'a> {
    reader: Reader,
    keys: &'a [Key],
    cuts: Vec<Cut>,
    /// Keys and strings, in which a `#` begins no comment.
    tokens: Vec<Range<usize>>,
    /// Values that are cut out.
    secrets: Vec<String>,
}

impl<'a> Found<'a> {
    fn of(reader: Reader, keys: &'a [Key]) -> Self {
        Self {
            reader,
            keys,
            cuts: Vec::new(),
            tokens: Vec::new(),
            secrets: Vec::new(),
        }
    }

    fn table(
        &mut self,
        text: &str,
        table: &dyn TableLike,
        above: &[&str],
        kind: Kind,
        secret: bool,
    ) {
        let keys: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
        for name in &keys {
            let Some((key, item)) = table.get_key_value(name) else {
                continue;
            };
            self.tokens.extend(key.span());
            let path = [above, &[name.as_str()]].concat();
            let secret = secret || self.is_secret(&path, item);
            match item {
                Item::Table(inner) => self.table(text, inner, &path, kind, secret),
                Item::ArrayOfTables(tables) => {
                    for inner in tables.iter() {
                        self.table(text, inner, &path, kind, secret);
                    }
                }
                Item::Value(value) => self.value(text, key, value, &path, kind, secret),
                Item::None => {}
            }
        }
    }

    fn value(
        &mut self,
        text: &str,
        key: &toml_edit::Key,
        value: &Value,
        path: &[&str],
        kind: Kind,
        secret: bool,
    ) {
        if secret {
            strings(value, &mut self.secrets);
        }
        let spans = (key.span(), value.span());
        match (secret, spans) {
            (true, (Some(key), Some(value))) => {
                self.tokens.push(value.clone());
                let is_passphrase =
                    path.first() == Some(&"wifi") && path.last() == Some(&"passphrase");
                if is_passphrase {
                    self.cuts.push((value, HIDDEN));
                } else if path == SOURCE && self.reader != Reader::Hotspot {
                    self.cuts.push((value, REFUSED));
                } else if kind == Kind::Inline {
                    self.cuts.push((key, "left-out"));
                    self.cuts.push((value, "0"));
                } else {
                    let lines = lines_of(text, &(key.start..value.end));
                    self.cuts.push((lines, ""));
                }
            }
            _ => self.inside(text, value, path),
        }
    }

    fn is_secret(&self, path: &[&str], item: &Item) -> bool {
        let section = path.first().copied().unwrap_or_default();
        match self.reader {
            Reader::Everybody => is_secret(self.keys, path, item),
            // A slip in the name of one of its keys is told by the service, so all of them stay.
            Reader::Hotspot if section == "wifi" => false,
            Reader::Recorder => section != "camera" || holds_password(item),
            Reader::Hotspot => !OF_THE_RADIO.contains(&section) || is_secret(self.keys, path, item),
        }
    }

    /// What a value is made of.
    fn inside(&mut self, text: &str, value: &Value, path: &[&str]) {
        match value {
            Value::String(_) => self.tokens.extend(value.span()),
            Value::Array(array) => {
                for value in array.iter() {
                    self.inside(text, value, path);
                }
            }
            Value::InlineTable(inner) => {
                let kind = if inner.is_dotted() {
                    Kind::Lines
                } else {
                    Kind::Inline
                };
                self.table(text, inner, path, kind, false);
            }
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
        }
    }
}

/// The texts in a value.
fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.value().clone()),
        Value::Array(array) => array.iter().for_each(|value| strings(value, all)),
        Value::InlineTable(table) => table.iter().for_each(|(_, value)| strings(value, all)),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// Whether it is a URL with a password in it, where none belongs.
fn holds_password(item: &Item) -> bool {
    let text = item.as_str().unwrap_or_default();
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

fn is_secret(keys: &[Key], path: &[&str], item: &Item) -> bool {
    if path == SOURCE {
        return holds_password(item);
    }
    let name = path.last().copied().unwrap_or_default();
    // What is no hash may be the password or token itself, in the wrong place.
    if with(keys, Access::Hash).any(|hash| hash.key == name) {
        return !item.as_str().is_some_and(is_hash);
    }
    let section = path.first().copied().unwrap_or_default();
    if holds_secrets(keys, section) {
        return path.len() > 1 && !is_plain(keys, section, name);
    }
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// Of a password, or of a program's token.
fn is_hash(text: &str) -> bool {
    let of_token = text
        .strip_prefix("viewer-")
        .or_else(|| text.strip_prefix("owner-"));
    let is_sha256 =
        |digits: &str| digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    text.starts_with("$argon2") || of_token.is_some_and(is_sha256)
}

/// Those with secrets, as picam's table has them.
#[cfg(test)]
pub(super) use tests::KEYS;

#[cfg(test)]
#[path = "public_tests.rs"]
mod tests;
