//! A slot in memory, and a small one as a power cut left it.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use picam_mp4::layout::PAGE;
use picam_mp4::{
    Flush, FragmentLimits, ReadAt, Record, Sample, SegmentWriter, SlotFile, TrackConfig,
    sample_entry,
};
use picam_time::BootNs;

/// As short as a slot may be.
const SLOT_LEN: u64 = HEAD_LEN as u64 + 256 * 1024;
const HEAD_LEN: u32 = 32 * 1024;
/// x264, 64x48 at 10 frames a second.
const SPS: [u8; 24] = [
    0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x44, 0x3f, 0x9e, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
    0x00, 0x03, 0x01, 0x40, 0xf1, 0x22, 0x59, 0x60,
];
const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

/// A file of fixed size in memory.
#[derive(Debug, Clone)]
pub(super) struct MemorySlot(pub(super) Vec<u8>);

impl ReadAt for MemorySlot {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }
}

impl SlotFile for MemorySlot {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let aligned = |n: usize| n.is_multiple_of(PAGE);
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::StorageFull)?;
        assert!(aligned(start) && aligned(data.len()), "unaligned write");
        let end = start
            .checked_add(data.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        self.0
            .get_mut(start..end)
            .ok_or(io::ErrorKind::StorageFull)?
            .copy_from_slice(data);
        Ok(())
    }

    fn flush(&mut self, _scope: Flush) -> io::Result<()> {
        Ok(())
    }
}

/// Four fragments of pictures, fixes and text, not finished.
pub(super) fn cut_off() -> MemorySlot {
    static SLOT: OnceLock<MemorySlot> = OnceLock::new();
    SLOT.get_or_init(record_and_abandon).clone()
}

fn record_and_abandon() -> MemorySlot {
    let stsd = sample_entry::h264(&[SPS.to_vec()], &[PPS.to_vec()], 64, 48).expect("good sets");
    let tracks = vec![
        TrackConfig::video(stsd, 64, 48),
        TrackConfig::camm().expect("a fixed entry"),
        TrackConfig::text().expect("a fixed entry"),
    ];
    let record = Record {
        sequence: 41,
        boot_id: [7; 16],
        boot_number: 3,
        camera: b'F',
        class: b'N',
        camera_name: "front".into(),
        start_boot: BootNs::from_secs(1),
        slot_len: SLOT_LEN,
        head_len: HEAD_LEN,
        ..Record::default()
    };
    let mut writer = SegmentWriter::new(FragmentLimits {
        interval: Duration::from_millis(500),
        bytes: 1 << 20,
    });
    let picture = |n: i64| Sample {
        track: 0,
        dts: n * 9000,
        composition_offset: 0,
        duration: 9000,
        key: n % 10 == 0,
        captured: BootNs(1_000_000_000 + n as u64 * 100_000_000),
        data: &[0, 0, 0, 4, 0x65, 0x88, 0x84, 0x21],
    };
    let slot = MemorySlot(vec![0; SLOT_LEN as usize]);
    writer
        .begin(slot, record, tracks, &picture(0))
        .expect("it fits");
    for n in 0..16 {
        writer.push(&picture(n)).expect("it fits");
        // A fix of type 5 (`camm`): latitude, longitude, altitude.
        let fix = [0, 0, 5, 0].into_iter();
        let fix: Vec<u8> = fix
            .chain(
                [48.0f64, 11.5, 519.0]
                    .into_iter()
                    .flat_map(f64::to_le_bytes),
            )
            .collect();
        for (track, data) in [(1, fix.as_slice()), (2, b"\x00\x03abc")] {
            let sample = Sample {
                track,
                dts: n * 100,
                duration: 100,
                key: true,
                data,
                ..picture(0)
            };
            writer.push(&sample).expect("it fits");
        }
    }
    let (slot, _) = writer.abandon().expect("a segment is open");
    slot
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_is_a_slot_worth_recovering() {
        let checked = picam_mp4::check(&cut_off()).unwrap();
        assert_eq!((checked.fragments, checked.faults), (4, Vec::new()));
    }
}
