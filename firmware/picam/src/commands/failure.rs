//! Why a command fails, and the process with it.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// A message for a person and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// Exit code 1: something is broken, or it could not be done.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: 1,
        }
    }

    /// Exit code 2: what was asked for makes no sense.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            code: 2,
        }
    }

    /// Exit code 1, and everything has been said already.
    pub(crate) fn silent() -> Self {
        Self::new("")
    }

    /// Exit code 2, and everything has been said already.
    pub(crate) fn silent_usage() -> Self {
        Self::usage("")
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

/// Empty if everything has been said already.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Writing to stdout failed, say because nobody reads it any more.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::silent(),
            _ => Self::new(format!("output cannot be written: {error}")),
        }
    }
}
