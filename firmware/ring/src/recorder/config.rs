//! What a ring is made of.

use picam_mp4::FragmentLimits;

use crate::class::Shares;

/// What a ring is made of.
#[derive(Debug, Clone)]
pub struct RingConfig {
    /// The camera's letter in names.
    pub letter: u8,
    /// The camera's name.
    pub camera_name: String,
    /// Length of every slot in bytes, whole pages.
    pub slot_size: u64,
    /// How many slots there shall be.
    pub slots: usize,
    /// Length of the head region in bytes; [`head_len_for`] says how much is enough.
    pub head_len: u32,
    /// Segments end at the first key frame after twice this, in ticks of the video track, if
    /// their slot is not full before.
    pub nominal_ticks: i64,
    /// Shares of the classes.
    pub shares: Shares,
    /// When fragments are closed.
    pub limits: FragmentLimits,
}

/// A head region that holds the index of twice `nominal_s` seconds at 60 pictures a second, with
/// sound, a fix a second and text: 4 KiB a second, between 64 KiB and 1 MiB.
pub fn head_len_for(nominal_s: u64, slot_size: u64) -> u32 {
    let most = (slot_size / 8).clamp(32 * 1024, 1 << 20);
    let want = (nominal_s * 4096).clamp(64 * 1024, 1 << 20).min(most);
    (want / 4096 * 4096) as u32
}
