//! The few things done to files, each of them a step at which the power may go.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use rustix::fs::syncfs;

/// No file here is longer, in bytes; the configuration's reader says the same.
const MAX_LEN: u64 = 1 << 20;

/// A place for files.
pub trait Files {
    /// An open file.
    type File;
    /// Reads a whole file; `None` if there is none.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// Opens a file to be overwritten in place; `None` if there is none.
    fn open(&mut self, path: &Path) -> io::Result<Option<Self::File>>;
    /// Creates a file, or empties it.
    fn create(&mut self, path: &Path) -> io::Result<Self::File>;
    /// Overwrites a file from its beginning.
    fn write(&mut self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Returns when a file's contents are durable.
    fn sync(&mut self, file: &mut Self::File) -> io::Result<()>;
    /// Lets everybody read a file, where the filesystem knows of that.
    fn publish(&mut self, path: &Path) -> io::Result<()>;
    /// Gives a file another name; a file of that name goes.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file, or a directory and everything in it.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
    /// Sees to it that there is a directory.
    fn make_directory(&mut self, directory: &Path) -> io::Result<()>;
    /// Names of what a directory holds.
    fn list(&self, directory: &Path) -> io::Result<Vec<std::ffi::OsString>>;
    /// Returns when everything done to the filesystem that holds this directory is durable.
    fn sync_all(&mut self, directory: &Path) -> io::Result<()>;
}

/// The real ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

impl Files for RealFiles {
    type File = File;

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = found(File::open(path))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > MAX_LEN {
            true => Err(io::Error::other("it is longer than 1 MiB")),
            false => Ok(Some(bytes)),
        }
    }

    fn open(&mut self, path: &Path) -> io::Result<Option<File>> {
        found(OpenOptions::new().read(true).write(true).open(path))
    }

    fn create(&mut self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn write(&mut self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, 0)
    }

    fn sync(&mut self, file: &mut File) -> io::Result<()> {
        file.sync_all()
    }

    fn publish(&mut self, path: &Path) -> io::Result<()> {
        match fs::metadata(path)?.permissions().mode() & 0o777 {
            0o644 => Ok(()),
            _ => fs::set_permissions(path, Permissions::from_mode(0o644)),
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        match fs::symlink_metadata(path)?.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        }
    }

    fn make_directory(&mut self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        let entries = fs::read_dir(directory)?;
        entries.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn sync_all(&mut self, directory: &Path) -> io::Result<()> {
        Ok(syncfs(File::open(directory)?)?)
    }
}

fn found<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
