//! The footage partition: made of the rest of the card at first boot, and never formatted again
//! unless its owner asks.

mod commands;
mod device;
mod exfat;
mod geometry;
mod marker;
mod mbr;
mod plan;
mod run;

pub use device::{BlockDevice, DeviceError};
pub use exfat::{BOOT_SECTORS, Volume, look};
pub use geometry::{Card, FOOTAGE_FROM, LEAST_FOOTAGE, Layout, MIB, TooSmall};
pub use marker::Marker;
pub(crate) use marker::{decode as decode_marker, encode as encode_marker};
pub use mbr::{
    EXFAT, EXTENDED, Entry, FAT32, LINUX, Mbr, NoMbr, Primary, RESERVED, SECTOR, Sector,
};
pub use plan::{Erase, Found, Next, Refusal, State, Why, next};
pub use run::{CardError, Disk, Tools, is_erased, prepare};
