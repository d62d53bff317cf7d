//! The archive that Linux unpacks as its first root filesystem: "newc", as
//! `Documentation/driver-api/early-userspace/buffer-format.rst` describes it.

/// An archive in the making.
#[derive(Debug, Default)]
pub struct Cpio {
    bytes: Vec<u8>,
    inodes: u32,
}

impl Cpio {
    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.inodes += 1;
        self.bytes.extend_from_slice(b"070701");
        let name_len = path.len() as u32 + 1;
        let fields = [
            self.inodes,
            mode,
            0, // user
            0, // group
            1, // links
            0, // time
            content.len() as u32,
            0,
            0,
            0,
            0,
            name_len,
            0,
        ];
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// Adds a directory.
    pub fn directory(&mut self, path: &str) {
        self.entry(path, 0o040_755, &[]);
    }

    /// Adds a file; an executable one has the right to be run.
    pub fn file(&mut self, path: &str, content: &[u8], executable: bool) {
        self.entry(
            path,
            if executable { 0o100_755 } else { 0o100_644 },
            content,
        );
    }

    /// The archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn cpio_unpacks_it() {
        let mut archive = Cpio::default();
        archive.directory("bin");
        archive.file("bin/run", b"#!/bin/sh\necho hello\n", true);
        archive.file("odd", b"12345", false);
        let at = tempfile::tempdir().unwrap();
        let mut cpio = Command::new("cpio");
        cpio.args(["-idm", "--quiet"])
            .current_dir(at.path())
            .stdin(Stdio::piped());
        let Ok(mut cpio) = cpio.spawn() else {
            picam_testkit::judges::skip("cpio is not installed", "apt-get install cpio");
            return;
        };
        cpio.stdin
            .take()
            .unwrap()
            .write_all(&archive.finish())
            .unwrap();
        assert!(cpio.wait().unwrap().success());
        let said = Command::new(at.path().join("bin/run")).output().unwrap();
        assert_eq!(said.stdout, b"hello\n");
        assert_eq!(std::fs::read(at.path().join("odd")).unwrap(), b"12345");
    }
}
