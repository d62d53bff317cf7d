//! When which picture was taken.

use std::ops::Range;

/// Footage that one camera delivered without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which camera.
    pub camera: usize,
    /// Its first picture.
    pub first: u32,
    /// How many it has.
    pub pictures: u32,
    /// When the first was taken, by the guest's boot clock in nanoseconds.
    pub start: u64,
    /// Pictures from this one on were never written, for the recorder was killed or stopped: nobody can expect
    /// them.
    pub written: u32,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// The parts in order.
    pub parts: Vec<Part>,
    /// Pictures a second.
    pub rate: u32,
}

impl Part {
    fn numbers(&self) -> Range<u32> {
        self.first..self.first + self.pictures
    }

    /// What had been taken of it at `time`, and a recorder can be expected to have.
    fn taken(&self, time: u64, rate: u32) -> Range<u32> {
        let Some(since) = time.checked_sub(self.start) else {
            return self.first..self.first;
        };
        let taken = since * u64::from(rate) / 1_000_000_000 + 1;
        let taken = u32::try_from(taken).unwrap_or(u32::MAX).min(self.pictures);
        self.first..(self.first + taken).min(self.written).max(self.first)
    }
}

impl Timeline {
    /// How long so many pictures last, in nanoseconds.
    pub fn nanoseconds(&self, pictures: u32) -> u64 {
        u64::from(pictures) * 1_000_000_000 / u64::from(self.rate)
    }

    /// The cameras.
    pub fn cameras(&self) -> Range<usize> {
        0..self
            .parts
            .iter()
            .map(|part| part.camera + 1)
            .max()
            .unwrap_or(0)
    }

    fn parts_of(&self, camera: usize) -> impl DoubleEndedIterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.camera == camera)
    }

    /// The oldest and the newest picture of a camera that is shown.
    fn ends(&self, camera: usize, shown: &[bool]) -> Option<(u32, u32)> {
        let is_shown = |number: &u32| shown[*number as usize];
        let oldest = self
            .parts_of(camera)
            .flat_map(Part::numbers)
            .find(is_shown)?;
        let newest = self
            .parts_of(camera)
            .rev()
            .flat_map(|part| part.numbers().rev())
            .find(is_shown)?;
        Some((oldest, newest))
    }

    /// How many pictures of a camera are missing: of those from its oldest shown one on that had been taken
    /// at `time`, how many are not among those shown.
    pub fn lost(&self, camera: usize, time: u64, shown: &[bool]) -> u32 {
        let oldest = self.ends(camera, shown).map_or(0, |(oldest, _)| oldest);
        let taken = self
            .parts_of(camera)
            .flat_map(|part| part.taken(time, self.rate));
        taken
            .filter(|&number| number >= oldest && !shown[number as usize])
            .count() as u32
    }

    /// How many pictures are missing behind the newest one shown, up to `last`, of the camera that took `last`.
    pub fn missing_up_to(&self, last: u32, shown: &[bool]) -> u32 {
        let Some(camera) = self
            .parts
            .iter()
            .find(|part| part.numbers().contains(&last))
            .map(|part| part.camera)
        else {
            return 0;
        };
        let newest = self.ends(camera, shown).map_or(0, |(_, newest)| newest + 1);
        (newest..=last)
            .filter(|&number| self.is_expected(camera, number))
            .count() as u32
    }

    /// Whether a picture of this camera was ever to be found: not if the recorder was killed before it wrote it.
    pub fn is_expected(&self, camera: usize, number: u32) -> bool {
        let part = self
            .parts_of(camera)
            .find(|part| part.numbers().contains(&number));
        part.is_some_and(|part| number < part.written)
    }

    /// Which camera took a picture.
    pub fn camera_of(&self, number: u32) -> Option<usize> {
        let part = self
            .parts
            .iter()
            .find(|part| part.numbers().contains(&number));
        part.map(|part| part.camera)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn part(camera: usize, first: u32, start: u64, written: u32) -> Part {
        Part {
            camera,
            first,
            pictures: 30,
            start,
            written,
        }
    }

    #[test]
    fn what_was_taken_and_is_not_shown_is_lost() {
        let timeline = Timeline {
            parts: vec![part(0, 0, SECOND, 28), part(0, 30, 5 * SECOND, 60)],
            rate: 10,
        };
        let mut shown = vec![false; 60];
        assert_eq!(timeline.lost(0, 0, &shown), 0);
        assert_eq!(timeline.lost(0, SECOND, &shown), 1);
        assert_eq!(timeline.lost(0, 2 * SECOND + 1, &shown), 11);
        assert_eq!(timeline.lost(0, 6 * SECOND, &shown), 28 + 11);
        // Older footage was overwritten: nobody misses it.
        shown[5..9].fill(true);
        assert_eq!(timeline.lost(0, 2 * SECOND, &shown), 2);
        // A gap counts as well as the end.
        shown[30..35].fill(true);
        assert_eq!(timeline.lost(0, 6 * SECOND, &shown), 28 - 9 + 41 - 35);
        assert_eq!(timeline.missing_up_to(40, &shown), 41 - 35);
        assert_eq!(timeline.nanoseconds(3), 300_000_000);
        assert!(!timeline.is_expected(0, 28) && timeline.is_expected(0, 27));
    }

    #[test]
    fn cameras_count_for_themselves() {
        let timeline = Timeline {
            parts: vec![part(0, 0, SECOND, 30), part(1, 30, SECOND, 60)],
            rate: 10,
        };
        let mut shown = vec![false; 60];
        shown[..20].fill(true);
        shown[30..60].fill(true);
        let end = 10 * SECOND;
        assert_eq!(
            [0, 1].map(|camera| timeline.lost(camera, end, &shown)),
            [10, 0]
        );
        assert_eq!(timeline.missing_up_to(25, &shown), 6);
        assert_eq!(timeline.camera_of(45), Some(1));
        assert_eq!(timeline.cameras(), 0..2);
    }
}
