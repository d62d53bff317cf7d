//! Where on a card the footage lies, and how its filesystem is laid out.

use super::mbr::{Entry, SECTOR};

/// Sectors of a mebibyte.
pub const MIB: u64 = (1 << 20) / SECTOR as u64;
/// Everything else ends before here: both roots, the state, and room to grow. A multiple of every
/// allocation unit that is a power of two.
pub const FOOTAGE_FROM: u64 = 1600 * MIB;
/// Less than this is no dashcam's card.
pub const LEAST_FOOTAGE: u64 = 256 * MIB;
/// What is assumed of a card that does not tell, and the least partitions are aligned to: the
/// boundary unit of SDHC cards.
const USUAL_UNIT: u64 = 4 * MIB;
/// The largest allocation unit there is (SD Physical Layer Specification, AU_SIZE of the SD status).
const MAX_UNIT: u64 = 64 * MIB;
/// No entry reaches further: it counts in 32 bits, and some systems add them up in 32 bits, too.
const MBR_END: u64 = u32::MAX as u64;
const GIB: u64 = 1024 * MIB;

/// A card as the kernel describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// Its size in sectors.
    pub sectors: u64,
    /// Its allocation unit in sectors: what it erases at once.
    unit: u64,
}

/// What `mkfs.exfat` is told, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Bytes of a cluster.
    pub cluster: u64,
    /// What the FAT and the first cluster are aligned to.
    pub boundary: u64,
}

/// The card holds no footage worth speaking of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is too small: {} MiB, and footage begins at {} MiB and needs {} MiB; use a card of 8 GB or more",
    .0 / MIB,
    FOOTAGE_FROM / MIB,
    LEAST_FOOTAGE / MIB
)]
pub struct TooSmall(u64);

impl Card {
    /// A card of so many sectors, and what the kernel calls its preferred erase size, in bytes.
    pub fn new(sectors: u64, preferred_erase_size: Option<u64>) -> Self {
        let told = preferred_erase_size.unwrap_or(0) / SECTOR as u64;
        let unit = match told {
            // Smaller ones divide it, larger ones are multiples of it.
            USUAL_UNIT..=MAX_UNIT if told.is_multiple_of(USUAL_UNIT) => told,
            _ => USUAL_UNIT,
        };
        Self { sectors, unit }
    }

    /// Where footage begins on this card.
    pub fn footage_start(&self) -> u64 {
        FOOTAGE_FROM.next_multiple_of(self.unit)
    }

    /// Where it may lie that another kernel, which was told another unit, put there: the units that
    /// are no powers of two, 12 and 24 MiB, both begin at 1608 MiB.
    pub fn other_starts(&self) -> impl Iterator<Item = u64> {
        let planned = self.footage_start();
        [FOOTAGE_FROM, 1608 * MIB]
            .into_iter()
            .filter(move |&start| start != planned)
    }

    /// The entry of a footage partition that begins at `start` and takes what is left of the card, as
    /// far as an entry can say it, in whole units.
    pub fn footage(&self, kind: u8, start: u64) -> Result<Entry, TooSmall> {
        let end = self.sectors.min(MBR_END);
        let room = end.saturating_sub(start) / self.unit * self.unit;
        let entry = |start, sectors| Entry {
            kind,
            start,
            sectors,
        };
        match (u32::try_from(start), u32::try_from(room)) {
            (Ok(start), Ok(sectors)) if room >= LEAST_FOOTAGE => Ok(entry(start, sectors)),
            _ => Err(TooSmall(self.sectors)),
        }
    }

