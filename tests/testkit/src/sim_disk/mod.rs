//! A disk that remembers what is durable, and what a power cut at any moment may leave.
//!
//! The model is harsher than a card: between two flushes every 512-byte sector that was written
//! may hold any of its versions, the old one included, whatever the order of the writes. A flush
//! of a file makes that file's sectors durable and nothing else; names become durable only with a
//! sync of the directory, each on its own. Beyond what a full flush has covered, a slot written for
//! the first time may read as zeros (exFAT's valid-data length). After a flush that failed, what it should have
//! covered is on the card, gone, or gone and still seen by readers, each sector on its own.
//!
//! Cards that are worse than that: [`Card`] lies about flushes or damages the erase block around what was being
//! written; [`Damage`] is what rots of what was durable.

mod card;
mod damage;
mod disk;
mod file;
mod image;
mod log;
mod replay;
mod rng;

use picam_mp4::layout::SECTOR;

pub use card::{Card, EraseBlocks, Lies};
pub use damage::Damage;
pub use disk::SimDisk;
pub use file::SimFile;
pub use image::DiskImage;
pub use log::{Mutant, Op};
pub use replay::Replay;
pub use rng::Rng;

/// What a card writes whole or not at all.
type Sector = [u8; SECTOR];
