//! The two `moov` boxes of a segment: the init in front of the fragments, and the index that the
//! flip exposes.

use mp4_atom::{
    BufMut, Dinf, Dref, Edts, Elst, ElstEntry, Encode, FourCC, Hdlr, Mdhd, Mvex, Mvhd, Nmhd, Smhd,
    Stco, Stsc, Stsz, Stts, Tkhd, Trex, Url, Vmhd,
};

use picam_time::{TIMESCALE, Ticks, UtcUs};

use crate::boxes;
use crate::camm::Places;
use crate::layout::{FTYP_LEN, MDAT_TO_INIT, MVHD, RECORD_BOX, SECTOR};
use crate::record::Record;
use crate::tables::Tables;
use crate::track::{TrackConfig, TrackKind, VIDEO_TRACK};

/// Movie timescale: that of the video, so that durations are exact.
pub(crate) const MOVIE_TIMESCALE: u32 = TIMESCALE;
/// Seconds between 1904-01-01, where MP4 counts from, and 1970-01-01.
const MP4_EPOCH_S: i64 = 2_082_844_800;
/// Bytes of a `trak` apart from `stsd` and sample tables, rounded up generously.
const TRAK_BOUND: usize = 512;

/// UTC as MP4 wants it; 0 where unknown.
pub(crate) fn mp4_time(utc: Option<UtcUs>) -> u64 {
    utc.map_or(0, |utc| {
        utc.seconds().saturating_add(MP4_EPOCH_S).max(0) as u64
    })
}

/// A time in a track's timescale.
pub(crate) fn ticks(ticks: u64, timescale: u32) -> Ticks {
    Ticks::new(i64::try_from(ticks).unwrap_or(i64::MAX), timescale)
}

/// A time in a track's timescale in that of the movie.
fn in_movie(time: u64, track: &TrackConfig) -> u64 {
    let time = ticks(time, track.timescale).at_rate(MOVIE_TIMESCALE);
    u64::try_from(time.value).unwrap_or(0)
}

/// Writes the init `moov`: tracks without samples, and `mvex`. `first_offset` is the presentation
/// offset of the first picture, which the edit list takes away again. It states no time, so that
/// segments of one stream have the same, and one can lend it to another.
pub(crate) fn encode_init(
    tracks: &[TrackConfig],
    first_offset: u32,
    out: &mut Vec<u8>,
) -> mp4_atom::Result<()> {
    out.encode_atom(FourCC::new(b"moov"), |buf| {
        mvhd(0, 0, tracks.len()).encode(buf)?;
        for (n, track) in tracks.iter().enumerate() {
            let edit = (n == VIDEO_TRACK && first_offset > 0).then(|| ElstEntry {
                segment_duration: 0,
                media_time: Some(first_offset.into()),
                media_rate: 1.into(),
            });
            trak(
                track,
                n,
                0,
                (0, 0),
                edit.into_iter().collect(),
                buf,
                |buf| {
                    Stts::default().encode(buf)?;
                    Stsc::default().encode(buf)?;
                    Stsz::default().encode(buf)?;
                    Stco::default().encode(buf)
                },
            )?;
        }
        let trex = (1..=tracks.len() as u32)
            .map(|track_id| Trex {
                track_id,
                default_sample_description_index: 1,
                ..Default::default()
            })
            .collect();
        Mvex { mehd: None, trex }.encode(buf)
    })
}

/// What the head region of a finished segment is made of.
pub(crate) struct Index<'a> {
    pub(crate) record: &'a Record,
    pub(crate) tracks: &'a [TrackConfig],
    pub(crate) tables: &'a [Tables],
    pub(crate) places: &'a Places,
}