    /// How footage is formatted: clusters and boundaries that the SD Association recommends for this
    /// capacity (table in `mkfs.exfat(8)`, which wants half of the boundary unit), and at least the
    /// card's own unit as far as it is a power of two.
    pub fn layout(&self) -> Layout {
        const KIB: u64 = 1024;
        let (cluster, boundary_unit) = match self.sectors {
            sectors if sectors <= 32 * GIB => (32 * KIB, 4 * MIB),
            sectors if sectors <= 128 * GIB => (128 * KIB, 16 * MIB),
            sectors if sectors <= 512 * GIB => (256 * KIB, 32 * MIB),
            _ => (512 * KIB, 64 * MIB),
        };
        let own = 1 << self.unit.trailing_zeros();
        Layout {
            cluster,
            boundary: (boundary_unit / 2).max(own) * SECTOR as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn the_footage_of_usual_cards() {
        for (gigabytes, cluster_kib, boundary_mib) in [
            (8, 32, 4),
            (32, 32, 4),
            (64, 128, 8),
            (128, 128, 8),
            (256, 256, 16),
            (512, 256, 16),
            (1000, 512, 32),
        ] {
            let card = Card::new(gigabytes * 1_000_000_000 / 512, None);
            assert_eq!(card.footage_start(), 1600 * MIB);
            let entry = card.footage(7, card.footage_start()).unwrap();
            let left = card.sectors - entry.end();
            assert!(left < 4 * MIB, "{gigabytes} GB: {left} sectors are wasted");
            let layout = card.layout();
            assert_eq!(
                (layout.cluster, layout.boundary),
                (cluster_kib << 10, boundary_mib << 20)
            );
        }
    }

    #[test]
    fn the_allocation_unit_is_heeded() {
        let start = |unit: u64| Card::new(1 << 27, Some(unit * MB)).footage_start() / MIB;
        for power in [1, 2, 4, 8, 16, 32, 64] {
            assert_eq!(start(power), 1600);
        }
        assert_eq!((start(12), start(24)), (1608, 1608));
        assert_eq!(start(0), 1600);
        assert_eq!(start(4096), 1600, "nonsense is not heeded");
        let odd = Card::new(1 << 27, Some(12 * MB));
        assert_eq!(odd.layout().boundary, 8 * MB);
        assert_eq!(odd.other_starts().collect::<Vec<_>>(), [1600 * MIB]);
        assert_eq!(
            odd.footage(7, odd.footage_start()).unwrap().sectors % (12 * MIB) as u32,
            0
        );
        assert_eq!(Card::new(1 << 27, Some(64 * MB)).layout().boundary, 64 * MB);
    }

    #[test]
    fn small_cards_are_refused_and_huge_ones_clamped() {
        let card = Card::new(1855 * MIB, None);
        let error = card
            .footage(7, card.footage_start())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("1855 MiB") && error.contains("8 GB"),
            "{error}"
        );
        assert!(Card::new(1856 * MIB, None).footage(7, 1600 * MIB).is_ok());
        assert!(Card::new(0, None).footage(7, 1600 * MIB).is_err());
        let huge = Card::new(3 << 31, None).footage(7, 1600 * MIB).unwrap();
        assert!(huge.end() <= u64::from(u32::MAX));
        assert!(huge.end() > u64::from(u32::MAX) - 4 * MIB);
    }

    proptest! {
        #[test]
        fn whatever_the_card_footage_fits_and_is_aligned(sectors in any::<u64>(), erase in any::<u64>(), shift in 0..64_u32) {
            let card = Card::new(sectors >> shift, Some(erase >> (shift % 40)));
            let start = card.footage_start();
            prop_assert!((FOOTAGE_FROM..FOOTAGE_FROM + MAX_UNIT).contains(&start));
            prop_assert_eq!(start % card.unit, 0);
            if let Ok(entry) = card.footage(7, start) {
                prop_assert!(entry.end() <= card.sectors.min(MBR_END));
                prop_assert!(u64::from(entry.sectors) >= LEAST_FOOTAGE);
                prop_assert_eq!(u64::from(entry.sectors) % card.unit, 0);
            }
            let layout = card.layout();
            prop_assert!(layout.boundary.is_power_of_two() && layout.cluster.is_power_of_two());
            prop_assert!(layout.boundary >= 4 * MB && layout.boundary <= 64 * MB);
        }
    }
}
