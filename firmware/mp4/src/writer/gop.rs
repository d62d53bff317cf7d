//! Sizes of groups of pictures, to end a segment before one that would not fit.

/// Besides the pictures: boxes and padding of the fragments of a group, in bytes.
const BOXES: u64 = 64 * 1024;
/// Besides the pictures: samples of other tracks that are in the index already.
const MORE_SAMPLES: usize = 8;

/// The group being recorded, and the largest before it in its segment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gop {
    now: Size,
    most: Size,
}

/// What a group takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) pictures: usize,
    /// Pictures, and samples of all other tracks.
    pub(super) samples: usize,
}

impl Size {
    fn max(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.max(other.bytes),
            pictures: self.pictures.max(other.pictures),
            samples: self.samples.max(other.samples),
        }
    }
}

impl Gop {
    /// Adds a picture of so many bytes; a key frame begins a new group.
    pub(super) fn picture(&mut self, key: bool, bytes: u64) {
        if key {
            self.most = self.most.max(self.now);
            self.now = Size::default();
        }
        self.now.pictures += 1;
        self.other(bytes);
    }

    /// Adds a sample of another track.
    pub(super) fn other(&mut self, bytes: u64) {
        self.now.bytes += bytes;
        self.now.samples += 1;
    }

    /// What another group may take: the largest so far and half as much again.
    pub(super) fn another(&self) -> Size {
        let most = self.most.max(self.now);
        Size {
            bytes: most.bytes + most.bytes / 2 + BOXES,
            pictures: most.pictures + most.pictures / 2 + MORE_SAMPLES,
            samples: most.samples + most.samples / 2 + MORE_SAMPLES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_group_counts_with_half_as_much_again() {
        let size = |gop: Gop| {
            let Size {
                bytes,
                pictures,
                samples,
            } = gop.another();
            (bytes, pictures, samples)
        };
        let mut gop = Gop::default();
        assert_eq!(size(gop), (65_536, 8, 8));
        for (key, bytes) in [(true, 500), (false, 100), (false, 40)] {
            gop.picture(key, bytes);
        }
        gop.other(20);
        assert_eq!(size(gop), (660 + 330 + 65_536, 3 + 1 + 8, 4 + 2 + 8));
        // A smaller one does not make the largest forgotten; a larger one counts while it lasts.
        gop.picture(true, 300);
        assert_eq!(size(gop), (660 + 330 + 65_536, 3 + 1 + 8, 4 + 2 + 8));
        for _ in 0..5 {
            gop.picture(false, 100);
        }
        assert_eq!(size(gop), (800 + 400 + 65_536, 6 + 3 + 8, 6 + 3 + 8));
    }
}
