//! An order to keep footage.

use std::time::Duration;

use picam_ring::Class;
use serde::{Deserialize, Serialize};

use super::span::{Now, Span};

/// Longest id in bytes.
const MAX_ID: usize = 64;
/// Longest reason in bytes.
const MAX_REASON: usize = 200;
/// Longest stretch of time, and how far ahead it may end.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const AHEAD: Duration = Duration::from_secs(3600);

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
        match self.span.length() {
            None => Err(Refusal::Backwards),
            Some(length) if length > LONGEST => Err(Refusal::TooLong),
            Some(_) if self.span.ends_later_than(AHEAD, now) => Err(Refusal::TooFarAhead),
            Some(_) => Ok(()),
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
