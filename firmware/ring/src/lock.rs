//! Which segments a stretch of time is in, and what they are to be called so that the ring keeps them.

use std::io;
use std::time::Duration;

use picam_mp4::RecoverError;
use picam_mp4::recover::read_record;
use picam_time::{BootNs, UtcUs};

use crate::catalog::{Ring, Segment};
use crate::class::Class;
use crate::directory::Directory;
use crate::name::{NameTime, SegmentName};

/// How long a segment is taken to last of which nothing but the name can be read.
const UNREADABLE: Duration = Duration::from_secs(120);

/// A segment gets another name; its sequence and start stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    /// As it is called.
    pub from: SegmentName,
    /// As it shall be called.
    pub to: SegmentName,
}

/// Where a segment lies in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Its whole sequence number; that in its name if the header cannot be read.
    pub sequence: u64,
    /// The boot that recorded it; zeros if the header cannot be read.
    pub boot_id: [u8; 16],
    /// When it began, by the clock of that boot.
    pub start_boot: BootNs,
    /// The same in UTC, if known.
    pub start_utc: Option<UtcUs>,
    /// Its length; `None` while it is recorded, and if it was cut off meanwhile.
    pub duration: Option<Duration>,
}

impl Extent {
    /// Where a segment lies, by its header; by its name if that is damaged.
    pub fn of(directory: &impl Directory, name: SegmentName) -> io::Result<Self> {
        let file = directory.open(&name.to_string())?;
        match read_record(&file) {
            Ok((record, state)) => Ok(Self {
                sequence: record.sequence,
                boot_id: record.boot_id,
                start_boot: record.start_boot,
                start_utc: record.start_utc,
                duration: (state == picam_mp4::SegmentState::Finished).then_some(record.duration),
            }),
            Err(RecoverError::Io(error)) => Err(error),
            Err(_) => Ok(Self {
                sequence: name.sequence.into(),
                boot_id: [0; 16],
                start_boot: BootNs::ZERO,
                start_utc: match name.time {
                    NameTime::Utc(seconds) => Some(UtcUs::from_secs(seconds)),
                    NameTime::Boot { .. } => None,
                },
                duration: Some(UNREADABLE),
            }),
        }
    }

    /// Whether any of it lies between two moments, both included. No, if nobody knows when it
    /// began. What is still being recorded has no end.
    pub fn meets_utc(&self, from: UtcUs, to: UtcUs) -> bool {
        let Some(start) = self.start_utc else {
            return false;
        };
        start <= to && self.duration.is_none_or(|length| start + length >= from)
    }

    /// The same for two moments of a boot.
    pub fn meets_boot(&self, boot_id: [u8; 16], from: BootNs, to: BootNs) -> bool {
        let start = self.start_boot;
        self.boot_id == boot_id
            && start <= to
            && self.duration.is_none_or(|length| start + length >= from)
    }
}

/// What to rename so that `wanted` segments of a camera are of `class`, in this order. A stronger class is never
/// weakened.
///
/// `most` is how many the class may have where locks of it push out only each other: then the oldest of the others
/// become normal first, and of `wanted` (the most important first) only so many are locked. They are not given up
/// for that: what is normal goes when its turn comes.
pub fn lock(ring: &Ring, wanted: &[SegmentName], class: Class, most: Option<usize>) -> Vec<Rename> {
    let all = ring.segments();
    let is_wanted = |segment: &&Segment| wanted.contains(&segment.name);
    let weaker = |segment: &&Segment| segment.name.class.stronger(class) == class;
    let mut renames = Vec::new();
    let mut taken: Vec<SegmentName> = Vec::new();
    for name in wanted {
        let known = all.iter().find(|segment| segment.name == *name);
        if known.filter(weaker).is_some() && !taken.contains(name) {
            taken.push(*name);
        }
    }
    if let Some(most) = most {
        taken.truncate(most);
        let room = most - taken.len();
        let others = all
            .iter()
            .filter(|segment| segment.name.class == class && !taken.contains(&segment.name));
        // Those that somebody still asks for stay before those of whom nobody does; then the newest.
        let mut others: Vec<&Segment> = others.collect();
        others.sort_by_key(|segment| is_wanted(segment));
        let too_many = others.len().saturating_sub(room);
        let gone = others.into_iter().take(too_many);
        renames.extend(gone.filter_map(|segment| reclass(segment.name, Class::Normal)));
    }
    renames.extend(taken.into_iter().filter_map(|name| reclass(name, class)));
    renames
}

