//! `picam salvage DEVICE-OR-IMAGE -o DIR`.

mod state;

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use picam_mp4::salvage::{Card, Segment};
use picam_mp4::{Flush, ReadAt, Record, SlotFile};
use picam_ring::{Class, SegmentName, digits_of, name_time};
use picam_time::BootNs;
use rustix::fs::{major, minor};
use serde::Serialize;

use super::failure::Failure;
use super::inspect::write_json;
use crate::text;

/// How much is looked through between two looks at the clock.
const STEP: u64 = 16 << 20;
/// How often what was found is written down.
const SAVE: Duration = Duration::from_secs(1);

/// The options of `picam salvage`.
#[derive(Debug, Args)]
pub(crate) struct SalvageArgs {
    /// The card (/dev/sdX) or an image of it; it is only read
    card: PathBuf,
    /// Directory for what is found, on another device
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found. Its JSON form is stable: keys are added, never changed.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// Bytes of the card that were looked through.
    scanned: u64,
    /// Bytes of it that could not be read.
    unreadable: u64,
    /// Intact fragments on it.
    fragments: u64,
    /// Every segment of which something was found.
    segments: Vec<Salvaged>,
}

#[derive(Debug, Serialize)]
struct Salvaged {
    /// Name of the file in the output directory.
    file: String,
    /// Pictures in it; `None` if it was there already, or nothing could be made.
    pictures: Option<u32>,
    /// Fragments that were found of it.
    fragments: u32,
    /// Fragments that are missing between them, as far as the others tell.
    missing: u32,
    /// Why no file could be made of it.
    error: Option<String>,
}

/// Carves what is left out of a card.
pub(crate) fn run(args: &SalvageArgs) -> Result<(), Failure> {
    let (shown, dir) = (args.card.display(), args.output.display());
    let source = Source::open(&args.card)
        .map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")))?;
    let cannot = |error: io::Error| Failure::new(format!("{dir} cannot be written: {error}"));
    fs::create_dir_all(&args.output).map_err(cannot)?;
    if source.holds(&args.output).map_err(cannot)? {
        return Err(Failure::usage(format!(
            "{dir} lies on {shown} itself: writing there would destroy what is to be salvaged; name a \
             directory on another device"
        )));
    }
    let mut card = state::load(&args.output, &source)
        .map_err(|error| Failure::new(format!("{dir}: {error}")))?;
    if card.scanned > 0 && !args.json {
        println!("going on at {}", text::size(card.scanned));
    }
    scan(&source, &mut card, &args.output, !args.json)
        .map_err(|error| Failure::new(format!("looking through {shown}: {error}")))?;
    let report = write_all(&source, &card, &args.output, args.json)?;
    let mut out = io::stdout().lock();
    let failed = report.segments.iter().filter(|s| s.error.is_some()).count();
    if args.json {
        write_json(&mut out, &report)?;
    } else {
        let fragments = text::count(report.fragments, "fragment");
        let segments = text::count(report.segments.len() as u64, "segment");
        writeln!(
            out,
            "{shown}: {segments}, {fragments} found in {}",
            text::size(report.scanned)
        )?;
        if report.unreadable > 0 {
            writeln!(out, "  {} could not be read", text::size(report.unreadable))?;
        }
        if failed > 0 {
            writeln!(out, "  {} FAILED", text::count(failed as u64, "segment"))?;
        }
    }
    out.flush()?;
    match (failed, report.segments.is_empty()) {
        (0, false) => Ok(()),
        (0, true) => Err(Failure::new(format!(
            "no footage of picam was found in {shown}"
        ))),
        _ => Err(Failure::silent()),
    }
}

fn scan(source: &Source, card: &mut Card, dir: &Path, talk: bool) -> io::Result<()> {
    let size = source.len;
    let on_terminal = talk && io::stderr().is_terminal();
    let begun = (Instant::now(), card.scanned);
    let (mut saved, mut said) = (Instant::now(), 10 * card.scanned / size.max(1));
    while card.scanned < size {
        card.scan(source, card.scanned.saturating_add(STEP))?;
        if saved.elapsed() > SAVE {
            state::save(dir, source, card)?;
            saved = Instant::now();
        }
        let tenth = 10 * card.scanned.min(size) / size.max(1);
        if on_terminal {
            progress(card, begun, size);
        } else if talk && tenth > said && tenth < 10 {
            eprintln!("{tenth}0 % looked through, {} found", found(card));
            said = tenth;
        }
    }
    if on_terminal {
        eprint!("\r\x1b[K");
    }
    state::save(dir, source, card)
}

fn found(card: &Card) -> String {
    let fragments: u64 = card.runs.iter().map(|run| u64::from(run.count)).sum();
    text::count(fragments, "fragment")
}

/// A bar, how far it got, and how long it will take.
fn progress(card: &Card, (since, from): (Instant, u64), size: u64) {
    let done = card.scanned.min(size);
    let filled = (30 * done / size.max(1)) as usize;
    let speed = (done - from) as f64 / since.elapsed().as_secs_f64().max(0.001);
    let left = text::seconds((size - done) as f64 / speed.max(1.0));
    eprint!(
        "\r[{}{}] {} of {}, {} found, {left} left\x1b[K",
        "#".repeat(filled),
        ".".repeat(30 - filled),
        text::size(done),
        text::size(size),
        found(card),
    );
}

