//! The inits of a directory's segments, to be lent to segments of the same camera whose own is damaged.

use std::cell::RefCell;
use std::collections::HashMap;

use picam_mp4::ReadAt;
use picam_mp4::recover::read_record;

use crate::directory::Directory;
use crate::name::SlotName;

/// Gives the init with this CRC-32, if any segment has it.
pub type Lend<'a> = &'a dyn Fn(u32) -> Option<Vec<u8>>;

/// No init is longer, in bytes.
const LONGEST_INIT: u32 = 64 * 1024;

/// Reads the inits of segments once the first is asked for, and keeps each kind once.
pub struct Lenders<'a, D> {
    directory: &'a D,
    slots: Vec<SlotName>,
    inits: RefCell<Option<HashMap<u32, Vec<u8>>>>,
}

impl<'a, D: Directory> Lenders<'a, D> {
    /// Those of these slots.
    pub fn new(directory: &'a D, slots: Vec<SlotName>) -> Self {
        Self {
            directory,
            slots,
            inits: RefCell::new(None),
        }
    }

    /// The init with this CRC-32.
    pub fn lend(&self, crc: u32) -> Option<Vec<u8>> {
        let mut inits = self.inits.borrow_mut();
        inits.get_or_insert_with(|| self.read()).get(&crc).cloned()
    }

    fn read(&self) -> HashMap<u32, Vec<u8>> {
        let init = |slot: &SlotName| {
            let file = self.directory.open(&slot.to_string()).ok()?;
            let (record, _) = read_record(&file).ok()?;
            let len = Some(record.init_moov_len).filter(|len| *len <= LONGEST_INIT)?;
            let mut init = vec![0; len as usize];
            file.read_exact_at(record.head_len.into(), &mut init).ok()?;
            Some((crc32fast::hash(&init), init))
        };
        self.slots.iter().filter_map(init).collect()
    }
}
