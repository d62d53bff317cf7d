//! An exFAT's boot region: is there footage, and how long is its volume?
//!
//! exFAT file system specification (Microsoft, 2019), section 3: the main boot region is 12 sectors,
//! the last of which holds the checksum of the others; a backup follows. This asks whether somebody's
//! files may lie there, and makes a damaged main region anew from a backup that is whole, which neither the kernel
//! nor `fsck.exfat -p` does. Whatever else is damaged is for `fsck.exfat` and its owner to judge.

use super::mbr::{SECTOR, Sector};
use crate::bytes::{array, u32_at, u64_at};

/// Sectors of both boot regions.
pub const BOOT_SECTORS: usize = 2 * REGION;
const REGION: usize = 12;
/// Bytes of the boot sector that change without a new checksum: VolumeFlags, PercentInUse.
const UNCHECKED: [usize; 3] = [VOLUME_FLAGS, 107, 112];
const VOLUME_FLAGS: usize = 106;
const VOLUME_DIRTY: u8 = 2;

/// A volume that lies, or lay, where we looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Its length in sectors of 512 bytes, as far as it can be known.
    pub sectors: u64,
    /// Whether one of the boot regions has the checksum it should have.
    pub sound: bool,
    /// Whether it cannot be mounted until its main boot region is made anew, for the backup alone is whole.
    pub on_backup: bool,
}

/// Looks for a volume in the first [`BOOT_SECTORS`] sectors of a place. One boot sector that calls
/// itself exFAT is enough: rather an unusable card than footage formatted away.
pub fn look(bytes: &[u8]) -> Option<Volume> {
    let (main, backup) = bytes
        .split_at_checked(REGION * SECTOR)
        .unwrap_or((bytes, &[]));
    let regions = [main, backup];
    let whole = |region: &&&[u8]| is_exfat(region) && is_sound(region);
    let sound = regions.iter().find(whole);
    let region = sound.or_else(|| regions.iter().find(|region| is_exfat(region)))?;
    Some(Volume {
        sectors: length(region),
        sound: sound.is_some(),
        on_backup: sound.is_some() && !whole(&&main) && !is_another(main),
    })
}

/// The main boot region as its backup has it, sector by sector; none if that is not whole. The volume is marked as one that was
/// not unmounted (VolumeDirty, section 3.1.13.2), so that it is checked.
pub(super) fn restored(bytes: &[u8]) -> Option<[Sector; REGION]> {
    let backup = bytes.get(REGION * SECTOR..BOOT_SECTORS * SECTOR)?;
    if !(is_exfat(backup) && is_sound(backup)) {
        return None;
    }
    let mut region = [[0; SECTOR]; REGION];
    for (to, from) in region.iter_mut().zip(backup.chunks_exact(SECTOR)) {
        to.copy_from_slice(from);
    }
    let flags = region.first_mut()?.get_mut(VOLUME_FLAGS)?;
    *flags |= VOLUME_DIRTY;
    Some(region)
}

fn is_exfat(region: &[u8]) -> bool {
    array(region, 3) == *b"EXFAT   " && is_signed(region)
}

/// Whether this is the boot sector of another filesystem, FAT or NTFS. Whoever made that left exFAT's backup behind it; those
/// without such a boot sector (ext4, F2FS, XFS, LUKS) lie over the backup.
fn is_another(region: &[u8]) -> bool {
    is_signed(region) && !is_exfat(region)
}

fn is_signed(region: &[u8]) -> bool {
    array(region, 510) == [0x55, 0xaa]
}

/// VolumeLength counts the volume's own sectors, of 1 << BytesPerSectorShift bytes.
fn length(region: &[u8]) -> u64 {
    let [shift] = array(region, 108);
    let shift = u32::from(shift.clamp(9, 12)) - 9;
    u64_at(region, 72).saturating_mul(1 << shift)
}

fn is_sound(region: &[u8]) -> bool {
    let checked = (REGION - 1) * SECTOR;
    let (Some(sectors), Some(sums)) = (region.get(..checked), region.get(checked..)) else {
        return false;
    };
    let sum = checksum(sectors);
    !sums.is_empty() && (0..sums.len()).step_by(4).all(|at| u32_at(sums, at) == sum)
}

