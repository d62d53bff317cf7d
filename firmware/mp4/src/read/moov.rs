//! The `moov` box: movie header, tracks, and the defaults of fragments.

use mp4_atom::{Elst, Mdhd, Mvhd, Tkhd, Trex};

use super::boxes::{BoxHeader, FourCc, InMemory};
use super::edits::{Shown, edits};
use super::error::ReadError;
use super::fragments::Defaults;
use super::{Budget, Movie, Track, TrackBoxes, entry, tables};

/// Parses the payload of `moov`. The defaults are empty where no fragments may follow.
pub(super) fn parse(
    header: BoxHeader,
    payload: &[u8],
    budget: &mut Budget,
) -> Result<(Movie, Vec<Defaults>), ReadError> {
    let moov = InMemory { header, payload };
    let mvhd_box = moov.need(b"mvhd")?;
    let mvhd: Mvhd = mvhd_box.decode()?;
    if mvhd.timescale == 0 {
        return Err(mvhd_box.header.malformed("states a timescale of 0"));
    }
    let mut movie = Movie {
        timescale: mvhd.timescale,
        duration: mvhd.duration,
        creation_time: mvhd.creation_time,
        tracks: Vec::new(),
        fragments: Vec::new(),
        init: header.offset..header.end,
        user_data: Vec::new(),
    };
    let mut defaults = Vec::new();
    for child in moov.children(0) {
        let child = child?;
        match &child.header.kind.0 {
            b"trak" => {
                let track = track(&child, mvhd.timescale, budget)?;
                if movie.tracks.iter().any(|t| t.id == track.id) {
                    let what = format!("is the second track with id {}", track.id);
                    return Err(child.header.malformed(what));
                }
                movie.tracks.push(track);
            }
            b"udta" => movie.user_data = child.payload.to_vec(),
            b"mvex" => {
                for child in child.children(0) {
                    let child = child?;
                    if child.header.kind == b"trex" {
                        defaults.push(Defaults::new(child.decode::<Trex>()?));
                    }
                }
            }
            _ => {}
        }
    }
    for defaults in &mut defaults {
        let track = movie.tracks.iter().find(|t| t.id == defaults.trex.track_id);
        let last = track.and_then(|track| track.samples.last());
        defaults.next_dts = last.map_or(0, |s| s.dts.saturating_add(i64::from(s.duration)));
    }
    Ok((movie, defaults))
}

fn track(
    trak: &InMemory<'_>,
    movie_timescale: u32,
    budget: &mut Budget,
) -> Result<Track, ReadError> {
    let tkhd: Tkhd = trak.need(b"tkhd")?.decode()?;
    let mdia = trak.need(b"mdia")?;
    let mdhd_box = mdia.need(b"mdhd")?;
    let mdhd: Mdhd = mdhd_box.decode()?;
    if mdhd.timescale == 0 {
        return Err(mdhd_box.header.malformed("states a timescale of 0"));
    }
    let hdlr = mdia.need(b"hdlr")?;
    let handler = hdlr
        .payload
        .get(8..)
        .and_then(|rest| rest.first_chunk())
        .ok_or_else(|| hdlr.header.malformed("ends before its last field"))?;
    let handler = FourCc(*handler);
    let minf = mdia.need(b"minf")?;
    let stbl = minf.need(b"stbl")?;
    let stsd = stbl.need(b"stsd")?;
    let entries = entry::parse(&stsd, handler == b"vide")?;
    let codec = entries.first().map_or(FourCc([0; 4]), |entry| entry.kind);
    let edits = match trak.child(b"edts")? {
        Some(edts) => match edts.child(b"elst")? {
            Some(elst) => edits(&elst.decode::<Elst>()?),
            None => Vec::new(),
        },
        None => Vec::new(),
    };
    let table = tables::Table {
        track: tkhd.track_id,
        video: handler == b"vide",
        pcm: is_pcm(handler, codec),
        descriptions: entries.len(),
    };
    let samples = tables::expand(&stbl, &table, budget)?;
    let media_header = minf.children(0).find_map(|child| {
        let child = child.ok()?;
        let kinds = [b"vmhd", b"smhd", b"nmhd", b"sthd", b"gmhd", b"hmhd"];
        let known = kinds.iter().any(|kind| child.header.kind == *kind);
        known.then(|| child.to_vec())
    });
    let tref = trak.child(b"tref")?.map(InMemory::to_vec);
    Ok(Track {
        id: tkhd.track_id,
        handler,
        timescale: mdhd.timescale,
        codec,
        stsd: stsd.to_vec(),
        entries,
        width: tkhd.width.integer(),
        height: tkhd.height.integer(),
        shown: Shown::new(&edits, movie_timescale, mdhd.timescale),
        edits,
        samples,
        boxes: TrackBoxes {
            tkhd,
            language: mdhd.language,
            hdlr: hdlr.to_vec(),
            media_header: media_header.unwrap_or_default(),
            tref: tref.unwrap_or_default(),
        },
    })
}

/// Whether the file counts every sampling instant as a sample.
pub(super) fn is_pcm(handler: FourCc, codec: FourCc) -> bool {
    const PCM: [&[u8; 4]; 16] = [
        b"ipcm", b"fpcm", b"lpcm", b"twos", b"sowt", b"raw ", b"ulaw", b"alaw", b"in24", b"in32",
        b"fl32", b"fl64", b"NONE", b"23ni", b"s16l", b"s16b",
    ];
    handler == b"soun" && PCM.iter().any(|pcm| codec == *pcm)
}
