//! What a file holds, from its first bytes and its name.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use picam_media::annexb::nals;
use picam_media::{Codec, SpsFacts};

/// How much of a raw stream is searched for its first sequence parameter set.
const SEARCHED: usize = 64 * 1024;
/// Types of the box that an MP4 file may begin with.
const MP4_BOXES: [&[u8; 4]; 8] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot",
];
const EBML: [u8; 4] = [0x1a, 0x45, 0xdf, 0xa3];

/// The kinds of files that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    AnnexB(Codec),
    Mp4,
    Mkv,
}

/// Looks at the content first: names lie. `None` if it is nothing known.
pub(crate) fn sniff(file: &File, path: &Path) -> io::Result<Option<Format>> {
    let mut first = vec![0; SEARCHED];
    let mut len = 0;
    while let Some(rest) = first.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, len as u64)? {
            0 => break,
            n => len += n,
        }
    }
    first.truncate(len);
    Ok(format(&first, path))
}

fn format(first: &[u8], path: &Path) -> Option<Format> {
    if first.starts_with(&EBML) {
        return Some(Format::Mkv);
    }
    if first
        .get(4..8)
        .is_some_and(|kind| MP4_BOXES.iter().any(|b| kind == *b))
    {
        return Some(Format::Mp4);
    }
    let zeros = first.iter().position(|&b| b != 0)?;
    if zeros < 2 || first.get(zeros) != Some(&1) {
        return None;
    }
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    let codec = match extension.to_ascii_lowercase().as_str() {
        "h264" | "264" | "avc" => Some(Codec::H264),
        "h265" | "265" | "hevc" => Some(Codec::H265),
        _ => nals(first).find_map(codec_of),
    };
    codec.map(Format::AnnexB)
}

/// The codec whose sequence parameter set this unit is.
fn codec_of(nal: &[u8]) -> Option<Codec> {
    let header = *nal.first()?;
    if header == 33 << 1 && SpsFacts::parse(Codec::H265, nal).is_ok() {
        return Some(Codec::H265);
    }
    (header & 0x9f == 7 && SpsFacts::parse(Codec::H264, nal).is_ok()).then_some(Codec::H264)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_containers_by_content_and_raw_streams_by_name() {
        let of = |first: &[u8], name: &str| format(first, Path::new(name));
        assert_eq!(of(b"\0\0\0\x20ftypisom", "a.h264"), Some(Format::Mp4));
        assert_eq!(of(&EBML, "a.mp4"), Some(Format::Mkv));
        let raw = [0, 0, 0, 1, 9, 0x10];
        assert_eq!(of(&raw, "a.H264"), Some(Format::AnnexB(Codec::H264)));
        assert_eq!(of(&raw, "a.hevc"), Some(Format::AnnexB(Codec::H265)));
        assert_eq!(of(&raw, "a.bin"), None);
        assert_eq!(of(b"RIFFxxxxAVI ", "a.avi"), None);
        assert_eq!(of(b"", "a.h264"), None);
    }
}
