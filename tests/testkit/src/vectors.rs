//! `tests/vectors/secrets.tsv`.

const SECRETS: &str = include_str!("../../vectors/secrets.tsv");

/// The vectors of a rule: a text, whether it may be used, and why.
pub fn secrets(rule: &str) -> Vec<(String, bool, &'static str)> {
    SECRETS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|fields| fields[0] == rule)
        .map(|fields| {
            let [_, usable, times, text, why] = fields[..] else {
                panic!("a vector has five columns: {fields:?}");
            };
            let usable = match usable {
                "yes" => true,
                "no" => false,
                other => panic!("neither yes nor no: {other}"),
            };
            (unescape(text).repeat(times.parse().unwrap()), usable, why)
        })
        .collect()
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let (code, after) = after.split_at(1);
        rest = match code {
            "\\" | "n" | "t" => {
                plain.push(match code {
                    "n" => '\n',
                    "t" => '\t',
                    _ => '\\',
                });
                after
            }
            "x" => {
                let (digits, after) = after.split_at(2);
                plain.push(u8::from_str_radix(digits, 16).unwrap().into());
                after
            }
            other => panic!("no such escape: \\{other}"),
        };
    }
    plain + rest
}
