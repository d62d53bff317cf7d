//! The ring on a simulated card: what it writes, what cuts, faults and lies leave, and what is made of that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod accounting;
mod camera;
mod choosing;
mod durable;
mod faults;
mod forged;
mod lying_cards;
mod mending;
mod ownership;
mod power_cuts;
mod readback;
mod recorder;
mod recovery;
mod refusals;
mod refusing_card;
mod sides;
mod told;
