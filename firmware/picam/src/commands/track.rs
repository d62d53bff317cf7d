//! `picam track DIR --from --to --format`.

use std::io::{self, BufWriter, ErrorKind};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use picam_library::{TrackError, TrackFormat, TrackQuery, TrackWriter, When, read_track};
use picam_time::UtcUs;

use super::failure::Failure;
use crate::text;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct TrackArgs {
    /// Directory that holds the segments; several if there is footage on a card and on a disk
    #[arg(required = true, value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// From then on: 2026-11-20T11:08:00+01:00, or "2026-11-20 11:08:00" (UTC)
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    from: Option<UtcUs>,
    /// Before then, written likewise
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    to: Option<UtcUs>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Camera whose segments are read, instead of all
    #[arg(long, value_name = "NAME|LETTER")]
    camera: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// GPX 1.1, for maps and navigation programs
    #[default]
    Gpx,
    /// GeoJSON (RFC 7946), for maps on the web
    Geojson,
    /// A line a fix, for tables
    Csv,
}

impl From<Format> for TrackFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Gpx => Self::Gpx,
            Format::Geojson => Self::GeoJson,
            Format::Csv => Self::Csv,
        }
    }
}

fn time_of_day(text: &str) -> Result<UtcUs, String> {
    match text.parse()? {
        When::Utc(utc) => Ok(utc),
        When::After(_) | When::Boot { .. } => {
            Err("write a time of day, such as 2026-11-20T11:08:00+01:00".to_owned())
        }
    }
}

/// Prints the track; what there was to say of it goes to stderr.
pub(crate) fn run(args: &TrackArgs) -> Result<(), Failure> {
    let query = TrackQuery {
        camera: args.camera.clone(),
        from: args.from,
        to: args.to,
        every: Duration::ZERO,
    };
    let out = BufWriter::new(io::stdout().lock());
    let writer = TrackWriter::new(args.format.into(), out);
    match read_track(&args.dirs, &query, writer) {
        Ok(summary) => {
            eprintln!(
                "{} in {}",
                text::count(summary.points, "position"),
                text::count(summary.pieces, "piece")
            );
            for broken in &summary.broken {
                eprintln!("  {broken} is broken and left out");
            }
            Ok(())
        }
        // Whoever reads it has seen enough.
        Err(TrackError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(error)),
    }
}
