//! What was found so far, in the output directory, so that a salvage that was interrupted goes on.

use std::fs;
use std::io;
use std::path::Path;

use picam_mp4::layout::SECTOR;
use picam_mp4::salvage::{Card, Run};
use picam_mp4::{ReadAt, Record};
use serde::{Deserialize, Serialize};

/// Its name in the output directory.
const NAME: &str = "salvage.json";
/// What is read of the card to know it again.
const TELLING: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct State {
    /// Length of the card, and the CRC-32 of what stands at its start, middle and end.
    size: u64,
    tells: [u32; 3],
    scanned: u64,
    unreadable: u64,
    runs: Vec<Run>,
    inits: Vec<String>,
    init_at: Vec<(u64, u32)>,
    headers: Vec<String>,
}

/// What an earlier run found on the same card; nothing if there was none.
pub(super) fn load(dir: &Path, card: &impl ReadAt) -> io::Result<Card> {
    let bytes = match fs::read(dir.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Card::default()),
        Err(error) => return Err(error),
    };
    let state: State = serde_json::from_slice(&bytes)
        .map_err(|error| io::Error::other(format!("{NAME} cannot be used, delete it: {error}")))?;
    if (state.size, state.tells) != (card.size()?, tells(card)?) {
        return Err(io::Error::other(format!(
            "{NAME} is of another card; name another directory for this one"
        )));
    }
    let inits = state
        .inits
        .iter()
        .filter_map(|digits| hex::decode(digits).ok());
    let header = |digits: &String| Record::parse(&hex::decode(digits).ok()?).ok();
    Ok(Card {
        scanned: state.scanned,
        unreadable: state.unreadable,
        runs: state.runs,
        inits: inits.map(|init| (crc32fast::hash(&init), init)).collect(),
        init_at: state.init_at.into_iter().collect(),
        headers: state
            .headers
            .iter()
            .filter_map(header)
            .map(|(record, _)| record)
            .collect(),
    })
}

/// Writes down what was found, in place of what was there, at once or not at all.
pub(super) fn save(dir: &Path, source: &impl ReadAt, card: &Card) -> io::Result<()> {
    let state = State {
        size: source.size()?,
        tells: tells(source)?,
        scanned: card.scanned,
        unreadable: card.unreadable,
        runs: card.runs.clone(),
        inits: card.inits.values().map(hex::encode).collect(),
        init_at: card.init_at.iter().map(|(at, crc)| (*at, *crc)).collect(),
        headers: card.headers.iter().map(header_hex).collect(),
    };
    let new = dir.join(format!("{NAME}.new"));
    fs::write(&new, serde_json::to_vec(&state)?)?;
    fs::rename(&new, dir.join(NAME))
}

fn tells(card: &impl ReadAt) -> io::Result<[u32; 3]> {
    let size = card.size()?;
    let mut bytes = vec![0; TELLING];
    let mut tell = |at: u64| {
        let n = card.read_at(at, &mut bytes).unwrap_or(0);
        crc32fast::hash(bytes.get(..n).unwrap_or_default())
    };
    Ok([0, size / 2, size.saturating_sub(TELLING as u64)].map(&mut tell))
}

fn header_hex(record: &Record) -> String {
    let mut sector = [0; SECTOR];
    // What a header record is parsed from says `free` or `moov` there.
    if let Some(kind) = sector.get_mut(36..40) {
        kind.copy_from_slice(b"free");
    }
    record.store(&mut sector);
    hex::encode(sector)
}