/// BootChecksum, section 3.4.
fn checksum(sectors: &[u8]) -> u32 {
    let checked = sectors
        .iter()
        .enumerate()
        .filter(|(at, _)| !UNCHECKED.contains(at));
    checked.fold(0, |sum: u32, (_, &byte)| {
        sum.rotate_right(1).wrapping_add(byte.into())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bytes::put;

    /// Both boot regions of a volume of `sectors`, with right checksums.
    fn regions(sectors: u64) -> Vec<u8> {
        let mut region = vec![0; REGION * SECTOR];
        put(&mut region, 0, &[0xeb, 0x76, 0x90]);
        put(&mut region, 3, b"EXFAT   ");
        put(&mut region, 72, &sectors.to_le_bytes());
        put(&mut region, 108, &[9, 8]);
        put(&mut region, 510, &[0x55, 0xaa]);
        let sum = checksum(&region[..11 * SECTOR]).to_le_bytes();
        put(&mut region, 11 * SECTOR, &sum.repeat(SECTOR / 4));
        region.repeat(2)
    }

    #[test]
    fn a_volume_is_found_and_flags_do_not_matter() {
        let mut bytes = regions(123_456);
        let sound = Volume {
            sectors: 123_456,
            sound: true,
            on_backup: false,
        };
        assert_eq!(look(&bytes), Some(sound));
        bytes[106] = 2; // dirty: as a power cut leaves it
        bytes[112] = 99;
        assert_eq!(look(&bytes), Some(sound));
        assert_eq!(look(&vec![0; BOOT_SECTORS * SECTOR]), None);
        assert_eq!(look(&[]), None);
    }

    #[test]
    fn a_damaged_volume_is_still_one() {
        let whole = regions(123_456);
        let mut no_main = whole.clone();
        no_main[..REGION * SECTOR].fill(0);
        let on_backup = Volume {
            sectors: 123_456,
            sound: true,
            on_backup: true,
        };
        assert_eq!(look(&no_main), Some(on_backup), "the backup speaks for it");
        let mut mended = no_main.clone();
        mended[..REGION * SECTOR].copy_from_slice(restored(&no_main).unwrap().as_flattened());
        assert_eq!(look(&mended), look(&whole));
        mended[VOLUME_FLAGS] &= !VOLUME_DIRTY;
        assert_eq!(mended, whole);
        for at in [1, 200, 511, SECTOR, 11 * SECTOR] {
            let mut torn = whole.clone();
            torn[at] ^= 1;
            assert_eq!(look(&torn), Some(on_backup), "{at}");
        }
        let mut fat = no_main.clone();
        put(&mut fat, 3, b"mkfs.fat");
        put(&mut fat, 510, &[0x55, 0xaa]);
        assert!(!look(&fat).unwrap().on_backup, "somebody else's volume");
        let mut no_backup = whole.clone();
        no_backup[REGION * SECTOR..].fill(0xff);
        assert_eq!(look(&no_backup), look(&whole));
        assert_eq!(restored(&no_backup), None);
        let mut neither = no_backup;
        neither[200] ^= 1;
        let unsound = Volume {
            sectors: 123_456,
            sound: false,
            on_backup: false,
        };
        assert_eq!(look(&neither), Some(unsound));
    }

    proptest! {
        #[test]
        fn anything_can_be_looked_at(bytes in proptest::collection::vec(any::<u8>(), 0..13_000)) {
            prop_assert_eq!(look(&bytes), None);
        }

        #[test]
        fn damage_elsewhere_never_hides_a_volume(
            damage in proptest::collection::vec((0..BOOT_SECTORS * SECTOR, any::<u8>()), 0..100),
        ) {
            let mut bytes = regions(99);
            for (at, byte) in damage {
                if at % (REGION * SECTOR) >= SECTOR {
                    bytes[at] = byte;
                }
            }
            prop_assert!(look(&bytes).is_some());
        }
    }
}
