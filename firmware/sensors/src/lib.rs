//! What happens around the cameras.
//!
//! Here: sensors as sources of access units (place and motion as samples of `camm`, places as text), GPS receivers with what
//! they say of the time, gauges of a battery, lines of a header (LED, button), and a simulated drive that goes the way of the real ones.
//! Not here: what becomes of the samples (`picam-ring`), and sound, which comes with pictures or a microphone
//! (`picam-capture`).

pub mod battery;
mod drive;
pub mod gpio;
pub mod gps;
pub mod motion;
mod road;

pub use drive::Drive;
pub use road::{Motion, Road};
