//! What an exFAT volume is called (exFAT file system specification, sections 3.1 and 7.3).

use std::io;

use crate::bytes::{array, u32_at};
use crate::card::{SECTOR, look};

/// The label stands among the first entries of the root directory.
const READ: usize = 32 << 10;
const ENTRY: usize = 32;
const LABEL: u8 = 0x83;
const END: u8 = 0;
/// Eleven UTF-16 code units at most.
const LONGEST: usize = 11;

/// The label of the exFAT that begins at sector `start`; `None` if there is no exFAT or it has none. `read` reads whole
/// sectors of the disk.
pub fn label(
    start: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<Option<String>> {
    let mut boot = vec![0; crate::card::BOOT_SECTORS * SECTOR];
    read(start, &mut boot)?;
    let [shift, cluster_shift] = array(&boot, 108);
    // A region that only its backup has is not mounted, either.
    let is_usable = look(&boot).is_some_and(|volume| !volume.on_backup);
    let sane = (9..=12).contains(&shift) && u32::from(shift) + u32::from(cluster_shift) <= 25;
    if !is_usable || !sane {
        return Ok(None);
    }
    let to_512 = |sectors: u64| sectors << (shift - 9);
    let Some(cluster) = u32_at(&boot, 96).checked_sub(2) else {
        return Ok(None);
    };
    let heap = to_512(u32_at(&boot, 88).into());
    let root = to_512(u64::from(cluster) << cluster_shift);
    let cluster_bytes = 1_usize << (shift + cluster_shift);
    let mut directory = vec![0; READ.min(cluster_bytes)];
    read(
        start.saturating_add(heap).saturating_add(root),
        &mut directory,
    )?;
    let mut entries = directory.chunks_exact(ENTRY);
    let found = entries
        .by_ref()
        .take_while(|entry| entry.first() != Some(&END))
        .find(|entry| entry.first() == Some(&LABEL));
    let found = found.map(|entry| {
        let [_, length] = array(entry, 0);
        let units = entry.get(2..).unwrap_or_default().as_chunks::<2>().0;
        let units = units.iter().take(LONGEST.min(length.into()));
        let units: Vec<u16> = units.map(|unit| u16::from_le_bytes(*unit)).collect();
        String::from_utf16_lossy(&units)
    });
    // mkfs.exfat makes an empty one where it was told none.
    Ok(found.filter(|label| !label.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn labels_are_read_as_mkfs_exfat_writes_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        let file = std::fs::File::create_new(&path).unwrap();
        file.set_len(64 << 20).unwrap();
        let read = |sector: u64, bytes: &mut [u8]| {
            std::fs::File::open(&path)?.read_exact_at(bytes, sector * SECTOR as u64)
        };
        assert_eq!(label(0, read).unwrap(), None, "zeros are no exFAT");
        for (options, expected) in [
            (&["-L", "FOOTAGE"][..], Some("FOOTAGE")),
            (&["-L", "Müller", "-c", "4096"], Some("Müller")),
            (&["-L", "FOOTAGE", "-c", "1M"], Some("FOOTAGE")),
            (&[], None),
        ] {
            let Ok(made) = Command::new("mkfs.exfat").args(options).arg(&path).output() else {
                picam_testkit::judges::skip(
                    "mkfs.exfat is not installed",
                    "apt-get install exfatprogs",
                );
                return;
            };
            assert!(made.status.success(), "{made:?}");
            assert_eq!(label(0, read).unwrap().as_deref(), expected, "{options:?}");
        }
    }
}
