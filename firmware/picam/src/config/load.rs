//! Reading the configuration file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::keys::Config;
use super::problem::{Problem, Report, Wrong};
use super::read::{Parsed, parse_over};

/// No honest file is longer, in bytes.
const MAX_LEN: u64 = 1 << 20;

/// A configuration and what was wrong with its file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The configuration, with defaults in place of what could not be used.
    pub config: Config,
    /// Whole sentences: file, line, what is wrong, what to do, and what holds until then.
    pub problems: Vec<String>,
}

/// Reads a file. One that cannot be read leaves the defaults.
pub fn load(path: &Path) -> Loaded {
    load_over(Config::default(), path)
}

/// Reads a file whose keys, where they are missing or cannot be used, have their values from `base`.
pub fn load_over(base: Config, path: &Path) -> Loaded {
    let name = path.display();
    match read(path) {
        Ok(bytes) => {
            let Parsed { config, problems } = parse_bytes(base, &bytes);
            let sentence = |problem: Problem| match &problem.instead {
                Some(instead) => format!("{name}:{problem} (until then: {instead})"),
                None => format!("{name}:{problem}"),
            };
            Loaded {
                config,
                problems: problems.into_iter().map(sentence).collect(),
            }
        }
        Err(error) => Loaded {
            config: base,
            problems: vec![format!(
                "{name}: cannot be read ({error}); check its name and its rights (until then: defaults)"
            )],
        },
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_LEN + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}

fn parse_bytes(base: Config, bytes: &[u8]) -> Parsed {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return parse_over(base, text),
        Err(error) => error,
    };
    let text = String::from_utf8_lossy(bytes);
    let mut report = Report::new(&text);
    let wrong = Wrong::new("this is no UTF-8 text", "save the file as UTF-8");
    report.add(error.valid_up_to(), wrong, Some("defaults".to_owned()));
    let config = match bytes {
        // UTF-16, as Windows calls "Unicode": nothing of it would be understood.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => base,
        // A letter of an old code page in a comment or a path: the rest is good.
        _ => parse_over(base, &text).config,
    };
    Parsed {
        config,
        problems: report.into_problems(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_code_pages_cost_no_more_than_they_must() {
        let parsed = parse_bytes(Config::default(), b"# f\xfcr Oma\nslots = 5\n");
        assert_eq!(
            parsed.config.slots,
            super::super::values::SlotCount::Count(5)
        );
        let [problem] = &parsed.problems[..] else {
            panic!("{:?}", parsed.problems)
        };
        assert_eq!((problem.line, problem.column), (1, 4));
        assert!(problem.remedy.contains("UTF-8"));
    }

    #[test]
    fn utf_16_is_one_problem() {
        let bytes: Vec<u8> = "\u{feff}slots = 5\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let parsed = parse_bytes(Config::default(), &bytes);
        assert_eq!(parsed.config, Config::default());
        assert_eq!(parsed.problems.len(), 1);
    }

    #[test]
    fn a_missing_file_leaves_the_defaults() {
        let loaded = load(Path::new("/no/such/picam.toml"));
        assert_eq!(loaded.config, Config::default());
        assert!(loaded.problems[0].contains("/no/such/picam.toml: cannot be read"));
    }
}
