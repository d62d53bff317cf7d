//! The page's end of the socket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use picam_web::settings::{Settings, SettingsChange, SettingsError, SettingsSource};

use super::message::{Reply, Request};

/// A password's hash takes a second of a Pi, writing to the card another.
const IO_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_REPLY: u64 = 64 * 1024;

/// The settings in another process.
#[derive(Debug, Clone)]
pub(crate) struct RemoteSettings {
    pub(crate) socket: PathBuf,
}

impl RemoteSettings {
    fn ask(&self, request: &Request) -> Result<Reply, SettingsError> {
        self.try_ask(request)
            .map_err(|error| SettingsError::Silent {
                reason: format!("the settings service does not answer: {error}"),
                remedy: "try again; if that does not help, edit picam.toml on the card".into(),
            })
    }

    fn try_ask(&self, request: &Request) -> io::Result<Reply> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(IO_TIMEOUT))?;
        stream.set_write_timeout(Some(IO_TIMEOUT))?;
        let mut text = serde_json::to_vec(request)?;
        text.push(b'\n');
        stream.write_all(&text)?;
        let mut line = Vec::new();
        BufReader::new(stream)
            .take(MAX_REPLY)
            .read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
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
            Reply::Refused { reason, remedy } => Err(SettingsError::Refused { reason, remedy }),
            Reply::Done => Err(odd()),
        }
    }

    fn change(&self, change: SettingsChange) -> Result<(), SettingsError> {
        match self.ask(&Request::Change { change })? {
            Reply::Done => Ok(()),
            Reply::Refused { reason, remedy } => Err(SettingsError::Refused { reason, remedy }),
            Reply::Settings(_) => Err(odd()),
        }
    }
}
