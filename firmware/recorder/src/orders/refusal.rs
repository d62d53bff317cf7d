//! What is refused, and why.

use std::time::Duration;

use picam_control::lock::{LockOrder, Now};

/// Longest id in bytes.
const MAX_ID: usize = 64;
/// Longest reason in bytes.
const MAX_REASON: usize = 200;
/// Longest stretch of time, and how far ahead it may end.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
const AHEAD: Duration = Duration::from_secs(3600);

/// Why it is no lock that anybody can have.
pub(super) fn check_text(order: &LockOrder) -> Result<(), Refusal> {
    let plain = |text: &str, most| text.len() <= most && !text.chars().any(char::is_control);
    if order.id.is_empty() || !plain(&order.id, MAX_ID) {
        return Err(Refusal::Id);
    }
    if !plain(&order.reason, MAX_REASON) {
        return Err(Refusal::Reason);
    }
    Ok(())
}

/// Why its span is none that anybody can have locked.
pub(super) fn check_span(order: &LockOrder, now: &Now) -> Result<(), Refusal> {
    match order.span.length() {
        None => Err(Refusal::Backwards),
        Some(length) if length > LONGEST => Err(Refusal::TooLong),
        Some(_) if order.span.ends_later_than(AHEAD, now) => Err(Refusal::TooFarAhead),
        Some(_) => Ok(()),
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
