//! Brings slots into order that a power cut or an unknown time left behind, one at a time and while
//! recording runs. Where others work in the directory too, whoever calls this has the slot claimed in the
//! [`SlotTable`](crate::SlotTable); the functions that take a name instead are for those who have the directory to themselves.

use std::io;

use picam_mp4::recover::read_record;
use picam_mp4::{
    Help, Mended, Named, Record, RecordError as HeaderError, RecoverError, SegmentState, mend,
    patch_record,
};
use picam_time::UtcUs;

use crate::anchor::{SegmentStart, name_time};
use crate::class::Class;
use crate::directory::Directory;
use crate::lenders::Lend;
use crate::name::{NameTime, SEQUENCE_MODULUS, SegmentName, SlotName};
use crate::sequence::digits_of;
use crate::slots::{Claim, Owner, SlotTable};
use crate::unnamed::unnamed_footage;

/// What a slot needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// It was cut off while it was recorded.
    Recovery,
    /// Its header record cannot be read: what it was is to be found out.
    Mending,
}

/// What a look at one slot showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What is to be done.
    pub needs: Needs,
    /// When it started, if it is a finished segment.
    pub start: Option<SegmentStart>,
}

impl Look {
    const NOTHING: Self = Self {
        needs: Needs::Nothing,
        start: None,
    };
}

/// Looks at one slot, at its header alone. Files of a newer program need nothing: nobody here could help them.
pub fn look(directory: &impl Directory, slot: SlotName) -> io::Result<Look> {
    let file = directory.open(&slot.to_string())?;
    let (record, state) = match (slot, read_record(&file)) {
        (SlotName::Spare { .. }, _) => match unnamed_footage(&file) {
            Some(record) => (record, SegmentState::Recording),
            None => return Ok(Look::NOTHING),
        },
        (SlotName::Segment(_), Ok(read)) => read,
        (SlotName::Segment(_), Err(RecoverError::Io(error))) => return Err(error),
        (SlotName::Segment(_), Err(RecoverError::Record(HeaderError::Newer(_)))) => {
            return Ok(Look::NOTHING);
        }
        (SlotName::Segment(_), Err(_)) => {
            return Ok(Look {
                needs: Needs::Mending,
                start: None,
            });
        }
    };
    let needs = match state {
        SegmentState::Recording => Needs::Recovery,
        SegmentState::Finished => Needs::Nothing,
    };
    let start = match (slot, state) {
        (SlotName::Segment(name), SegmentState::Finished) => Some(SegmentStart {
            name,
            boot_id: record.boot_id,
            boot_number: record.boot_number,
            start_boot: record.start_boot,
            start_utc: record.start_utc,
        }),
        _ => None,
    };
    Ok(Look { needs, start })
}

/// Finishes a slot that was cut off, mends what of header, init and index is damaged, and gives it the name it should have; a
/// slot without footage becomes a spare one. What is sound is left alone.
pub fn recover_claimed(
    claim: &mut Claim,
    directory: &impl Directory,
    lend: Lend<'_>,
) -> Result<Mended, RecoverError> {
    let now = match claim.slot() {
        SlotName::Segment(name) => Some(name),
        SlotName::Spare { .. } => None,
    };
    let help = Help {
        lend,
        named: now.map(said_by),
    };
    let mut file = directory.open(&claim.slot().to_string())?;
    let mended = mend(&mut file, &help)?;
    drop(file);
    if mended.empty {
        claim.make_spare(directory)?;
        return Ok(mended);
    }
    let due = due_name(&mended.record, claim.slot());
    match now {
        // Whoever named a finished one knew why.
        Some(_) if mended.was == SegmentState::Finished => {}
        Some(now) if is_beside(now, due) => directory.sync()?,
        _ => claim.name_segment(directory, due).map(|_| ())?,
    }
    Ok(mended)
}

/// Gives a finished segment its true start, in the file and in its name.
pub fn date_claimed(
    claim: &mut Claim,
    directory: &impl Directory,
    start_utc: UtcUs,
) -> Result<(), RecoverError> {
    let SlotName::Segment(name) = claim.slot() else {
        return Err(HeaderError::Foreign.into());
    };
    let mut file = directory.open(&name.to_string())?;
    patch_record(&mut file, |record| record.start_utc = Some(start_utc))?;
    let time = NameTime::Utc(start_utc.seconds());
    let due = SegmentName { time, ..name };
    if !is_beside(name, due) {
        claim.name_segment(directory, due)?;
    }
    Ok(())
}

/// Changes a finished segment's class: first the name, which decides what may be overwritten. What is not footage, or has a
/// damaged header, is an error; then the name alone may have changed.
pub fn reclass_claimed(
    claim: &mut Claim,
    directory: &impl Directory,
    class: Class,
) -> Result<(), RecoverError> {
    let SlotName::Segment(name) = claim.slot() else {
        return Err(HeaderError::Foreign.into());
    };
    claim.name_segment(directory, SegmentName { class, ..name })?;
    let mut file = directory.open(&claim.slot().to_string())?;
    patch_record(&mut file, |record| record.class = class.letter())?;
    Ok(())
}

/// As [`recover_claimed`]. Says the slot's name afterwards, and what was done.
pub fn recover_slot(
    directory: &impl Directory,
    slot: SlotName,
    lend: Lend<'_>,
) -> Result<(SlotName, Mended), RecoverError> {
    let table = SlotTable::default();
    table.look(directory)?;
    let mut claim = table
        .claim(slot, Owner::Housekeeper)
        .ok_or(io::ErrorKind::NotFound)
        .map_err(io::Error::from)?;
    let mended = recover_claimed(&mut claim, directory, lend)?;
    Ok((claim.slot(), mended))
}

/// The name that goes with a header record. What the record does not know, its name now says.
fn due_name(record: &Record, now: SlotName) -> SegmentName {
    let recorded = name_time(record.start_utc, record.boot_number, record.start_boot);
    let (time, class) = match now {
        SlotName::Segment(now)
            if record.start_utc.is_none() && matches!(now.time, NameTime::Utc(_)) =>
        {
            (now.time, now.class)
        }
        SlotName::Segment(now) => (recorded, now.class),
        SlotName::Spare { .. } => {
            let class = Class::from_letter(record.class).unwrap_or(Class::Normal);
            (recorded, class)
        }
    };
    SegmentName {
        time,
        camera: now.camera(),
        class,
        sequence: digits_of(record.sequence),
    }
}

/// What the name of a segment says about it.
fn said_by(name: SegmentName) -> Named {
    Named {
        camera: name.camera,
        class: name.class.letter(),
        sequence: name.sequence.into(),
        modulus: SEQUENCE_MODULUS.into(),
    }
}

/// Whether a segment bears its name, or the one it got since something else had it.
fn is_beside(now: SegmentName, due: SegmentName) -> bool {
    let at = |mut name: SegmentName| {
        for _ in 0..2 {
            if name == now {
                return true;
            }
            name = name.a_second_later();
        }
        false
    };
    at(due)
}