fn write_all(source: &Source, card: &Card, dir: &Path, json: bool) -> Result<Report, Failure> {
    let segments = card.segments();
    let mut report = Report {
        scanned: card.scanned,
        unreadable: card.unreadable,
        fragments: card.runs.iter().map(|run| u64::from(run.count)).sum(),
        segments: Vec::new(),
    };
    for segment in &segments {
        let header = card.header(segment.key);
        let name = file_name(segment, header);
        let taken = report
            .segments
            .iter()
            .any(|s| s.file == format!("{name}.mp4"));
        // After a card was reset, its sequences begin anew.
        let file = match taken {
            true => format!("{name}_{:08x}.mp4", segment.key.boot_tag),
            false => format!("{name}.mp4"),
        };
        let fragments: u32 = segment.runs.iter().map(|run| run.count).sum();
        let last = segment.runs.iter().map(|run| run.first + run.count).max();
        let mut salvaged = Salvaged {
            pictures: None,
            fragments,
            missing: last.unwrap_or(0).saturating_sub(fragments),
            error: None,
            file,
        };
        let path = dir.join(&salvaged.file);
        if path.exists() {
            say(json, &format!("{} is there already", salvaged.file));
            report.segments.push(salvaged);
            continue;
        }
        match write_one(source, card, segment, header, &path) {
            Ok(pictures) => {
                salvaged.pictures = Some(pictures);
                let pictures = text::count(pictures.into(), "picture");
                say(json, &format!("{}: {pictures}", salvaged.file));
            }
            Err(error) => {
                say(json, &format!("FAILED {}: {error}", salvaged.file));
                salvaged.error = Some(error);
            }
        }
        report.segments.push(salvaged);
    }
    Ok(report)
}

fn say(json: bool, line: &str) {
    if !json {
        println!("{line}");
    }
}

/// The name that the ring would give it, as far as that is known.
fn file_name(segment: &Segment, header: Option<&Record>) -> String {
    let first = segment.runs.first();
    let (utc, boot_number, boot, class) = match header {
        Some(h) => (h.start_utc, h.boot_number, h.start_boot, h.class),
        None => first.map_or((None, 0, BootNs::ZERO, 0), |run| {
            (run.utc, run.boot_number, run.boot, run.class)
        }),
    };
    let camera = match segment.key.camera {
        0 => header.map_or(b'X', |header| header.camera),
        camera => camera,
    };
    let name = SegmentName {
        time: name_time(utc, boot_number, boot),
        camera,
        class: Class::from_letter(class).unwrap_or(Class::Normal),
        sequence: digits_of(segment.key.sequence),
    };
    name.to_string().trim_end_matches(".mp4").to_owned()
}

fn write_one(
    source: &Source,
    card: &Card,
    segment: &Segment,
    header: Option<&Record>,
    path: &Path,
) -> Result<u32, String> {
    let Some(init) = card.init(segment) else {
        return Err("its init is gone, and no other segment has the same".to_owned());
    };
    let part = path.with_extension("part");
    let open = |path: &Path| {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = options.open(path)?;
        file.set_len(segment.file_len(init, header))?;
        Ok::<_, io::Error>(Output(file))
    };
    let mut out = open(&part).map_err(|error| error.to_string())?;
    let mended = segment.write(source, init, header, &mut out);
    let mended = mended.map_err(|error| {
        // Nobody can use it; failing to remove it changes nothing.
        let _ = fs::remove_file(&part);
        error.to_string()
    })?;
    let done = out.0.sync_all().and_then(|()| fs::rename(&part, path));
    done.map_err(|error| error.to_string())?;
    Ok(mended.record.counters.frames)
}

/// The card: opened for reading only.
struct Source {
    file: File,
    len: u64,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // The length of a block device is not in its metadata.
        let len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, len })
    }

    /// Whether a directory lies on this device, or on a partition of it.
    fn holds(&self, dir: &Path) -> io::Result<bool> {
        let card = self.file.metadata()?;
        if !card.file_type().is_block_device() {
            return Ok(false);
        }
        let (card, dir) = (card.rdev(), fs::metadata(dir)?.dev());
        let node = |dev| fs::canonicalize(format!("/sys/dev/block/{}:{}", major(dev), minor(dev)));
        Ok(card == dir
            || match (node(card), node(dir)) {
                (Ok(card), Ok(dir)) => dir.starts_with(card),
                _ => false,
            })
    }
}

impl ReadAt for Source {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.file, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len)
    }
}

/// A file that is written.
struct Output(File);

impl ReadAt for Output {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(&self.0, buf, offset)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

impl SlotFile for Output {
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        FileExt::write_all_at(&self.0, data, offset)
    }

    /// Whoever writes it syncs it once, before it gets its name.
    fn flush(&mut self, _scope: Flush) -> io::Result<()> {
        Ok(())
    }
}
