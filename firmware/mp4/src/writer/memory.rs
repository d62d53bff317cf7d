//! The memory of a segment writer, used again from one segment to the next.

use super::WriteError;
use crate::boxes;
use crate::camm::Places;
use crate::fragment::FragmentBuilder;
use crate::layout::{FTYP_LEN, HEAD_BOX, PAGE, SECTOR, page_up};
use crate::moov;
use crate::page_buf::PageBuf;
use crate::record::Record;
use crate::tables::Tables;
use crate::track::TrackConfig;

/// More than this is taken only once a fragment needs it.
const MOST_AT_FIRST: usize = 1 << 20;

/// What is collected of a segment, and the pages on their way to the card.
pub(super) struct Memory {
    pub(super) fragment: FragmentBuilder,
    pub(super) tables: Vec<Tables>,
    pub(super) places: Places,
    pub(super) sides: Sides,
    /// First page of the segment as it stands on the card.
    pub(super) first_page: PageBuf,
    /// From the page that holds the inner `ftyp` to the `free` after the init.
    pub(super) init: PageBuf,
    /// First page of the fragment before, durable only with the next flush.
    pub(super) shown_page: PageBuf,
    /// First page of the fragment that is being committed.
    pub(super) next_page: PageBuf,
    /// Boxes, until they are put into a page.
    pub(super) boxes: Vec<u8>,
}

impl Memory {
    /// For fragments of so many bytes at the most.
    pub(super) fn new(fragment: usize) -> Self {
        Self {
            fragment: FragmentBuilder::new(fragment.min(MOST_AT_FIRST)),
            tables: Vec::new(),
            places: Places::default(),
            sides: Sides::default(),
            first_page: PageBuf::with_capacity(PAGE),
            init: PageBuf::with_capacity(4 * PAGE),
            shown_page: PageBuf::with_capacity(PAGE),
            next_page: PageBuf::with_capacity(PAGE),
            boxes: Vec::new(),
        }
    }

    /// Forgets the segment before for one of so many tracks.
    pub(super) fn begin_segment(&mut self, tracks: usize) {
        self.fragment.begin_segment(tracks);
        self.tables.truncate(tracks);
        self.tables.iter_mut().for_each(Tables::clear);
        self.tables.resize_with(tracks, Tables::new);
        self.places.clear();
        self.sides.clear();
    }

    /// Lays out what stands in the slot before the first fragment, and fills in its lengths and the init's CRC.
    pub(super) fn lay_out(
        &mut self,
        record: &mut Record,
        tracks: &[TrackConfig],
        first_offset: u32,
    ) -> Result<(), WriteError> {
        self.boxes.clear();
        moov::encode_init(tracks, first_offset, &mut self.boxes)?;
        let moov_len = self.boxes.len();
        record.init_crc = Some(crc32fast::hash(&self.boxes));
        // A free box needs 8 bytes; the init never ends closer to the page than that.
        let init_len = page_up(moov_len as u64 + 8);
        record.init_moov_len = moov_len as u32;
        record.init_len = init_len as u32;
        boxes::header(b"free", init_len - moov_len as u64, &mut self.boxes);

        self.init.clear();
        self.init.resize(PAGE - FTYP_LEN);
        self.init.extend(&boxes::ftyp()?);
        self.init.extend(&self.boxes);
        self.init.resize(PAGE + init_len as usize);
        let first_fragment = u64::from(record.head_len) + init_len;
        self.boxes.clear();
        boxes::header(b"free", record.slot_len - first_fragment, &mut self.boxes);
        self.init.extend(&self.boxes);
        self.init.pad_to_page();

        self.boxes.clear();
        self.boxes.extend(boxes::ftyp()?);
        let head = u64::from(record.head_len) - HEAD_BOX as u64;
        boxes::header(b"free", head, &mut self.boxes);
        self.first_page.clear();
        self.first_page.extend(&self.boxes);
        self.first_page.resize(PAGE);
        self.store_record(record);
        Ok(())
    }

    /// Puts the record into the first page.
    pub(super) fn store_record(&mut self, record: &Record) {
        if let Some(sector) = self.first_page.as_mut_slice().first_chunk_mut::<SECTOR>() {
            record.store(sector);
        }
    }
}

/// How many samples of other tracks than the video a segment has taken, and how many of them each fragment has.
#[derive(Debug, Default)]
pub(super) struct Sides {
    taken: u64,
    /// By fragment: up to and with it.
    committed: Vec<u64>,
}

impl Sides {
    fn clear(&mut self) {
        self.taken = 0;
        self.committed.clear();
    }

    pub(super) fn take(&mut self) {
        self.taken += 1;
    }

    pub(super) fn commit(&mut self) {
        self.committed.push(self.taken);
    }

    /// Those that the first `fragments` do not have.
    pub(super) fn behind(&self, fragments: u32) -> u64 {
        let committed = self.committed.get(..fragments as usize);
        let committed = committed.and_then(<[u64]>::last).copied().unwrap_or(0);
        self.taken.saturating_sub(committed)
    }
}
