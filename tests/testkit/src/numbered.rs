//! Footage whose every picture can be told from its bytes, and looked for on any disk.

use picam_mp4::fragment::FragmentRecord;
use picam_mp4::layout::PAGE;
use picam_mp4::read::Movie;
use picam_mp4::{TrackConfig, sample_entry};

use crate::sim_disk::Rng;

/// Pictures of one session are numbered from a multiple of this.
pub const SESSION: u64 = 1_000_000;

/// A camera's stream: the bytes of a picture follow from its number alone.
#[derive(Debug, Clone, Copy)]
pub struct Numbered {
    /// Pictures a second.
    pub fps: u64,
    /// Pictures from one key frame to the next.
    pub gop: u64,
    /// Least length of a key frame in bytes, and how much longer it may be.
    pub key_len: (u64, u64),
    /// The same of the other pictures.
    pub delta_len: (u64, u64),
}

impl Numbered {
    /// Whether decoding can start at a picture.
    pub fn is_key(&self, number: u64) -> bool {
        (number % SESSION).is_multiple_of(self.gop)
    }

    /// The bytes of one picture.
    pub fn coded(&self, number: u64) -> Vec<u8> {
        let mut rng = Rng(number);
        let (least, more) = match self.is_key(number) {
            true => self.key_len,
            false => self.delta_len,
        };
        let mut bytes = vec![0; (least + rng.below(more)) as usize];
        let (head, body) = bytes.split_at_mut(8);
        head.copy_from_slice(&number.to_be_bytes());
        rng.fill(body);
        bytes
    }

    /// The one track that it has.
    pub fn tracks(&self) -> Vec<TrackConfig> {
        let sps = vec![0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80];
        let stsd = sample_entry::h264(&[sps], &[vec![0x68, 0xce, 0x3c, 0x80]], 640, 480);
        vec![TrackConfig::video(stsd.unwrap(), 640, 480)]
    }

    /// Decode time of a picture, counted from the first of its file, in the track's timescale.
    pub fn ticks(&self, pictures: u64) -> i64 {
        (pictures * 90_000 / self.fps) as i64
    }

    /// What a player shows of a file: the numbers of its first and last picture. An error where the file is in
    /// disorder, holds anything but a run of whole pictures, or none.
    pub fn play(&self, bytes: &[u8]) -> Result<(u64, u64), String> {
        let kinds = top_level(bytes)?;
        let finished = kinds.get(1) == Some(b"moov");
        if kinds.first() != Some(b"ftyp") || (finished && kinds.contains(b"moof")) {
            return Err("the top level is in disorder".into());
        }
        let movie = Movie::read(bytes).map_err(|error| error.to_string())?;
        let video = movie.video().ok_or("no video track")?;
        let mut range: Option<(u64, u64)> = None;
        for sample in &video.samples {
            let data = bytes
                .get(sample.offset as usize..sample.end() as usize)
                .ok_or("a sample lies outside the file")?;
            let number = data.first_chunk().copied().map(u64::from_be_bytes);
            let number = number.ok_or("a sample is too short")?;
            if data != self.coded(number) {
                return Err("a picture holds other bytes than were recorded".into());
            }
            let (first, next) = range.map_or((number, number), |(first, last)| (first, last + 1));
            let want = self.ticks(number - first);
            let key = self.is_key(number);
            if number != next
                || sample.dts != want
                || sample.key != key
                || (range.is_none() && !key)
            {
                return Err(format!(
                    "picture {number} at {} where {next} should be",
                    sample.dts
                ));
            }
            range = Some((first, number));
        }
        range.ok_or_else(|| "no picture".into())
    }

    /// The pictures that a reader of the file finds whole, whatever else is wrong with it.
    pub fn shown(&self, bytes: &[u8]) -> Vec<u64> {
        let Ok(movie) = Movie::read(bytes) else {
            return Vec::new();
        };
        let samples = movie.video().map_or(&[][..], |video| &video.samples);
        samples
            .iter()
            .filter_map(|sample| bytes.get(sample.offset as usize..sample.end() as usize))
            .filter_map(|data| self.recognise(data).filter(|(_, len)| *len == data.len()))
            .map(|(number, _)| number)
            .collect()
    }

    /// The pictures of all fragments that lie whole anywhere in the file, as something finds them that carves.
    pub fn lying(&self, bytes: &[u8]) -> Vec<u64> {
        let mut found = Vec::new();
        for at in (0..bytes.len()).step_by(PAGE) {
            let Some(record) = FragmentRecord::parse(&bytes[at..]) else {
                continue;
            };
            let Some(fragment) = bytes.get(at..at + record.len as usize) else {
                continue;
            };
            // With one track the samples begin at 1024, and zeros follow the last.
            let (mut pictures, mut rest) = (Vec::new(), &fragment[1024..]);
            while let Some((number, len)) = self.recognise(rest) {
                pictures.push(number);
                rest = &rest[len..];
            }
            if rest.iter().all(|&byte| byte == 0) {
                found.extend(pictures);
            }
        }
        found
    }

    /// The picture that the bytes begin with, and its length.
    fn recognise(&self, bytes: &[u8]) -> Option<(u64, usize)> {
        let number = u64::from_be_bytes(*bytes.first_chunk()?);
        // Noise is no number; picture 0 is told from zeros by what follows.
        if number > 100 * SESSION {
            return None;
        }
        let coded = self.coded(number);
        bytes.starts_with(&coded).then_some((number, coded.len()))
    }
}

/// Types of the boxes at the file's top level; an error where a player would stumble.
pub fn top_level(bytes: &[u8]) -> Result<Vec<[u8; 4]>, String> {
    let (mut at, mut kinds) = (0, Vec::new());
    while at < bytes.len() {
        let header = bytes.get(at..at + 8).ok_or("a box header is cut off")?;
        let kind: [u8; 4] = header[4..8].try_into().unwrap();
        let mut len = u64::from(u32::from_be_bytes(header[..4].try_into().unwrap()));
        if len == 1 {
            let long = bytes
                .get(at + 8..at + 16)
                .ok_or("a long header is cut off")?;
            len = u64::from_be_bytes(long.try_into().unwrap());
        }
        let fits = (8..=(bytes.len() - at) as u64).contains(&len);
        if !fits || !kind.iter().all(u8::is_ascii_lowercase) {
            return Err(format!("no box at {at}: {kind:?}, {len} bytes"));
        }
        kinds.push(kind);
        at += len as usize;
    }
    Ok(kinds)
}
