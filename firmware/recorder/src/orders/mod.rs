//! What others may make the recorder do with footage: keep it, give it up, and pause.
//!
//! Whoever serves the network may be taken over. So the recorder itself bounds what it does for others, and these are
//! the bounds, as plain functions of what is asked and when: no clock, no card, no thread.
//!
//! * A lock over the page pushes out only locks over the page ([`Origin::class`], [`picam_ring::lock`]).
//! * A deletion marks. The slot is freed after 24 h, and until then the mark can be taken back ([`Orders`]).
//! * A stop ends by itself: 10 minutes of any hour at most ([`Pauses`]).
//! * Orders that have to be written down are few ([`Pace`]).
//!
//! What others cannot ask for at all, such as fewer slots, shares or cameras, needs no bound.

use std::time::Duration;

mod ledger;
mod list;
mod pace;
mod pauses;
mod refusal;
#[cfg(test)]
mod tests;

pub(crate) use ledger::Ledger;
pub(crate) use list::{Deletion, Orders, Since, Taken};
pub(crate) use pace::Pace;
pub(crate) use pauses::Pauses;
pub(crate) use picam_control::lock::{LockOrder, Now, Origin, Span};
pub(crate) use refusal::Refusal;

/// Whole seconds, rounded up.
pub(crate) fn seconds_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
