//! What can go wrong between the tests and the board.

use std::io;
use std::time::Duration;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// A file, a socket or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        source: io::Error,
    },
    /// A program that others wrote failed.
    #[error("{program} failed: {said}")]
    Program {
        /// It and its arguments.
        program: String,
        /// What it printed.
        said: String,
    },
    /// Something did not happen in time.
    #[error("waited {} s for {what}; last seen: {last}", patience.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        patience: Duration,
        /// The end of what was seen meanwhile.
        last: String,
    },
    /// The emulator ended.
    #[error("the emulator is gone while waiting for {what}; last seen: {last}")]
    Gone {
        /// What was waited for.
        what: String,
        /// The end of what was seen.
        last: String,
    },
    /// A command on the board failed.
    #[error("on the board, '{command}' ended with {code}: {said}")]
    Command {
        /// The command.
        command: String,
        /// Its exit code.
        code: i32,
        /// What it printed.
        said: String,
    },
    /// An answer makes no sense.
    #[error("{0}")]
    Unexpected(String),
}

impl BoardError {
    /// For `map_err`: what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
