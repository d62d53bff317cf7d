//! The video nodes that are there, and names for them that last.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::device::{Control, Device, Identity, Offer, UsableSizes};
use super::{picture, sys};
use crate::picture::{Key, Takes};

/// udev has named a node after this time, or will not.
const NAMED: Duration = Duration::from_secs(3);
/// More nodes are not looked at.
const MOST_NODES: usize = 64;

/// A camera that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// A name that lasts, if udev gives one (`by-id/...`, `by-path/...`); else the node's path. What stands
    /// behind `v4l2:`. Of a camera of libcamera `csi:` and its name.
    pub id: String,
    /// `/dev/video0`; empty for a camera of libcamera.
    pub node: PathBuf,
    /// What it says it is; where it cannot be opened, what the kernel calls it.
    pub identity: Identity,
    /// Its formats.
    pub offers: Vec<Offer>,
    /// What can be set.
    pub controls: Vec<Control>,
    /// Whether udev may still give it a name that lasts: the kernel has made the node just now.
    pub is_new: bool,
    /// Why it cannot be used, and what to do about it.
    pub problem: Option<String>,
}

/// udev's names for nodes.
#[derive(Debug, Default)]
pub(crate) struct Links {
    /// `by-id/...` or `by-path/...` of `video0`; the former goes first.
    names: BTreeMap<String, String>,
}

impl Links {
    /// Reads them, below `root`.
    pub(crate) fn read(root: &Path) -> Self {
        let mut names = BTreeMap::new();
        for kind in ["by-path", "by-id"] {
            let entries = fs::read_dir(root.join("dev/v4l").join(kind));
            for entry in entries.into_iter().flatten().flatten() {
                let Ok(target) = fs::read_link(entry.path()) else {
                    continue;
                };
                let (Some(node), Ok(link)) = (
                    target.file_name().and_then(|name| name.to_str()),
                    entry.file_name().into_string(),
                ) else {
                    continue;
                };
                names.insert(node.to_owned(), format!("{kind}/{link}"));
            }
        }
        Self { names }
    }

    /// A name of `node` that lasts, or its path.
    pub(crate) fn id(&self, node: &str) -> String {
        let name = self.names.get(node).cloned();
        name.unwrap_or_else(|| format!("/dev/{node}"))
    }
}

/// Names of all video nodes (`video0`), in the order of their numbers.
pub(crate) fn list(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root.join("sys/class/video4linux"));
    let mut nodes: Vec<(u32, String)> = entries
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| Some((name.strip_prefix("video")?.parse().ok()?, name)))
        .collect();
    nodes.sort();
    nodes.truncate(MOST_NODES);
    nodes.into_iter().map(|(_, name)| name).collect()
}

/// Finds the cameras, below `root`. Opens each node in turn, and hangs as long as a driver does.
pub(crate) fn find(root: &Path) -> Vec<Found> {
    let links = Links::read(root);
    let nodes = list(root);
    nodes
        .iter()
        .filter_map(|name| look_at(root, name, &links))
        .collect()
}

/// The camera behind a node; `None` if there is none.
fn look_at(root: &Path, name: &str, links: &Links) -> Option<Found> {
    let node = root.join("dev").join(name);
    let told = |file: &str| {
        let path = root.join("sys/class/video4linux").join(name).join(file);
        let text = fs::read_to_string(path).unwrap_or_default();
        text.trim().to_owned()
    };
    let mut found = Found {
        id: links.id(name),
        node: node.clone(),
        identity: Identity {
            card: told("name"),
            ..Identity::default()
        },
        offers: Vec::new(),
        controls: Vec::new(),
        is_new: links.id(name).starts_with("/dev/")
            && root.join("run/udev").exists()
            && is_new(&node),
        problem: None,
    };
    let opened = sys::Node::open(&node).and_then(|device| {
        let identity = device.identity()?;
        Ok((device, identity))
    });
    match opened {
        Ok((device, identity)) => {
            if !identity.is_camera() {
                return None;
            }
            found.identity = identity;
            match device.offers(&UsableSizes::default()) {
                Ok(offers) => found.offers = offers,
                Err(error) => {
                    found.problem = Some(format!("it does not tell its formats: {error}"))
                }
            }
            found.controls = device.controls();
        }
        // The second node of a camera tells of its pictures and delivers none.
        Err(_) if told("index") != "0" => return None,
        Err(error) => found.problem = Some(remedy(&error)),
    }
    Some(found)
}

impl Found {
    /// What can be set of its pictures while it is open, and what each takes. Empty for cameras that say so only when they are
    /// opened (libcamera's).
    pub fn picture(&self) -> Vec<(Key, Takes)> {
        picture::takes(&self.controls)
    }
}

