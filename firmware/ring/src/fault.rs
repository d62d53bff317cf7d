//! What a card's refusal means, in words for its owner.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// The kinds of failure that call for different answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The card answers with errors (`EIO`, or damage found by the filesystem).
    Io,
    /// No room for a new file (`ENOSPC`, or a quota).
    NoSpace,
    /// Mounted or switched read-only (`EROFS`); Linux does so itself when a filesystem is damaged.
    ReadOnly,
    /// The card was pulled or unmounted.
    Gone,
    /// Anything else.
    Other,
}

impl Fault {
    /// Tells from the error number.
    pub fn of(error: &io::Error) -> Self {
        match Errno::from_io_error(error) {
            Some(Errno::IO | Errno::REMOTEIO | Errno::UCLEAN | Errno::BADMSG) => Self::Io,
            Some(Errno::NOSPC | Errno::DQUOT) => Self::NoSpace,
            Some(Errno::ROFS) => Self::ReadOnly,
            // ENOTCONN: the process behind a FUSE mount died.
            Some(
                Errno::NODEV
                | Errno::NXIO
                | Errno::NOMEDIUM
                | Errno::STALE
                | Errno::NOTCONN
                | Errno::SHUTDOWN,
            ) => Self::Gone,
            _ if error.kind() == io::ErrorKind::StorageFull => Self::NoSpace,
            _ if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Other,
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Io => {
                "copy what you need off the card and replace it if this comes back: cards wear out"
            }
            Self::NoSpace => "delete or move your own files on the card, or set fewer slots",
            Self::ReadOnly => {
                "check the card for errors on a PC and look for a write-protect switch"
            }
            Self::Gone => "put the card back; recording goes on by itself",
            Self::Other => "see the log for the exact error",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io => "the card reports read or write errors",
            Self::NoSpace => "the card is full",
            Self::ReadOnly => "the card is read-only",
            Self::Gone => "the card is gone",
            Self::Other => "the card could not be used",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_numbers_are_told_apart() {
        for (number, fault) in [
            (5, Fault::Io),
            (117, Fault::Io),
            (28, Fault::NoSpace),
            (122, Fault::NoSpace),
            (30, Fault::ReadOnly),
            (6, Fault::Gone),
            (19, Fault::Gone),
            (107, Fault::Gone),
            (116, Fault::Gone),
            (123, Fault::Gone),
            (2, Fault::Other),
            (13, Fault::Other),
        ] {
            assert_eq!(
                Fault::of(&io::Error::from_raw_os_error(number)),
                fault,
                "{number}"
            );
        }
        assert_eq!(
            Fault::of(&io::ErrorKind::StorageFull.into()),
            Fault::NoSpace
        );
        assert_eq!(
            Fault::of(&io::ErrorKind::ReadOnlyFilesystem.into()),
            Fault::ReadOnly
        );
        assert_eq!(Fault::of(&io::Error::other("x")), Fault::Other);
    }

    #[test]
    fn each_has_words_of_its_own() {
        for (fault, says, remedy) in [
            (Fault::Io, "errors", "replace it"),
            (Fault::NoSpace, "full", "fewer slots"),
            (Fault::ReadOnly, "read-only", "switch"),
            (Fault::Gone, "gone", "put the card back"),
            (Fault::Other, "could not be used", "log"),
        ] {
            assert!(fault.to_string().contains(says), "{fault}");
            assert!(fault.remedy().contains(remedy), "{}", fault.remedy());
        }
    }
}
