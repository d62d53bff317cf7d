//! Who owns which slot: one table for everybody who works in a footage directory.
//!
//! Recorders, the housekeeper and provisioning claim a slot here before they look at it to change it, make, rename or remove
//! it. The table outlives them all: a recorder that is gone, or has not come yet, keeps nobody from work. It remembers, too,
//! what is on the card, which slots failed, and which spare ones hold footage that a power cut left without a name.
//!
//! The lock is held for work in memory alone, never while the card is asked; and nothing that serves the network takes it.

mod claim;
mod failures;
mod table;

pub use claim::{Claim, Owner};
pub use failures::{FIRST_PROBE, LAST_PROBE};
pub(crate) use table::SlotFacts;
pub use table::SlotTable;
