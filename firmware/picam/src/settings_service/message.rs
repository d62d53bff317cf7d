//! What goes through the socket.

use picam_control::settings::{Settings, SettingsChange};
use picam_web::settings::SupportFile;
use serde::{Deserialize, Serialize};

/// A request is no longer than this, in bytes with its newline.
pub(super) const MAX_REQUEST: u64 = 16 * 1024;

/// What can be asked: `{"ask":"settings"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// What is set.
    Settings {},
    /// To set it otherwise, as a whole or not at all.
    Change {
        /// What.
        change: SettingsChange,
    },
    /// A text for whoever helps the owner.
    Support {
        /// Where to write it; none for the answer alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Place>,
    },
}

/// Where a support file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The boot partition, for an owner with a PC.
    Card,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reply {
    /// What is set.
    Settings(Settings),
    /// What was asked for.
    Support(SupportFile),
    /// It is changed, or written.
    Done,
    /// It is not.
    Refused {
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
        /// The key whose value it is about, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_what_the_documentation_says() {
        let parse = |text: &str| serde_json::from_str::<Request>(text).map_err(|e| e.to_string());
        assert_eq!(parse(r#"{"ask":"settings"}"#), Ok(Request::Settings {}));
        let line =
            r#"{"ask":"change","change":{"set":{"device.name":"van"},"join":[{"ssid":"home"}]}}"#;
        let Ok(Request::Change { change }) = parse(line) else {
            panic!()
        };
        assert_eq!(change.set.get("device.name"), Some(&Some("van".to_owned())));
        let support = |to| Ok(Request::Support { to });
        assert_eq!(parse(r#"{"ask":"support"}"#), support(None));
        let card = r#"{"ask":"support","to":"card"}"#;
        assert_eq!(parse(card), support(Some(Place::Card)));
        assert_eq!(change.join.len(), 1);
        for wrong in [
            r#"{"ask":"change","change":{"set":{"device.name":1}}}"#,
            r#"{"ask":"change","change":{"unset":["wifi.passphrase"]}}"#,
            r#"{"ask":"support","to":"/boot/picam.toml"}"#,
            r#"{"ask":"file","path":"/boot/picam.toml"}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_logged_of_a_change_holds_no_passphrase() {
        let line = r#"{"set":{"wifi.passphrase":"first secret"},"join":[{"ssid":"home","passphrase":"second secret"}]}"#;
        let change: SettingsChange = serde_json::from_str(line).unwrap();
        let shown = format!("{change:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
