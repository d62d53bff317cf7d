//! Carries out what [`plan`](super::plan) decides, one durable step after the other.

use std::io;

use super::exfat::{self, BOOT_SECTORS};
use super::geometry::{Card, Layout, MIB};
use super::marker::{self, Marker};
use super::mbr::{Entry, Mbr, SECTOR, Sector};
use super::plan::{Erase, Found, Next, Refusal, State, Why, next};

/// Placeholder, formatting, resized, footage, note cleared, restored: more than these is a disk that does not
/// keep what is written to it.
const MOST_STEPS: usize = 7;

/// The whole card, in sectors. A write is durable, and of one sector: whole or not at all.
pub trait Disk {
    /// Reads whole sectors.
    fn read(&mut self, sector: u64, buffer: &mut [u8]) -> io::Result<()>;
    /// Writes one sector, and returns when a power cut cannot undo it.
    fn write(&mut self, sector: u64, bytes: &Sector) -> io::Result<()>;
}

/// The kernel and programs of others.
pub trait Tools {
    /// Makes sure that the kernel's second partition is `entry`, and that its device is there.
    fn attach(&mut self, entry: &Entry) -> io::Result<()>;
    /// Whether somebody has the footage partition mounted or open for himself.
    fn is_in_use(&mut self) -> io::Result<bool>;
    /// Makes an empty exFAT in the footage partition.
    fn format(&mut self, layout: &Layout) -> io::Result<()>;
    /// Returns when what was formatted is durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Checks the footage partition, changing nothing; fails if anything is wrong with it.
    fn check(&mut self) -> io::Result<()>;
}

/// Why there is no footage partition.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// Not a card of ours: nothing was written.
    #[error("this disk is left as it is: {0}")]
    Refused(#[from] Refusal),
    /// The footage partition is mounted, though it has to be formatted.
    #[error(
        "the footage partition has to be formatted, but something uses it; unmount it, and run this again"
    )]
    InUse,
    /// Reading, writing or a program failed; the next start goes on from there.
    #[error("{doing}: {error}; the next start tries again")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What happened.
        error: io::Error,
    },
    /// The table reads otherwise than it was written.
    #[error("the card does not keep what is written to it; replace it")]
    Forgetful,
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> CardError {
    move |error| CardError::Failed { doing, error }
}

/// Sees to it that the second partition is footage. Returns where it lies.
///
/// Where it is already, this reads 26 sectors and asks the kernel.
pub fn prepare<D: Disk + Tools>(
    disk: &mut D,
    card: &Card,
    erase: Erase,
) -> Result<Entry, CardError> {
    for _ in 0..MOST_STEPS {
        let table = read_table(disk)?;
        let state = State::of(&table)?;
        let found = find(disk, card, state)?;
        match next(&table, state, card, &found, erase)? {
            Next::Restore(entry) if !disk.is_in_use().map_err(failed(ASKING))? => {
                restore(disk, entry.start.into())?;
            }
            Next::Done(entry) | Next::Restore(entry) => {
                if entry.end() > card.sectors {
                    let beyond = (entry.end() - card.sectors) / MIB;
                    tracing::warn!(
                        "the footage partition ends {beyond} MiB behind the card, as on a copy of a \
                         larger card; if it cannot be mounted, set factory-reset to \"everything\""
                    );
                }
                disk.attach(&entry).map_err(failed(ATTACHING))?;
                return Ok(entry);
            }
            Next::WriteTable { table, why } => {
                // A mounted filesystem must not lose its place.
                if why == Why::Erase && disk.is_in_use().map_err(failed(ASKING))? {
                    return Err(CardError::InUse);
                }
                explain(why, card);
                write_table(disk, &table)?;
            }
            Next::ClearMarker(start) => note(disk, start, None)?,
            Next::Format {
                entry,
                marker,
                table,
            } => {
                disk.attach(&entry).map_err(failed(ATTACHING))?;
                format(disk, card, &entry, marker)?;
                write_table(disk, &table)?;
                tracing::info!(
                    "{} MiB are ready for footage",
                    u64::from(entry.sectors) / MIB
                );
            }
        }
    }
    Err(CardError::Forgetful)
}

/// Whether [`prepare`] has met a request to erase the footage. Only reads.
pub fn is_erased(disk: &mut impl Disk, card: &Card, request: u32) -> Result<bool, CardError> {
    let state = State::of(&read_table(disk)?)?;
    let State::Footage(_) = state else {
        return Ok(false);
    };
    let found = find(disk, card, state)?;
    let met = Some(Marker::Erased(request));
    Ok(found.iter().any(|found| found.marker == met))
}

