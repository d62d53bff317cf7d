//! A network camera's URL and what picam wants to know besides.

use std::fmt;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::CaptureError;
use crate::params::Param;

const KEYS: &str = "transport=tcp|udp, sound=on|off|g711";
const EXAMPLE: &str = "rtsp://user@192.168.1.20/stream1#transport=udp";
/// Longest URL.
const MAX_LEN: usize = 2048;

/// `rtsp://[USER@]HOST[:PORT]/PATH?QUERY#transport=tcp&sound=on`. All up to the `#` is the camera's own; what stands behind it
/// is picam's, and never sent.
#[derive(Clone, PartialEq, Eq)]
pub struct RtspParams {
    /// What the camera is asked for, without user and fragment.
    url: Url,
    user: Option<String>,
    password: Option<String>,
    pub(super) transport: Transport,
    pub(super) sound: SoundChoice,
}

/// How pictures travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// Inside the connection that asks for them: what is lost on the way is sent again.
    Tcp,
    /// Packet by packet.
    Udp,
}

/// Which sound is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SoundChoice {
    /// What every player of MP4 takes: AAC.
    On,
    /// None.
    Off,
    /// G.711 too, which few players take.
    G711,
}

impl RtspParams {
    /// Parses all that stands behind `rtsp:`, whose fragment was parsed to `params`.
    pub(crate) fn parse(rest: &str, params: &[Param]) -> Result<Self, CaptureError> {
        let wrong = |what: &str| CaptureError::Config(format!("{what}: write {EXAMPLE}"));
        let is_plain = |c: char| c.is_ascii_graphic();
        if rest.len() > MAX_LEN || !rest.starts_with("//") || !rest.chars().all(is_plain) {
            return Err(wrong(
                "an RTSP source is a URL without blanks and accents (write them as %20 and the like)",
            ));
        }
        // The parser's own words could repeat what is secret.
        let url = Url::parse(&format!("rtsp:{rest}"));
        let mut url = url.map_err(|_| wrong("this is no URL"))?;
        if url.password().is_some() {
            return Err(CaptureError::Config(
                "a password does not belong into a URL, which is shown and logged: write rtsp://USER@HOST/..., and \
                 password = \"...\" on a line of its own below [[camera]] in picam.toml"
                    .to_owned(),
            ));
        }
        if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return Err(wrong("the URL names no camera"));
        }
        let user = percent_decode_str(url.username()).decode_utf8();
        let user = user.ok().filter(|user| user.chars().all(is_header_text));
        let user = user.ok_or_else(|| wrong("the user has signs that RTSP cannot send"))?;
        let user = (!user.is_empty()).then(|| user.into_owned());
        url.set_fragment(None);
        url.set_username("").map_err(|()| wrong("this is no URL"))?;
        let mut all = Self {
            url,
            user,
            password: None,
            transport: Transport::Tcp,
            sound: SoundChoice::On,
        };
        for param in params {
            match param.key.as_str() {
                "transport" => {
                    all.transport = match param.switch("tcp", "udp")? {
                        true => Transport::Udp,
                        false => Transport::Tcp,
                    }
                }
                "sound" => {
                    all.sound = match param.value.as_str() {
                        "on" => SoundChoice::On,
                        "off" => SoundChoice::Off,
                        "g711" => SoundChoice::G711,
                        _ => return Err(param.bad_value("on, off or g711")),
                    }
                }
                _ => return Err(param.unknown_key("rtsp", KEYS)),
            }
        }
        Ok(all)
    }

    /// Sets the password that goes with the user.
    pub(crate) fn set_password(&mut self, password: &str) -> Result<(), CaptureError> {
        let wrong = |what: &str| Err(CaptureError::Config(what.to_owned()));
        if self.user.is_none() {
            return wrong("a password needs its user: write rtsp://USER@HOST/... as source");
        }
        if !password.chars().all(is_header_text) {
            return wrong(
                "the password has signs that RTSP cannot send: choose one without accents",
            );
        }
        self.password = Some(password.to_owned());
        Ok(())
    }

    /// What the camera is asked for.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// User and password, if there are any.
    pub(super) fn credentials(&self) -> Option<(&str, &str)> {
        let user = self.user.as_deref()?;
        Some((user, self.password.as_deref().unwrap_or_default()))
    }

    /// The camera's address alone: path and query may hold what opens it.
    pub(super) fn shown(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("rtsp://{host}:{port}"),
            None => format!("rtsp://{host}"),
        }
    }

    /// Takes what must not be shown out of a text of others.
    pub(super) fn redact(&self, text: &str) -> String {
        // What is shorter would be found in any text.
        let is_long = |part: &&str| part.len() >= 4;
        let parts = [
            self.url.query(),
            Some(self.url.path()),
            self.user.as_deref(),
        ];
        let password = self.password.as_deref().filter(|text| !text.is_empty());
        let secrets = parts.into_iter().flatten().filter(is_long);
        let secrets = secrets.chain(password);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// Whether a header of RTSP can hold it: ASCII that can be seen, and blanks.
fn is_header_text(c: char) -> bool {
    (' '..='~').contains(&c)
}

impl fmt::Debug for RtspParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtspParams")
            .field("camera", &self.shown())
            .field("transport", &self.transport)
            .field("sound", &self.sound)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use crate::{CameraSpec, SourceSpec};

    use super::*;

    fn params(text: &str) -> RtspParams {
        match CameraSpec::parse(text).unwrap().source {
            SourceSpec::Rtsp(params) => params,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_the_cameras_own_reaches_it() {
        for (text, url) in [
            ("a=rtsp://h/x", "rtsp://h/x"),
            ("a=rtsp://h", "rtsp://h"),
            (
                "a=rtsp://h:8554/cam/realmonitor?channel=1&subtype=0",
                "rtsp://h:8554/cam/realmonitor?channel=1&subtype=0",
            ),
            ("a=rtsp://me@h/x?a=%23b#transport=udp", "rtsp://h/x?a=%23b"),
            (
                "a=rtsp://[fe80::1]/x?transport=1",
                "rtsp://[fe80::1]/x?transport=1",
            ),
            (
                "a=rtsp://h/user=me&channel=1.sdp?",
                "rtsp://h/user=me&channel=1.sdp?",
            ),
        ] {
            assert_eq!(params(text).url().as_str(), url);
        }
    }

    #[test]
    fn what_is_picams_stands_behind_the_hash_sign() {
        let all = params("a=rtsp://me%40home@h/x?transport=tcp#transport=udp&sound=g711");
        assert_eq!(
            (all.transport, all.sound),
            (Transport::Udp, SoundChoice::G711)
        );
        assert_eq!(all.credentials(), Some(("me@home", "")));
        let plain = params("a=rtsp://h/x");
        assert_eq!(
            (plain.transport, plain.sound),
            (Transport::Tcp, SoundChoice::On)
        );
        assert_eq!(plain.credentials(), None);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut all = params("a=rtsp://me@h:99/s3cret?key=s3cret");
        all.set_password("s3cret!").unwrap();
        assert_eq!(all.credentials(), Some(("me", "s3cret!")));
        for text in [
            all.shown(),
            format!("{all:?}"),
            all.redact("bad s3cret! at rtsp://h:99/s3cret?key=s3cret for me"),
        ] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert_eq!(all.shown(), "rtsp://h:99");
        for text in [
            "a=rtsp://me:s3cret@h/x",
            "a=rtsp://me:s3cret@h:port/x",
            "a=rtsp:/me:s3cret@h/x",
            "a=rtsp://me:s3cret@/x",
            "a=rtsp://me:s3cret@h/x#sound=loud",
            "a=rtsps://me:s3cret@h/x",
            "a=rtsp://me:s3cret@h/ x",
            "a=http://me:s3cret@h/x",
            "a=rtsp://h/x?key=s3cret#transport",
        ] {
            let error = CameraSpec::parse(text).unwrap_err().to_string();
            assert!(!error.contains("s3cret") && error.contains("a="), "{error}");
        }
        let refused = CameraSpec::parse("a=rtsp://me:s3cret@h/x").unwrap_err();
        assert!(
            refused.to_string().contains("below [[camera]]"),
            "{refused}"
        );
    }

    #[test]
    fn a_password_needs_a_user_and_signs_that_can_be_sent() {
        assert!(params("a=rtsp://h/x").set_password("x").is_err());
        assert!(params("a=rtsp://me@h/x").set_password("ü").is_err());
        assert!(
            params("a=rtsp://me@h/x")
                .set_password("a \"b\" \\c")
                .is_ok()
        );
    }
}
