//! A FAT whose power goes: what Linux' vfat does to it, and which of that a card may keep.
//!
//! Harsher than a card: every directory entry, every FAT entry and every cluster is a sector of its
//! own, and of everything written since the last sync the card keeps any version, each on its own,
//! whatever the order. What vfat does when renaming and removing: fs/fat/namei_vfat.c (vfat_rename),
//! fs/fat/inode.c (fat_evict_inode frees the clusters when the last one closes the file).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use picam_firstboot::settings::Files;

const CLUSTER: usize = 512;
const CLUSTERS: usize = 400;

/// What can be written in one piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Entry(usize),
    Fat(usize),
    Data(usize),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// Name, first cluster, length.
    Entry(Option<(PathBuf, Option<usize>, usize)>),
    Fat(Link),
    Data(Rc<[u8; CLUSTER]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    Free,
    Next(usize),
    End,
}

/// What is on the card.
#[derive(Clone, Default)]
pub(crate) struct Image {
    boot: BTreeMap<Place, Content>,
    /// Everything that lies on another filesystem, which has a journal: what was done last may be
    /// missing, and nothing else.
    rest: BTreeMap<PathBuf, Vec<u8>>,
}

/// What lies on the FAT.
fn is_on_fat(path: &Path) -> bool {
    path.starts_with("/boot")
}

/// The kernel's view, and what the card may not have yet.
struct Mounted {
    now: BTreeMap<Place, Content>,
    durable: BTreeMap<Place, Content>,
    /// The other filesystem: as it is, and as it was after each step since the last sync.
    rest: Vec<BTreeMap<PathBuf, Vec<u8>>>,
    /// Every version since the last sync, oldest first.
    pending: BTreeMap<Place, Vec<Content>>,
    entries: usize,
    /// Steps until the power goes.
    left: usize,
    /// Which sync to leave out, to see the tests notice.
    mutant: Mutant,
    open: usize,
}

/// How the protocol is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    None,
    /// Files are not synced before they are renamed.
    NoSync,
    /// A replaced file's clusters are freed at once.
    FreeEarly,
}

/// The mounted filesystem; clones are the same.
#[derive(Clone)]
pub(crate) struct Fat(Rc<RefCell<Mounted>>);

/// An open file. Its clusters are freed when it is closed without a name.
pub(crate) struct FatFile {
    fat: Fat,
    first: Option<usize>,
    entry: usize,
    path: PathBuf,
}

fn dead() -> io::Error {
    io::Error::other("the power is gone")
}

impl Fat {
    /// Puts a card in whose power goes after so many steps.
    pub(crate) fn mount(image: &Image, steps: usize, mutant: Mutant) -> Self {
        let entry = |place: &Place| match place {
            Place::Entry(n) => *n + 1,
            _ => 0,
        };
        Self(Rc::new(RefCell::new(Mounted {
            now: image.boot.clone(),
            durable: image.boot.clone(),
            rest: vec![image.rest.clone()],
            pending: BTreeMap::new(),
            entries: image.boot.keys().map(entry).max().unwrap_or(0),
            left: steps,
            mutant,
            open: 0,
        })))
    }

    /// What the card keeps when the power goes now.
    pub(crate) fn cut(&self, random: &mut impl FnMut(usize) -> usize) -> Image {
        let mounted = self.0.borrow();
        let mut boot = mounted.durable.clone();
        for (place, versions) in &mounted.pending {
            if let Some(kept) = random(versions.len() + 1).checked_sub(1) {
                boot.insert(*place, versions[kept].clone());
            }
        }
        let rest = mounted.rest[random(mounted.rest.len())].clone();
        Image { boot, rest }
    }

    /// What is on the card after switching off in good order.
    pub(crate) fn unmount(&self) -> Image {
        let mounted = self.0.borrow();
        Image {
            boot: mounted.now.clone(),
            rest: mounted.rest[mounted.rest.len() - 1].clone(),
        }
    }

    /// The other filesystem, to be read.
    fn rest(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mounted = self.0.borrow();
        mounted.rest[mounted.rest.len() - 1].clone()
    }

    fn change_rest(&self, change: impl FnOnce(&mut BTreeMap<PathBuf, Vec<u8>>)) {
        let mut rest = self.rest();
        change(&mut rest);
        self.0.borrow_mut().rest.push(rest);
    }

    /// Steps that have been done of as many.
    pub(crate) fn steps_left(&self) -> usize {
        self.0.borrow().left
    }

    fn step(&self) -> io::Result<()> {
        let mut mounted = self.0.borrow_mut();
        mounted.left = mounted.left.checked_sub(1).ok_or_else(dead)?;
        Ok(())
    }

    fn put(&self, place: Place, content: Content) {
        let mut mounted = self.0.borrow_mut();
        mounted
            .pending
            .entry(place)
            .or_default()
            .push(content.clone());
        mounted.now.insert(place, content);
    }

