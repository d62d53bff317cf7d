//! Keeping what just happened and what happens next: by the boot clock, for whoever asks may not know the time.

use std::thread;
use std::time::{Duration, Instant};

use picam_control::orders::{Denied, OrderSpan, Save, Saved, Why};
use picam_ring::{Class, Extent, FsDirectory, SegmentId, SegmentName, SlotTable, Volume, lock};
use picam_time::{BootNs, Clock};

use crate::books::Open;
use crate::desk::Desk;
use crate::locker::carry_out;
use crate::orders::{Origin, Span};

/// The order is on the card by then; for so long its answer waits until the segments have their class, too.
const WAIT: Duration = Duration::from_millis(500);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(10);

/// A segment that is to be kept.
struct Met {
    volume: Volume,
    slots: SlotTable,
    name: SegmentName,
    extent: Extent,
    /// There is no room for it in the share of whoever wants it kept.
    beyond: bool,
}

impl Met {
    fn id(&self) -> String {
        SegmentId::new(self.volume, &self.name).to_string()
    }

    /// Whether the ring spares it: its name decides.
    fn is_held(&self) -> bool {
        let SegmentName {
            camera, sequence, ..
        } = self.name;
        self.slots.ring(camera, |ring| {
            let found = ring.find(sequence);
            found.is_some_and(|segment| segment.name.class.is_locked())
        })
    }

    /// A moment of its boot as that of a clip.
    fn moment(&self, at: BootNs) -> String {
        let ns = at.0.wrapping_sub(self.extent.start_boot.0).cast_signed();
        format!("{}@{:.3}", self.id(), ns as f64 / 1e9)
    }
}

impl Desk {
    /// What somebody on the page wants kept, within the page's bounds.
    pub(crate) fn save_of_page(&self, save: &Save) -> Result<Saved, Denied> {
        self.take_turn()?;
        self.save(save, Origin::Page)
    }

    /// Keeps it. The order is on the card before this returns, and as a rule every segment that there is has its class.
    pub(crate) fn save(&self, save: &Save, origin: Origin) -> Result<Saved, Denied> {
        if save.before_s.max(save.after_s) > Save::LONGEST_S {
            let reason = format!("no more than {} s are kept at once", Save::LONGEST_S);
            return Err(Denied::new(Why::Refused, reason, "lock by time instead"));
        }
        let asked = Instant::now();
        let now = self.clock().now();
        let wanted = OrderSpan::Boot {
            from: now - Duration::from_secs(save.before_s.into()),
            to: now + Duration::from_secs(save.after_s.into()),
        };
        self.lock(save.id.clone(), &wanted, save.reason.clone(), origin)?;
        // Asked again, it is about the moment of the first time.
        let taken = self.taken(&save.id, origin);
        let (id, from, to) = match (taken, wanted) {
            (Some(Span::Boot { id, from, to }), _) => (id, from, to),
            (_, OrderSpan::Boot { from, to }) => (self.now().boot_id, from, to),
            // A lock of that id that somebody gave by time: what it holds is not known here.
            _ => return Ok(answer(&[], now, now, now)),
        };
        let mut met = self.met(&Span::Boot { id, from, to }, from);
        loop {
            self.give_class(&mut met, origin.class(), asked);
            if asked.elapsed() >= WAIT || met.iter().all(|met| met.beyond || met.is_held()) {
                break;
            }
            // Its recorder does it, or has just finished it, and then it is done here.
            thread::sleep(LOOK);
        }
        met.sort_by_key(|met| (met.extent.start_boot, met.name.camera));
        let now = self.clock().now();
        Ok(answer(&met, from, to, now))
    }

