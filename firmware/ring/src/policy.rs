//! Which slot the next segment takes, and when a locked class fills up.

use std::cmp::Ordering;

use crate::catalog::{Ring, Segment};
use crate::class::{Class, Shares};
use crate::name::SlotName;

/// From which part of its share on a locked class is warned about, in percent.
pub const WARN_PERCENT: usize = 80;

/// Why a slot was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It holds no footage.
    Spare,
    /// It is the oldest of the class whose turn it is.
    Oldest,
    /// Nothing is left but the segment recorded just before: there are too few slots.
    LastResort,
}

/// The slot for the next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which.
    pub slot: SlotName,
    /// Length of its file in bytes.
    pub size: u64,
    /// Whether that is not the configured length: remove the file and create a right one instead.
    pub replace: bool,
    /// Why.
    pub why: Why,
}

/// Chooses the slot that the next segment of a camera takes, from what a card of `slot_size` slots
/// holds of it.
///
/// A spare slot first, lowest number first, those of the right size before others. Then the oldest
/// segment of the class most over its share (of manual ones, only if it is older than every normal one); then the oldest
/// normal one; then the oldest parking
/// one; then the oldest of the locked class that has most slots for its share.
///
/// Never one of `busy` (being recorded, or known to fail), and the newest of the others only as a
/// last resort. `None` if every slot is busy.
pub fn next_slot(
    ring: &Ring,
    shares: &Shares,
    slot_size: u64,
    busy: &[SlotName],
) -> Option<Choice> {
    let choice = |slot, size, why| Choice {
        slot,
        size,
        replace: size != slot_size,
        why,
    };
    let spares = ring.spares().iter();
    let spare = spares
        .filter(|spare| !busy.contains(&spare.slot()))
        .min_by_key(|spare| (spare.size != slot_size, spare.sequence));
    if let Some(spare) = spare {
        return Some(choice(spare.slot(), spare.size, Why::Spare));
    }
    let segments = ring.segments().iter();
    let free: Vec<&Segment> = segments
        .filter(|segment| !busy.contains(&segment.slot()))
        .collect();
    let (newest, free) = free.split_last()?;
    let (segment, why) = match victim(ring, free, shares) {
        Some(segment) => (segment, Why::Oldest),
        None => (*newest, Why::LastResort),
    };
    Some(choice(segment.slot(), segment.size, why))
}

/// The segment to give up, of those that may be.
fn victim<'a>(ring: &Ring, free: &[&'a Segment], shares: &Shares) -> Option<&'a Segment> {
    let oldest = |class: Class| {
        free.iter()
            .copied()
            .find(|segment| segment.name.class == class)
    };
    // Weaker first: of equals the weaker one goes.
    let mut over: Vec<(usize, Class)> = [Class::Parking, Class::Event, Class::Manual]
        .into_iter()
        .map(|class| {
            let excess = ring
                .count(class)
                .saturating_sub(shares.limit(class, ring.len()));
            (excess, class)
        })
        .filter(|&(excess, _)| excess > 0)
        .collect();
    over.sort_by_key(|&(excess, class)| (class == Class::Manual, std::cmp::Reverse(excess)));
    // What is kept from the page beyond its share counts as normal, and has its turn among it: otherwise whoever took over the
    // page would get rid of new footage by keeping it.
    let place = |class| free.iter().position(|segment| segment.name.class == class);
    let has_turn = |class: Class| match (class, place(Class::Normal), place(class)) {
        (Class::Manual, Some(normal), Some(kept)) => kept < normal,
        _ => true,
    };
    let over = over
        .into_iter()
        .filter(|&(_, class)| has_turn(class))
        .find_map(|(_, class)| oldest(class));
    let weak = || [Class::Normal, Class::Parking].into_iter().find_map(oldest);
    let locked = || {
        let fill = |class| ring.count(class) as f64 / shares.of(class);
        let mut classes = [Class::Event, Class::Manual];
        classes.sort_by(|&a, &b| fill(b).partial_cmp(&fill(a)).unwrap_or(Ordering::Equal));
        classes.into_iter().find_map(oldest)
    };
    over.or_else(weak).or_else(locked)
}

/// The segment to remove when the next one begins, from a ring with more slots than `target` because
/// the setting was made smaller: one a turn, besides the slot that is taken. `None` while there are
/// spare slots, which provisioning removes first and at once, and once the ring is small enough.
pub fn surplus(ring: &Ring, shares: &Shares, target: usize, busy: &[SlotName]) -> Option<Choice> {
    if ring.len() <= target {
        return None;
    }
    // Sizes do not matter for what is removed.
    next_slot(ring, shares, 0, busy)
        .filter(|choice| !matches!(choice.why, Why::Spare | Why::LastResort))
}

/// Warns of the locked classes that have reached [`WARN_PERCENT`] of their share: they are about to be, or are being,
/// overwritten.
pub fn share_warnings(ring: &Ring, shares: &Shares) -> Vec<String> {
    let warning = |class| {
        let (slots, limit) = (ring.count(class), shares.limit(class, ring.len()));
        let gone = match class {
            // It becomes normal footage, and has its turn.
            Class::Manual => "kept no longer",
            _ => "overwritten",
        };
        let when = match slots < limit {
            true => format!("once all are, the oldest is {gone}"),
            false => format!("the oldest is {gone} next"),
        };
        (slots > 0 && slots * 100 >= limit * WARN_PERCENT).then(|| {
            format!(
                "{slots} of {limit} slots for {class} footage are taken; {when}. \
                 Copy what you need, then unlock it or raise the share"
            )
        })
    };
    let classes = [Class::Event, Class::Manual].into_iter();
    classes.filter_map(warning).collect()
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
