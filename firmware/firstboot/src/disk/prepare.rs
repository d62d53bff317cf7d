//! What is to be done with a USB disk, and doing it.
//!
//! The steps of formatting are those of the card ([`crate::card`]): the partition table is the state. While the only entry is of
//! type `0xda` and the note before it says "unfinished", formatting was begun, and is gone on with; nothing else is ever
//! formatted without the owner's word.

use std::io;

use super::identity::{Identity, word};
use super::label::label;
use crate::card::{
    Card, Disk, EXFAT, Entry, MIB, Marker, Mbr, Primary, RESERVED, SECTOR, Sector, State, TooSmall,
    Tools, decode_marker, encode_marker,
};

/// Where footage begins on a disk that is formatted here, in sectors.
pub const FOOTAGE_AT: u64 = 4 * MIB;
/// What the volume must be called.
const LABEL: &str = "FOOTAGE";
/// Behind the last partition a GPT has its second copy.
const GPT_TAIL: u64 = 33;

/// A partition as the kernel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name, as `sda1`.
    pub name: String,
    /// First sector.
    pub start: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This partition takes the footage; without a name the disk itself, which has no table.
    Use(Option<String>),
    /// It is to be formatted; then its first partition takes the footage.
    Format,
    /// It is left as it is.
    Leave(Refused),
}

/// Why a disk is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It boots a picam.
    #[error("the USB disk is a picam's own card, which is not recorded to")]
    AnotherCamera,
    /// No partition has the label; with this word it would be formatted.
    #[error(
        "the USB disk ({0}) has no exFAT partition that is called FOOTAGE; the card is recorded to"
    )]
    NotNamed(String, Option<String>),
    /// It was named, and is too small.
    #[error("the USB disk ({0}) is too small for footage")]
    TooSmall(String),
}

impl Refused {
    /// What its owner can do.
    pub fn remedy(&self) -> String {
        match self {
            Self::AnotherCamera => "use another disk".into(),
            Self::TooSmall(_) => "use a disk of 1 GB or more".into(),
            Self::NotNamed(_, None) => {
                "format it as exFAT with the name FOOTAGE on a PC; the camera formats no disk without a serial number".into()
            }
            Self::NotNamed(_, Some(word)) => format!(
                "format it as exFAT with the name FOOTAGE on a PC; or, to have the camera erase and format it, write \
                 format-disk = \"{word}\" below [device] in picam.toml, put it back and restart"
            ),
        }
    }
}

/// Why a disk could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// It cannot be read, or not be written to.
    #[error("the USB disk cannot be {0}: {1}")]
    Failed(&'static str, io::Error),
    /// Something has it mounted.
    #[error("the USB disk has to be formatted, but something uses it")]
    InUse,
    /// There is no room for footage.
    #[error("the USB disk is too small: {0}")]
    TooSmall(#[from] TooSmall),
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> DiskError {
    move |error| DiskError::Failed(doing, error)
}

/// Looks at a disk, changing nothing. `asked` is the owner's word.
pub fn examine(
    disk: &mut impl Disk,
    card: &Card,
    identity: &Identity,
    partitions: &[Partition],
    asked: Option<&str>,
) -> Result<Verdict, DiskError> {
    let cannot = failed("read");
    let beginning = 0..MIB.min(card.sectors);
    let mut bytes = vec![0; (beginning.end as usize) * SECTOR];
    disk.read(0, &mut bytes).map_err(&cannot)?;
    let first: Sector = bytes
        .first_chunk()
        .copied()
        .ok_or_else(|| cannot(io::ErrorKind::UnexpectedEof.into()))?;
    let table = Mbr::parse(first);
    if table.as_ref().is_ok_and(|table| State::of(table).is_ok()) {
        return Ok(Verdict::Leave(Refused::AnotherCamera));
    }
    if let Ok(table) = &table
        && is_unfinished(disk, table).map_err(&cannot)?
    {
        return Ok(Verdict::Format);
    }
    let mut is_footage = |start| {
        let found = label(start, |sector, bytes| disk.read(sector, bytes));
        // A partition beyond the disk's end, or a place that cannot be read, is not the footage's.
        found.is_ok_and(|label| label.as_deref() == Some(LABEL))
    };
    for partition in partitions {
        if is_footage(partition.start) {
            return Ok(Verdict::Use(Some(partition.name.clone())));
        }
    }
    if partitions.is_empty() && is_footage(0) {
        return Ok(Verdict::Use(None));
    }
    let word = word(identity, &bytes);
    let is_named = word.is_some() && word.as_deref() == asked;
    let shown = format!(
        "{}, {} MB",
        identity.name,
        card.sectors * SECTOR as u64 / 1_000_000
    );
    Ok(match (is_named, card.footage(EXFAT, FOOTAGE_AT)) {
        (true, Ok(_)) => Verdict::Format,
        (true, Err(_)) => Verdict::Leave(Refused::TooSmall(shown)),
        (false, _) => Verdict::Leave(Refused::NotNamed(shown, word)),
    })
}

/// Whether the table is one that [`format`] wrote and did not finish.
fn is_unfinished(disk: &mut impl Disk, table: &Mbr) -> io::Result<bool> {
    let entry = table.entry(Primary::Boot);
    let others = [Primary::Footage, Primary::Root, Primary::Extended];
    let is_ours = entry.kind == RESERVED
        && u64::from(entry.start) == FOOTAGE_AT
        && others.iter().all(|&other| table.entry(other).is_empty());
    if !is_ours {
        return Ok(false);
    }
    let mut note = [0; SECTOR];
    disk.read(FOOTAGE_AT - 1, &mut note)?;
    Ok(decode_marker(&note, FOOTAGE_AT) == Some(Marker::Unfinished))
}

/// Erases and formats a disk. Cut off anywhere after its table is written, it is gone on with; before that it is a disk that
/// nobody has named.
pub fn format<D: Disk + Tools>(disk: &mut D, card: &Card) -> Result<Entry, DiskError> {
    let cannot = failed("written to");
    let entry = card.footage(RESERVED, FOOTAGE_AT)?;
    if disk
        .is_in_use()
        .map_err(failed("asked whether it is used"))?
    {
        return Err(DiskError::InUse);
    }
    let note = |disk: &mut D, marker| {
        disk.write(FOOTAGE_AT - 1, &encode_marker(marker, FOOTAGE_AT))
            .map_err(failed("written to"))
    };
    note(disk, Some(Marker::Unfinished))?;
    // What is left of another table or filesystem would be taken for one.
    let nothing = [0; SECTOR];
    let tail = card.sectors.saturating_sub(GPT_TAIL).max(entry.end());
    for sector in (1..GPT_TAIL + 1).chain(tail..card.sectors) {
        disk.write(sector, &nothing).map_err(&cannot)?;
    }
    let mut bare = nothing;
    if let Some(signature) = bare.last_chunk_mut() {
        *signature = [0x55, 0xaa];
    }
    let table = Mbr::parse(bare)
        .map_err(|error| cannot(io::Error::other(error)))?
        .with(Primary::Boot, entry);
    disk.write(0, table.as_sector()).map_err(&cannot)?;
    let formatted = failed("formatted");
    disk.attach(&entry).map_err(&formatted)?;
    disk.format(&card.layout()).map_err(&formatted)?;
    disk.sync().map_err(&formatted)?;
    disk.check().map_err(&formatted)?;
    note(disk, None)?;
    let footage = Entry {
        kind: EXFAT,
        ..entry
    };
    let table = table.with(Primary::Boot, footage);
    disk.write(0, table.as_sector()).map_err(&cannot)?;
    Ok(footage)
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
