//! Time, as every other crate speaks of it.
//!
//! Here: moments on the two clocks ([`BootNs`], [`UtcUs`]), media times ([`Ticks`]), where the present comes from
//! ([`Clock`]), and what time of day it is by the best of those who say so ([`BootTime`]).
//! Not here: times of segments on the card and their names (`picam-ring`), and the clocks of cameras (`picam-capture`).
//! Nothing in this crate allocates, blocks or logs; only [`SystemClock`] asks the kernel.

mod boot;
mod clock;
mod ticks;
mod true_time;
mod utc;

pub use boot::BootNs;
pub use clock::{Clock, SystemClock};
pub use ticks::{TIMESCALE, Ticks};
pub use true_time::{
    AGREEMENT, AnchorError, BootTime, CEILING, FLOOR, Offer, TimeAnchor, TimeSource,
};
pub use utc::UtcUs;