    fn entry(&self, path: &Path) -> Option<(usize, Option<usize>, usize)> {
        self.0
            .borrow()
            .now
            .iter()
            .find_map(|(place, content)| match (place, content) {
                (Place::Entry(n), Content::Entry(Some((name, first, length)))) if name == path => {
                    Some((*n, *first, *length))
                }
                _ => None,
            })
    }

    fn link(&self, cluster: usize) -> Link {
        match self.0.borrow().now.get(&Place::Fat(cluster)) {
            Some(Content::Fat(link)) => *link,
            _ => Link::Free,
        }
    }

    fn sync_rest(&self) -> io::Result<()> {
        let now = self.rest();
        self.0.borrow_mut().rest = vec![now];
        Ok(())
    }

    /// The clusters of a chain; an error where it leads into free space.
    fn chain(&self, first: Option<usize>) -> io::Result<Vec<usize>> {
        let mut chain = Vec::new();
        let mut next = first;
        while let Some(cluster) = next {
            chain.push(cluster);
            next = match self.link(cluster) {
                Link::Next(next) if chain.len() < CLUSTERS => Some(next),
                Link::End => None,
                // A file of one cluster is read without a look into the FAT.
                _ if chain.len() == 1 => None,
                _ => return Err(io::Error::other("the chain is broken")),
            };
        }
        Ok(chain)
    }

    /// Frees a chain as far as it is one (fs/fat/fatent.c: fat_free_clusters stops at a free entry).
    fn free(&self, first: Option<usize>) {
        let mut next = first;
        while let Some(cluster) = next {
            next = match self.link(cluster) {
                Link::Free => return,
                Link::Next(next) => Some(next),
                Link::End => None,
            };
            self.put(Place::Fat(cluster), Content::Fat(Link::Free));
        }
    }

    fn allocate(&self) -> io::Result<usize> {
        let free = (2..CLUSTERS).find(|&cluster| self.link(cluster) == Link::Free);
        let cluster = free.ok_or(io::ErrorKind::StorageFull)?;
        self.put(Place::Fat(cluster), Content::Fat(Link::End));
        Ok(cluster)
    }

    /// Asserts that no file shares a cluster with another, or has a free one; except for twins, which
    /// share all.
    pub(crate) fn assert_sound(&self) {
        let image = self.0.borrow().now.clone();
        let mut owners: BTreeMap<usize, (PathBuf, Option<usize>)> = BTreeMap::new();
        for content in image.values() {
            let Content::Entry(Some((name, first, length))) = content else {
                continue;
            };
            let chain = self.chain(*first).unwrap();
            assert!(chain.len() * CLUSTER >= *length, "{name:?} is cut short");
            for cluster in chain {
                assert_ne!(
                    self.link(cluster),
                    Link::Free,
                    "{name:?} has a free cluster"
                );
                let owner = owners.insert(cluster, (name.clone(), *first));
                let others = owner.filter(|(_, other)| other != first);
                assert_eq!(others, None, "{name:?} shares a cluster");
            }
        }
    }
}

