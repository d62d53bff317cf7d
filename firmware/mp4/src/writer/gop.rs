//! Sizes of groups of pictures, to end a segment before one that would not fit.

/// Besides the pictures: boxes and padding of the fragments of a group, in bytes.
const BOXES: u64 = 64 * 1024;
/// Besides the pictures: samples of other tracks that are in the index already.
const MORE_SAMPLES: usize = 8;

/// The group being recorded, and the largest before it in its segment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gop {
    bytes: u64,
    samples: usize,
    most_bytes: u64,
    most_samples: usize,
}

impl Gop {
    /// Adds a picture of so many bytes; a key frame begins a new group.
    pub(super) fn note(&mut self, key: bool, bytes: u64) {
        if key {
            self.most_bytes = self.most_bytes.max(self.bytes);
            self.most_samples = self.most_samples.max(self.samples);
            (self.bytes, self.samples) = (0, 0);
        }
        self.bytes += bytes;
        self.samples += 1;
    }

    /// What another group may take, in bytes and samples: the largest so far and half as much again.
    pub(super) fn another(&self) -> (u64, usize) {
        let bytes = self.most_bytes.max(self.bytes);
        let samples = self.most_samples.max(self.samples);
        (
            bytes + bytes / 2 + BOXES,
            samples + samples / 2 + MORE_SAMPLES,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_group_counts_with_half_as_much_again() {
        let mut gop = Gop::default();
        assert_eq!(gop.another(), (65_536, 8));
        for (key, bytes) in [(true, 500), (false, 100), (false, 40)] {
            gop.note(key, bytes);
        }
        assert_eq!(gop.another(), (640 + 320 + 65_536, 3 + 1 + 8));
        // A smaller one does not make the largest forgotten; a larger one counts while it lasts.
        gop.note(true, 300);
        assert_eq!(gop.another(), (640 + 320 + 65_536, 3 + 1 + 8));
        for _ in 0..5 {
            gop.note(false, 100);
        }
        assert_eq!(gop.another(), (800 + 400 + 65_536, 6 + 3 + 8));
    }
}
