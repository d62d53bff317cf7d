use super::*;
use crate::card::Layout;

const SECTORS: u64 = 600 * MIB;

/// A disk in memory: what was written to it, sparse, and what its programs did.
#[derive(Clone, Default)]
struct Memory {
    sectors: std::collections::BTreeMap<u64, Sector>,
    mounted: bool,
    /// Writes and steps until the power goes.
    left: Option<u32>,
}

impl Memory {
    fn step(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::Error::other("the power is cut")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        for (n, part) in bytes.chunks(SECTOR).enumerate() {
            let mut sector = [0; SECTOR];
            sector[..part.len()].copy_from_slice(part);
            self.sectors.insert(at + n as u64, sector);
        }
    }
}

impl Disk for Memory {
    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        for (n, part) in buffer.chunks_mut(SECTOR).enumerate() {
            let at = sector + n as u64;
            if at >= SECTORS {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            part.copy_from_slice(
                &self.sectors.get(&at).copied().unwrap_or([0; SECTOR])[..part.len()],
            );
        }
        Ok(())
    }

    fn write(&mut self, sector: u64, bytes: &Sector) -> io::Result<()> {
        self.step()?;
        assert!(sector < SECTORS);
        self.sectors.insert(sector, *bytes);
        Ok(())
    }
}

impl Tools for Memory {
    fn attach(&mut self, _: &Entry) -> io::Result<()> {
        self.step()
    }
    fn is_in_use(&mut self) -> io::Result<bool> {
        Ok(self.mounted)
    }
    fn format(&mut self, _: &Layout) -> io::Result<()> {
        // As little of an exFAT as the label needs: boot sector, root directory in the first cluster.
        self.step()?;
        self.put(FOOTAGE_AT, &exfat("FOOTAGE"));
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.step()
    }
    fn check(&mut self) -> io::Result<()> {
        self.step()
    }
}

/// A boot region of twelve sectors, twelve more, and a root directory.
fn exfat(label: &str) -> Vec<u8> {
    let mut boot = vec![0; 24 * SECTOR];
    boot[3..11].copy_from_slice(b"EXFAT   ");
    boot[88..92].copy_from_slice(&24_u32.to_le_bytes());
    boot[96..100].copy_from_slice(&2_u32.to_le_bytes());
    boot[108] = 9;
    boot[510] = 0x55;
    boot[511] = 0xaa;
    let mut root = vec![0x83, label.len() as u8];
    root.extend(label.encode_utf16().flat_map(u16::to_le_bytes));
    boot.extend(root);
    boot
}

fn identity() -> Identity {
    Identity {
        vendor: "1234".into(),
        product: "5678".into(),
        serial: Some("S1".into()),
        name: "Disk".into(),
        sectors: SECTORS,
    }
}

fn card() -> Card {
    Card::new(SECTORS, None)
}

fn ask(disk: &mut Memory, partitions: &[Partition], asked: Option<&str>) -> Verdict {
    examine(disk, &card(), &identity(), partitions, asked).unwrap()
}

/// The word that the owner is told.
fn word_of(disk: &mut Memory, partitions: &[Partition]) -> String {
    match ask(disk, partitions, None) {
        Verdict::Leave(Refused::NotNamed(_, Some(word))) => word,
        other => panic!("{other:?}"),
    }
}

fn at(start: u64) -> Vec<Partition> {
    vec![Partition {
        name: "sda1".into(),
        start,
    }]
}

fn photos() -> Memory {
    let mut disk = Memory::default();
    let mut table = [0; SECTOR];
    table[510..].copy_from_slice(&[0x55, 0xaa]);
    let entry = Entry {
        kind: EXFAT,
        start: 2048,
        sectors: 1 << 20,
    };
    let table = Mbr::parse(table).unwrap().with(Primary::Boot, entry);
    disk.put(0, table.as_sector());
    disk.put(2048, &exfat("PHOTOS"));
    disk
}

#[test]
fn a_partition_with_the_label_is_used_and_nothing_is_asked() {
    let mut disk = photos();
    disk.put(2048, &exfat("FOOTAGE"));
    assert_eq!(
        ask(&mut disk, &at(2048), None),
        Verdict::Use(Some("sda1".into()))
    );
    let mut bare = Memory::default();
    bare.put(0, &exfat("FOOTAGE"));
    assert_eq!(ask(&mut bare, &[], None), Verdict::Use(None));
    // With a table, what stands in the first sector is no volume.
    assert_ne!(ask(&mut bare, &at(900 * MIB), None), Verdict::Use(None));
}

