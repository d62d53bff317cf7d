//! Looks after the camera beside the recorder: switches it off in time, shows by an LED whether it records, has footage kept
//! by a button.
//!
//! Here, as plain machines over readings, levels and time: when the battery is low (`ladder`, `guard`), what a press means
//! (`button`), when a car is off (`ignition`), what the LED says (`view`, `led`), what becomes of an order to keep footage (`keep`); what is remembered of
//! earlier ends (`history`), what others are told (`note`). `panel` has the lines, `threads` all that waits.
//! Not here: what a gauge measures and how a line is read (`picam-sensors`), and switching off itself: systemd stops the
//! recorder, which finishes its files, unmounts the card and cuts the power.
//!
//! The LED is here and not the recorder's, for it must say so when the recorder hangs.

mod button;
mod guard;
mod history;
mod ignition;
mod keep;
mod ladder;
mod led;
mod line;
mod note;
mod panel;
mod threads;
mod view;

pub use guard::{Expected, Guard, LOOK_EVERY};
pub use history::{History, HistoryError};
pub use ladder::{Event, Ladder, Limits, Rung};
pub use line::Line;
pub use note::write_note;
pub use panel::Lines;
pub use threads::{Message, PanelThread, Wiring, start_gauge};
