//! The page's end of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use picam_control::exchange;
use picam_web::settings::{Settings, SettingsChange, SettingsError, SettingsSource, SupportFile};

use super::message::{Place, Reply, Request};

/// A password's hash takes a second of a Pi, writing to the card another; whatever a support file is made of has its own limits,
/// of 15 s together.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest answer in bytes: a support file, in which JSON may need more bytes for some letters.
const MAX_REPLY: u64 = 8 << 20;

/// Asks the service behind `socket`.
pub(crate) fn ask(socket: &Path, request: &Request) -> io::Result<Reply> {
    exchange(socket, request, REPLY_TIMEOUT, MAX_REPLY)
}

/// The settings in another process.
#[derive(Debug, Clone)]
pub(crate) struct RemoteSettings {
    pub(crate) socket: PathBuf,
}

impl RemoteSettings {
    fn ask(&self, request: &Request) -> Result<Reply, SettingsError> {
        let answer = ask(&self.socket, request).map_err(|error| SettingsError::Silent {
            reason: format!("the settings service does not answer: {error}"),
            remedy: "try again; if that does not help, edit picam.toml on the card".into(),
        })?;
        match answer {
            Reply::Refused {
                reason,
                remedy,
                key,
            } => Err(SettingsError::Refused {
                reason,
                remedy,
                key,
            }),
            answer => Ok(answer),
        }
    }

    fn done(&self, request: &Request) -> Result<(), SettingsError> {
        match self.ask(request)? {
            Reply::Done => Ok(()),
            _ => Err(odd()),
        }
    }
}

fn odd() -> SettingsError {
    SettingsError::Silent {
        reason: "the settings service's answer makes no sense".into(),
        remedy: "restart the camera".into(),
    }
}

impl SettingsSource for RemoteSettings {
    fn settings(&self) -> Result<Settings, SettingsError> {
        match self.ask(&Request::Settings {})? {
            Reply::Settings(settings) => Ok(settings),
            _ => Err(odd()),
        }
    }

    fn change(&self, change: SettingsChange) -> Result<(), SettingsError> {
        self.done(&Request::Change { change })
    }

    fn support(&self) -> Result<SupportFile, SettingsError> {
        match self.ask(&Request::Support { to: None })? {
            Reply::Support(file) => Ok(file),
            _ => Err(odd()),
        }
    }

    fn support_to_card(&self) -> Result<(), SettingsError> {
        self.done(&Request::Support {
            to: Some(Place::Card),
        })
    }
}