#[test]
fn without_the_very_word_nothing_is_formatted() {
    let mut disk = photos();
    let word = word_of(&mut disk, &at(2048));
    let slip = word.replace("S1", "S2");
    let shorter = &word[..word.len() - 1];
    for wrong in [
        None,
        Some(""),
        Some(slip.as_str()),
        Some(shorter),
        Some("yes"),
    ] {
        assert!(
            matches!(ask(&mut disk, &at(2048), wrong), Verdict::Leave(_)),
            "{wrong:?}"
        );
    }
    assert_eq!(ask(&mut disk, &at(2048), Some(&word)), Verdict::Format);
    // Another disk of the same make, and this one with something else on it.
    let other = Identity {
        serial: Some("S9".into()),
        ..identity()
    };
    let verdict = examine(&mut disk, &card(), &other, &at(2048), Some(&word)).unwrap();
    assert!(matches!(verdict, Verdict::Leave(_)));
    disk.sectors.get_mut(&0).unwrap()[440] ^= 1;
    assert!(matches!(
        ask(&mut disk, &at(2048), Some(&word)),
        Verdict::Leave(_)
    ));
}

#[test]
fn a_word_is_obeyed_once() {
    let mut disk = photos();
    let word = word_of(&mut disk, &at(2048));
    format(&mut disk, &card()).unwrap();
    assert_eq!(
        ask(&mut disk, &at(FOOTAGE_AT), Some(&word)),
        Verdict::Use(Some("sda1".into()))
    );
    // Its owner takes it for something else afterwards, and the word still stands in picam.toml.
    disk.put(FOOTAGE_AT, &exfat("PHOTOS"));
    assert!(matches!(
        ask(&mut disk, &at(FOOTAGE_AT), Some(&word)),
        Verdict::Leave(_)
    ));
}

#[test]
fn cut_off_anywhere_it_is_photos_or_formatted_or_gone_on_with() {
    let mut whole = photos();
    let word = word_of(&mut whole, &at(2048));
    let mut ends = [0; 3];
    for cut in 0.. {
        let mut disk = photos();
        disk.left = Some(cut);
        let done = format(&mut disk, &card()).is_ok();
        disk.left = None;
        let table = Mbr::parse(*disk.sectors.get(&0).unwrap()).unwrap();
        let start = table.entry(Primary::Boot).start.into();
        match ask(&mut disk, &at(start), None) {
            // Nobody has named it: its owner has to say the new word.
            Verdict::Leave(Refused::NotNamed(..)) => {
                assert_eq!(start, 2048);
                ends[0] += 1;
            }
            Verdict::Format => {
                ends[1] += 1;
                format(&mut disk, &card()).unwrap();
                assert_eq!(
                    ask(&mut disk, &at(FOOTAGE_AT), Some(&word)),
                    Verdict::Use(Some("sda1".into()))
                );
            }
            Verdict::Use(_) => ends[2] += 1,
            other => panic!("{other:?}"),
        }
        if done {
            break;
        }
    }
    assert!(ends.iter().all(|&n| n > 0), "{ends:?}");
}

#[test]
fn an_unfinished_note_under_a_table_of_another_is_not_believed() {
    let mut disk = photos();
    disk.put(
        FOOTAGE_AT - 1,
        &encode_marker(Some(Marker::Unfinished), FOOTAGE_AT),
    );
    assert!(matches!(ask(&mut disk, &at(2048), None), Verdict::Leave(_)));
}

#[test]
fn what_is_mounted_or_too_small_or_another_camera_is_left_alone() {
    let mut disk = photos();
    disk.mounted = true;
    let before = disk.sectors.clone();
    assert!(matches!(format(&mut disk, &card()), Err(DiskError::InUse)));
    assert_eq!(disk.sectors, before);
    let small = Card::new(100 * MIB, None);
    assert!(matches!(
        format(&mut photos(), &small),
        Err(DiskError::TooSmall(_))
    ));
    let mut camera = photos();
    let entry = |kind, start: u64, sectors: u64| Entry {
        kind,
        start: (start * MIB) as u32,
        sectors: (sectors * MIB) as u32,
    };
    let table = Mbr::parse(*camera.sectors.get(&0).unwrap())
        .unwrap()
        .with(Primary::Boot, entry(crate::card::FAT32, 4, 256))
        .with(Primary::Footage, entry(EXFAT, 1600, 900))
        .with(Primary::Root, entry(RESERVED, 264, 512))
        .with(Primary::Extended, entry(crate::card::EXTENDED, 776, 776));
    camera.put(0, table.as_sector());
    assert_eq!(
        ask(&mut camera, &at(1600 * MIB), None),
        Verdict::Leave(Refused::AnotherCamera)
    );
}
