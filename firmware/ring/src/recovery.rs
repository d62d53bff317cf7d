//! Brings slots into order that a power cut or an unknown time left behind, one at a time and while
//! recording runs. Whoever calls this has the slot lent by the [`Recorder`](crate::Recorder).

use std::io;

use picam_mp4::recover::read_record;
use picam_mp4::{
    RecordError as HeaderError, RecoverError, Recovery, SegmentState, patch_record, recover,
};

use crate::class::Class;
use crate::directory::Directory;
use crate::name::{BOOT_MODULUS, NameTime, SegmentName, SlotName};
use crate::recorder::unnamed_footage;
use crate::sequence::digits_of;

/// What a slot needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// It was cut off while it was recorded.
    Recovery,
    /// It was recorded before anybody knew the time; the boot that did it is named.
    Time([u8; 16]),
}

/// Looks at one slot. Damaged and foreign files need nothing: nobody could help them.
pub fn needs(directory: &impl Directory, slot: SlotName) -> io::Result<Needs> {
    let file = directory.open(&slot.to_string())?;
    if let SlotName::Spare { .. } = slot {
        return Ok(match unnamed_footage(&file) {
            Some(_) => Needs::Recovery,
            None => Needs::Nothing,
        });
    }
    match read_record(&file) {
        Ok((_, SegmentState::Recording)) => Ok(Needs::Recovery),
        Ok((record, SegmentState::Finished)) if record.start_utc_us.is_none() => {
            Ok(Needs::Time(record.boot_id))
        }
        Ok(_) | Err(RecoverError::Record(_)) => Ok(Needs::Nothing),
        Err(RecoverError::Io(error)) => Err(error),
        Err(_) => Ok(Needs::Nothing),
    }
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
    let time = match record.start_utc_us {
        Some(us) => NameTime::Utc(us.div_euclid(1_000_000)),
        None => NameTime::Boot {
            number: (record.boot_number % u32::from(BOOT_MODULUS)) as u16,
            seconds: (record.start_boot_ns / 1_000_000_000) as u32,
        },
    };
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
