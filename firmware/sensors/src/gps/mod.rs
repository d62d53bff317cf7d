//! Where the car is, by a GPS receiver.
//!
//! Bytes of a receiver ([`nmea`]) or of gpsd ([`gpsd`]) become reports, and reports fixes; what cannot be true is left out
//! and counted ([`FixFilter`]); what a receiver says of the time becomes an anchor ([`ReceiverClock`]); and what is shown of
//! it all is a state ([`Tracker`]). All of that is pure: bytes, moments and nothing else go in. [`Receiver`] alone opens
//! sockets and serial lines.

mod baud;
mod clock;
mod filter;
mod fix;
pub mod gpsd;
mod lines;
pub mod nmea;
mod receiver;
mod source;
mod state;

pub use baud::BaudSearch;
pub use clock::{ReceiverClock, TimeRefused, true_utc};
pub use filter::{FixFilter, Rejected, Rejection};
pub use fix::{Accuracy, Dops, Fix, Mode};
pub use receiver::{LinkError, Receiver};
pub use source::{GpsSource, SourceError};
pub use state::{GpsState, Tracker};

/// What a receiver says, by whatever way.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// It knows where it is.
    Fix(Fix),
    /// It is there, and does not.
    NoFix,
    /// Satellites that it hears.
    Sky {
        /// Those whose signals it may use.
        visible: u16,
    },
}
