//! What `picam firstboot disk` says of a USB disk that it did not take, for the recorder's status.

/// Three lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskNote {
    /// The disk's node. Once that is gone, so is the disk.
    pub device: String,
    /// What is the matter.
    pub message: String,
    /// What its owner can do.
    pub remedy: String,
}

impl DiskNote {
    /// Reads what [`DiskNote::to_text`] made; `None` if a line is missing.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::to_owned);
        Some(Self {
            device: lines.next()?,
            message: lines.next()?,
            remedy: lines.next()?,
        })
    }

    /// The lines; what would break one is left out.
    pub fn to_text(&self) -> String {
        let one_line = |text: &str| text.replace(['\n', '\r'], " ");
        let lines = [&self.device, &self.message, &self.remedy];
        lines.map(|line| one_line(line) + "\n").concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = DiskNote {
            device: "/dev/sda".into(),
            message: "a disk\nof two lines".into(),
            remedy: "format it".into(),
        };
        let read = DiskNote::parse(&note.to_text()).unwrap();
        assert_eq!(read.message, "a disk of two lines");
        assert_eq!((read.device, read.remedy), (note.device, note.remedy));
        assert_eq!(DiskNote::parse("torn\n"), None);
    }
}
