//! Replacing a file so that a power cut leaves the old one or the new one.
//!
//! FAT has no journal. Renaming over a file writes the name's new place, removes the old name and
//! frees the old file's clusters, in any order unless something stands between. So:
//!
//! 1. The new file is written under another name, and everything is synced: it is whole, whatever
//!    comes.
//! 2. The old file is kept open, so that its clusters are not freed yet, and the new one is renamed.
//! 3. Everything is synced. Until here the clusters of both hold whole files, so whichever of them the
//!    name leads to is whole.
//! 4. The old file's bytes are overwritten if they held a password, and it is closed: only now are its
//!    clusters free.
//!
//! One cut FAT cannot be spared: the new name is written and the old one not removed, and both lead to
//! the same clusters. Removing one of such twins would free what the other needs; but they are told
//! by their equal contents, left alone, and removed when the file is replaced once more: in step 4
//! nobody needs those clusters any longer, and nothing new was written yet that could have got them.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::files::Files;

/// A file on its way.
const NEW: &str = ".new";
/// The same, where the first name is taken.
const NEW_TOO: &str = ".new2";
/// All names for it: twins may have two.
const WAYS: [&str; 3] = [NEW, NEW_TOO, ".new3"];

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn ways(path: &Path) -> impl Iterator<Item = PathBuf> {
    WAYS.into_iter().map(|suffix| with(path, suffix))
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// The file that is on its way to `path`, or was when the power went.
pub(super) fn on_its_way(path: &Path) -> PathBuf {
    with(path, NEW)
}

/// Replaces a file, durably. `secret` is how many bytes of the old one must not stay behind.
pub(super) fn replace(
    files: &mut impl Files,
    path: &Path,
    bytes: &[u8],
    secret: usize,
) -> io::Result<()> {
    let (way, twins) = free_way(files, path)?;
    write(files, &way, bytes)?;
    let old = files.open(path)?;
    files.rename(&way, path)?;
    files.sync_all(directory(path))?;
    let Some(mut old) = old else {
        return Ok(());
    };
    if secret > 0 {
        // Whole sectors, which are allocated anyway.
        files.write(&mut old, &vec![0; secret.next_multiple_of(512)])?;
        files.sync(&mut old)?;
    }
    drop(old);
    for twin in twins {
        files.remove(&twin)?;
    }
    files.sync_all(directory(path))
}

/// Brings a file that was on its way to its place, where there is no whole one. The only whole copy is
/// not moved: it is removed when there are two. What is torn goes first, as its clusters may count as
/// free.
pub(super) fn finish(files: &mut impl Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if !matches!(files.read(path), Ok(None)) {
        files.remove(path)?;
        files.sync_all(directory(path))?;
    }
    let way = with(path, NEW_TOO);
    write(files, &way, bytes)?;
    files.rename(&way, path)?;
    files.sync_all(directory(path))?;
    files.remove(&with(path, NEW))?;
    files.sync_all(directory(path))
}

/// What is left of a file that was on its way and may be removed: whatever is no twin.
pub(super) fn leftovers(files: &impl Files, path: &Path) -> Vec<PathBuf> {
    let Ok(current) = files.read(path) else {
        return Vec::new();
    };
    let is_left = |way: &PathBuf| match files.read(way) {
        Ok(left) => left.is_some() && left != current,
        // A twin could be read as well as the file.
        Err(_) => true,
    };
    ways(path).filter(is_left).collect()
}

/// A name that is free, and the names of twins.
fn free_way(files: &impl Files, path: &Path) -> io::Result<(PathBuf, Vec<PathBuf>)> {
    let current = files.read(path).ok().flatten();
    let is_twin = |way: &PathBuf| {
        let bytes = files.read(way).ok().flatten();
        bytes.is_some() && bytes == current
    };
    let (twins, free): (Vec<_>, Vec<_>) = ways(path).partition(is_twin);
    let taken = || io::Error::other("the card is damaged; check it on a PC");
    let way = free.into_iter().next().ok_or_else(taken)?;
    Ok((way, twins))
}

fn write(files: &mut impl Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = files.create(path)?;
    files.write(&mut file, bytes)?;
    files.sync(&mut file)?;
    drop(file);
    // The name and what it leads to, not only the bytes.
    files.sync_all(directory(path))
}
