//! The boot partition: finding `picam.toml` whole, and writing there.

use std::io;
use std::path::PathBuf;

use super::files::Files;
use super::replace::{finish, leftovers, on_its_way, replace};
use super::text::{is_torn, is_whole};
use super::{Host, Paths};

/// What is left of `picam.toml`.
#[derive(Debug)]
pub(super) enum Found {
    /// The file, as somebody wrote it.
    Here(Vec<u8>),
    /// It is missing or torn, and this was on its way to its place.
    OnItsWay(Vec<u8>),
    /// It is missing or empty, and nothing was on its way.
    Lost,
    /// It is there, but cannot be read.
    Unreadable(io::Error),
}

/// Looks for it.
pub(super) fn find(files: &impl Files, paths: &Paths) -> Found {
    let read = files.read(&paths.toml());
    match read {
        Ok(Some(bytes)) if !is_torn(&bytes) => return Found::Here(bytes),
        _ => {}
    }
    let way = files.read(&on_its_way(&paths.toml()));
    match (read, way) {
        (_, Ok(Some(bytes))) if is_whole(&bytes) => Found::OnItsWay(bytes),
        (Err(error), _) => Found::Unreadable(error),
        // Zeros in between: whatever else is in there is its owner's.
        (Ok(Some(bytes)), _) if bytes.iter().any(u8::is_ascii_graphic) => Found::Here(bytes),
        _ => Found::Lost,
    }
}

/// What is to be written, in this order.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// `picam.toml` has to be brought to its place first.
    pub(super) finish: Option<Vec<u8>>,
    /// `picam.toml` cannot be read, and has to make way.
    pub(super) set_aside: bool,
    /// `picam-access.txt`, and how many bytes of secrets the old one had.
    pub(super) access: Option<(Vec<u8>, usize)>,
    /// Which page password the camera made: its hash, for the state partition.
    pub(super) made: Option<String>,
    /// `picam-support.txt`.
    pub(super) support: Option<Vec<u8>>,
    /// `picam.toml`, and how many bytes of secrets the old one had. Last: it says that all is done.
    pub(super) toml: Option<(Vec<u8>, usize)>,
}

impl Writes {
    fn is_empty(&self) -> bool {
        let Self {
            finish,
            set_aside,
            access,
            made,
            support,
            toml,
        } = self;
        let is_set_up = finish.is_none() && !set_aside && access.is_none() && made.is_none();
        is_set_up && support.is_none() && toml.is_none()
    }
}

/// Where the camera keeps which page password it made.
pub(super) fn made_path(paths: &Paths) -> PathBuf {
    paths.state.join("page-password-made")
}

/// Writes it, if there is anything to write; a read-only boot partition is writable only meanwhile.
pub(super) fn write(
    files: &mut impl Files,
    host: &mut impl Host,
    paths: &Paths,
    remount: bool,
    writes: &Writes,
) -> Vec<String> {
    let mut problems = Vec::new();
    let boot = paths.boot.display();
    let left = all_leftovers(files, paths, writes);
    let is_idle = writes.is_empty() && left.is_empty();
    let was_writable = host.is_writable(&paths.boot).unwrap_or(true);
    if !is_idle {
        if !was_writable && let Err(error) = host.remount(&paths.boot, true) {
            problems.push(format!(
                "{boot} cannot be made writable ({error}), so nothing can be set up there; check the \
                 card on a PC"
            ));
            return problems;
        }
        problems.extend(write_all(files, paths, writes).err());
    }
    let made_writable = !is_idle && !was_writable;
    // A run that was killed may have left it writable.
    if (made_writable || (remount && was_writable))
        && let Err(error) = host.remount(&paths.boot, false)
    {
        problems.push(format!(
            "{boot} stays writable ({error}); a power cut may harm it"
        ));
    }
    problems
}

/// What was on its way when the power went and is of no use. Some of it may lead to clusters that FAT
/// takes for free: it goes before anything is written there.
fn all_leftovers(files: &impl Files, paths: &Paths, writes: &Writes) -> Vec<PathBuf> {
    let mut left = leftovers(files, &paths.access());
    left.extend(leftovers(files, &paths.toml()));
    left.extend(leftovers(files, &paths.support()));
    if writes.finish.is_some() {
        left.retain(|path| *path != on_its_way(&paths.toml()));
    }
    left
}

/// Stops at the first thing that fails: what comes later relies on it.
fn write_all(files: &mut impl Files, paths: &Paths, writes: &Writes) -> Result<(), String> {
    let toml = paths.toml();
    let failed =
        |what: String| move |error: io::Error| format!("{what} cannot be written: {error}");
    let at_toml = || failed(toml.display().to_string());
    let left = all_leftovers(files, paths, writes);
    for path in &left {
        files
            .remove(path)
            .map_err(failed(path.display().to_string()))?;
    }
    if !left.is_empty() {
        files.sync_all(&paths.boot).map_err(at_toml())?;
    }
    if let Some(bytes) = &writes.finish {
        finish(files, &toml, bytes).map_err(at_toml())?;
    }
    if writes.set_aside {
        let aside = paths.boot.join("picam-broken.toml");
        files.rename(&toml, &aside).map_err(at_toml())?;
        files.sync_all(&paths.boot).map_err(at_toml())?;
    }
    if let Some((bytes, secret)) = &writes.access {
        let access = paths.access();
        let failed = failed(access.display().to_string());
        replace(files, &access, bytes, *secret).map_err(failed)?;
    }
    if let Some(hash) = &writes.made {
        // Without it the file's password is only checked once more.
        let made = format!("{hash}\n");
        if let Err(error) = replace(files, &made_path(paths), made.as_bytes(), 0) {
            tracing::warn!("{} cannot be written: {error}", made_path(paths).display());
        }
    }
    if let Some(bytes) = &writes.support {
        let support = paths.support();
        let failed = failed(support.display().to_string());
        replace(files, &support, bytes, 0).map_err(failed)?;
    }
    if let Some((bytes, secret)) = &writes.toml {
        replace(files, &toml, bytes, *secret).map_err(at_toml())?;
    }
    Ok(())
}
