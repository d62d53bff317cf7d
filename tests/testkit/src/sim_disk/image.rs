//! What is on a disk.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::damage::Damage;

/// A disk after a power cut.
#[derive(Debug, Clone, Default)]
pub struct DiskImage {
    /// Name and content of every file.
    pub files: BTreeMap<String, Rc<[u8]>>,
}

impl DiskImage {
    /// Damages a file; `old` is what stood in its place before. Nothing happens to a file that is not there.
    pub fn damage(&mut self, name: &str, damage: &Damage, old: &[u8]) {
        if let Some(content) = self.files.get_mut(name) {
            let mut bytes = content.to_vec();
            damage.apply(&mut bytes, old);
            *content = bytes.into();
        }
    }
}
