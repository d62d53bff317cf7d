//! Locking a segment together with its neighbours, and unlocking it.

use crate::catalog::Ring;
use crate::class::Class;
use crate::name::{SEQUENCE_MODULUS, SegmentName};
use crate::sequence::distance;

/// A segment gets another name; its sequence and start stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rename {
    /// As it is called.
    pub from: SegmentName,
    /// As it shall be called.
    pub to: SegmentName,
}

/// What locking or unlocking asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockPlan {
    /// Slots to rename, oldest first. A name equal in both is not among them. The one that is being
    /// recorded may be.
    pub renames: Vec<Rename>,
    /// The class that the segment after the newest must get (be it stronger than its own) because
    /// the newest was locked; `None` if the segment was not the newest.
    pub next: Option<Class>,
}

/// Locks the newest segment with these sequence digits, the one before and the one after it, as
/// `class` (event or manual; another class asks for nothing). A stronger class is never weakened.
/// `None` if there is no such segment.
pub fn lock(ring: &Ring, sequence: u32, class: Class) -> Option<LockPlan> {
    let segment = ring.find(sequence)?;
    if !class.is_locked() {
        return Some(LockPlan::default());
    }
    let is_newest = ring.newest() == Some(segment);
    let renames = ring
        .segments()
        .iter()
        .filter(|other| {
            let (other, own) = (other.name.sequence, sequence);
            // A neighbour by number, not by place: what was deleted leaves a hole.
            distance(other, own) <= 1 || (!is_newest && distance(own, other) == 1)
        })
        .filter_map(|other| reclass(other.name, other.name.class.stronger(class)))
        .collect();
    Some(LockPlan {
        renames,
        next: is_newest.then_some(class),
    })
}

/// Unlocks the newest segment with these sequence digits alone: a neighbour may be an event of its
/// own. It becomes a normal one. `None` if there is no such segment.
pub fn unlock(ring: &Ring, sequence: u32) -> Option<LockPlan> {
    let name = ring.find(sequence % SEQUENCE_MODULUS)?.name;
    let renames = if name.class.is_locked() {
        reclass(name, Class::Normal).into_iter().collect()
    } else {
        Vec::new()
    };
    Some(LockPlan {
        renames,
        next: None,
    })
}

fn reclass(from: SegmentName, class: Class) -> Option<Rename> {
    let to = SegmentName { class, ..from };
    (to != from).then_some(Rename { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::name::{NameTime, SlotName};

    fn ring(segments: &[(u32, Class)]) -> Catalog {
        let mut catalog = Catalog::default();
        for &(sequence, class) in segments {
            let name = SegmentName {
                time: NameTime::Utc(1_795_172_880),
                camera: b'F',
                class,
                sequence,
            };
            catalog.added(SlotName::Segment(name), 64);
        }
        catalog
    }

    fn changes(plan: &LockPlan) -> Vec<(u32, Class, Class)> {
        let renames = plan.renames.iter();
        renames
            .map(|rename| {
                assert_eq!(rename.from.sequence, rename.to.sequence);
                (rename.from.sequence, rename.from.class, rename.to.class)
            })
            .collect()
    }

    use Class::*;

    #[test]
    fn an_event_takes_its_neighbours_along() {
        let catalog = ring(&[
            (999_998, Normal),
            (999_999, Normal),
            (0, Parking),
            (1, Normal),
        ]);
        let plan = lock(catalog.ring(b'F'), 0, Event).unwrap();
        assert_eq!(
            changes(&plan),
            [
                (999_999, Normal, Event),
                (0, Parking, Event),
                (1, Normal, Event)
            ]
        );
        assert_eq!(plan.next, None);
    }

    #[test]
    fn the_newest_promises_its_class_to_the_next() {
        let catalog = ring(&[(6, Normal), (7, Manual), (8, Normal)]);
        let plan = lock(catalog.ring(b'F'), 8, Event).unwrap();
        assert_eq!(changes(&plan), [(8, Normal, Event)]);
        assert_eq!(plan.next, Some(Event));
    }

    #[test]
    fn a_deleted_neighbour_is_not_replaced_by_another() {
        let catalog = ring(&[(5, Normal), (8, Normal), (12, Normal)]);
        let plan = lock(catalog.ring(b'F'), 8, Manual).unwrap();
        assert_eq!(changes(&plan), [(8, Normal, Manual)]);
        assert_eq!(plan.next, None);
        assert_eq!(lock(catalog.ring(b'F'), 9, Manual), None);
    }

    #[test]
    fn only_locks_lock() {
        let catalog = ring(&[(5, Event), (6, Event)]);
        for class in [Normal, Parking] {
            assert_eq!(
                lock(catalog.ring(b'F'), 6, class),
                Some(LockPlan::default())
            );
        }
    }

    #[test]
    fn unlocking_frees_one_segment() {
        let catalog = ring(&[(5, Event), (6, Manual), (7, Parking)]);
        let ring = catalog.ring(b'F');
        assert_eq!(changes(&unlock(ring, 6).unwrap()), [(6, Manual, Normal)]);
        assert_eq!(changes(&unlock(ring, 7).unwrap()), []);
        assert_eq!(unlock(ring, 9), None);
    }
}