impl Index<'_> {
    /// Most bytes that the whole head region would need, were samples added to the first table.
    pub(crate) fn bound(&self, more: usize, more_chunks: usize) -> usize {
        let tracks: usize = self
            .tracks
            .iter()
            .zip(self.tables)
            .map(|(track, tables)| TRAK_BOUND + track.stsd.len() + tables.bound(more_chunks))
            .sum();
        SECTOR + tracks + more * Tables::SAMPLE_BOUND + self.places.bound() + MDAT_TO_INIT + 64
    }

    /// Writes the head region, `[0, head_len)`, of the finished file.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
        out.clear();
        out.extend(boxes::ftyp()?);
        out.encode_atom(FourCC::new(b"moov"), |buf| self.moov(buf))?;
        let head_len = self.record.head_len as usize;
        let mdat = head_len - MDAT_TO_INIT;
        let pad = mdat
            .checked_sub(out.len())
            .filter(|&pad| pad == 0 || pad >= 8);
        let pad = pad.ok_or(mp4_atom::Error::TooLarge(FourCC::new(b"moov")))?;
        if pad > 0 {
            // mapillary_tools and exiftool look for `gps ` in the first top-level `free`.
            let start = out.len();
            boxes::header(b"free", pad as u64, out);
            self.places.encode_gps_box(out);
            if out.len() > start + pad {
                out.truncate(start + 8);
            }
            out.resize(start + pad, 0);
        }
        let mdat_len = self.record.end - mdat as u64;
        boxes::long_header(b"mdat", mdat_len, out);
        out.extend(boxes::ftyp()?);
        debug_assert_eq!(out.len(), head_len);
        Ok(())
    }

    /// Up to when a track is shown, in its timescale. A fix or a text that lasts until the next one must not make the movie
    /// longer than its pictures.
    fn until(&self, track: &TrackConfig, tables: &Tables) -> u64 {
        let until = tables.shown_until();
        match (track.kind, self.tracks.first().zip(self.tables.first())) {
            (TrackKind::Camm | TrackKind::Text, Some((video, pictures))) => {
                let end = pictures.shown_until().saturating_sub(pictures.zero());
                let end = ticks(end, video.timescale).rounded_up(track.timescale);
                until.min(u64::try_from(end.value).unwrap_or(0))
            }
            _ => until,
        }
    }

    fn moov(&self, buf: &mut Vec<u8>) -> mp4_atom::Result<()> {
        let created = mp4_time(self.record.start_utc);
        let duration = self
            .tracks
            .iter()
            .zip(self.tables)
            .enumerate()
            .map(|(n, (track, tables))| presentation(n, track, tables, self.until(track, tables)))
            .max()
            .unwrap_or(0);
        mvhd(created, duration, self.tracks.len()).encode(buf)?;
        debug_assert_eq!(buf.len(), RECORD_BOX);
        let mut sector = [0; SECTOR];
        self.record.store(&mut sector);
        buf.extend(sector.iter().skip(RECORD_BOX));
        for (n, (track, tables)) in self.tracks.iter().zip(self.tables).enumerate() {
            let until = self.until(track, tables);
            let times = (presentation(n, track, tables, until), tables.duration());
            let edits = edits(n, track, tables, until);
            trak(track, n, created, times, edits, buf, |buf| {
                tables.encode(buf)
            })?;
        }
        self.places.encode_udta(buf);
        Ok(())
    }
}

/// Puts the creation time and duration into an `mvhd` at its place in the first sector.
pub(crate) fn patch_created(sector: &mut [u8; SECTOR], created: u64) {
    let mut w = crate::wire::Fill::new(sector.split_at_mut(MVHD + 12).1);
    w.put(&created.to_be_bytes());
    w.put(&created.to_be_bytes());
}

/// Time from the start of the movie to the end of the track, in the movie timescale.
fn presentation(n: usize, track: &TrackConfig, tables: &Tables, until: u64) -> u64 {
    let zero = if n == VIDEO_TRACK { tables.zero() } else { 0 };
    in_movie(until.saturating_sub(zero), track)
}

/// ISO/IEC 14496-12 8.6.6: an empty edit where a track begins late; the first picture's presentation
/// offset skipped. It lasts until the last picture was shown, which with reordering is not the last one in
/// the file: a stream that was cut off between them would lose it otherwise.
fn edits(n: usize, track: &TrackConfig, tables: &Tables, until: u64) -> Vec<ElstEntry> {
    if tables.samples() == 0 {
        return Vec::new();
    }
    let zero = if n == VIDEO_TRACK { tables.zero() } else { 0 };
    let from = tables.shown_from().max(zero);
    let late = in_movie(from - zero, track);
    let media_time = from.saturating_sub(tables.first_dts());
    if late == 0 && media_time == 0 && until == tables.shown_until() {
        return Vec::new();
    }
    let empty = (late > 0).then(|| ElstEntry {
        segment_duration: late,
        media_time: None,
        media_rate: 1.into(),
    });
    let lasts = until.saturating_sub(from);
    let shown = ElstEntry {
        segment_duration: in_movie(lasts, track),
        media_time: Some(media_time),
        media_rate: 1.into(),
    };
    empty.into_iter().chain([shown]).collect()
}

