//! `picam clip DIR --from --to -o OUT`.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use picam_library::{Clip, When};
use tempfile::{Builder, PersistError};

use super::failure::Failure;
use crate::text;

/// Options of the command.
#[derive(Debug, clap::Args)]
pub(crate) struct ClipArgs {
    /// Directory that holds the segments; several if there is footage on a card and on a disk
    #[arg(required = true, value_name = "DIR")]
    pub(crate) dirs: Vec<PathBuf>,
    /// Where the clip starts: 2026-11-20T11:08:00+01:00, or "2026-11-20 11:08:00" (UTC), or +12.5s
    /// after the start of the camera's first segment
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: When,
    /// Where it ends, written likewise
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: When,
    /// File to write
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Camera to take, if there is footage of several
    #[arg(long, value_name = "NAME|LETTER")]
    pub(crate) camera: Option<String>,
    /// Overwrite OUT if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Writes the clip under a temporary name beside `OUT` and renames it once it is complete.
pub(crate) fn run(args: &ClipArgs) -> Result<(), Failure> {
    let shown = args.output.display();
    let exists = || {
        Failure::new(format!(
            "{shown} exists; choose another name, or add --force"
        ))
    };
    if !args.force && args.output.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let clip =
        Clip::plan(&args.dirs, args.camera.as_deref(), args.from, args.to).map_err(Failure::new)?;
    let cannot = |error: io::Error| Failure::new(format!("{shown} cannot be written: {error}"));
    let beside = match args.output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = Builder::new()
        .prefix(".picam-clip-")
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(beside)
        .map_err(cannot)?;
    let mut out = BufWriter::new(temporary.as_file_mut());
    clip.write_to(&mut out)
        .and_then(|()| out.flush())
        .map_err(cannot)?;
    drop(out);
    clip.verify().map_err(Failure::new)?;
    temporary.as_file().sync_all().map_err(cannot)?;
    let persisted = match args.force {
        true => temporary.persist(&args.output),
        false => temporary.persist_noclobber(&args.output),
    };
    persisted.map_err(|PersistError { error, .. }| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => cannot(error),
    })?;
    report(&clip, &shown.to_string())?;
    Ok(())
}

fn report(clip: &Clip, name: &str) -> io::Result<()> {
    let index = clip.index();
    let start = match clip.start_utc() {
        Some(utc) => text::utc(utc),
        None => format!("+{:.3}s", index.start_ns() as f64 / 1e9),
    };
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{name}: {} of camera {} from {start}, {}, out of {}",
        text::seconds(index.duration_ns() as f64 / 1e9),
        clip.camera(),
        text::size(index.len()),
        text::count(clip.segments().len() as u64, "segment"),
    )?;
    for gap in index.gaps() {
        let at = text::seconds(gap.at_ns as f64 / 1e9);
        let long = text::seconds(gap.missing_ns.unsigned_abs() as f64 / 1e9);
        match gap.missing_ns > 0 {
            true => writeln!(out, "  {long} are missing after {at}")?,
            false => writeln!(out, "  {long} are there twice after {at}")?,
        }
    }
    for broken in clip.broken() {
        writeln!(out, "  {broken} is broken and left out")?;
    }
    out.flush()
}
