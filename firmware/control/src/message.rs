//! What is said through the socket.

use crate::orders::{Denied, Order, OrderSpan, Save, Saved, Why};
use crate::status::Status;
use crate::stills::StillMade;
use picam_time::{BootNs, TimeSource, UtcUs};
use serde::{Deserialize, Serialize};

use crate::lock::{LockOrder, Origin};
use crate::picture::{CameraPicture, Wanted};

/// A request is no longer than this, in bytes with its newline.
pub(crate) const MAX_REQUEST: u64 = 4096;

/// What can be asked of the recorder: `{"ask":"status"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// What it is doing. (With braces, for serde takes any further fields of a variant without.)
    Status {},
    /// To take note of the time: it was `utc_us` (microseconds since 1970) when `CLOCK_BOOTTIME`
    /// showed `boot_ns`. Only for those who may command.
    SetTime {
        /// Who knows it.
        source: Source,
        /// Then.
        #[serde(rename = "boot_ns")]
        boot: BootNs,
        /// What time it was.
        #[serde(rename = "utc_us")]
        utc: UtcUs,
    },
    /// To keep footage.
    Lock {
        /// The same id twice is one order.
        id: String,
        /// Which footage, of every camera.
        span: OrderSpan,
        /// Why, for people.
        #[serde(default)]
        reason: String,
        /// Who wants it. It decides who may say so, and what it may push out.
        origin: Origin,
    },
    /// To keep what just happened and what happens next.
    Save {
        /// That.
        save: Save,
        /// Who wants it, as with [`Request::Lock`].
        origin: Origin,
    },
    /// To keep a segment no longer.
    Unlock {
        /// Its id, such as `F000123`.
        segment: String,
    },
    /// Which locks are still being carried out.
    Locks {},
    /// What somebody on the page wants.
    Page {
        /// That.
        order: Order,
    },
    /// To read the configuration's cameras anew, and change those that have changed. Answered once that has begun.
    Reload {},
    /// To listen to the microphone, or not, until that is said again or the device is started anew.
    Microphone {
        /// Whether to listen.
        on: bool,
    },
    /// To say how a camera's pictures look, and to change that before if anything is to be.
    Picture {
        /// Its name or letter.
        camera: String,
        /// What is to be changed, until that is done again or the recorder is started anew.
        #[serde(default)]
        set: Wanted,
        /// Who wants it. It decides what may be changed.
        origin: Origin,
    },
    /// To take a still of a camera. Answered once it is on the card, or will not be.
    Still {
        /// Its letter or name.
        camera: String,
    },
    /// To see what a camera records, from now on: behind the answer come [`crate::live`]'s messages.
    Live {
        /// Its letter.
        camera: char,
    },
}

/// What somebody must be allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Look.
    Ask,
    /// What the page may, which is bounded by the recorder.
    Page,
    /// What the device's own services may: tell the time, and lock for button and impact.
    Command,
    /// Everything.
    Own,
}

/// Who knows what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A phone that opened the page.
    Phone,
    /// A time server, or whatever set the system's clock by one.
    Ntp,
    /// Satellites.
    Gps,
}

impl From<Source> for TimeSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Phone => Self::Phone,
            Source::Ntp => Self::Ntp,
            Source::Gps => Self::Gps,
        }
    }
}