/// Whether the node was made, or given to its group, a moment ago. A clock that was set meanwhile makes nothing new.
fn is_new(node: &Path) -> bool {
    let changed = fs::metadata(node).map(|found| (found.ctime(), found.ctime_nsec()));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let (Ok((seconds, nanos)), Ok(now)) = (changed, now) else {
        return false;
    };
    let changed = Duration::new(seconds.unsigned_abs(), nanos.unsigned_abs() as u32);
    now.checked_sub(changed).is_some_and(|age| age < NAMED)
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "it may not be opened: add this user to the group 'video' (as root: usermod -aG video USER, \
             then log in again)"
                .to_owned()
        }
        _ => format!("it cannot be opened: {error}"),
    }
}

/// Something that changes when the node at `path` comes, goes, comes back or gets other rights; 0 while it is not
/// there.
pub(crate) fn signature(path: &Path) -> u64 {
    let Ok(found) = fs::metadata(path) else {
        return 0;
    };
    let mut hasher = DefaultHasher::new();
    (found.ino(), found.rdev(), found.mode()).hash(&mut hasher);
    (found.ctime(), found.ctime_nsec(), found.dev()).hash(&mut hasher);
    hasher.finish() | 1
}

/// The same of all nodes together, and of udev's names.
pub(crate) fn nodes_signature(root: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    let nodes = list(root);
    for node in &nodes {
        (node, signature(&root.join("dev").join(node))).hash(&mut hasher);
    }
    Links::read(root).names.hash(&mut hasher);
    match nodes.is_empty() {
        true => 0,
        false => hasher.finish() | 1,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn machine(nodes: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (node, card, index) in nodes {
            let class = root.path().join("sys/class/video4linux").join(node);
            fs::create_dir_all(&class).unwrap();
            fs::write(class.join("name"), format!("{card}\n")).unwrap();
            fs::write(class.join("index"), format!("{index}\n")).unwrap();
        }
        fs::create_dir_all(root.path().join("dev/v4l/by-id")).unwrap();
        fs::create_dir_all(root.path().join("dev/v4l/by-path")).unwrap();
        root
    }

    #[test]
    fn nodes_are_listed_by_number_and_nothing_else() {
        let nodes = [
            "video10",
            "video2",
            "v4l-subdev0",
            "vbi0",
            "videox",
            "video0",
        ];
        let nodes = nodes.map(|node| (node, "camera", "0"));
        assert_eq!(
            list(machine(&nodes).path()),
            ["video0", "video2", "video10"]
        );
        assert!(list(Path::new("/nowhere")).is_empty());
    }

    #[test]
    fn a_node_is_called_by_its_serial_number_else_by_its_place_else_by_its_number() {
        let root = machine(&[]);
        let dev = root.path().join("dev/v4l");
        symlink("../../video0", dev.join("by-path/usb-0:1-video-index0")).unwrap();
        symlink("../../video0", dev.join("by-id/usb-A_B_123-video-index0")).unwrap();
        symlink("../../video2", dev.join("by-path/usb-0:2-video-index0")).unwrap();
        let links = Links::read(root.path());
        assert_eq!(links.id("video0"), "by-id/usb-A_B_123-video-index0");
        assert_eq!(links.id("video2"), "by-path/usb-0:2-video-index0");
        assert_eq!(links.id("video4"), "/dev/video4");
    }

    #[test]
    fn what_cannot_be_opened_is_told_once_with_a_remedy() {
        let nodes = [("video0", "HD Webcam", "0"), ("video1", "HD Webcam", "1")];
        let root = machine(&nodes);
        // A directory in place of a node can be opened by nobody.
        fs::create_dir(root.path().join("dev/video0")).unwrap();
        let found = find(root.path());
        let [camera] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(camera.identity.card, "HD Webcam");
        assert!(
            camera
                .problem
                .as_ref()
                .unwrap()
                .contains("cannot be opened")
        );
        let denied = remedy(&io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(denied.contains("group 'video'"), "{denied}");
    }

    #[test]
    fn a_node_is_new_until_udev_has_named_it_or_had_the_time_to() {
        let root = machine(&[("video0", "x", "0")]);
        fs::create_dir(root.path().join("dev/video0")).unwrap();
        let is_new = || find(root.path())[0].is_new;
        assert!(!is_new(), "without udev");
        fs::create_dir_all(root.path().join("run/udev")).unwrap();
        assert!(is_new());
        let name = root.path().join("dev/v4l/by-path/x");
        symlink("../../video0", name).unwrap();
        assert!(!is_new(), "named");
    }

    #[test]
    fn a_file_that_is_no_video_node_is_no_camera() {
        let root = machine(&[("video0", "x", "0")]);
        fs::write(root.path().join("dev/video0"), b"").unwrap();
        let found = find(root.path());
        assert!(
            found.iter().all(|camera| camera.problem.is_some()),
            "{found:?}"
        );
    }

    #[test]
    fn a_node_that_went_and_came_back_looks_different() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("video0");
        assert_eq!(signature(&path), 0);
        fs::write(&path, b"").unwrap();
        let first = signature(&path);
        assert_ne!(first, 0);
        assert_eq!(signature(&path), first);
        let kept = root.path().join("kept");
        fs::rename(&path, &kept).unwrap();
        assert_eq!(signature(&path), 0);
        fs::write(&path, b"").unwrap();
        assert_ne!(signature(&path), first);
    }
}
