//! Which stills are there.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::still::{StillFile, StillName};

/// All stills in the folders of `folder` ([`crate::STILLS_FOLDER`] of a footage directory), the oldest first; none if it is
/// not there. What others put there is left out, and no link is followed.
///
/// # Errors
/// If a folder cannot be read.
pub fn list_stills(folder: &Path) -> io::Result<Vec<StillFile>> {
    let mut stills = Vec::new();
    for folder in entries(folder)? {
        let name = folder.file_name();
        let Some(name) = name.to_str().filter(|_| is_directory(&folder)) else {
            continue;
        };
        for file in entries(&folder.path())? {
            let of = file.file_name();
            let still = of.to_str().and_then(|of| StillName::parse(name, of));
            // One that has gone meanwhile, or cannot be asked about, is none.
            if let (Some(name), Ok(metadata)) = (still, file.metadata())
                && metadata.is_file()
            {
                stills.push(StillFile {
                    name,
                    size: metadata.len(),
                    is_locked: metadata.permissions().mode() & 0o222 == 0,
                });
            }
        }
    }
    stills.sort_by_key(|still| still.name);
    Ok(stills)
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_directory(entry: &fs::DirEntry) -> bool {
    // A link is none, wherever it leads.
    entry.file_type().is_ok_and(|kind| kind.is_dir())
}
