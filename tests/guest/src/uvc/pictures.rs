//! Coded pictures in files, taken apart.

use std::io;
use std::path::Path;

/// The JPEG pictures of a file in which one stands behind the other.
///
/// # Errors
/// If the file cannot be read or holds none.
pub fn mjpeg(file: &Path) -> io::Result<Vec<Vec<u8>>> {
    split(file, &[0xFF, 0xD8, 0xFF])
}

/// The access units of an H.264 byte stream of which each begins with a delimiter behind a start code of four bytes.
///
/// # Errors
/// If the file cannot be read or holds none.
pub fn h264(file: &Path) -> io::Result<Vec<Vec<u8>>> {
    split(file, &[0, 0, 0, 1, 9])
}

fn split(file: &Path, begins: &[u8]) -> io::Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(file)?;
    let starts: Vec<usize> = bytes
        .windows(begins.len())
        .enumerate()
        .filter(|(_, window)| *window == begins)
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let pictures: Vec<_> = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| bytes[start..end].to_vec())
        .collect();
    if pictures.is_empty() {
        let what = format!("{} holds no pictures of that kind", file.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(pictures)
}
