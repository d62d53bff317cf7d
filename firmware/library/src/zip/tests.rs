//! ZIPs, read by programs that others wrote.

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;

struct Text(Vec<u8>);

impl Member for Text {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        Ok(self.0[offset as usize..][..len].to_vec())
    }
}

/// Zeros, and how many were read.
struct Zeros(u64, Cell<u64>);

impl Member for Zeros {
    fn size(&self) -> u64 {
        self.0
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        assert!(offset + len as u64 <= self.0);
        self.1.set(self.1.get() + len as u64);
        Ok(vec![0; len])
    }
}

fn zip(texts: &[Vec<u8>]) -> Zip<Text> {
    let noon = DosTime::new(jiff::civil::date(2026, 11, 20).at(11, 8, 0, 0));
    let members = texts.iter().enumerate();
    Zip::new(members.map(|(n, text)| (format!("clip {n}.mp4"), noon, Text(text.clone()))))
}

fn whole(zip: &Zip<Text>) -> Vec<u8> {
    zip.read(0, zip.size() as usize).unwrap()
}

/// Whether a program takes the file; `None` if it is not here.
fn judged(program: &str, args: &[&str], file: &Path) -> Option<(bool, String)> {
    let output = Command::new(program).args(args).arg(file).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    Some((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

#[test]
fn others_read_it() {
    let texts = [b"front".repeat(1000), Vec::new(), b"rear".repeat(100_000)];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clip.zip");
    File::create(&path)
        .unwrap()
        .write_all(&whole(&zip(&texts)))
        .unwrap();
    let mut judges = 0;
    for (program, args) in [
        ("unzip", &["-t"][..]),
        ("python3", &["-m", "zipfile", "-t"]),
        ("7z", &["t"]),
        ("bsdtar", &["tvf"]),
    ] {
        let Some((fine, said)) = judged(program, args, &path) else {
            continue;
        };
        judges += 1;
        assert!(fine, "{program}: {said}");
    }
    assert!(judges > 0, "no program that reads a ZIP is here");
    let code = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nfor i in z.infolist(): print(i.filename, i.date_time, z.read(i)[:5])";
    let (fine, said) = judged("python3", &["-c", code], &path).unwrap();
    assert!(fine, "{said}");
    let lines = [
        "clip 0.mp4 (2026, 11, 20, 11, 8, 0) b'front'",
        "clip 1.mp4 (2026, 11, 20, 11, 8, 0) b''",
        "clip 2.mp4 (2026, 11, 20, 11, 8, 0) b'rearr'",
    ];
    assert_eq!(said.trim().lines().collect::<Vec<_>>(), lines);
}

/// Two files of more than 4 GiB, of which a reader takes the directory alone.
#[test]
fn what_32_bits_do_not_hold_is_said_with_64() {
    let sizes = [5_u64 << 30, 100, NARROW, 7];
    let members = sizes.map(|size| (format!("{size}"), DosTime::NONE, Zeros(size, Cell::new(0))));
    let zip = Zip::new(members);
    // As if the large ones had been read before: of so many zeros, that takes long.
    let large = |entry: &&Entry<Zeros>| entry.member.size() > 1000;
    for entry in zip.entries.iter().filter(large) {
        entry.crc.set(7).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.zip");
    let file = File::create(&path).unwrap();
    file.set_len(zip.size()).unwrap();
    let put = |at: u64, len: u64| {
        use std::os::unix::fs::FileExt;
        file.write_all_at(&zip.read(at, len as usize).unwrap(), at)
            .unwrap();
    };
    for entry in &zip.entries {
        put(entry.at, entry.local_len());
        put(entry.data_end(), entry.descriptor_len());
    }
    put(zip.directory_at, zip.size() - zip.directory_at);
    let code = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                for i in z.infolist(): print(i.filename, i.file_size, i.compress_size, i.header_offset, hex(i.CRC))\n\
                for i in z.infolist(): z.open(i).read(1)";
    let (fine, said) = judged("python3", &["-c", code], &path).unwrap();
    assert!(fine, "{said}");
    let expected: Vec<String> = zip
        .entries
        .iter()
        .map(|entry| {
            let size = entry.member.size();
            format!(
                "{size} {size} {size} {} {:#x}",
                entry.at,
                entry.crc().unwrap()
            )
        })
        .collect();
    assert_eq!(said.trim().lines().collect::<Vec<_>>(), expected);
    if let Some((_, said)) = judged("unzip", &["-l"], &path) {
        assert!(said.contains("5368709120"), "{said}");
    }
}

#[test]
fn the_front_of_it_reads_nothing_twice_and_its_end_what_it_has_to() {
    let one = |sizes: &[u64]| {
        let named = |(n, &size)| (format!("{n}"), DosTime::NONE, Zeros(size, Cell::new(0)));
        Zip::new(sizes.iter().enumerate().map(named))
    };
    let read = |zip: &Zip<Zeros>| {
        zip.entries
            .iter()
            .map(|entry| entry.member.1.take())
            .sum::<u64>()
    };
    let (zip, again) = (one(&[1_000_000, 500]), one(&[1_000_000, 500]));
    let end = zip.size();
    // From the front to the end: each byte once.
    let mut at = 0;
    let mut front = Vec::new();
    while at < end {
        let len = 10_000.min(end - at);
        front.extend(zip.read(at, len as usize).unwrap());
        at += len;
    }
    assert_eq!(read(&zip), 1_000_500);
    // From the middle on: what lies before is read for the checksum, and nothing else again.
    let middle = 400_000;
    let rest = again.read(middle, (end - middle) as usize).unwrap();
    assert_eq!(rest, front[middle as usize..]);
    assert_eq!(read(&again), 1_000_500);
    // Its end alone: everything, once.
    let last = one(&[1_000_000, 500]);
    for _ in 0..2 {
        last.read(end - 50, 50).unwrap();
    }
    assert_eq!(read(&last), 1_000_500);
    assert!(last.read(end - 1, 2).is_err());
}

#[test]
fn times_are_those_that_a_zip_can_have() {
    let at = |year: i16| jiff::civil::date(year, 12, 31).at(23, 59, 59, 0);
    assert_eq!(DosTime::new(at(1979)), DosTime::NONE);
    assert_eq!(DosTime::new(at(2108)), DosTime::NONE);
    let DosTime { date, time } = DosTime::new(at(2107));
    assert_eq!(
        (date, time),
        (127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29)
    );
}

proptest! {
    #[test]
    fn any_part_is_that_of_the_whole(
        texts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..4),
        from: u64,
        len: usize,
    ) {
        let all = whole(&zip(&texts));
        let from = from % (all.len() as u64 + 1);
        let len = len % (all.len() - from as usize + 1);
        let part = zip(&texts).read(from, len).unwrap();
        prop_assert_eq!(&part, &all[from as usize..][..len]);
    }
}
