//! Which pictures of the recorded footage a file shows.
//!
//! The recorders are fed one coded stream in which every picture is one slice, and none is like another. They
//! may pack the slices as they like, but do not change them: a slice that is found in a file, whole, says which
//! picture of the stream it is. What is cut off, overwritten or filled with zeros is no picture of the stream.

use std::collections::HashMap;

use picam_media::annexb;
use picam_mp4::ReadAt;
use picam_mp4::read::Movie;

/// A slice: its checksum and length.
type Id = (u32, usize);

/// The pictures of the stream, numbered from 0.
#[derive(Debug, Default)]
pub struct Footage {
    numbers: HashMap<Id, u32>,
    /// How many there are.
    pub pictures: u32,
}

/// Pictures found in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Numbers of the pictures, in the order in which the file has them.
    pub numbers: Vec<u32>,
    /// What a decoder would take for pictures, and is none of the stream.
    pub damaged: u32,
}

fn id(slice: &[u8]) -> Id {
    // Zeros behind a NAL unit belong to the byte stream, not to it (H.264 B.1.1).
    let len = slice
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    (crc32fast::hash(&slice[..len]), len)
}

/// Whether a NAL unit of H.264 is a slice (table 7-1: 1 and 5).
fn is_slice(nal: &[u8]) -> bool {
    matches!(nal.first().map(|head| head & 31), Some(1 | 5))
}

impl Footage {
    /// Numbers the pictures of an Annex B stream on from those known, and says where in the stream each
    /// access unit begins.
    pub fn add(&mut self, stream: &[u8]) -> Vec<u64> {
        let mut begins = Vec::new();
        let mut unit_from = 0;
        for nal in annexb::nals(stream) {
            if is_slice(nal) {
                let known = self.numbers.insert(id(nal), self.pictures);
                assert_eq!(known, None, "picture {} is like another", self.pictures);
                self.pictures += 1;
                begins.push(unit_from);
                unit_from = (nal.as_ptr().addr() - stream.as_ptr().addr() + nal.len()) as u64;
            }
        }
        begins
    }

    fn note(&self, nal: &[u8], shown: &mut Shown) {
        if is_slice(nal) {
            match self.numbers.get(&id(nal)) {
                Some(&number) => shown.numbers.push(number),
                None => shown.damaged += 1,
            }
        }
    }

    /// The pictures in an Annex B stream.
    pub fn in_stream(&self, stream: &[u8]) -> Shown {
        let mut shown = Shown::default();
        for nal in annexb::nals(stream) {
            self.note(nal, &mut shown);
        }
        shown
    }

    /// The pictures in an MP4, as its index says.
    pub fn in_movie(&self, movie: &Movie, file: &impl ReadAt) -> Shown {
        let mut shown = Shown::default();
        let Some(video) = movie.video() else {
            return shown;
        };
        let mut bytes = Vec::new();
        for sample in &video.samples {
            bytes.resize(sample.size as usize, 0);
            file.read_exact_at(sample.offset, &mut bytes).unwrap();
            let before = (shown.numbers.len(), shown.damaged);
            self.sample(&bytes, &mut shown);
            if before == (shown.numbers.len(), shown.damaged) {
                shown.damaged += 1;
            }
        }
        shown
    }

    fn sample(&self, bytes: &[u8], shown: &mut Shown) {
        let mut rest = bytes;
        while let Some((len, behind)) = rest.split_first_chunk::<4>() {
            let len = u32::from_be_bytes(*len) as usize;
            let Some(nal) = behind.get(..len) else {
                shown.damaged += 1;
                return;
            };
            self.note(nal, shown);
            rest = &behind[len..];
        }
    }
}

impl Shown {
    /// Whether the pictures follow each other with none missing and none damaged.
    pub fn is_unbroken(&self) -> bool {
        self.damaged == 0 && self.numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: [&[u8]; 4] = [
        b"\0\0\0\x01\x09\xf0\0\0\0\x01\x67abc",
        b"\0\0\x01\x65first\0\0\0\x01\x09\xf0",
        b"\0\0\x01\x41second\0\0\0\x01\x09\xf0",
        b"\0\0\x01\x41third",
    ];

    #[test]
    fn pictures_are_found_again_by_their_slices() {
        let mut footage = Footage::default();
        let stream = STREAM.concat();
        let begins = footage.add(&stream);
        assert_eq!(footage.pictures, 3);
        assert_eq!(begins.len(), 3);
        // A unit begins right behind the slice before it.
        assert!(stream[..begins[1] as usize].ends_with(b"first"));
        assert!(stream[..begins[2] as usize].ends_with(b"second"));

        let tail = footage.in_stream(&stream[begins[1] as usize..]);
        assert_eq!((tail.numbers.as_slice(), tail.damaged), (&[1, 2][..], 0));
        assert!(tail.is_unbroken());
        let mut hurt = stream.clone();
        let at = hurt
            .windows(6)
            .position(|bytes| bytes == b"second")
            .unwrap();
        hurt[at] = b'S';
        let hurt = footage.in_stream(&hurt);
        assert_eq!((hurt.numbers.as_slice(), hurt.damaged), (&[0, 2][..], 1));
        assert!(!hurt.is_unbroken());
    }
}