impl Files for Fat {
    type File = FatFile;

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        if !is_on_fat(path) {
            return Ok(self.rest().remove(path));
        }
        let Some((_, first, length)) = self.entry(path) else {
            return Ok(None);
        };
        let chain = self.chain(first)?;
        let mounted = self.0.borrow();
        let mut bytes = Vec::new();
        for cluster in chain {
            match mounted.now.get(&Place::Data(cluster)) {
                Some(Content::Data(data)) => bytes.extend_from_slice(&data[..]),
                _ => bytes.extend_from_slice(&[0; CLUSTER]),
            }
        }
        match bytes.len() >= length {
            true => bytes.truncate(length),
            false => return Err(io::Error::other("the chain ends too early")),
        }
        Ok(Some(bytes))
    }

    fn open(&mut self, path: &Path) -> io::Result<Option<FatFile>> {
        if !is_on_fat(path) {
            let there = self.rest().contains_key(path);
            return Ok(there.then(|| FatFile::elsewhere(self, path)));
        }
        let Some((entry, first, _)) = self.entry(path) else {
            return Ok(None);
        };
        self.0.borrow_mut().open += 1;
        Ok(Some(FatFile {
            fat: self.clone(),
            first,
            entry,
            path: path.to_owned(),
        }))
    }

    fn create(&mut self, path: &Path) -> io::Result<FatFile> {
        self.step()?;
        if !is_on_fat(path) {
            self.change_rest(|rest| drop(rest.insert(path.to_owned(), Vec::new())));
            return Ok(FatFile::elsewhere(self, path));
        }
        let entry = match self.entry(path) {
            Some((entry, first, _)) => {
                self.free(first);
                entry
            }
            None => {
                let mut mounted = self.0.borrow_mut();
                let free = mounted
                    .now
                    .iter()
                    .find_map(|(place, content)| match (place, content) {
                        (Place::Entry(n), Content::Entry(None)) => Some(*n),
                        _ => None,
                    });
                free.unwrap_or_else(|| {
                    mounted.entries += 1;
                    mounted.entries - 1
                })
            }
        };
        self.put(
            Place::Entry(entry),
            Content::Entry(Some((path.to_owned(), None, 0))),
        );
        self.0.borrow_mut().open += 1;
        Ok(FatFile {
            fat: self.clone(),
            first: None,
            entry,
            path: path.to_owned(),
        })
    }

    fn write(&mut self, file: &mut FatFile, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        if !is_on_fat(&file.path) {
            self.change_rest(|rest| drop(rest.insert(file.path.clone(), bytes.to_vec())));
            return Ok(());
        }
        let mut chain = self.chain(file.first)?;
        while chain.len() * CLUSTER < bytes.len() {
            let cluster = self.allocate()?;
            match chain.last() {
                Some(&last) => self.put(Place::Fat(last), Content::Fat(Link::Next(cluster))),
                None => file.first = Some(cluster),
            }
            chain.push(cluster);
        }
        for (&cluster, part) in chain.iter().zip(bytes.chunks(CLUSTER)) {
            let mut data = [0; CLUSTER];
            data[..part.len()].copy_from_slice(part);
            self.put(Place::Data(cluster), Content::Data(Rc::new(data)));
        }
        if file.has_name() {
            let entry = Some((file.path.clone(), file.first, bytes.len()));
            self.put(Place::Entry(file.entry), Content::Entry(entry));
        }
        Ok(())
    }

    fn sync(&mut self, file: &mut FatFile) -> io::Result<()> {
        self.step()?;
        if self.0.borrow().mutant == Mutant::NoSync {
            return Ok(());
        }
        if !is_on_fat(&file.path) {
            return self.sync_rest();
        }
        let chain = self.chain(file.first)?;
        let mut mounted = self.0.borrow_mut();
        let mut places: Vec<Place> = Vec::new();
        for cluster in chain {
            places.extend([Place::Data(cluster), Place::Fat(cluster)]);
        }
        places.push(Place::Entry(file.entry));
        for place in places {
            if mounted.pending.remove(&place).is_some() {
                let content = mounted.now[&place].clone();
                mounted.durable.insert(place, content);
            }
        }
        Ok(())
    }

    fn publish(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        if !is_on_fat(from) {
            self.change_rest(|rest| {
                let bytes = rest.remove(from).unwrap();
                rest.insert(to.to_owned(), bytes);
            });
            return Ok(());
        }
        let (source, first, length) = self.entry(from).ok_or(io::ErrorKind::NotFound)?;
        let replaced = self.entry(to);
        let target = match replaced {
            Some((target, ..)) => target,
            None => {
                let mut mounted = self.0.borrow_mut();
                mounted.entries += 1;
                mounted.entries - 1
            }
        };
        let entry = Some((to.to_owned(), first, length));
        self.put(Place::Entry(target), Content::Entry(entry));
        self.put(Place::Entry(source), Content::Entry(None));
        let (open, mutant) = (self.0.borrow().open, self.0.borrow().mutant);
        if let Some((_, old, _)) = replaced
            && (open == 0 || mutant == Mutant::FreeEarly)
        {
            self.free(old);
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.step()?;
        if !is_on_fat(path) {
            self.change_rest(|rest| drop(rest.remove(path)));
            return Ok(());
        }
        let (entry, first, _) = self.entry(path).ok_or(io::ErrorKind::NotFound)?;
        self.put(Place::Entry(entry), Content::Entry(None));
        self.free(first);
        Ok(())
    }

    fn make_directory(&mut self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        assert!(!is_on_fat(directory));
        let rest = self.rest();
        let names = rest
            .keys()
            .filter_map(|path| path.strip_prefix(directory).ok());
        Ok(names.map(|name| name.as_os_str().to_owned()).collect())
    }

    fn sync_all(&mut self, directory: &Path) -> io::Result<()> {
        self.step()?;
        if !is_on_fat(directory) {
            return self.sync_rest();
        }
        let mut mounted = self.0.borrow_mut();
        if mounted.mutant != Mutant::NoSync {
            mounted.pending.clear();
            mounted.durable = mounted.now.clone();
        }
        Ok(())
    }
}

impl FatFile {
    /// A file on the other filesystem.
    fn elsewhere(fat: &Fat, path: &Path) -> Self {
        fat.0.borrow_mut().open += 1;
        Self {
            fat: fat.clone(),
            first: None,
            entry: usize::MAX,
            path: path.to_owned(),
        }
    }

    /// Whether its entry still leads to it.
    fn has_name(&self) -> bool {
        let now = self.fat.entry(&self.path);
        now.is_some_and(|(entry, first, _)| {
            entry == self.entry && (first == self.first || first.is_none())
        })
    }
}

impl Drop for FatFile {
    fn drop(&mut self) {
        self.fat.0.borrow_mut().open -= 1;
        if !self.has_name() && self.fat.steps_left() > 0 {
            self.fat.free(self.first);
        }
    }
}
