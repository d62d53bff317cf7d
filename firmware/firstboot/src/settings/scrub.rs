//! Taking the owner's secrets out of texts that leave the camera. No log is to have any; this is for the one that has.

use super::access::{shown_passphrase, shown_password};
use super::keys::Key;
use super::public::secrets;

/// Shorter ones open nothing, and are parts of too many words.
const SHORTEST: usize = 4;
/// No honest file has more, and each is looked for in every text: beyond, a Pi would take minutes.
const MOST: usize = 500;
/// In the place of a text that cannot be looked through.
const TOO_MANY: &str =
    "left out: so much of picam.toml cannot be read that it is not known what in here is secret";
/// How the hash of a password begins.
const HASH: &str = "$argon2";
const HIDDEN: &str = "********";

/// What must not be in a text.
#[derive(Clone)]
pub struct Scrubber {
    /// The longest first: one may be a part of another.
    secrets: Vec<String>,
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").finish_non_exhaustive()
    }
}

impl Scrubber {
    /// From the bytes of `picam.toml`, which has these keys, and `picam-access.txt`.
    pub fn new(toml: &[u8], access: &[u8], keys: &[Key]) -> Self {
        let mut secrets = secrets(toml, keys);
        secrets.extend(shown_password(access));
        secrets.extend(shown_passphrase(access));
        // As Debug shows them.
        let escaped: Vec<String> = secrets
            .iter()
            .map(|secret| secret.escape_debug().to_string())
            .collect();
        secrets.extend(escaped);
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort_by_key(|secret| (usize::MAX - secret.len(), secret.clone()));
        secrets.dedup();
        Self { secrets }
    }

    /// The text without them, without hashes of passwords, and without what a terminal would act on.
    pub fn scrub(&self, text: &str) -> String {
        if self.secrets.len() > MOST {
            return TOO_MANY.to_owned();
        }
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        let mut scrubbed = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(at) = rest.find(HASH) {
            scrubbed.push_str(rest.get(..at).unwrap_or_default());
            scrubbed.push_str(HIDDEN);
            let hash = rest.get(at..).unwrap_or_default();
            let is_end = |c: char| !(c.is_ascii_alphanumeric() || "$,=+/".contains(c));
            let end = hash.find(is_end).unwrap_or(hash.len());
            rest = hash.get(end..).unwrap_or_default();
        }
        scrubbed.push_str(rest);
        scrubbed.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        scrubbed
    }
}

#[cfg(test)]
mod tests {
    use super::super::public::KEYS;
    use super::*;

    const TOML: &str = "[wifi]\npassphrase = \"first \\\"secret\\\"\"\nssid = \"home\"\npasphrase = \"second secret\"\n\
        [[wifi.network]]\nssid = \"office\"\npassphrase = 'third secret'\n\
        [web]\npassword = \"\"\"fourth secret\"\"\"\npassword-hash = \"fifth secret\"\nlogin = [\"sixth secret\"]\n\
        [hotspot]\npsk = \"seventh secret\"\n[wifi\npassphrase = \"eighth secret\npassword = ninth secret\nweb = { password = \"a\" }\n";
    const ACCESS: &str = "Passphrase:  abcd-efgh-jkmn-pqrs\r\nPassword:    wxyz-abcd-efgh\r\n";

    #[test]
    fn whatever_secret_stands_in_the_files_goes() {
        let scrubber = Scrubber::new(TOML.as_bytes(), ACCESS.as_bytes(), KEYS);
        let log = "joined home with first \"secret\", Debug: \"first \\\"secret\\\"\", second secret,\nthird secret;fourth secret fifth secret\n\
            sixth secret seventh secret eighth secret ninth secret abcd-efgh-jkmn-pqrs wxyz-abcd-efgh a cat \u{1b}[31m\r\n\
            hash $argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA+/ of office";
        let shown = scrubber.scrub(log);
        assert!(
            !shown.contains("secret") && !shown.contains("abcd") && !shown.contains("argon2"),
            "{shown}"
        );
        for kept in [
            "joined home with",
            "office",
            " a cat ",
            "hash ******** of office",
        ] {
            assert!(shown.contains(kept), "{kept}: {shown}");
        }
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\r'),
            "{shown:?}"
        );
        assert_eq!(shown.lines().count(), log.lines().count());
        assert!(!format!("{scrubber:?}").contains("secret"));
    }

    #[test]
    fn a_file_of_nothing_but_broken_lines_gives_nothing_away() {
        let lines: String = (0..30_000)
            .map(|n| format!("psk{n} = = secret{n}\n"))
            .collect();
        let scrubber = Scrubber::new(lines.as_bytes(), b"", KEYS);
        let log = "joined with = secret29999\n".repeat(20_000);
        assert_eq!(scrubber.scrub(&log), TOO_MANY);
    }

    #[test]
    fn nothing_to_hide_hides_nothing() {
        for toml in [&b""[..], b"\0\0\0", b"\xff\xfe", b"slots = 3\n"] {
            let scrubber = Scrubber::new(toml, b"\xff", KEYS);
            assert_eq!(scrubber.scrub("slots = 3 \u{fc}"), "slots = 3 \u{fc}");
        }
    }
}
