//! `picam-access.txt`: how to reach the camera, for whoever holds its card.

/// Whose the page's password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PagePassword {
    /// The camera made it, and shows it here.
    Made(String),
    /// The camera made it, and its owner removed it from here.
    MadeBefore,
    /// Its owner chose it, and it is written nowhere.
    Chosen,
    /// There is none.
    Missing,
}

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access<'a> {
    /// Host name.
    pub(super) name: &'a str,
    /// The hotspot's name, if it is known already.
    pub(super) ssid: Option<&'a str>,
    /// Its passphrase.
    pub(super) passphrase: Option<&'a str>,
    /// Whether there is a hotspot.
    pub(super) hotspot: bool,
    pub(super) password: PagePassword,
}

/// What stands before the name of the hotspot.
const NETWORK: &str = "Network:     ";
/// What stands before its passphrase.
const PASSPHRASE: &str = "Passphrase:  ";
/// What stands before the password that the camera made.
const MADE: &str = "Password:    ";

/// The file. Its lines end as Windows' Notepad of any age wants them to.
pub(super) fn show(access: &Access<'_>) -> String {
    let Access { name, .. } = access;
    let ssid = match access.ssid {
        Some(ssid) => ssid.to_owned(),
        None => format!("{name}-xxxx (xxxx are four characters of its own)"),
    };
    let passphrase = access.passphrase.unwrap_or("none, so there is no network");
    let wifi = match access.hotspot {
        true => format!("{NETWORK}{ssid}\n{PASSPHRASE}{passphrase}\n"),
        false => {
            "The camera's own network is switched off in picam.toml ([wifi], mode).\n".to_owned()
        }
    };
    let own_address = if access.hotspot {
        "  or  http://192.168.66.1/"
    } else {
        ""
    };
    let password = match &access.password {
        PagePassword::Made(password) => format!("{MADE}{password}\n"),
        PagePassword::MadeBefore => format!(
            "{MADE}the one that stood here until this file was removed.\n             \
             Forgotten? See below.\n"
        ),
        PagePassword::Chosen => {
            format!(
                "{MADE}the one you set. It is stored nowhere.\n             Forgotten? See below.\n"
            )
        }
        PagePassword::Missing => {
            format!("{MADE}none could be made, so the page is closed; restart the camera\n")
        }
    };
    let text = format!(
        "How to reach this camera\n\
         ========================\n\
         \n\
         1. Join its Wi-Fi.\n\
         \n\
         {wifi}\
         \n\
         2. Open its page in a browser.\n\
         \n\
         Address:     http://{name}.local/{own_address}\n\
         {password}\
         \n\
         To choose your own: write  passphrase = \"...\"  below [wifi], or  password = \"...\"\n\
         below [web], into picam.toml on this card. The next start takes them over. What cannot\n\
         be used is replaced by one of the camera's own: a passphrase has 8 to 63 letters\n\
         without accents, digits or signs, a password 8 characters or more.\n\
         \n\
         Forgotten? Write  factory-reset = \"settings\"  below [device] into picam.toml: after the\n\
         next start there are new ones in this file. Footage stays.\n\
         \n\
         Whoever holds this card can read this file. Keep the password elsewhere and remove the\n\
         file, if you like: the camera does not write the password again.\n"
    );
    text.replace('\n', "\r\n")
}

/// The name of the hotspot that a file of ours shows.
pub(super) fn shown_ssid(file: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(file).ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix(NETWORK))
        .map(str::to_owned)
}

/// The password that a file of ours shows.
pub(super) fn shown_password(file: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(MADE))?;
    let is_ours = |c: char| c.is_ascii_lowercase() || c == '-';
    let made = line.contains('-') && line.chars().all(is_ours);
    made.then(|| line.to_owned())
}

/// The hotspot's passphrase that a file of ours shows.
pub(super) fn shown_passphrase(file: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(PASSPHRASE));
    line.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(password: PagePassword) -> Access<'static> {
        Access {
            name: "picam",
            ssid: Some("picam-1a2b"),
            passphrase: Some("abcd-efgh-jkmn-pqrs"),
            hotspot: true,
            password,
        }
    }

    #[test]
    fn a_password_is_shown_only_if_the_camera_made_it() {
        let made = show(&access(PagePassword::Made("wxyz-abcd-efgh".into())));
        assert_eq!(
            shown_password(made.as_bytes()).as_deref(),
            Some("wxyz-abcd-efgh")
        );
        for expected in [
            "picam-1a2b",
            "abcd-efgh-jkmn-pqrs",
            "http://picam.local/",
            "192.168.66.1",
        ] {
            assert!(made.contains(expected), "{made}");
        }
        for other in [
            PagePassword::Chosen,
            PagePassword::MadeBefore,
            PagePassword::Missing,
        ] {
            let text = show(&access(other));
            assert_eq!(shown_password(text.as_bytes()), None);
            assert!(text.contains("factory-reset"), "{text}");
        }
        assert_eq!(shown_password(b"\xff\xfe"), None);
        assert_eq!(shown_password(b"Password:    \xc3\xbcber\r\n"), None);
    }

    #[test]
    fn any_editor_shows_it() {
        let text = show(&access(PagePassword::Chosen));
        assert!(text.is_ascii());
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        assert!(text.lines().all(|line| line.len() <= 90), "{text}");
    }

    #[test]
    fn what_is_not_there_is_not_promised() {
        let off = show(&Access {
            hotspot: false,
            ..access(PagePassword::Chosen)
        });
        assert!(
            !off.contains("picam-1a2b") && !off.contains("192.168.66.1"),
            "{off}"
        );
        let unknown = show(&Access {
            ssid: None,
            ..access(PagePassword::Chosen)
        });
        assert!(unknown.contains("picam-xxxx"), "{unknown}");
    }
}
