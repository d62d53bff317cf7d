//! What is wrong in a configuration file, and where.

use std::fmt;

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line in the file, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, with the key it is about.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
    /// What holds until then; `None` where nothing takes its place.
    pub instead: Option<String>,
}

impl fmt::Display for Problem {
    /// `3:11: what is wrong; what to do`, to stand behind the file's name and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            what,
            remedy,
            ..
        } = self;
        write!(f, "{line}:{column}: {what}; {remedy}")
    }
}

/// What a value should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) remedy: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Takes apart a sentence of the form `what is wrong: what to write`.
    pub(super) fn from_sentence(sentence: &str) -> Self {
        match sentence.rsplit_once(": ") {
            Some((what, remedy)) => Self::new(what, remedy),
            None => Self::new(sentence, "see docs/picam.toml for an example"),
        }
    }
}

/// Collects problems of one text.
#[derive(Debug)]
pub(super) struct Report<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Report<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            problems: Vec::new(),
        }
    }

    /// Adds a problem at a byte of the text.
    pub(super) fn add(&mut self, at: usize, wrong: Wrong, instead: Option<String>) {
        let (line, column) = position(self.text, at);
        self.problems.push(Problem {
            line,
            column,
            what: wrong.what,
            remedy: wrong.remedy,
            instead,
        });
    }

    /// Whether something is wrong already on the line of this byte. After an error of syntax the
    /// values there are guesses.
    pub(super) fn has_line_of(&self, at: usize) -> bool {
        let (line, _) = position(self.text, at);
        self.problems.iter().any(|problem| problem.line == line)
    }

    /// All problems, in the order of the file.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems
            .sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let at = text.floor_char_boundary(at);
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(start..).unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "a\nb\u{e9}c\r\n\nd";
        for (at, expected) in [
            (0, (1, 1)),
            (2, (2, 1)),
            // In the middle of the two-byte letter, and behind it.
            (4, (2, 2)),
            (5, (2, 3)),
            (8, (3, 1)),
            (9, (4, 1)),
            (1000, (4, 2)),
        ] {
            assert_eq!(position(text, at), expected, "{at}");
        }
    }
}
