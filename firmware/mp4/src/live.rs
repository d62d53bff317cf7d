//! A stream that is shown while it is recorded: an init, then one fragment a picture.
//!
//! ```text
//! ftyp moov+mvex | moof mdat | moof mdat | ...
//! ```
//!
//! As a browser's `MediaSource` takes it (W3C, "ISO BMFF Byte Stream Format"). There is one track and no edit list:
//! times in `tfdt` are those of the samples as they come, whatever the first is.

use mp4_atom::{BufMut, Encode, FourCC, Mfhd, Tfdt, Traf, TrunSamples};

use crate::boxes;
use crate::fragment::{traf, trun_entry};
use crate::moov::encode_init;
use crate::sample_entry::EntryError;
use crate::track::{Sample, TrackConfig};

/// Length of an `mdat` header.
const MDAT_HEADER: usize = 8;

/// `ftyp` and `moov` of a stream with this one track.
pub fn init(track: &TrackConfig) -> Result<Vec<u8>, EntryError> {
    let mut out = boxes::ftyp()?;
    encode_init(std::slice::from_ref(track), 0, &mut out)?;
    Ok(out)
}

/// What stands before the data of a picture that is a fragment of its own: `moof` and the header of `mdat`. `number`
/// counts the stream's fragments from 1; `sample.duration` is what the picture is shown for until the next one says
/// otherwise.
pub fn fragment_head(number: u32, sample: &Sample<'_>) -> Result<Vec<u8>, EntryError> {
    let mut traf = traf(1);
    traf.tfdt = Some(Tfdt {
        base_media_decode_time: sample.dts.max(0) as u64,
    });
    let trun = traf.trun.first_mut();
    if let Some(trun) = trun {
        trun.samples = TrunSamples::Explicit(vec![trun_entry(sample)]);
    }
    let mut out = Vec::with_capacity(128);
    encode_moof(number, &traf, &mut out)?;
    // Where the data begins is known once the box is: its length does not depend on it.
    let data = out.len() + MDAT_HEADER;
    if let Some(trun) = traf.trun.first_mut() {
        trun.data_offset = Some(data as i32);
    }
    out.clear();
    encode_moof(number, &traf, &mut out)?;
    let whole = MDAT_HEADER as u64 + sample.data.len() as u64;
    if u32::try_from(whole).is_err() {
        return Err(EntryError::OutOfRange("a picture of 4 GiB"));
    }
    boxes::header(b"mdat", whole, &mut out);
    Ok(out)
}

fn encode_moof(number: u32, traf: &Traf, out: &mut Vec<u8>) -> mp4_atom::Result<()> {
    out.encode_atom(FourCC::new(b"moof"), |buf| {
        Mfhd {
            sequence_number: number,
        }
        .encode(buf)?;
        traf.encode(buf)
    })
}

#[cfg(test)]
mod tests {
    use picam_time::BootNs;

    use super::*;
    use crate::read::Movie;
    use crate::sample_entry;

    const SPS: [u8; 7] = [0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0xa0];
    const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    #[test]
    fn each_picture_is_read_back_with_its_times() {
        let stsd = sample_entry::h264(&[SPS.to_vec()], &[PPS.to_vec()], 64, 64).unwrap();
        let track = TrackConfig::video(stsd, 64, 64);
        let mut stream = init(&track).unwrap();
        // A day after the start of a clock; a gap; a picture shown later than it is decoded.
        let day = 86_400 * 90_000;
        let pictures = [(0, 0, true), (3000, 6000, false), (90_000, 0, true)];
        for (n, &(after, offset, key)) in pictures.iter().enumerate() {
            let data = vec![n as u8 + 1; 100 + n];
            let sample = Sample {
                track: 0,
                dts: day + after,
                composition_offset: offset,
                duration: 3000,
                key,
                captured: BootNs::ZERO,
                data: &data,
            };
            stream.extend(fragment_head(n as u32 + 1, &sample).unwrap());
            stream.extend(data);
        }
        let movie = Movie::read(&stream).unwrap();
        let video = movie.video().unwrap();
        assert_eq!(video.samples.len(), pictures.len());
        for (n, (sample, &(after, offset, key))) in video.samples.iter().zip(&pictures).enumerate()
        {
            assert_eq!(sample.dts, day + after, "{n}");
            assert_eq!(sample.cts_offset, offset as i32, "{n}");
            assert_eq!(sample.key, key, "{n}");
            let at = sample.offset as usize;
            let data = &stream[at..at + sample.size as usize];
            assert_eq!(data, vec![n as u8 + 1; 100 + n], "{n}");
        }
    }
}
