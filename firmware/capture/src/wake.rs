//! When a source that failed is worth another try at once: its device has come back.

use std::path::{Path, PathBuf};

use crate::csi::media_signature;
use crate::v4l2::{nodes_signature, signature};
use crate::{CameraSpec, SourceSpec};

/// What is watched.
#[derive(Debug)]
enum Watched {
    /// Nothing that comes and goes.
    Nothing,
    Node(PathBuf),
    AnyNode,
}

/// Watches for a camera's device.
///
/// It looks at the node and does not wait for the kernel's word: a look is one `stat`, is needed only while a camera is
/// away, and cannot be missed. Directories of names come and go with the last camera, so that watching them (inotify)
/// would be more work and no faster; the kernel's word (a uevent) comes before the node may be opened.
#[derive(Debug)]
pub struct Wake {
    root: PathBuf,
    watched: Watched,
    seen: u64,
}

impl Wake {
    /// For the camera that `spec` describes.
    pub fn of(spec: &CameraSpec) -> Self {
        Self::below(Path::new("/"), spec)
    }

    fn below(root: &Path, spec: &CameraSpec) -> Self {
        Self {
            root: root.to_owned(),
            watched: match &spec.source {
                SourceSpec::V4l2(params) => Watched::Node(params.device.path(root)),
                SourceSpec::Auto(_) | SourceSpec::Csi(_) => Watched::AnyNode,
                SourceSpec::Sim(_) | SourceSpec::File(_) | SourceSpec::Rtsp(_) => Watched::Nothing,
            },
            seen: 0,
        }
    }

    fn now(&self) -> u64 {
        match &self.watched {
            Watched::Nothing => 0,
            Watched::Node(path) => signature(path),
            Watched::AnyNode => any_signature(&self.root),
        }
    }

    /// The source is about to be opened: what is there now has had its turn.
    pub fn note(&mut self) {
        self.seen = self.now();
    }

    /// Whether something is there that was not when the source was last opened.
    pub fn has_come(&self) -> bool {
        let now = self.now();
        now != 0 && now != self.seen
    }
}

/// Something that changes when a node of any camera comes, goes or gets other rights; 0 while there is none. libcamera lists a
/// camera once udev has looked at its nodes, which gives them their group.
pub(crate) fn any_signature(root: &Path) -> u64 {
    match (nodes_signature(root), media_signature(root)) {
        (video, 0) => video,
        (video, media) => video.rotate_left(1) ^ media,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn wake(root: &Path, source: &str) -> Wake {
        Wake::below(root, &CameraSpec::parse(&format!("a={source}")).unwrap())
    }

    #[test]
    fn a_node_that_comes_or_comes_back_wakes_and_one_that_is_away_or_stays_does_not() {
        let root = tempfile::tempdir().unwrap();
        let dev = root.path().join("dev/v4l/by-id");
        fs::create_dir_all(&dev).unwrap();
        let mut wake = wake(root.path(), "v4l2:by-id/cam");
        wake.note();
        assert!(!wake.has_come());
        fs::write(dev.join("cam"), b"").unwrap();
        assert!(wake.has_come());
        wake.note();
        assert!(!wake.has_come());
        // Unplugged and plugged in again between two looks.
        fs::rename(dev.join("cam"), root.path().join("old")).unwrap();
        assert!(!wake.has_come());
        fs::write(dev.join("cam"), b"").unwrap();
        assert!(wake.has_come());
    }

    #[test]
    fn rights_that_come_later_wake_too() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let node = root.path().join("dev/video0");
        fs::create_dir_all(root.path().join("dev")).unwrap();
        fs::write(&node, b"").unwrap();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o600)).unwrap();
        let mut wake = wake(root.path(), "v4l2:/dev/video0");
        wake.note();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o660)).unwrap();
        assert!(wake.has_come());
    }

    #[test]
    fn a_part_of_a_camera_that_udev_gives_to_its_group_wakes_auto_and_the_ribbon_cable() {
        use std::os::unix::fs::PermissionsExt;
        for source in ["auto", "csi:"] {
            let root = tempfile::tempdir().unwrap();
            let mut wake = wake(root.path(), source);
            fs::create_dir_all(root.path().join("dev")).unwrap();
            wake.note();
            let node = root.path().join("dev/media0");
            fs::write(&node, b"").unwrap();
            assert!(wake.has_come());
            wake.note();
            assert!(!wake.has_come());
            fs::set_permissions(&node, fs::Permissions::from_mode(0o640)).unwrap();
            assert!(wake.has_come());
        }
    }

    #[test]
    fn any_camera_wakes_auto_and_none_the_others() {
        let root = tempfile::tempdir().unwrap();
        let mut auto = wake(root.path(), "auto");
        let mut sim = wake(root.path(), "sim:");
        auto.note();
        sim.note();
        let class = root.path().join("sys/class/video4linux/video0");
        fs::create_dir_all(class).unwrap();
        assert!(auto.has_come());
        assert!(!sim.has_come());
        auto.note();
        assert!(!auto.has_come());
        // Its lasting name comes a moment after the node.
        let names = root.path().join("dev/v4l/by-id");
        fs::create_dir_all(&names).unwrap();
        std::os::unix::fs::symlink("../../video0", names.join("usb-x")).unwrap();
        assert!(auto.has_come());
    }
}
