//! Pictures that carry their number, in the squares that the simulated camera burns in and
//! [`picam_testkit::judges::barcode`] reads, before a background that moves.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::uvc::camera::Film;
use crate::uvc::pictures;

/// What the squares of a number need, in pixels.
pub const LEAST_WIDTH: usize = 160;

/// A raw picture: I420, its rows without padding. Width at least [`LEAST_WIDTH`], both sides even.
pub fn picture(number: u32, (width, height): (usize, usize)) -> Vec<u8> {
    let mut bytes = vec![128; width * height * 3 / 2];
    let cell = (width / 40).max(4);
    for (y, row) in bytes[..width * height].chunks_mut(width).enumerate() {
        for (x, luma) in row.iter_mut().enumerate() {
            *luma = if y < 3 * cell {
                let column = (x / cell).wrapping_sub(4);
                let is_one = column < 32 && y / cell == 1 && number >> (31 - column) & 1 == 1;
                if is_one { 235 } else { 16 }
            } else {
                // Slopes that a codec has something to do with, and can follow.
                (32 + (x + y + 2 * number as usize) % 160) as u8
            };
        }
    }
    bytes
}

/// `count` numbered pictures for a camera, coded by ffmpeg into `dir`.
#[derive(Debug, Clone)]
pub struct Files {
    /// As JPEG, one behind the other.
    pub mjpeg: PathBuf,
    /// As H.264 with delimiters, a key frame every second.
    pub h264: PathBuf,
}

impl Files {
    /// Makes them.
    ///
    /// # Panics
    /// If ffmpeg does not run.
    pub fn make(dir: &Path, count: u32, size: (usize, usize), fps: u32) -> Self {
        let files = Self {
            mjpeg: dir.join("numbered.mjpeg"),
            h264: dir.join("numbered.h264"),
        };
        let mut ffmpeg = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"])
            .args([
                "-s",
                &format!("{}x{}", size.0, size.1),
                "-r",
                &fps.to_string(),
                "-i",
                "-",
            ])
            .args([
                "-map", "0:v", "-c:v", "mjpeg", "-q:v", "5", "-pix_fmt", "yuvj422p", "-f", "mjpeg",
            ])
            .arg(&files.mjpeg)
            .args([
                "-map",
                "0:v",
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p",
            ])
            .args([
                "-g",
                &fps.to_string(),
                "-bsf:v",
                "h264_metadata=aud=insert",
                "-f",
                "h264",
            ])
            .arg(&files.h264)
            .stdin(Stdio::piped())
            .spawn()
            .expect("ffmpeg runs");
        let mut into = ffmpeg.stdin.take().unwrap();
        for number in 0..count {
            into.write_all(&picture(number, size)).unwrap();
        }
        drop(into);
        assert!(ffmpeg.wait().unwrap().success());
        files
    }

    /// The pictures in memory.
    ///
    /// # Panics
    /// If the files are not what [`Self::make`] makes.
    pub fn film(&self) -> Film {
        Film {
            mjpeg: pictures::mjpeg(&self.mjpeg).unwrap(),
            h264: pictures::h264(&self.h264).unwrap(),
            bright: Vec::new(),
            first: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use picam_testkit::judges;

    use super::*;

    #[test]
    fn the_number_is_read_back_from_either_coding() {
        let size = (320, 180);
        assert_eq!(
            judges::barcode(&picture(0xA5F0_1234, size), 320),
            0xA5F0_1234
        );
        if !judges::have("ffmpeg", "ffmpeg") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let files = Files::make(dir.path(), 40, size, 30);
        let film = files.film();
        assert_eq!((film.mjpeg.len(), film.h264.len()), (40, 40));
        for file in [&files.mjpeg, &files.h264] {
            let mut numbers = Vec::new();
            let name = file.to_str().unwrap();
            judges::grey_frames(&["-i", name], size.0, size.1, |grey| {
                numbers.push(judges::barcode(grey, size.0));
            })
            .unwrap();
            assert_eq!(numbers, Vec::from_iter(0..40));
        }
    }
}
