//! An order to keep footage.

use picam_ring::{Class, Extent};
use serde::{Deserialize, Serialize};

/// Longest id in bytes.
const MAX_ID: usize = 64;
/// Longest reason in bytes.
const MAX_REASON: usize = 200;
/// Longest stretch of time, and how far ahead it may end, in microseconds.
const LONGEST_US: i64 = 24 * 3_600_000_000;
const AHEAD_US: i64 = 3_600_000_000;

/// Who wants footage kept. It decides the class of what is locked, and so whom it may push out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// Somebody on the page.
    Page,
    /// Somebody pressed the button.
    Button,
    /// Something hit the car.
    Impact,
    /// The owner, at the command line.
    Owner,
}

impl Origin {
    /// The class of what it locks.
    pub(crate) const fn class(self) -> Class {
        match self {
            Self::Page => Class::Manual,
            Self::Button | Self::Impact | Self::Owner => Class::Event,
        }
    }
}

/// A stretch of time, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Span {
    /// In microseconds since 1970.
    Utc {
        /// From then on.
        from_us: i64,
        /// Until then.
        to_us: i64,
    },
    /// In nanoseconds since a boot, for footage of unknown time.
    Boot {
        /// The kernel's boot id.
        id: [u8; 16],
        /// From then on.
        from_ns: u64,
        /// Until then.
        to_ns: u64,
    },
}

impl Span {
    /// Whether a segment lies in it.
    pub(crate) fn meets(&self, extent: &Extent) -> bool {
        match *self {
            Self::Utc { from_us, to_us } => extent.meets_utc(from_us, to_us),
            Self::Boot { id, from_ns, to_ns } => extent.meets_boot(id, from_ns, to_ns),
        }
    }

    /// How far away its end is, in microseconds; `None` if nobody can know. A boot that is over has no future.
    pub(crate) fn ahead_us(&self, now: &Now) -> Option<i64> {
        match *self {
            Self::Utc { to_us, .. } => Some(to_us.saturating_sub(now.utc_us?)),
            Self::Boot { id, to_ns, .. } if id == now.boot_id => {
                let us = |ns: u64| i64::try_from(ns / 1000).unwrap_or(i64::MAX);
                Some(us(to_ns).saturating_sub(us(now.boot_ns)))
            }
            Self::Boot { .. } => Some(i64::MIN),
        }
    }

    fn length_us(&self) -> Option<i64> {
        match *self {
            Self::Utc { from_us, to_us } => to_us.checked_sub(from_us),
            Self::Boot { from_ns, to_ns, .. } => {
                i64::try_from(to_ns.checked_sub(from_ns)? / 1000).ok()
            }
        }
        .filter(|length| *length >= 0)
    }
}

/// What time it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Nanoseconds since boot.
    pub(crate) boot_ns: u64,
    /// Microseconds since 1970, if anybody has said.
    pub(crate) utc_us: Option<i64>,
    /// Which boot it is.
    pub(crate) boot_id: [u8; 16],
}

/// Footage to be kept: of every camera, every segment that lies in a stretch of time, recorded already or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockOrder {
    /// Chosen by who asks: the same order twice is one.
    pub(crate) id: String,
    /// When.
    pub(crate) span: Span,
    /// Why, for people.
    pub(crate) reason: String,
    /// Who.
    pub(crate) origin: Origin,
}

impl LockOrder {
    /// Says why it cannot be one.
    pub(super) fn check(&self, now: &Now) -> Result<(), Refusal> {
        let plain = |text: &str, most| text.len() <= most && !text.chars().any(char::is_control);
        if self.id.is_empty() || !plain(&self.id, MAX_ID) {
            return Err(Refusal::Id);
        }
        if !plain(&self.reason, MAX_REASON) {
            return Err(Refusal::Reason);
        }
        match self.span.length_us() {
            None => return Err(Refusal::Backwards),
            Some(length) if length > LONGEST_US => return Err(Refusal::TooLong),
            Some(_) => {}
        }
        match self.span.ahead_us(now) {
            Some(ahead) if ahead > AHEAD_US => Err(Refusal::TooFarAhead),
            _ => Ok(()),
        }
    }
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// No id.
    #[error("a lock needs an id; give it 1 to {MAX_ID} bytes without control characters")]
    Id,
    /// No reason.
    #[error(
        "that is no reason for a lock; give at most {MAX_REASON} bytes without control characters"
    )]
    Reason,
    /// It ends before it begins.
    #[error("this lock ends before it begins; give the earlier moment first")]
    Backwards,
    /// It is too long.
    #[error("a lock of more than 24 hours is not possible; make several of it")]
    TooLong,
    /// It ends too far ahead.
    #[error("a lock ends an hour from now at most; lock again later")]
    TooFarAhead,
    /// No more can be remembered.
    #[error("too many locks are still being carried out; wait until some are done")]
    TooManyLocks,
    /// Its class has no share.
    #[error(
        "nothing may be kept from the page, as the manual share is 0; change [shares] in picam.toml"
    )]
    NoShare,
    /// No more can be remembered.
    #[error("too many deletions wait for their day to pass; take some of them back first")]
    TooManyDeletions,
    /// Too many in too short a time.
    #[error("too many orders at a time; wait {0} s and try again")]
    TooFast(u64),
    /// The budget is spent.
    #[error("recording was stopped for as long as it may be in an hour; it can be again in {0} s")]
    NoMorePause(u64),
}

impl Refusal {
    /// What happened, and what to do about it.
    pub(crate) fn parts(self) -> (String, String) {
        let sentence = self.to_string();
        match sentence.split_once("; ") {
            Some((reason, remedy)) => (reason.to_owned(), remedy.to_owned()),
            None => (sentence, String::new()),
        }
    }
}
