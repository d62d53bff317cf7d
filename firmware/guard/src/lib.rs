//! Switches the camera off in time.
//!
//! Here: when (`ladder`, a plain machine over readings and time), what is remembered of earlier ends (`history`), and the
//! look a second that feeds the one and writes the other (`guard`).
//! Not here: what a gauge measures (`picam-sensors`), and switching off itself: systemd stops the recorder, which finishes its
//! files, unmounts the card and cuts the power.

mod guard;
mod history;
mod ladder;

pub use guard::{Guard, LOOK_EVERY};
pub use history::{End, History, HistoryError};
pub use ladder::{Cause, Event, Ladder, Limits, Rung};
