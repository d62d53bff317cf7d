//! Stills on a volume: in folders beside the slots, each whole from the moment that it has its name.
//!
//! As with slots, clusters are taken and given back in an order that no power cut turns into two files on one cluster
//! ([`FsDirectory::create`], [`Directory::remove`]); the name is changed in place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use picam_mp4::{Flush, SlotFile};
use picam_ring::{
    Directory, FsDirectory, NoStillRoom, STILL_PART, STILLS_FOLDER, StillFile, StillName,
    StillRoom, list_stills, stills_to_give_up,
};

/// Why a still is not on the card.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Room(#[from] NoStillRoom),
    #[error("all numbers of stills are taken")]
    NoNumber,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What is done to a card, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    GivenUp,
    Created,
    Written,
    Flushed,
    Named,
}

/// A volume's stills.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Of a footage directory.
    pub(crate) fn of(footage: &Path) -> Self {
        Self {
            folder: footage.join(STILLS_FOLDER),
        }
    }

    /// All of them, the oldest first. None if nobody ever took one.
    pub(crate) fn list(&self) -> io::Result<Vec<StillFile>> {
        list_stills(&self.folder)
    }

    /// Writes a still of a camera, and gives up the oldest for it.
    pub(crate) fn add(
        &self,
        camera: u8,
        jpeg: &[u8],
        room: StillRoom,
    ) -> Result<StillName, StoreError> {
        self.add_until(camera, jpeg, room, &mut |_| Ok(()))
    }

    /// The same; `went` hears of each step, and may end it there.
    fn add_until(
        &self,
        camera: u8,
        jpeg: &[u8],
        room: StillRoom,
        went: &mut dyn FnMut(Step) -> io::Result<()>,
    ) -> Result<StillName, StoreError> {
        let stills = self.list()?;
        let size = jpeg.len() as u64;
        for old in stills_to_give_up(&stills, size, room)? {
            FsDirectory::open(self.folder.join(old.folder()), false)?.remove(&old.file())?;
            went(Step::GivenUp)?;
        }
        let last = stills.last().map(|still| still.name);
        let name = StillName::behind(last, camera).ok_or(StoreError::NoNumber)?;
        let folder = self.folder.join(name.folder());
        make_folder(&self.folder)?;
        make_folder(&folder)?;
        let directory = FsDirectory::open(folder, false)?;
        // What a power cut left of another one.
        match directory.remove(STILL_PART) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = directory.create(STILL_PART, size)?;
        went(Step::Created)?;
        file.write_at(0, jpeg)?;
        went(Step::Written)?;
        file.flush(Flush::All)?;
        went(Step::Flushed)?;
        directory.rename(STILL_PART, &name.file())?;
        went(Step::Named)?;
        directory.sync()?;
        Ok(name)
    }
}

/// Makes a folder, durably, unless it is there; a link is not followed.
fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Ok(()) => {
            let parent = path.parent().unwrap_or(Path::new("."));
            FsDirectory::open(parent, false)?.sync()
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            match fs::symlink_metadata(path)?.is_dir() {
                true => Ok(()),
                false => Err(io::Error::new(
                    io::ErrorKind::NotADirectory,
                    format!("{} is no folder: move it away", path.display()),
                )),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const WIDE: StillRoom = StillRoom {
        most: 1 << 30,
        free: 1 << 30,
    };

    fn files(store: &Store) -> Vec<(String, Vec<u8>)> {
        let stills = store.list().unwrap();
        let read = |still: &StillFile| {
            let path = store.folder.join(still.name.to_string());
            (still.name.to_string(), fs::read(path).unwrap())
        };
        stills.iter().map(read).collect()
    }

    #[test]
    fn stills_are_numbered_and_the_oldest_goes_unless_it_is_read_only() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::of(dir.path());
        assert_eq!(store.list().unwrap(), []);
        let three = StillRoom {
            most: 3_000,
            ..WIDE
        };
        for n in 0..3 {
            store.add(b'F', &[n; 1_000], three).unwrap();
        }
        // Others' files are neither counted nor touched.
        fs::write(store.folder.join("100PICAM/IMG_0001.JPG"), b"mine").unwrap();
        let first = store.folder.join("100PICAM/PICF0001.JPG");
        fs::set_permissions(&first, fs::Permissions::from_mode(0o444)).unwrap();
        let name = store.add(b'R', &[3; 1_000], three).unwrap();
        assert_eq!(name.to_string(), "100PICAM/PICR0004.JPG");
        let left: Vec<u8> = files(&store).iter().map(|(_, bytes)| bytes[0]).collect();
        assert_eq!(left, [0, 2, 3]);
        assert!(store.folder.join("100PICAM/IMG_0001.JPG").exists());
        let full = StillRoom { free: 0, ..WIDE };
        let error = store.add(b'F', &[9; 2_500], full).unwrap_err();
        assert!(error.to_string().contains("no free room"), "{error}");
        assert_eq!(files(&store).len(), 3);
    }

    #[test]
    fn what_is_cut_off_at_any_step_leaves_no_half_picture() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::of(dir.path());
        let jpeg = |n: u8| vec![n; 10_000];
        let two = StillRoom {
            most: 20_000,
            ..WIDE
        };
        for n in 0..2 {
            store.add(b'F', &jpeg(n), two).unwrap();
        }
        let all = [
            Step::GivenUp,
            Step::Created,
            Step::Written,
            Step::Flushed,
            Step::Named,
        ];
        for (n, last) in (2..).zip(all) {
            let mut cut = |step| match step == last {
                true => Err(io::Error::other("cut off")),
                false => Ok(()),
            };
            assert!(store.add_until(b'F', &jpeg(n), two, &mut cut).is_err());
            for (name, bytes) in files(&store) {
                assert!(
                    bytes.len() == 10_000 && bytes.iter().all(|b| *b == bytes[0]),
                    "{name}"
                );
            }
            let is_there = files(&store).iter().any(|(_, bytes)| bytes[0] == n);
            assert_eq!(is_there, last == Step::Named, "{last:?}");
        }
        // And the next one is stored as if nothing had been.
        store.add(b'F', &jpeg(99), two).unwrap();
        assert_eq!(files(&store).last().unwrap().1[0], 99);
        assert!(!store.folder.join("100PICAM").join(STILL_PART).exists());
    }

    #[test]
    fn a_link_or_a_file_in_the_place_of_a_folder_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let store = Store::of(dir.path());
        std::os::unix::fs::symlink(elsewhere.path(), &store.folder).unwrap();
        assert!(store.add(b'F', b"jpeg", WIDE).is_err());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