const ATTACHING: &str = "the kernel cannot be told of the footage partition";
const ASKING: &str = "the kernel does not tell whether footage is mounted";

fn read_table(disk: &mut impl Disk) -> Result<Mbr, CardError> {
    let mut sector = [0; SECTOR];
    disk.read(0, &mut sector)
        .map_err(failed("the partition table cannot be read"))?;
    Ok(Mbr::parse(sector).map_err(Refusal::from)?)
}

fn write_table(disk: &mut impl Disk, table: &Mbr) -> Result<(), CardError> {
    disk.write(0, table.as_sector())
        .map_err(failed("the partition table cannot be written"))
}

fn note(disk: &mut impl Disk, start: u64, marker: Option<Marker>) -> Result<(), CardError> {
    disk.write(start.saturating_sub(1), &marker::encode(marker, start))
        .map_err(failed("the sector before the footage cannot be written"))
}

/// Reads what the decision needs, and no more.
fn find(disk: &mut impl Disk, card: &Card, state: State) -> Result<Vec<Found>, CardError> {
    let starts: Vec<u64> = match state {
        State::Placeholder => std::iter::once(card.footage_start())
            .chain(card.other_starts())
            .collect(),
        State::Formatting(_) => Vec::new(),
        State::Footage(entry) => vec![entry.start.into()],
    };
    let mut found = Vec::new();
    for start in starts {
        let length = 1 + BOOT_SECTORS;
        if start.saturating_sub(1) + length as u64 > card.sectors {
            continue;
        }
        let mut bytes = vec![0; length * SECTOR];
        disk.read(start.saturating_sub(1), &mut bytes)
            .map_err(failed("where footage begins, the card cannot be read"))?;
        let (before, there) = bytes.split_at_checked(SECTOR).unwrap_or_default();
        let marker = before
            .try_into()
            .ok()
            .and_then(|sector| marker::decode(sector, start));
        found.push(Found {
            start,
            volume: exfat::look(there),
            marker,
        });
    }
    Ok(found)
}

/// Makes the main boot region anew. Cut anywhere, the backup is there for the next start; the boot sector comes last, so that
/// nothing half done looks like a volume.
fn restore(disk: &mut impl Disk, start: u64) -> Result<(), CardError> {
    let mut bytes = vec![0; BOOT_SECTORS * SECTOR];
    disk.read(start, &mut bytes)
        .map_err(failed("where footage begins, the card cannot be read"))?;
    let region = exfat::restored(&bytes).ok_or(CardError::Forgetful)?;
    tracing::warn!("the footage's boot sectors were damaged; they are made anew from their backup");
    for (n, sector) in region.iter().enumerate().rev() {
        disk.write(start + n as u64, sector)
            .map_err(failed("the footage's boot sectors cannot be written"))?;
    }
    Ok(())
}

/// Formats between two notes: as long as the first one stands, nothing here is taken for footage.
fn format<D: Disk + Tools>(
    disk: &mut D,
    card: &Card,
    entry: &Entry,
    done: Option<Marker>,
) -> Result<(), CardError> {
    if disk.is_in_use().map_err(failed(ASKING))? {
        return Err(CardError::InUse);
    }
    let start = entry.start.into();
    note(disk, start, Some(Marker::Unfinished))?;
    disk.format(&card.layout())
        .map_err(failed("the footage partition cannot be formatted"))?;
    disk.sync()
        .map_err(failed("the new filesystem does not reach the card"))?;
    disk.check()
        .map_err(failed("the new filesystem is not in order"))?;
    note(disk, start, done)
}

fn explain(why: Why, card: &Card) {
    match why {
        Why::Keep(volume) => {
            tracing::info!("there is footage on this card already; it is kept");
            if !volume.sound {
                tracing::warn!(
                    "its filesystem's boot sectors are damaged; fsck.exfat on a computer may repair it"
                );
            }
            let room = card.sectors.saturating_sub(card.footage_start());
            if volume.sectors > room {
                let beyond = (volume.sectors - room) / MIB;
                tracing::warn!(
                    "its filesystem is {beyond} MiB longer than this card has room for, as on a copy \
                     of a larger card; what lies there is lost"
                );
            }
        }
        Why::Begin => tracing::info!("the rest of the card is formatted for footage"),
        Why::Erase => tracing::warn!(
            "all footage is erased, as factory-reset = \"everything\" in picam.toml asks"
        ),
        Why::Resize => tracing::info!("the footage partition is fitted to this card"),
    }
}
