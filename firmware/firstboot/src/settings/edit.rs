//! Changing single keys of a TOML text; everything else stays as its owner wrote it, to the byte
//! wherever that can be.

use std::ops::Range;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Key, Table, TableLike, Value};

use super::text::{lines_of, parse};

/// Where a key stands: its section and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
}

impl Place {
    /// As people write it: `wifi.mode`.
    pub(super) fn full(self) -> String {
        format!("{}.{}", self.section, self.key)
    }
}

/// Whether there is such a key, with any value at all.
pub(super) fn has(text: &str, place: Place) -> bool {
    value(text, place).is_some()
}

/// Its value, if that is a string.
pub(super) fn string(text: &str, place: Place) -> Option<String> {
    value(text, place)?.as_str().map(str::to_owned)
}

fn value(text: &str, place: Place) -> Option<Item> {
    let document = parse(text).ok()?;
    let section = document.as_table().get(place.section)?.as_table_like()?;
    section.get(place.key).cloned()
}

/// Gives a key a value. If there is none yet, it takes the place of `instead_of`, if that is there.
pub(super) fn set(text: &str, place: Place, value: &str, instead_of: Option<Place>) -> String {
    let quoted = Value::from(value).to_string();
    let is_set = |edited: &String| string(edited, place).as_deref() == Some(value);
    if has(text, place) {
        let old = spans(text, place).map(|(_, value)| value);
        let edited = old.and_then(|old| splice(text, &old, &quoted));
        if let Some(edited) = edited.filter(is_set) {
            return edited;
        }
    } else if let Some((key, old)) = instead_of.and_then(|old| spans(text, old)) {
        // The later one first: the other's place is not moved by that.
        let edited = splice(text, &old, &quoted).and_then(|text| splice(&text, &key, place.key));
        if let Some(edited) = edited.filter(is_set) {
            return edited;
        }
    }
    rewrite(text, |document| {
        let section = section_mut(document, place.section);
        if let Some(section) = section {
            section.insert(place.key, toml_edit::value(value));
        }
    })
}

/// Takes a key out; comments around it stay.
pub(super) fn remove(text: &str, place: Place) -> String {
    if !has(text, place) {
        return text.to_owned();
    }
    if let Some((key, value)) = spans(text, place) {
        let lines = lines_of(text, &(key.start..value.end));
        let edited = splice(text, &lines, "");
        let same_but = |edited: &String| {
            let without = rewrite(text, |document| forget(document, place));
            means(edited).is_some() && means(edited) == means(&without)
        };
        if let Some(edited) = edited.filter(same_but) {
            return edited;
        }
    }
    rewrite(text, |document| forget(document, place))
}

/// Adds `[[section.list]]` with these keys, in place of the one that has the same first key and value. `None` where the section is
/// written in a way that such a thing cannot be added to.
pub(super) fn put_in_list(
    text: &str,
    section: &'static str,
    list: &'static str,
    keys: &[(&'static str, &str)],
) -> Option<String> {
    let mut document: DocumentMut = text.parse().ok()?;
    let table = document
        .entry(section)
        .or_insert_with(|| Item::Table(Table::new()));
    let entries = table
        .as_table_mut()?
        .entry(list)
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let entries = entries.as_array_of_tables_mut()?;
    let (first, named) = keys.first()?;
    let is_same = |entry: &Table| entry.get(first).and_then(Item::as_str) == Some(named);
    entries.retain(|entry| !is_same(entry));
    let mut entry = Table::new();
    for (key, value) in keys {
        entry.insert(key, toml_edit::value(*value));
    }
    entries.push(entry);
    Some(with_ends_of(text, &document.to_string()))
}

/// Takes `[[section.list]]` out wherever `key` has this value. A list that is written in another way stays.
pub(super) fn take_from_list(
    text: &str,
    section: &str,
    list: &str,
    key: &str,
    value: &str,
) -> String {
    rewrite(text, |document| {
        let table = document.get_mut(section).and_then(Item::as_table_like_mut);
        let entries = table.and_then(|table| table.get_mut(list)?.as_array_of_tables_mut());
        if let Some(entries) = entries {
            entries.retain(|entry| entry.get(key).and_then(Item::as_str) != Some(value));
        }
    })
}

/// A section's name that stands for something else cannot hold keys: what stands there becomes a
/// comment at the end.
pub(super) fn make_section(text: &str, section: &'static str) -> String {
    let Ok(document) = parse(text) else {
        return text.to_owned();
    };
    let item = document.as_table().get(section);
    if item.is_none_or(Item::is_table_like) {
        return text.to_owned();
    }
    let mut removed = DocumentMut::new();
    let mut rest = document.into_mut();
    if let Some(item) = rest.remove(section) {
        removed.insert(section, item);
    }
    let mut text = with_ends_of(text, &rest.to_string());
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(end);
    }
    text.push_str(&format!(
        "# picam cannot read what follows, and does without it: [{section}] is a section{end}"
    ));
    for line in removed.to_string().lines() {
        text.push_str(&format!("#{line}{end}"));
    }
    text
}

/// What a text means, apart from how it is written.
fn means(text: &str) -> Option<toml::Table> {
    text.parse().ok()
}

/// Where a key and its value stand.
fn spans(text: &str, place: Place) -> Option<(Range<usize>, Range<usize>)> {
    let document = parse(text).ok()?;
    let section = document.as_table().get(place.section)?.as_table_like()?;
    let (key, item): (&Key, &Item) = section.get_key_value(place.key)?;
    Some((key.span()?, item.as_value()?.span()?))
}

fn splice(text: &str, range: &Range<usize>, new: &str) -> Option<String> {
    let (before, after) = (text.get(..range.start)?, text.get(range.end..)?);
    Some([before, new, after].concat())
}

fn rewrite(text: &str, edit: impl FnOnce(&mut DocumentMut)) -> String {
    let Ok(mut document) = text.parse::<DocumentMut>() else {
        return text.to_owned();
    };
    edit(&mut document);
    with_ends_of(text, &document.to_string())
}

fn forget(document: &mut DocumentMut, place: Place) {
    let section = document.get_mut(place.section);
    if let Some(section) = section.and_then(Item::as_table_like_mut) {
        section.remove(place.key);
    }
}

fn section_mut<'a>(document: &'a mut DocumentMut, name: &str) -> Option<&'a mut dyn TableLike> {
    let section = document
        .entry(name)
        .or_insert_with(|| Item::Table(Table::new()));
    section.as_table_like_mut()
}

/// New lines end as those of the original do.
fn with_ends_of(original: &str, text: &str) -> String {
    let windows = original.matches("\r\n").count();
    match windows > 0 && windows == original.matches('\n').count() {
        true => text.replace("\r\n", "\n").replace('\n', "\r\n"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
#[path = "edit_tests.rs"]
mod tests;
