//! Cards that do not keep their word.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::damage::Damage;
use super::rng::Rng;

/// How far a card can be trusted when the power is cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Card {
    /// What its flushes are worth.
    pub lies: Lies,
    /// The erase blocks that a cut damages, if it does.
    pub erase_blocks: Option<EraseBlocks>,
}

/// What a flush is worth that returned `Ok`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lies {
    /// All that was written before it is durable.
    #[default]
    Never,
    /// One in so many did nothing; what it covered becomes durable with the next one.
    OneIn(u64),
    /// The last so many flushes and directory syncs before the cut did nothing: the card keeps a cache.
    Last(usize),
}

/// The blocks that flash is erased in. A cut while one is moved takes all that is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EraseBlocks {
    /// Length of a block in bytes; 4 MiB is common.
    pub len: u64,
    /// Where on the card the first file begins. Files lie behind each other in the order they were made in.
    pub first_file: u64,
}

/// A file as it lies on the card.
pub(super) struct Placed<'a> {
    pub(super) name: &'a str,
    /// First byte on the card.
    pub(super) at: u64,
    pub(super) len: u64,
    /// What it held when the log began.
    pub(super) old: &'a [u8],
}

impl EraseBlocks {
    /// Damages the block around byte `in_flight` of the card, or one beside it.
    pub(super) fn strike(
        &self,
        in_flight: u64,
        placed: &[Placed<'_>],
        files: &mut BTreeMap<String, Rc<[u8]>>,
        rng: &mut Rng,
    ) {
        let block = match rng.below(4) {
            0 => (in_flight / self.len).saturating_sub(1),
            1 => in_flight / self.len + 1,
            _ => in_flight / self.len,
        };
        let (start, end) = (block * self.len, (block + 1) * self.len);
        let kind = rng.below(3);
        for file in placed {
            let (from, to) = (start.max(file.at), end.min(file.at + file.len));
            let Some(content) = files.get_mut(file.name).filter(|_| from < to) else {
                continue;
            };
            let (at, len) = ((from - file.at) as usize, (to - from) as usize);
            let damage = match kind {
                0 => Damage::Stale { at, len },
                1 => Damage::Blank {
                    at,
                    len,
                    value: 0xff,
                },
                _ => Damage::Noise {
                    at,
                    len,
                    seed: rng.next_u64(),
                },
            };
            let mut bytes = content.to_vec();
            damage.apply(&mut bytes, file.old);
            *content = bytes.into();
        }
    }
}
