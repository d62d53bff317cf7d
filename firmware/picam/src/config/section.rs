//! One table of the file: takes the known keys out of it and reports the others.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hints;
use super::problem::{Report, Wrong};
use super::table::Keyed;

pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// Reads the keys of a table into fields, which keep what they hold where a value is bad. Reports those that nobody knows.
    pub(super) fn read<T: Keyed>(
        table: &'a DeTable<'a>,
        fields: &mut T,
        report: &mut Report<'_>,
    ) -> Self {
        for (key, value) in table {
            let key_at = key.span().start;
            let name = key.get_ref().as_ref();
            if !hints::knows(&T::SECTION, name, value.get_ref()) && !report.has_line_of(key_at) {
                report.add(key_at, hints::unknown(&T::SECTION, name), None);
            }
        }
        let section = Self { table };
        for (key, of) in T::SECTION.keys.iter().zip(T::VALUES) {
            let Some(value) = section.get(key.name) else {
                continue;
            };
            let at = value.span().start;
            if report.has_line_of(at) {
                continue;
            }
            if let Err(wrong) = (of.read)(value.get_ref(), fields) {
                let what = format!("{}: {}", T::SECTION.full(key.name), wrong.what);
                report.add(at, Wrong { what, ..wrong }, Some((of.show)(fields)));
            }
        }
        section
    }

    /// The same with a section inside this one.
    pub(super) fn read_inside<T: Keyed>(
        &self,
        fields: &mut T,
        report: &mut Report<'_>,
    ) -> Option<Self> {
        let key = T::SECTION.name();
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            if !report.has_line_of(value.span().start) {
                let what = format!("'{key}' is a section");
                let remedy = format!("write [{key}] on a line of its own, and its keys below");
                report.add(value.span().start, Wrong::new(what, remedy), None);
            }
            return None;
        };
        Some(Self::read(table, fields, report))
    }

    /// The entries of a list of sections inside this one.
    pub(super) fn list(
        &self,
        key: &str,
        wrong: Wrong,
        report: &mut Report<'_>,
    ) -> Option<impl Iterator<Item = &'a Spanned<DeValue<'a>>> + use<'a>> {
        let value = self.get(key)?;
        let list = value.get_ref().as_array();
        if list.is_none() && !report.has_line_of(value.span().start) {
            report.add(value.span().start, wrong, None);
        }
        Some(list.into_iter().flatten())
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let (_, value) = self
            .table
            .iter()
            .find(|(found, _)| found.get_ref().as_ref() == key)?;
        Some(value)
    }

    /// Where the first of these keys that is there has its value; 0 if none is.
    pub(super) fn place_of(&self, keys: &[&str]) -> usize {
        let found = keys.iter().find_map(|key| self.get(key));
        found.map_or(0, |value| value.span().start)
    }
}
