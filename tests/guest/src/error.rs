//! What can go wrong between a test and the guest.

use std::io;
use std::time::Duration;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// A file or a process of this machine.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What came of it.
        source: io::Error,
    },
    /// Something did not happen in time.
    #[error("waited {} s for {what}; the guest's console ends with:\n{console}", limit.as_secs())]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
        /// The last lines that the kernel printed.
        console: String,
    },
    /// The guest is off.
    #[error(
        "the guest is off, while waiting for {what}; its console ends with:\n{console}\n{qemu}"
    )]
    Gone {
        /// What was waited for.
        what: String,
        /// The last lines that the kernel printed.
        console: String,
        /// What QEMU complained of.
        qemu: String,
    },
    /// A script ended with another code than 0.
    #[error("in the guest, this ended with {code}:\n{script}\nIt said:\n{said}")]
    Script {
        /// The script.
        script: String,
        /// Its exit code.
        code: i32,
        /// What it printed.
        said: String,
    },
}

impl GuestError {
    /// For `map_err`: what was tried.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
