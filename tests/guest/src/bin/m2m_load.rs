//! Puts numbered pictures through this machine's `FWHT` encoder, as cameras put theirs through an H.264 one, and says in one
//! line what became of them. Fails if a picture is unaccounted for, comes twice, out of order, or with another's times.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use picam_capture::m2m::{Hardware, Wanted, encoders};
use picam_capture::{Encode, Times};
use picam_guest_tests::numbered;
use picam_media::{AccessUnit, Colour, Yuv420};
use picam_time::BootNs;

/// `vicodec`'s codec.
const FWHT: [u8; 4] = *b"FWHT";
const FPS: u32 = 30;
/// Nothing comes any more if nothing came for so long.
const QUIET: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Arguments {
    /// How many pictures.
    #[arg(long)]
    count: u32,
    /// Width and height.
    #[arg(long, num_args = 2, default_values_t = [64, 48])]
    size: Vec<u32>,
    /// Pictures from one key frame to the next.
    #[arg(long, default_value_t = 30)]
    gop: u32,
    /// Says that no more come, and goes on all the same, every so many pictures.
    #[arg(long, default_value_t = u32::MAX)]
    finish_every: u32,
    /// Keeps the driver's buffers from that picture on, until it is found to hang.
    #[arg(long)]
    hang_at: Option<u32>,
    /// Asks for a key frame with that picture.
    #[arg(long)]
    key_at: Option<u32>,
    /// Writes what comes out there, as v4l2-ctl's --stream-from-hdr reads it.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// What came out.
struct Came {
    out: Option<BufWriter<File>>,
    unit: AccessUnit,
    units: u32,
    starts: u32,
    /// The next must stand for itself.
    is_first: bool,
    lost: u32,
    next: i64,
}

impl Came {
    /// Takes one unit, waiting for it; whether there was one.
    fn take(&mut self, encoder: &mut Hardware, timeout: Duration) -> Result<bool, String> {
        if !encoder
            .take(&mut self.unit, timeout)
            .map_err(|error| error.to_string())?
        {
            return Ok(false);
        }
        let unit = &self.unit;
        let expected = self.next + i64::from(unit.dropped_before);
        if unit.dts != expected || unit.captured != times(expected as u32).captured {
            return Err(format!(
                "picture {} with the time {:?} came where {expected} was due",
                unit.dts, unit.captured
            ));
        }
        self.next = expected + 1;
        self.units += 1;
        self.lost += unit.dropped_before;
        let is_start = is_intra(&unit.data);
        if std::mem::take(&mut self.is_first) && !is_start {
            return Err(format!(
                "picture {} is the first, and refers to others",
                unit.dts
            ));
        }
        self.starts += u32::from(is_start);
        if let Some(out) = &mut self.out {
            // v4l2-ctl-streaming.cpp: the four characters as a number, and the length, both big-endian.
            let magic = u32::from_le_bytes(*b"Vhdr").to_be_bytes();
            let len = (unit.data.len() as u32).to_be_bytes();
            let written = [&magic[..], &len[..], &unit.data[..]];
            let mut parts = written.iter();
            parts
                .try_for_each(|part| out.write_all(part))
                .map_err(|error| error.to_string())?;
        }
        Ok(true)
    }

    fn drain(&mut self, encoder: &mut Hardware) -> Result<(), String> {
        encoder.finish().map_err(|error| error.to_string())?;
        while self.take(encoder, QUIET)? {}
        self.is_first = true;
        Ok(())
    }
}

/// Whether a picture of `FWHT` stands for itself: `V4L2_FWHT_FL_I_FRAME` in the sixth word of its header, which the kernel's
/// `codec-fwht.h` describes. `vicodec` does not flag its buffers.
fn is_intra(coded: &[u8]) -> bool {
    let flags = coded.get(20..24).and_then(|word| word.first_chunk());
    flags.is_some_and(|word| u32::from_be_bytes(*word) & 1 << 10 != 0)
}

fn times(number: u32) -> Times {
    Times {
        ticks: number.into(),
        captured: BootNs(1_000_000_000 + u64::from(number) * 1_000_000_000 / u64::from(FPS)),
    }
}

fn picture(number: u32, width: u32, height: u32) -> Yuv420 {
    let mut picture = Yuv420::new(width as u16, height as u16);
    let (width, height) = (width as usize, height as usize);
    if width >= numbered::LEAST_WIDTH {
        picture.y = numbered::picture(number, (width, height));
        picture.y.truncate(width * height);
    } else {
        picture.y.fill(number as u8);
    }
    picture
}

fn main() -> Result<(), String> {
    let arguments = Arguments::parse();
    let [width, height] = arguments.size[..] else {
        return Err("--size takes a width and a height".to_owned());
    };
    let wanted = Wanted {
        width,
        height,
        fps: FPS,
        bitrate: 1_000_000_000,
        gop: arguments.gop,
        coded: FWHT,
        colour: Colour::Bt709,
    };
    let found = encoders(FWHT);
    println!("found {found:?}");
    let found = found.first().ok_or("there is no encoder")?;
    let mut encoder = Hardware::open(found, &wanted).map_err(|error| error.to_string())?;
    let out = arguments.out.as_ref().map(File::create);
    let out = out.transpose().map_err(|error| error.to_string())?;
    let mut came = Came {
        out: out.map(BufWriter::new),
        unit: AccessUnit::new(),
        units: 0,
        starts: 0,
        is_first: true,
        lost: 0,
        next: 0,
    };
    for number in 0..arguments.count {
        if arguments.hang_at == Some(number) {
            encoder.withhold();
        }
        let key = arguments.key_at == Some(number);
        let picture = picture(number, width, height);
        let put = encoder.put(&picture, times(number), key);
        put.map_err(|error| error.to_string())?;
        while came.take(&mut encoder, Duration::ZERO)? {}
        if (number + 1) % arguments.finish_every == 0 {
            came.drain(&mut encoder)?;
        }
    }
    came.drain(&mut encoder)?;
    let counts = encoder.counts();
    println!("{}", encoder.describe());
    println!(
        "handed in {} coded {} dropped {} damaged {} lost {} refused {} pending {} rebuilt {} units {} told lost {} starts {}",
        counts.handed_in,
        counts.coded,
        counts.dropped,
        counts.damaged,
        counts.lost,
        counts.refused,
        counts.pending,
        counts.rebuilt,
        came.units,
        came.lost,
        came.starts,
    );
    let is_told =
        u64::from(came.units) == counts.coded && counts.handed_in == u64::from(arguments.count);
    if counts.is_complete() && is_told && counts.pending == 0 {
        Ok(())
    } else {
        Err("a picture is unaccounted for".to_owned())
    }
}