impl Request {
    /// What it takes to be obeyed.
    pub(crate) fn needs(&self) -> Right {
        match self {
            Self::Status {} | Self::Locks {} | Self::Live { .. } => Right::Ask,
            Self::Picture { set, .. } if set.is_empty() => Right::Ask,
            Self::Picture { origin, .. } => match origin {
                Origin::Page => Right::Page,
                Origin::Button | Origin::Impact | Origin::Owner => Right::Own,
            },
            Self::Page { .. } | Self::Still { .. } => Right::Page,
            Self::SetTime { .. } => Right::Command,
            Self::Lock { origin, .. } | Self::Save { origin, .. } => match origin {
                Origin::Page => Right::Page,
                Origin::Button | Origin::Impact => Right::Command,
                Origin::Owner => Right::Own,
            },
            Self::Unlock { .. } | Self::Reload {} | Self::Microphone { .. } => Right::Own,
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Locks`].
    Locks(Vec<LockOrder>),
    /// To [`Request::Save`].
    Saved(Box<Saved>),
    /// To [`Request::Picture`].
    Picture(Box<CameraPicture>),
    /// To [`Request::Still`].
    Still(Box<StillMade>),
    /// To [`Request::Live`]: pictures follow.
    Live {
        /// [`crate::live::PROTOCOL`].
        protocol: u32,
    },
    /// Done as asked.
    Done,
    /// Not done; in plain words, and what to do.
    Refused {
        /// What was wrong.
        reason: String,
        /// What to do about it.
        remedy: String,
        /// What kind of no it is.
        #[serde(default)]
        why: Why,
    },
}

impl Reply {
    /// Not done, as it may not be or cannot be.
    pub fn refused(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Refused {
            reason: reason.into(),
            remedy: remedy.into(),
            why: Why::Refused,
        }
    }
}

impl From<()> for Reply {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Saved> for Reply {
    fn from(saved: Saved) -> Self {
        Self::Saved(Box::new(saved))
    }
}

impl From<CameraPicture> for Reply {
    fn from(picture: CameraPicture) -> Self {
        Self::Picture(Box::new(picture))
    }
}

impl From<StillMade> for Reply {
    fn from(made: StillMade) -> Self {
        Self::Still(Box::new(made))
    }
}

impl<T: Into<Self>> From<Result<T, Denied>> for Reply {
    fn from(done: Result<T, Denied>) -> Self {
        match done {
            Ok(done) => done.into(),
            Err(Denied {
                why,
                reason,
                remedy,
            }) => Self::Refused {
                reason,
                remedy,
                why,
            },
        }
    }
}

/// Reads a request; the refusal says what it should have been.
pub(crate) fn parse(line: &[u8], now: BootNs) -> Result<Request, Reply> {
    let request = serde_json::from_slice(line).map_err(|error| {
        Reply::refused(
            format!("this is no request: {error}"),
            "send one line of JSON, such as {\"ask\":\"status\"}",
        )
    })?;
    match request {
        Request::SetTime { boot, .. } if boot > now => Err(Reply::refused(
            "that moment has not come yet",
            "read CLOCK_BOOTTIME for boot_ns",
        )),
        request => Ok(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: BootNs = BootNs(1_000);

    #[test]
    fn requests_are_what_the_documentation_says() {
        let line = br#"{"ask":"status"}"#;
        assert_eq!(parse(line, NOW), Ok(Request::Status {}));
        let line = br#"{"ask":"set-time","source":"ntp","boot_ns":1000,"utc_us":1795000000000000}"#;
        let expected = Request::SetTime {
            source: Source::Ntp,
            boot: BootNs(1000),
            utc: UtcUs(1_795_000_000_000_000),
        };
        assert_eq!(parse(line, NOW), Ok(expected));
        let line =
            br#"{"ask":"lock","id":"a","span":{"boot":{"from_ns":1,"to_ns":2}},"origin":"impact"}"#;
        let expected = Request::Lock {
            id: "a".into(),
            span: OrderSpan::Boot {
                from: BootNs(1),
                to: BootNs(2),
            },
            reason: String::new(),
            origin: Origin::Impact,
        };
        assert_eq!(parse(line, NOW), Ok(expected));
        let line =
            br#"{"ask":"save","save":{"id":"a","before_s":60,"after_s":30},"origin":"button"}"#;
        let expected = Request::Save {
            save: Save {
                id: "a".into(),
                before_s: 60,
                after_s: 30,
                reason: String::new(),
            },
            origin: Origin::Button,
        };
        assert_eq!(parse(line, NOW), Ok(expected));
        for (order, line) in [
            (
                Order::Delete {
                    segment: "F000001".into(),
                },
                &br#"{"ask":"page","order":{"delete":{"segment":"F000001"}}}"#[..],
            ),
            (
                Order::Pause { seconds: 60 },
                br#"{"ask":"page","order":{"pause":{"seconds":60}}}"#,
            ),
            (Order::Resume {}, br#"{"ask":"page","order":{"resume":{}}}"#),
        ] {
            let request = Request::Page { order };
            assert_eq!(parse(line, NOW), Ok(request.clone()));
            assert_eq!(serde_json::to_vec(&request).unwrap(), line);
        }
        let line = br#"{"ask":"picture","camera":"front","set":{"gain":"40%","hdr":null},"origin":"owner"}"#;
        let picture = |set: Wanted, origin| Request::Picture {
            camera: "front".into(),
            set,
            origin,
        };
        let set = Wanted::from([("gain".into(), Some("40%".into())), ("hdr".into(), None)]);
        let expected = picture(set.clone(), Origin::Owner);
        assert_eq!(parse(line, NOW), Ok(expected.clone()));
        assert_eq!(expected.needs(), Right::Own);
        // Looking is everybody's; the page's changes are bounded by the recorder.
        assert_eq!(picture(set.clone(), Origin::Page).needs(), Right::Page);
        assert_eq!(picture(set, Origin::Impact).needs(), Right::Own);
        assert_eq!(picture(Wanted::new(), Origin::Owner).needs(), Right::Ask);
        let line = br#"{"ask":"still","camera":"front"}"#;
        let expected = Request::Still {
            camera: "front".into(),
        };
        assert_eq!(parse(line, NOW), Ok(expected));
        let line = br#"{"ask":"live","camera":"F"}"#;
        assert_eq!(parse(line, NOW), Ok(Request::Live { camera: 'F' }));
        let reply = serde_json::to_string(&Reply::Done).unwrap();
        assert_eq!(reply, "\"done\"");
        let reply = serde_json::to_string(&Reply::Live { protocol: 1 }).unwrap();
        assert_eq!(reply, r#"{"live":{"protocol":1}}"#);
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        for (line, reason) in [
            (&b""[..], "no request"),
            (b"status", "no request"),
            (br#"{"ask":"stop"}"#, "no request"),
            (
                br#"{"ask":"set-time","boot_ns":1,"utc_us":1795000000000000}"#,
                "no request",
            ),
            (
                br#"{"ask":"set-time","source":"sundial","boot_ns":1,"utc_us":1795000000000000}"#,
                "no request",
            ),
            (br#"{"ask":"status","more":1}"#, "no request"),
            (br#"{"ask":"live","camera":"front"}"#, "no request"),
            (
                br#"{"ask":"page","order":{"shrink":{"slots":1}}}"#,
                "no request",
            ),
            (br#"{"ask":"page","order":{"delete":{}}}"#, "no request"),
            (
                br#"{"ask":"save","save":{"id":"a","before_s":-1,"after_s":0},"origin":"page"}"#,
                "no request",
            ),
            (
                br#"{"ask":"lock","id":"a","span":{"segment":"F000001"},"origin":"gremlin"}"#,
                "no request",
            ),
            (
                br#"{"ask":"set-time","source":"gps","boot_ns":1001,"utc_us":1795000000000000}"#,
                "has not come yet",
            ),
        ] {
            let Err(Reply::Refused { reason: said, .. }) = parse(line, NOW) else {
                panic!("{line:?} was taken")
            };
            assert!(said.contains(reason), "{said}");
        }
    }
}
