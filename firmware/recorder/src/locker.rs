//! The part of the housekeeper that carries out orders: gives segments the class that somebody wants them to have, and frees
//! slots of which somebody wanted the footage gone a day ago.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use picam_mp4::RecoverError;
use picam_ring::{
    Class, Directory, Extent, Owner, Rename, SegmentName, SlotName, SlotTable, Volume, lock,
    reclass_claimed,
};
use picam_time::UtcUs;

use crate::desk::{Desk, find};
use crate::orders::LockOrder;

/// So long after its end a lock is looked after: what was recorded then has its name by now.
const AFTER: Duration = Duration::from_secs(30);

/// Where finished segments lie in time, as far as anybody had to know.
#[derive(Default)]
pub(crate) struct Locker {
    extents: HashMap<SegmentName, Extent>,
}

/// A camera's segments that orders are about.
#[derive(Default)]
struct Wanted {
    /// By whom the page has no hold on.
    firmly: Vec<SegmentName>,
    /// By the page, its last order first.
    by_page: Vec<SegmentName>,
}

impl Locker {
    /// Locks what is to be locked and is not. What somebody else works on is done when this is called again.
    pub(crate) fn lock(
        &mut self,
        directory: &impl Directory,
        table: &SlotTable,
        desk: &Desk,
        volume: Volume,
    ) -> io::Result<()> {
        let orders = desk.locks_of(volume);
        if orders.is_empty() {
            self.extents = HashMap::new();
            return Ok(());
        }
        let now = desk.now();
        let is_over = |order: &&LockOrder| order.span.ended_before(AFTER, &now);
        let mut over: Vec<LockOrder> = orders.iter().filter(is_over).cloned().collect();
        let catalog = table.catalog();
        let mut known = HashMap::new();
        let mut all_done = true;
        for camera in catalog.cameras() {
            let mut extents = Vec::new();
            for segment in catalog.ring(camera).segments().iter().rev() {
                let Some(extent) = self.extent(directory, segment.name, &mut all_done) else {
                    continue;
                };
                if extent.duration.is_some() {
                    known.insert(segment.name, extent);
                } else if let Some(Owner::Recorder(_)) = table.owner(segment.slot()) {
                    // Its recorder locks it; and it is to be seen how it ends.
                    over.retain(|order| !order.span.meets(&extent));
                }
                extents.push((segment.name, extent));
            }
            let wanted = Wanted::of(&orders, &extents);
            let locked = |wanted: &[SegmentName], class, most| {
                table.ring(camera, |ring| lock(ring, wanted, class, most))
            };
            let most = desk.most_of_page(catalog.ring(camera).len());
            for rename in locked(&wanted.firmly, Class::Event, None) {
                all_done &= carry_out(rename, directory, table);
            }
            for rename in locked(&wanted.by_page, Class::Manual, Some(most)) {
                all_done &= carry_out(rename, directory, table);
            }
        }
        self.extents = known;
        if all_done && !over.is_empty() {
            desk.end_locks(volume, &over)?;
        }
        Ok(())
    }

    fn extent(
        &self,
        directory: &impl Directory,
        name: SegmentName,
        all_done: &mut bool,
    ) -> Option<Extent> {
        // A lock changes the class alone.
        let of_class = |class| self.extents.get(&SegmentName { class, ..name });
        let found = Class::ALL.into_iter().find_map(of_class).copied();
        found.or_else(|| match Extent::of(directory, name) {
            Ok(extent) => Some(extent),
            Err(error) => {
                *all_done &= error.kind() == io::ErrorKind::NotFound;
                None
            }
        })
    }

    /// Frees what was marked for a day. What is locked or not makes no difference: the owner had a day to object.
    pub(crate) fn give_up(
        &mut self,
        directory: &impl Directory,
        table: &SlotTable,
        desk: &Desk,
        volume: Volume,
        believed: Option<UtcUs>,
    ) -> io::Result<()> {
        for deletion in desk.pass(volume, believed)? {
            let found = deletion.id(volume).and_then(|id| find(table, id));
            if let Some(name) = found {
                let extent = Extent::of(directory, name)?;
                let same = (deletion.sequence, deletion.boot_id);
                if (extent.sequence, extent.boot_id) == same {
                    let slot = SlotName::Segment(name);
                    let Some(mut claim) = table.claim(slot, Owner::Housekeeper) else {
                        continue;
                    };
                    claim.make_spare(directory)?;
                    tracing::info!("{name} was deleted on the page a day ago, and is given up");
                }
            }
            desk.end_deletion(volume, &deletion)?;
        }
        Ok(())
    }
}

impl Wanted {
    fn of(orders: &[LockOrder], extents: &[(SegmentName, Extent)]) -> Self {
        let mut wanted = Self::default();
        for order in orders.iter().rev() {
            let met = extents
                .iter()
                .filter(|(_, extent)| order.span.meets(extent));
            let met = met.map(|(name, _)| *name);
            match order.origin.class() {
                Class::Manual => wanted.by_page.extend(met),
                _ => wanted.firmly.extend(met),
            }
        }
        wanted
    }
}

/// Whether it is done, or cannot be for a reason that stays.
pub(crate) fn carry_out(rename: Rename, directory: &impl Directory, table: &SlotTable) -> bool {
    let slot = SlotName::Segment(rename.from);
    let Some(mut claim) = table.claim(slot, Owner::Housekeeper) else {
        // Its recorder locks it by itself; whoever else works on it is done in a moment.
        return matches!(table.owner(slot), Some(Owner::Recorder(_)));
    };
    match reclass_claimed(&mut claim, directory, rename.to.class) {
        Ok(()) => true,
        Err(RecoverError::Io(error)) => {
            tracing::warn!("{} cannot be locked yet: {error}", rename.from);
            false
        }
        // Its header is damaged. The name decides.
        Err(_) => true,
    }
}
