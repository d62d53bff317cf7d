//! picam's emulated Raspberry Pi: its card, its power, its serial lines and pins, and a phone in reach of it.
//!
//! The board is QEMU's `raspi3b` with the card of `tests/board/assemble`. Nothing of QEMU but the SIGKILL that is
//! the pulling of the plug is trusted with what lies on the card: it is a raw file that QEMU writes through to, so
//! what the board was told is written is written, and the host reads it with programs of its own.

pub mod board;
pub mod card;
pub mod console;
pub mod error;
pub mod footage;
pub mod gauge;
pub mod image;
pub mod nmea;
pub mod phone;
pub mod pins;
pub mod program;
pub mod qmp;
pub mod qtest;
pub mod run;
pub mod shell;
pub mod usb_disk;

pub use error::BoardError;

/// What everything here returns.
pub type Result<T> = std::result::Result<T, BoardError>;
