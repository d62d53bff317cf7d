//! Which camera has which name, for good.
//!
//! Kept in one small text file beside the footage: the card is the database. Whoever deletes it lets names be given
//! anew.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::csi::camera_of;
use crate::v4l2::{DeviceName, Found};
use crate::{CameraSpec, SourceSpec};

/// Name of the file.
pub const BINDINGS_NAME: &str = "picam-cameras.txt";
/// The same while it is written. It is whole before it takes the other's place, and counts if that is missing.
pub const BINDINGS_NEW: &str = "picam-cameras.new";
/// No honest file is longer, in bytes.
const MAX_LEN: u64 = 64 * 1024;
/// More cameras than these are not added by themselves.
const MOST_CAMERAS: usize = 8;
/// A card that does not take the file is asked again.
const RETRY: Duration = Duration::from_secs(2);
/// So often.
const RETRIES: u32 = 300;

const HEADER: &str = "\
# Which camera has which name, where picam.toml says source = \"auto\". A line is a name and a device. Delete a line, or
# this file, and the name goes to the camera that is found first.
";

/// A camera's name and the device that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The camera's name, as in [`CameraSpec`].
    pub name: String,
    /// What lasts of the device: [`Found::id`].
    pub device: String,
}

/// All of them, shared by the cameras of one recorder. Its lock is held for moments, and never while the card is asked.
#[derive(Debug, Default)]
pub struct Bindings {
    directory: Option<PathBuf>,
    /// Cameras that a line of picam.toml names.
    reserved: Mutex<Vec<SourceSpec>>,
    list: Mutex<Vec<Binding>>,
    /// Whom to tell that a camera came that has a name now.
    on_new: OnNew,
}

/// See [`Bindings::on_new`].
#[derive(Default)]
struct OnNew(OnceLock<Box<dyn Fn() + Send + Sync>>);

impl std::fmt::Debug for OnNew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnNew")
    }
}

impl Bindings {
    /// Those of the card, whose footage is in `directory`. What cannot be read is empty.
    pub fn of(directory: &Path) -> Self {
        Self {
            directory: Some(directory.to_owned()),
            reserved: Mutex::default(),
            list: Mutex::new(load(directory).unwrap_or_default()),
            on_new: OnNew::default(),
        }
    }

    /// Those of a card that did not answer: what it says is asked again when something is written down.
    pub fn unread(directory: &Path) -> Self {
        Self {
            directory: Some(directory.to_owned()),
            ..Self::default()
        }
    }

    /// Whether they are those of a card.
    pub fn are_kept(&self) -> bool {
        self.directory.is_some()
    }

    /// Calls this whenever a camera came while others are recorded, and has a name now. The first one told stays.
    pub fn on_new(&self, tell: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_new.0.set(Box::new(tell));
    }

    /// Names those of these cameras that have no name and can be taken, and tells whoever wanted to know.
    pub fn name_new(self: &Arc<Self>, found: &[Found]) {
        let free: Vec<&Found> = found.iter().filter(|found| self.is_free(found)).collect();
        for found in &free {
            let name = self.new_name(std::iter::empty());
            self.bind(&name, &found.id);
            let card = &found.identity.card;
            tracing::info!("another camera ({card}, {}) has come: {name}", found.id);
        }
        if let (false, Some(tell)) = (free.is_empty(), self.on_new.0.get()) {
            tell();
        }
    }

    /// All there are.
    pub fn all(&self) -> Vec<Binding> {
        self.lock().clone()
    }