fn mvhd(created: u64, duration: u64, tracks: usize) -> Mvhd {
    Mvhd {
        creation_time: created,
        modification_time: created,
        timescale: MOVIE_TIMESCALE,
        duration,
        rate: 1.into(),
        volume: 1.into(),
        next_track_id: tracks as u32 + 1,
        ..Default::default()
    }
}

/// One `trak`; `times` are its durations in the movie's and its own timescale.
fn trak(
    track: &TrackConfig,
    n: usize,
    created: u64,
    times: (u64, u64),
    edits: Vec<ElstEntry>,
    buf: &mut Vec<u8>,
    tables: impl FnOnce(&mut Vec<u8>) -> mp4_atom::Result<()>,
) -> mp4_atom::Result<()> {
    buf.encode_atom(FourCC::new(b"trak"), |buf| {
        Tkhd {
            creation_time: created,
            modification_time: created,
            track_id: n as u32 + 1,
            duration: times.0,
            alternate_group: u16::from(track.kind == TrackKind::Audio),
            enabled: true,
            in_movie: true,
            volume: u8::from(track.kind == TrackKind::Audio).into(),
            width: track.width.into(),
            height: track.height.into(),
            ..Default::default()
        }
        .encode(buf)?;
        if !edits.is_empty() {
            Edts {
                elst: Some(Elst { entries: edits }),
            }
            .encode(buf)?;
        }
        buf.encode_atom(FourCC::new(b"mdia"), |buf| {
            Mdhd {
                creation_time: created,
                modification_time: created,
                timescale: track.timescale,
                duration: times.1,
                language: "und".into(),
            }
            .encode(buf)?;
            Hdlr {
                handler: FourCC::new(track.kind.handler()),
                name: track.kind.handler_name().into(),
            }
            .encode(buf)?;
            buf.encode_atom(FourCC::new(b"minf"), |buf| {
                match track.kind {
                    TrackKind::Video => Vmhd::default().encode(buf)?,
                    TrackKind::Audio => Smhd::default().encode(buf)?,
                    TrackKind::Camm | TrackKind::Text => Nmhd::default().encode(buf)?,
                }
                Dinf {
                    dref: Dref {
                        entries: vec![Url::default().into()],
                    },
                }
                .encode(buf)?;
                buf.encode_atom(FourCC::new(b"stbl"), |buf| {
                    track.stsd.as_slice().encode(buf)?;
                    tables(buf)
                })
            })
        })
    })
}

