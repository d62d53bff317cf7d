//! Bit rot: what real cards do to bytes that were durable once.

use picam_mp4::layout::{PAGE, SECTOR};

use super::rng::Rng;

/// One damage to the bytes of a file. What lies outside of the file is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// One bit is the other way round.
    Flip {
        /// Byte in the file.
        at: usize,
        /// Which bit of it, 0 to 7.
        bit: u8,
    },
    /// A range reads as one value: zeros, or ones as erased flash does.
    Blank {
        /// First byte.
        at: usize,
        /// Length in bytes.
        len: usize,
        /// What every byte reads as.
        value: u8,
    },
    /// A range reads as noise.
    Noise {
        /// First byte.
        at: usize,
        /// Length in bytes.
        len: usize,
        /// Which noise.
        seed: u64,
    },
    /// A range reads as it did before: the slot's earlier content shows through.
    Stale {
        /// First byte.
        at: usize,
        /// Length in bytes.
        len: usize,
    },
    /// Of a page, only these sectors are new; the others are as they were before.
    Tear {
        /// First byte of the page.
        at: usize,
        /// Bit n stands for the page's sector n.
        new: u8,
    },
}

impl Damage {
    /// Any damage of 1 bit to 64 KiB to a file of `len` bytes.
    pub fn random(rng: &mut Rng, len: usize) -> Self {
        Self::random_in(rng, 0..len)
    }

    /// Any damage of 1 bit to 64 KiB that begins within a part of a file.
    pub fn random_in(rng: &mut Rng, part: std::ops::Range<usize>) -> Self {
        let at = part.start + rng.below(part.len() as u64) as usize;
        // Short ones are as likely as long ones.
        let len = 1 << rng.below(17);
        match rng.below(6) {
            0 | 1 => Self::Flip {
                at,
                bit: rng.below(8) as u8,
            },
            2 => Self::Blank {
                at,
                len,
                value: if rng.below(3) == 0 { 0xff } else { 0 },
            },
            3 => Self::Noise {
                at,
                len,
                seed: rng.next_u64(),
            },
            4 => Self::Stale {
                at: at / SECTOR * SECTOR,
                len: len.next_multiple_of(SECTOR),
            },
            _ => Self::Tear {
                at: at / PAGE * PAGE,
                new: rng.next_u64() as u8,
            },
        }
    }

    /// Does it to `bytes`. `old` is what stood there before; where it ends, there were zeros.
    pub fn apply(&self, bytes: &mut [u8], old: &[u8]) {
        match *self {
            Self::Flip { at, bit } => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Blank { at, len, value } => part(bytes, at, len).fill(value),
            Self::Noise { at, len, seed } => Rng(seed).fill(part(bytes, at, len)),
            Self::Stale { at, len } => restore(part(bytes, at, len), at, old),
            Self::Tear { at, new } => {
                for n in (0..PAGE / SECTOR).filter(|n| new & (1 << n) == 0) {
                    let at = at + n * SECTOR;
                    restore(part(bytes, at, SECTOR), at, old);
                }
            }
        }
    }
}

/// As much of the range as there is.
fn part(bytes: &mut [u8], at: usize, len: usize) -> &mut [u8] {
    let end = at.saturating_add(len).min(bytes.len());
    bytes.get_mut(at..end).unwrap_or_default()
}

/// Puts back what stood at `at`.
fn restore(bytes: &mut [u8], at: usize, old: &[u8]) {
    let old = old.get(at..).unwrap_or_default();
    let (there, beyond) = bytes.split_at_mut(old.len().min(bytes.len()));
    there.copy_from_slice(&old[..there.len()]);
    beyond.fill(0);
}
