//! `picam-support.txt`: what whoever helps the owner wants to read, on the partition that any PC shows.

use super::boot::{self, Writes};
use super::files::Files;
use super::{Host, Paths};

/// No longer than this, in bytes: what is replaced with care is read back, and no file read here is longer than 1 MiB.
pub const MAX_SUPPORT: usize = 1_000_000;
/// What is left free for `picam.toml` and `picam-access.txt`, in bytes: each is written anew beside the old one, and the
/// former may be 1 MiB long.
const RESERVE: u64 = 3 << 20;

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub enum SupportError {
    /// The partition is full.
    #[error(
        "the boot partition has {} KiB free and {} KiB are needed; remove files that are not the camera's from it on a PC",
        free >> 10,
        needed.div_ceil(1024)
    )]
    NoRoom {
        /// Bytes that are free.
        free: u64,
        /// Bytes that must be.
        needed: u64,
    },
    /// The card refused.
    #[error("{0}")]
    Card(String),
}

/// Writes it in place of an older one. A power cut leaves the one or the other, and `picam.toml` as it is.
pub fn lay_support(
    files: &mut impl Files,
    host: &mut impl Host,
    paths: &Paths,
    text: &str,
) -> Result<(), SupportError> {
    let mut end = text.len().min(MAX_SUPPORT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let bytes = text.as_bytes().get(..end).unwrap_or_default().to_vec();
    let free = host.free(&paths.boot);
    let free = free.map_err(|error| SupportError::Card(error.to_string()))?;
    // Of an older one that is only free afterwards.
    let needed = bytes.len() as u64 + RESERVE;
    if free < needed {
        return Err(SupportError::NoRoom { free, needed });
    }
    let writes = Writes {
        support: Some(bytes),
        ..Writes::default()
    };
    let problems = boot::write(files, host, paths, false, &writes);
    match problems.is_empty() {
        true => Ok(()),
        false => Err(SupportError::Card(problems.join("; "))),
    }
}