fn reclass(from: SegmentName, class: Class) -> Option<Rename> {
    let to = SegmentName { class, ..from };
    (to != from).then_some(Rename { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::name::SlotName;
    use Class::*;
    use proptest::prelude::*;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    fn name(sequence: u32, class: Class) -> SegmentName {
        SegmentName {
            time: NameTime::Utc(NOON.seconds()),
            camera: b'F',
            class,
            sequence,
        }
    }

    fn ring(segments: &[Class]) -> Catalog {
        let mut catalog = Catalog::default();
        for (sequence, &class) in (1..).zip(segments) {
            catalog.added(SlotName::Segment(name(sequence, class)), 64);
        }
        catalog
    }

    fn changes(
        catalog: &Catalog,
        wanted: &[u32],
        class: Class,
        most: Option<usize>,
    ) -> Vec<(u32, Class)> {
        let ring = catalog.ring(b'F');
        let wanted: Vec<SegmentName> = wanted
            .iter()
            .filter_map(|&n| Some(ring.find(n)?.name))
            .collect();
        lock(ring, &wanted, class, most)
            .iter()
            .map(|rename| {
                assert_eq!(rename.from.sequence, rename.to.sequence);
                (rename.to.sequence, rename.to.class)
            })
            .collect()
    }

    #[test]
    fn what_lies_in_a_stretch_of_time_is_in_it() {
        let extent = Extent {
            sequence: 1,
            boot_id: [7; 16],
            start_boot: BootNs::from_secs(100),
            start_utc: Some(NOON),
            duration: Some(Duration::from_secs(60)),
        };
        for (from, to, meets) in [
            (-10, -1, false),
            (-10, 0, true),
            (20, 30, true),
            (60, 70, true),
            (61, 70, false),
            (-10, 500, true),
        ] {
            let utc = |s: i64| UtcUs::from_secs(NOON.seconds() + s);
            assert_eq!(extent.meets_utc(utc(from), utc(to)), meets, "{from} {to}");
            let boot = |s: i64| BootNs::from_secs((100 + s).cast_unsigned());
            assert_eq!(extent.meets_boot([7; 16], boot(from), boot(to)), meets);
            assert!(!extent.meets_boot([8; 16], boot(from), boot(to)));
            let open = Extent {
                duration: None,
                ..extent
            };
            assert_eq!(open.meets_utc(utc(from), utc(to)), to >= 0);
            let timeless = Extent {
                start_utc: None,
                ..extent
            };
            assert!(!timeless.meets_utc(UtcUs(i64::MIN), UtcUs(i64::MAX)));
        }
    }

    #[test]
    fn a_lock_takes_what_is_wanted_and_never_weakens() {
        let catalog = ring(&[Normal, Event, Parking, Manual, Normal]);
        assert_eq!(
            changes(&catalog, &[5, 4, 3, 2], Event, None),
            [(5, Event), (4, Event), (3, Event)]
        );
        assert_eq!(
            changes(&catalog, &[1, 2], Manual, Some(3)),
            [(1, Manual)],
            "an event stays one"
        );
        assert_eq!(changes(&catalog, &[9], Event, None), []);
    }

    #[test]
    fn beyond_its_share_a_class_lets_its_oldest_go_and_no_other() {
        let catalog = ring(&[Manual, Event, Manual, Normal, Event, Normal]);
        assert_eq!(
            changes(&catalog, &[6], Manual, Some(2)),
            [(1, Normal), (6, Manual)]
        );
        assert_eq!(
            changes(&catalog, &[6, 4, 3, 1], Manual, Some(2)),
            [(1, Normal), (3, Normal), (6, Manual), (4, Manual)]
        );
        assert_eq!(
            changes(&catalog, &[4], Manual, Some(0)),
            [(1, Normal), (3, Normal)]
        );
        // As many as there may be: nothing changes, whoever asks.
        assert_eq!(changes(&catalog, &[3, 1], Manual, Some(2)), []);
        assert_eq!(changes(&catalog, &[], Manual, Some(2)), []);
    }

    fn any_class() -> impl Strategy<Value = Class> {
        prop_oneof![3 => Just(Normal), 1 => Just(Event), 1 => Just(Parking), 1 => Just(Manual)]
    }

    proptest! {
        #[test]
        fn locks_of_a_bounded_class_settle_and_touch_no_other_lock(
            classes in proptest::collection::vec(any_class(), 0..30),
            wanted in proptest::collection::vec(1u32..30, 0..12),
            most in 0usize..8,
        ) {
            let mut catalog = ring(&classes);
            let before = catalog.clone();
            let find = |catalog: &Catalog| -> Vec<SegmentName> {
                wanted.iter().filter_map(|&n| Some(catalog.ring(b'F').find(n)?.name)).collect()
            };
            for rename in lock(catalog.ring(b'F'), &find(&catalog), Manual, Some(most)) {
                prop_assert!(rename.from.class != Event);
                catalog.renamed(SlotName::Segment(rename.from), SlotName::Segment(rename.to));
                // Never more than there may be, unless there were before.
                let ring = catalog.ring(b'F');
                prop_assert!(ring.count(Manual) <= most.max(before.ring(b'F').count(Manual)));
            }
            let ring = catalog.ring(b'F');
            prop_assert_eq!(ring.count(Event), before.ring(b'F').count(Event));
            prop_assert!(ring.count(Manual) <= most);
            prop_assert_eq!(lock(ring, &find(&catalog), Manual, Some(most)), []);
        }
    }
}
