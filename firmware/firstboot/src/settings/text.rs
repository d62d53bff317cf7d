//! From the bytes of a file that people edit on any PC to text that is TOML, losing nothing.

use std::fmt::Write;
use std::ops::Range;

use toml_edit::{Document, TomlError};

/// Work spent on a broken file, in bytes parsed: some hundred milliseconds.
const BUDGET: usize = 32 << 20;
/// Lines over which one value may stretch in a broken file.
const LONGEST_VALUE: usize = 100;

/// A text that is TOML, and the numbers of the lines that had to be made comments for that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sound {
    pub(super) text: String,
    pub(super) ignored: Vec<usize>,
}

/// Whether a file holds nothing, or what an interrupted write left: zeros.
pub(super) fn is_torn(bytes: &[u8]) -> bool {
    let is_utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    bytes.trim_ascii().is_empty() || (!is_utf16 && bytes.contains(&0))
}

/// Whether a file of ours is there from beginning to end.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes);
    !is_torn(bytes) && bytes.ends_with(b"\n") && text.is_ok_and(|text| parse(text).is_ok())
}

pub(super) fn parse(text: &str) -> Result<Document<&str>, TomlError> {
    Document::parse(text)
}

/// Reads what editors write: UTF-8, UTF-16 with a byte order mark ("Unicode" in Windows), or else
/// Windows-1252 ("ANSI").
pub(super) fn decode(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let units = |join: fn([u8; 2]) -> u16| {
        let pairs = bytes.get(2..).unwrap_or_default().chunks(2);
        let unit = |pair: &[u8]| pair.try_into().map_or(0xfffd, join);
        String::from_utf16_lossy(&pairs.map(unit).collect::<Vec<_>>())
    };
    match bytes {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes),
        _ => bytes.iter().map(|&byte| windows_1252(byte)).collect(),
    }
}

/// Windows-1252 is Latin-1 but for 32 places (unicode.org, MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT).
fn windows_1252(byte: u8) -> char {
    const UPPER: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
        '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ',
        '\u{fffd}', 'ž', 'Ÿ',
    ];
    let upper = usize::from(byte).checked_sub(0x80);
    let special = upper.and_then(|place| UPPER.get(place));
    special.copied().unwrap_or(char::from(byte))
}

/// Makes comments of the lines that are no TOML, so that all others keep their meaning.
pub(super) fn make_sound(text: &str) -> Sound {
    if parse(text).is_ok() {
        return Sound {
            text: text.to_owned(),
            ignored: Vec::new(),
        };
    }
    Repair::default().run(text)
}

/// Goes through a broken text line by line.
#[derive(Default)]
struct Repair {
    text: String,
    ignored: Vec<usize>,
    parsed: usize,
}

impl Repair {
    fn run(mut self, text: &str) -> Sound {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let taken = self.statement(&lines, at);
            match taken {
                Ok(end) => at = end,
                Err(why) => {
                    self.ignore(line, &why);
                    self.ignored.push(at + 1);
                    at += 1;
                }
            }
        }
        Sound {
            text: self.text,
            ignored: self.ignored,
        }
    }

    /// Takes the statement that begins with a line, and returns the line after it.
    fn statement(&mut self, lines: &[&str], at: usize) -> Result<usize, String> {
        let Some(line) = lines.get(at) else {
            return Ok(at + 1);
        };
        let why = match self.take(line) {
            Ok(()) => return Ok(at + 1),
            Err(why) => why,
        };
        // Only these stretch over lines.
        if ["[", "{", "\"\"\"", "'''"]
            .iter()
            .any(|open| line.contains(open))
        {
            let mut statement = (*line).to_owned();
            for (n, more) in lines.iter().enumerate().skip(at + 1).take(LONGEST_VALUE) {
                statement.push_str(more);
                if self.take(&statement).is_ok() {
                    return Ok(n + 1);
                }
            }
        }
        Err(why)
    }

    /// Appends lines, if the text is still TOML with them.
    fn take(&mut self, lines: &str) -> Result<(), String> {
        let before = self.text.len();
        self.parsed += before + lines.len();
        if self.parsed > BUDGET {
            return Err("too much of this file cannot be read".to_owned());
        }
        self.text.push_str(lines);
        let error = match parse(&self.text) {
            Ok(_) => return Ok(()),
            Err(error) => error.message().lines().collect::<Vec<_>>().join(", "),
        };
        self.text.truncate(before);
        Err(error)
    }

    fn ignore(&mut self, line: &str, why: &str) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let (line, end) = match line.strip_suffix("\r\n") {
            Some(line) => (line, "\r\n"),
            None => (line.strip_suffix('\n').unwrap_or(line), "\n"),
        };
        // TOML has no place for control characters, not even in a comment.
        let printable = |text: &str| -> String {
            let show = |c: char| {
                if c.is_control() && c != '\t' {
                    '\u{fffd}'
                } else {
                    c
                }
            };
            text.chars().map(show).collect()
        };
        let (line, why) = (printable(line), printable(why));
        // Writing to a String cannot fail.
        let _ = write!(
            self.text,
            "# picam cannot read the next line, and does without it: {why}{end}#{line}{end}"
        );
    }
}

/// The range of whole lines that a range of bytes touches.
pub(super) fn lines_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let after = text.get(range.end..).unwrap_or_default();
    let end = after.find('\n').map_or(text.len(), |at| range.end + at + 1);
    start..end
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