const _: () = assert!(FTYP_LEN + 8 == MVHD);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camm::Fix;
    use crate::sample_entry;
    use crate::tables::TableSample;

    fn video() -> TrackConfig {
        let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480);
        TrackConfig::video(stsd.unwrap(), 640, 480)
    }

    fn places(fixes: u32) -> Places {
        let mut places = Places::default();
        for n in 0..fixes {
            let fix = Fix {
                gps_epoch_s: 1_400_000_000.0 + f64::from(n),
                fix_type: 3,
                latitude: 52.5,
                longitude: 13.4,
                altitude: 34.5,
                horizontal_accuracy: 1.5,
                vertical_accuracy: 2.5,
                velocity: [3.0, -4.0, 0.25],
                speed_accuracy: 0.5,
            };
            places.note(&fix.to_sample());
        }
        places
    }

    /// The head region in so many bytes.
    fn head(len: usize, places: &Places) -> mp4_atom::Result<Vec<u8>> {
        let sample = TableSample {
            size: 10,
            duration: 3000,
            composition_offset: 0,
            key: true,
        };
        let mut tables = Tables::new();
        tables.add_chunk(1 << 20, 0, [sample].into_iter());
        let record = Record {
            head_len: len as u32,
            end: 1 << 21,
            ..Record::default()
        };
        let (tracks, tables) = ([video()], [tables]);
        let index = Index {
            record: &record,
            tracks: &tracks,
            tables: &tables,
            places,
        };
        let mut out = Vec::new();
        index.encode(&mut out)?;
        assert!(len < 4096 || index.bound(0, 0) <= len);
        assert_eq!(index.bound(7, 0), index.bound(0, 0) + 7 * 24);
        Ok(out)
    }

    /// Length of the `moov` in a head region.
    fn moov_len(head: &[u8]) -> usize {
        u32::from_be_bytes(*head[FTYP_LEN..].first_chunk().unwrap()) as usize
    }

    #[test]
    fn the_index_takes_its_room_to_the_last_byte() {
        for fixes in [0, 1, 30] {
            let places = places(fixes);
            let roomy = head(32 * 1024, &places).unwrap();
            let least = FTYP_LEN + moov_len(&roomy) + MDAT_TO_INIT;
            let mut gps = Vec::new();
            places.encode_gps_box(&mut gps);
            assert!(head(least - 1, &places).is_err());
            // No box is shorter than 8 bytes; where places do not fit, they are left out.
            for pad in (0..12).chain(gps.len() + 4..gps.len() + 12) {
                let made = head(least + pad, &places);
                if (1..8).contains(&pad) {
                    assert!(made.is_err(), "{pad}");
                    continue;
                }
                let made = made.unwrap();
                assert_eq!(made.len(), least + pad);
                let (_, rest) = made.split_at(least - MDAT_TO_INIT);
                let (free, mdat) = rest.split_at(pad);
                assert_eq!(mdat[..8], [0, 0, 0, 1, b'm', b'd', b'a', b't']);
                let to_the_end = (1 << 21) - (least + pad - MDAT_TO_INIT) as u64;
                assert_eq!(mdat[8..16], to_the_end.to_be_bytes());
                if pad > 0 {
                    assert_eq!(
                        free[..8],
                        [&(pad as u32).to_be_bytes()[..], b"free"].concat()
                    );
                    let (_, inside) = free.split_at(8);
                    let fits = inside.len() >= gps.len() && fixes > 0;
                    let wanted = if fits { &gps[..] } else { &[] };
                    assert!(inside.starts_with(wanted), "{fixes} fixes, {pad}");
                    assert!(inside[wanted.len()..].iter().all(|&byte| byte == 0));
                }
            }
        }
    }

    #[test]
    fn what_an_index_may_take_is_more_than_it_takes() {
        for fixes in [0, 1, 30, 100] {
            let places = places(fixes);
            let needed = moov_len(&head(64 * 1024, &places).unwrap());
            let tables = Tables::new();
            let (tracks, tables) = ([video()], [tables]);
            let index = Index {
                record: &Record::default(),
                tracks: &tracks,
                tables: &tables,
                places: &places,
            };
            let mut gps = Vec::new();
            places.encode_gps_box(&mut gps);
            let all = FTYP_LEN + needed + gps.len() + MDAT_TO_INIT;
            assert!(all <= index.bound(1, 1), "{fixes} fixes");
        }
    }

    #[test]
    fn an_init_hides_the_time_before_its_first_picture_if_there_is_any() {
        let init = |first_offset| {
            let mut init = Vec::new();
            encode_init(
                &[video(), TrackConfig::camm().unwrap()],
                first_offset,
                &mut init,
            )
            .unwrap();
            init.windows(4).filter(|kind| *kind == b"elst").count()
        };
        assert_eq!((init(0), init(1), init(6000)), (0, 1, 1));
    }

    #[test]
    fn times_before_1904_and_unknown_ones_are_zero() {
        assert_eq!(mp4_time(None), 0);
        assert_eq!(mp4_time(Some(UtcUs(0))), 2_082_844_800);
        assert_eq!(mp4_time(Some(UtcUs(-2_082_844_800_000_000))), 0);
        assert_eq!(mp4_time(Some(UtcUs(-2_082_844_801_000_000))), 0);
        assert_eq!(mp4_time(Some(UtcUs(1_999_999))), 2_082_844_801);
    }
}