    /// The device that has this name.
    pub(crate) fn device_of(&self, name: &str) -> Option<String> {
        let list = self.lock();
        let own = list.iter().find(|binding| binding.name == name);
        own.map(|binding| binding.device.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Binding>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserved(&self) -> MutexGuard<'_, Vec<SourceSpec>> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives `name` to `device`, unless either is bound already; and writes that down, however long the card takes.
    pub(crate) fn bind(self: &Arc<Self>, name: &str, device: &str) {
        if !add(&mut self.lock(), name, device) {
            return;
        }
        let this = self.clone();
        let writing = std::thread::Builder::new().name("bindings".to_owned());
        // Without a thread, it is found anew at the next start.
        let _ = writing.spawn(move || this.write_down());
    }

    fn write_down(&self) {
        let Some(directory) = &self.directory else {
            return;
        };
        for _ in 0..RETRIES {
            match self.merge_and_store(directory) {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!("the cameras' names are not on the card yet: {error}")
                }
            }
            std::thread::sleep(RETRY);
        }
    }

    /// What stands on the card goes first: it may not have been there when the recorder began.
    fn merge_and_store(&self, directory: &Path) -> io::Result<()> {
        let mut merged = load(directory)?;
        for binding in self.all() {
            add(&mut merged, &binding.name, &binding.device);
        }
        store(directory, &merged)
    }

    /// Whether a device may be given to a camera that has none.
    pub(crate) fn is_free(&self, found: &Found) -> bool {
        let camera = camera_of(&found.id);
        let named = |source: &SourceSpec| match source {
            SourceSpec::V4l2(params) => {
                let path = fs::canonicalize(params.device.path(Path::new("/")));
                path.is_ok_and(|path| path == found.node)
            }
            // The first one may be any.
            SourceSpec::Csi(params) => {
                camera.is_some_and(|camera| params.camera.is_empty() || params.camera == camera)
            }
            _ => false,
        };
        found.problem.is_none()
            && !found.is_new
            && !self.lock().iter().any(|binding| binding.device == found.id)
            && !self.reserved().iter().any(named)
    }

    /// The cameras to record: those of the configuration, and, if one of these is `auto`, every other that has a name
    /// already or is there now. New ones are called `cam2` and so on.
    pub fn expand(
        self: &Arc<Self>,
        mut cameras: Vec<CameraSpec>,
        found: &[Found],
    ) -> Vec<CameraSpec> {
        *self.reserved() = cameras
            .iter()
            .map(|camera| camera.source.clone())
            .filter(|source| matches!(source, SourceSpec::V4l2(_) | SourceSpec::Csi(_)))
            .collect();
        let auto = cameras
            .iter()
            .rev()
            .find_map(|camera| match &camera.source {
                SourceSpec::Auto(wishes) => Some((*wishes, camera.picture.clone())),
                _ => None,
            });
        let Some((wishes, picture)) = auto else {
            return cameras;
        };
        let with = |name: &str| CameraSpec {
            name: name.to_owned(),
            source: SourceSpec::Auto(wishes),
            picture: picture.clone(),
        };
        for binding in self.all() {
            let known = cameras.iter().any(|camera| camera.name == binding.name);
            if !known && cameras.len() < MOST_CAMERAS {
                cameras.push(with(&binding.name));
            }
        }
        // The first go to those that have a name and no device.
        let waiting = cameras.iter().filter(|camera| {
            let bound = self
                .lock()
                .iter()
                .any(|binding| binding.name == camera.name);
            matches!(camera.source, SourceSpec::Auto(_)) && !bound
        });
        let free = found.iter().filter(|found| self.is_free(found));
        let more: Vec<&Found> = free.skip(waiting.count()).collect();
        for found in more {
            if cameras.len() < MOST_CAMERAS {
                let name = self.new_name(cameras.iter().map(|camera| camera.name.as_str()));
                self.bind(&name, &found.id);
                cameras.push(with(&name));
            }
        }
        cameras
    }

    /// A name that nobody has.
    pub(crate) fn new_name<'a>(&self, taken: impl Iterator<Item = &'a str>) -> String {
        let taken: Vec<&str> = taken.collect();
        let list = self.lock();
        let is_free = |name: &String| {
            !taken.contains(&name.as_str()) && !list.iter().any(|binding| binding.name == *name)
        };
        let mut names = (2..).map(|n| format!("cam{n}"));
        names.find(is_free).unwrap_or_default()
    }
}

/// Whether it was added: neither name nor device was bound.
fn add(list: &mut Vec<Binding>, name: &str, device: &str) -> bool {
    let known = |binding: &Binding| binding.name == name || binding.device == device;
    if list.iter().any(known) {
        return false;
    }
    list.push(Binding {
        name: name.to_owned(),
        device: device.to_owned(),
    });
    true
}

/// Reads the lines that can be used.
fn parse(text: &str) -> Vec<Binding> {
    let mut list = Vec::new();
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
    {
        if let Some((name, device)) = line.split_once(char::is_whitespace)
            && CameraSpec::parse(&format!("{name}=auto")).is_ok()
            && (DeviceName::new(device.trim()).is_ok() || camera_of(device.trim()).is_some())
        {
            add(&mut list, name, device.trim());
        }
    }
    list
}

fn show(list: &[Binding]) -> String {
    let mut text = HEADER.to_owned();
    for binding in list {
        let _ = writeln!(text, "{} {}", binding.name, binding.device);
    }
    text
}

fn load(directory: &Path) -> io::Result<Vec<Binding>> {
    for name in [BINDINGS_NAME, BINDINGS_NEW] {
        match File::open(directory.join(name)) {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(MAX_LEN).read_to_end(&mut bytes)?;
                return Ok(parse(&String::from_utf8_lossy(&bytes)));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    // A directory that is missing is a card that is not there.
    fs::metadata(directory).map(|_| Vec::new())
}

/// On the card when it returns. A power cut leaves the old file, the new one, or both.
fn store(directory: &Path, list: &[Binding]) -> io::Result<()> {
    let new = directory.join(BINDINGS_NEW);
    let mut file = File::create(&new)?;
    file.write_all(show(list).as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, directory.join(BINDINGS_NAME))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
#[path = "bindings_tests.rs"]
mod tests;
