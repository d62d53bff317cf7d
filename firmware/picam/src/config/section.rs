//! One table of the file: takes the known keys out of it and reports the others.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, SectionKeys};
use super::problem::{Report, Wrong};

pub(super) struct Section<'a> {
    keys: &'static SectionKeys,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// Reports the keys of `table` that nobody knows.
    pub(super) fn open(
        keys: &'static SectionKeys,
        table: &'a DeTable<'a>,
        report: &mut Report<'_>,
    ) -> Self {
        for (key, value) in table {
            let key_at = key.span().start;
            let name = key.get_ref().as_ref();
            if keys.knows(name, value.get_ref()) || report.has_line_of(key_at) {
                continue;
            }
            report.add(key_at, keys::unknown(keys, name), None);
        }
        Self { keys, table }
    }

    /// The table of a section inside this one, and where it starts.
    pub(super) fn table(&self, key: &str, report: &mut Report<'_>) -> Option<&'a DeTable<'a>> {
        let value = self.get(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() && !report.has_line_of(value.span().start) {
            let what = format!("'{key}' is a section");
            let remedy = format!("write [{key}] on a line of its own, and its keys below");
            report.add(value.span().start, Wrong::new(what, remedy), None);
        }
        table
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        let (_, value) = self
            .table
            .iter()
            .find(|(found, _)| found.get_ref().as_ref() == key)?;
        Some(value)
    }

    /// Reads a key into `target`, which holds its default and keeps it if the value is bad.
    pub(super) fn set<T>(
        &self,
        report: &mut Report<'_>,
        key: &str,
        target: &mut T,
        parse: impl Fn(&DeValue<'_>) -> Result<T, Wrong>,
        show: impl Fn(&T) -> String,
    ) {
        let Some(value) = self.get(key) else {
            return;
        };
        let at = value.span().start;
        if report.has_line_of(at) {
            return;
        }
        match parse(value.get_ref()) {
            Ok(value) => *target = value,
            Err(wrong) => {
                let what = format!("{}: {}", self.keys.full(key), wrong.what);
                report.add(at, Wrong { what, ..wrong }, Some(show(target)));
            }
        }
    }
}
