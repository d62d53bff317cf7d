//! The coded footage that recorders are fed with.

use std::fs;
use std::path::{Path, PathBuf};

use crate::footage::Footage;
use crate::guest::cache;

/// Pictures a second.
pub const RATE: u32 = 30;

/// What the footage is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Bits a second.
    pub bit_rate: u32,
    /// Seconds of each part.
    pub part_s: u32,
    /// How many parts.
    pub parts: u32,
}

/// Footage, ready to be fed.
#[derive(Debug)]
pub struct Source {
    /// The pictures in all of it.
    pub footage: Footage,
    /// What it is like.
    pub style: Style,
    /// First picture and number of each part.
    pub parts: Vec<(u32, u32)>,
    /// Annex B files, one a part.
    pub streams: Vec<PathBuf>,
    /// Where each access unit begins in them.
    pub begins: Vec<PathBuf>,
}

impl Source {
    /// A test picture with noise in it, 1280x720, coded by ffmpeg's libx264 at a constant bit rate with a key frame
    /// a second and one slice a picture. It is made once and kept in the cache.
    pub fn make(style: Style) -> Self {
        let kilobits = style.bit_rate / 1000;
        let folder = cache().join(format!("power-lab/footage-{kilobits}k-{}s", style.part_s));
        fs::create_dir_all(&folder).unwrap();
        let mut source = Self {
            footage: Footage::default(),
            style,
            parts: Vec::new(),
            streams: Vec::new(),
            begins: Vec::new(),
        };
        for part in 0..style.parts {
            let stream = folder.join(format!("{part}.h264"));
            if !stream.exists() {
                encode(&stream, style, part);
            }
            let first = source.footage.pictures;
            let begins = source.footage.add(&fs::read(&stream).unwrap());
            source.parts.push((first, begins.len() as u32));
            let path = folder.join(format!("{part}.begins"));
            write_begins(&path, &begins);
            source.begins.push(path);
            source.streams.push(stream);
        }
        source
    }

    /// The first part, so many times, in an MPEG transport stream: its file, and that of where each access unit begins.
    pub fn transport(&self, rounds: u32) -> (PathBuf, PathBuf) {
        let stream = self.streams[0].with_extension(format!("{rounds}.ts"));
        let begins = stream.with_extension("begins");
        if !begins.exists() {
            let unfinished = stream.with_extension(format!("{}.ts", std::process::id()));
            let part = self.streams[0].to_string_lossy();
            let all = vec![&*part; rounds as usize].join("|");
            let arguments = format!(
                "-fflags +genpts -f h264 -framerate {RATE} -i concat:{all} -c copy -muxdelay 0 -muxpreload 0"
            );
            picam_testkit::ffmpeg::run(&arguments, &unfinished);
            fs::rename(unfinished, &stream).unwrap();
            let probe = picam_testkit::judges::ffprobe(&stream, true).unwrap();
            let packets = probe["packets"].as_array().unwrap();
            // The tables stand before the first.
            let places = packets
                .iter()
                .skip(1)
                .map(|packet| packet["pos"].as_str().unwrap().parse().unwrap());
            let places: Vec<u64> = std::iter::once(0).chain(places).collect();
            write_begins(&begins, &places);
        }
        (stream, begins)
    }
}

fn write_begins(path: &Path, places: &[u64]) {
    let bytes: Vec<u8> = places.iter().flat_map(|at| at.to_le_bytes()).collect();
    fs::write(path, bytes).unwrap();
}

fn encode(stream: &Path, style: Style, part: u32) {
    let Style {
        bit_rate, part_s, ..
    } = style;
    let unfinished = stream.with_extension(format!("{}.h264", std::process::id()));
    let (seed, buffer) = (part + 1, bit_rate / 4);
    let arguments = format!(
        "-f lavfi -i testsrc2=size=1280x720:rate={RATE}:duration={part_s},noise=alls=10:allf=t:all_seed={seed} \
         -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -b:v {bit_rate} -minrate {bit_rate} \
         -maxrate {bit_rate} -bufsize {buffer} -g {RATE} -keyint_min {RATE} \
         -x264-params aud=1:scenecut=0:slices=1:sliced-threads=0:nal-hrd=cbr:filler=0"
    );
    picam_testkit::ffmpeg::run(&arguments, &unfinished);
    fs::rename(unfinished, stream).unwrap();
}
