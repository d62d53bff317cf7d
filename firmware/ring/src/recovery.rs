//! Brings slots into order that a power cut or an unknown time left behind, one at a time and while
//! recording runs. Whoever calls this has the slot lent by the [`Recorder`](crate::Recorder).

use std::io;

use picam_mp4::recover::read_record;
use picam_mp4::{
    RecordError as HeaderError, RecoverError, Recovery, SegmentState, patch_record, recover,
};

use crate::anchor::name_time;
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName, SlotName};
use crate::recorder::unnamed_footage;
use crate::sequence::digits_of;

/// What a slot needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// It was cut off while it was recorded.
    Recovery,
    /// It was recorded before anybody knew the time.
    Time,
}

/// What a look at one slot showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is to be done.
    pub needs: Needs,
    /// The boot that recorded it and, if its time is known, UTC minus that boot's clock in
    /// microseconds. `None` if there is no footage or no record.
    pub boot: Option<([u8; 16], Option<i64>)>,
}

impl Look {
    const NOTHING: Self = Self {
        needs: Needs::Nothing,
        boot: None,
    };
}

/// Looks at one slot. Damaged and foreign files need nothing: nobody could help them.
pub fn look(directory: &impl Directory, slot: SlotName) -> io::Result<Look> {
    let file = directory.open(&slot.to_string())?;
    let (record, state) = match (slot, read_record(&file)) {
        (SlotName::Spare { .. }, _) => match unnamed_footage(&file) {
            Some(record) => (record, SegmentState::Recording),
            None => return Ok(Look::NOTHING),
        },
        (SlotName::Segment(_), Ok(read)) => read,
        (SlotName::Segment(_), Err(RecoverError::Io(error))) => return Err(error),
        (SlotName::Segment(_), Err(_)) => return Ok(Look::NOTHING),
    };
    let offset = record
        .start_utc_us
        .map(|us| us - (record.start_boot_ns / 1000) as i64);
    let needs = match (state, offset) {
        (SegmentState::Recording, _) => Needs::Recovery,
        (SegmentState::Finished, None) => Needs::Time,
        (SegmentState::Finished, Some(_)) => Needs::Nothing,
    };
    Ok(Look {
        needs,
        boot: Some((record.boot_id, offset)),
    })
}

/// Finishes a slot that was cut off and gives it the name it should have. Says that name; a slot
/// without footage becomes a spare one.
pub fn recover_slot(directory: &impl Directory, slot: SlotName) -> Result<SlotName, RecoverError> {
    let mut file = directory.open(&slot.to_string())?;
    let (record, footage) = match recover(&mut file)? {
        Recovery::Finished(record) | Recovery::Recovered(record) => (record, true),
        Recovery::Empty(record) => (record, false),
    };
    if !footage {
        return match slot {
            SlotName::Spare { .. } => Ok(slot),
            SlotName::Segment(name) => rename(directory, slot, spare_beside(directory, name)?),
        };
    }
    let class = match slot {
        SlotName::Segment(name) => name.class,
        SlotName::Spare { .. } => Class::from_letter(record.class).unwrap_or(Class::Normal),
    };
    let time = name_time(
        record.start_utc_us,
        record.boot_number,
        record.start_boot_ns,
    );
    let name = SegmentName {
        time,
        camera: slot.camera(),
        class,
        sequence: digits_of(record.sequence),
    };
    rename(directory, slot, SlotName::Segment(name))
}

/// Gives a finished segment its true time, in the file and in its name.
pub fn anchor_slot(
    directory: &impl Directory,
    name: SegmentName,
    utc_minus_boot_us: i64,
) -> Result<SlotName, RecoverError> {
    let mut file = directory.open(&name.to_string())?;
    let record = patch_record(&mut file, |record| {
        let start = (record.start_boot_ns / 1000) as i64 + utc_minus_boot_us;
        record.start_utc_us = record.start_utc_us.or(Some(start));
    })?;
    let us = record.start_utc_us.ok_or(HeaderError::Damaged)?;
    let time = NameTime::Utc(us.div_euclid(1_000_000));
    rename(
        directory,
        SlotName::Segment(name),
        SlotName::Segment(SegmentName { time, ..name }),
    )
}

/// Changes a finished segment's class: first the name, which decides what may be overwritten.
pub fn reclass_slot(
    directory: &impl Directory,
    name: SegmentName,
    class: Class,
) -> Result<SlotName, RecoverError> {
    let to = SegmentName { class, ..name };
    let now = rename(directory, SlotName::Segment(name), SlotName::Segment(to))?;
    let mut file = directory.open(&now.to_string())?;
    patch_record(&mut file, |record| record.class = class.letter())?;
    Ok(now)
}

fn rename(
    directory: &impl Directory,
    from: SlotName,
    to: SlotName,
) -> Result<SlotName, RecoverError> {
    if from != to {
        directory.rename(&from.to_string(), &to.to_string())?;
        directory.sync()?;
    }
    Ok(to)
}

/// Gives a segment's footage up: its slot becomes spare, and a player finds nothing in it.
pub fn give_up_slot(
    directory: &impl Directory,
    name: SegmentName,
) -> Result<SlotName, RecoverError> {
    let spare = spare_beside(directory, name)?;
    rename(directory, SlotName::Segment(name), spare)
}

/// A free name for a spare slot: numbers above a thousand are nobody else's.
fn spare_beside(directory: &impl Directory, name: SegmentName) -> io::Result<SlotName> {
    let taken = directory.list()?;
    (1000..)
        .map(|sequence| SlotName::Spare {
            camera: name.camera,
            sequence,
        })
        .find(|spare| {
            let spare = spare.to_string();
            taken.iter().all(|entry| entry.name != spare)
        })
        .ok_or_else(|| io::ErrorKind::AlreadyExists.into())
}