    /// The segments there are in a stretch of a boot that begins then, the newest of a camera first.
    fn met(&self, span: &Span, from: BootNs) -> Vec<Met> {
        let Span::Boot { id: boot_id, .. } = *span else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for (volume, open) in self.opened() {
            let Open {
                directory, slots, ..
            } = open;
            for camera in slots.catalog().cameras() {
                let names: Vec<SegmentName> = slots.ring(camera, |ring| {
                    ring.segments()
                        .iter()
                        .rev()
                        .map(|segment| segment.name)
                        .collect()
                });
                for name in names {
                    // Renamed since: it is found by its sequence.
                    let Some(extent) = extent(&directory, &slots, name) else {
                        continue;
                    };
                    let is_met = span.meets(&extent);
                    if is_met {
                        all.push(Met {
                            volume,
                            slots: slots.clone(),
                            name,
                            extent,
                            beyond: false,
                        });
                    } else if is_before(&extent, boot_id, from) {
                        break;
                    }
                }
            }
        }
        all
    }

    /// Gives finished segments their class without waiting for the housekeeper, who may be busy. If the page's share is
    /// used up, it is left to him which of the page's go.
    fn give_class(&self, met: &mut [Met], class: Class, since: Instant) {
        for (volume, open) in self.opened() {
            for camera in open.slots.catalog().cameras() {
                let own = met
                    .iter_mut()
                    .filter(|met| met.volume == volume && met.name.camera == camera);
                let mut own: Vec<&mut Met> = own.collect();
                for met in &mut own {
                    // Its recorder, or the housekeeper, may have renamed it meanwhile.
                    let now = open.slots.ring(camera, |ring| {
                        ring.find(met.name.sequence).map(|segment| segment.name)
                    });
                    met.name = now.unwrap_or(met.name);
                }
                // What somebody else has locked more firmly needs no room.
                own.retain(|met| met.name.class.stronger(class) == class);
                let slots = open.slots.ring(camera, picam_ring::Ring::len);
                let most = (class == Class::Manual).then(|| self.most_of_page(slots));
                for met in own.iter_mut().skip(most.unwrap_or(usize::MAX)) {
                    met.beyond = true;
                }
                let wanted: Vec<SegmentName> = own.iter().map(|met| met.name).collect();
                let renames = open
                    .slots
                    .ring(camera, |ring| lock(ring, &wanted, class, most));
                if renames.iter().any(|rename| !rename.to.class.is_locked()) {
                    continue;
                }
                for rename in renames {
                    if since.elapsed() < WAIT {
                        carry_out(rename, &open.directory, &open.slots);
                    }
                }
            }
        }
    }
}

/// Where a segment lies, whatever it is called by now.
fn extent(directory: &FsDirectory, slots: &SlotTable, name: SegmentName) -> Option<Extent> {
    let found = Extent::of(directory, name).or_else(|_| {
        let now = slots.ring(name.camera, |ring| {
            ring.find(name.sequence).map(|segment| segment.name)
        });
        Extent::of(directory, now.unwrap_or(name))
    });
    found.ok()
}

/// Whether a segment, and all before it, ended before a moment of a boot.
fn is_before(extent: &Extent, boot_id: [u8; 16], from: BootNs) -> bool {
    match extent.boot_id == boot_id {
        true => extent
            .duration
            .is_some_and(|length| extent.start_boot + length < from),
        // Not where nobody can know.
        false => extent.boot_id != [0; 16],
    }
}

fn answer(met: &[Met], from: BootNs, to: BootNs, now: BootNs) -> Saved {
    let (held, others): (Vec<&Met>, Vec<&Met>) = met.iter().partition(|met| met.is_held());
    let (beyond, pending) = others.into_iter().partition(|met| met.beyond);
    let ids = |all: Vec<&Met>| all.into_iter().map(Met::id).collect();
    let first = |camera: u8| {
        let own = met.iter().filter(|met| met.name.camera == camera);
        own.map(|met| met.extent.start_boot).min()
    };
    // What every camera saw.
    let since = met.iter().filter_map(|met| first(met.name.camera)).max();
    let until = now.min(to);
    let before = since.map_or(Duration::ZERO, |since| until.since(since.max(from)));
    Saved {
        before_s: before.as_secs_f64(),
        after_s: to.since(now).as_secs_f64(),
        from: met.last().map(|met| met.moment(from)),
        to: met.last().map(|met| met.moment(to)),
        held: ids(held),
        pending: ids(pending),
        beyond: ids(beyond),
    }
}
