//! `picam.toml`: what to record, where to, and who may see it.
//!
//! Every key has a default, and a value that cannot be used is reported and replaced by its default:
//! a slip in the file must not keep the camera from recording. The table of all keys is in `keys.rs`.

mod device;
mod example;
mod hints;
mod keys;
mod load;
mod page;
mod problem;
mod read;
mod secret;
mod section;
mod table;
mod units;
pub(crate) mod values;
mod wifi;

use std::path::PathBuf;

use picam_ring::Slots;

pub use device::Place;
pub use keys::{Config, Device, Log, Overlay, Retention, Stills, Web, Wifi};
pub use load::{Loaded, load, load_over};
pub use problem::Problem;
pub use read::{Parsed, parse_config, parse_over};
pub use secret::Secret;
pub use units::{parse_duration, parse_size, show_duration, show_size};
pub use values::{ImpactLevel, LogFormat, SlotCount};
pub use wifi::WifiNetwork;

pub(crate) use example::example;
pub(crate) use keys::{card_keys, interrupts_page};
pub(crate) use page::{access, has_owner, is_safe};

/// The camera of a picam that was told nothing: whichever is there.
pub const DEFAULT_CAMERA: &str = "front=auto";

impl Config {
    /// Where a USB disk is mounted, if the footage shall go to one.
    pub fn disk_wanted(&self) -> Option<&PathBuf> {
        (self.device.footage == Place::Usb).then_some(&self.disk)
    }

    /// How many slots, as the ring wants to know it.
    pub fn ring_slots(&self) -> Slots {
        match self.slots {
            SlotCount::Count(count) => Slots::Count(count),
            SlotCount::Fill => Slots::Fill(self.reserve),
        }
    }
}

#[cfg(test)]
mod tests;
