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

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: u32 = 1024;

    #[test]
    fn a_head_region_has_four_kib_a_second_in_whole_pages() {
        assert_eq!(head_len_for(60, 64 << 20), 240 * KIB);
        // Bounds: what any segment needs, what the longest may take, an eighth of the slot, and what a slot must hold.
        assert_eq!(head_len_for(1, 64 << 20), 64 * KIB);
        assert_eq!(head_len_for(600, 64 << 20), 1024 * KIB);
        assert_eq!(head_len_for(60, 1 << 20), 128 * KIB);
        assert_eq!(head_len_for(60, 100_000), 32 * KIB);
        assert_eq!(head_len_for(60, (1 << 20) + 16_384), 128 * KIB);
    }
}
