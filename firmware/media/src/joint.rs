//! Where one segment ends and the next begins, so that each can be decoded alone and nothing is lost.
//!
//! Between two closed groups (IDR) the cut is between two pictures. At an open start (CRA, recovery point)
//! the pictures that lead it need both it and the group before: the start is stored twice, in the old
//! segment with what leads it, and at the front of the new one.
//!
//! ```text
//! decoding order   ... P5 P6 | CRA RASL RASL | P7 P8 ...
//! old segment      ... P5 P6   CRA RASL RASL
//! new segment                  CRA             P7 P8 ...
//! ```

use std::sync::Arc;

use crate::{AccessUnit, Leading, ParameterSets, Start, TIMESCALE};

/// An IDR that comes within this time is worth waiting for, where there is time.
const IDR_WAIT: i64 = 10 * TIMESCALE as i64;
/// A source is asked for a key frame no more often than this.
const ASK_AGAIN: i64 = TIMESCALE as i64;

/// Whether whoever writes segments wants a new one at a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rotation {
    /// To go on in the segment being recorded.
    Stay,
    /// To begin a new one at a good place (it is long enough).
    Soon,
    /// To begin a new one at the next possible place (it is almost full).
    Now,
    /// No segment is being recorded.
    First,
}

/// What the policy needs to know of a unit.
#[derive(Debug, Clone, Copy)]
pub struct UnitFacts<'a> {
    /// Whether decoding can start at it.
    pub start: Start,
    /// Whether it leads the start before it.
    pub leading: Leading,
    /// Decode time in ticks.
    pub dts: i64,
    /// Presentation time in ticks.
    pub pts: i64,
    /// The source's epoch.
    pub epoch: u32,
    /// Bytes of its data.
    pub len: usize,
    /// The sets in force.
    pub sets: &'a Arc<ParameterSets>,
    /// Whether pictures before it in decoding order were lost on the way (not in the encoder).
    pub lost_before: bool,
}

impl<'a> UnitFacts<'a> {
    /// Of `unit`; `None` if it has no parameter sets.
    pub fn of(unit: &'a AccessUnit, lost_before: bool) -> Option<Self> {
        Some(Self {
            start: unit.start,
            leading: unit.leading,
            dts: unit.dts,
            pts: unit.pts,
            epoch: unit.epoch,
            len: unit.data.len(),
            sets: unit.parameter_sets.as_ref()?,
            lost_before,
        })
    }
}

/// Where a unit belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Into the segment being recorded.
    Append,
    /// That one ends; a new one begins with this unit.
    Begin,
    /// Into the segment being recorded; and a copy of it is kept until the next [`Place::BeginWithCopy`],
    /// [`Place::Begin`] or [`Place::AppendAndCopy`].
    AppendAndCopy,
    /// The segment being recorded ends; a new one begins with the copy kept, then comes this unit.
    BeginWithCopy,
    /// Nowhere: what it refers to is in no segment. To be counted as lost.
    Undecodable,
}

/// What to do with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joint {
    /// Where it belongs.
    pub place: Place,
    /// Whether its parameter sets ([`ParameterSets::write_in_band`]) go in front of its data, since those of
    /// the segment are others. Never for the copy, which begins a segment that has its sets.
    pub sets_in_band: bool,
    /// Whether a key frame would help: to be asked of the source.
    pub ask_key_frame: bool,
}

/// Says for each unit in decoding order where it belongs. Pure: no clock, no storage.
///
/// Call [`Self::next`] once for each unit, do what it says (again and again if the card refuses), and
/// [`Self::full`] or [`Self::lost`] if in the end it could not be done.
#[derive(Debug, Clone, Default)]
pub struct JointPolicy {
    /// Sets that the segment being recorded began with.
    segment_sets: Option<Arc<ParameterSets>>,
    /// Sets that a decoder has in force in it.
    in_force: Option<Arc<ParameterSets>>,
    /// A copy of the last start is kept, with these sets.
    copy: Option<Arc<ParameterSets>>,
    /// What came before the last start is not in this segment, or not whole: what leads it is lost.
    orphaned: bool,
    /// Nothing can be decoded before the next start.
    wait: bool,
    epoch: Option<u32>,
    last_idr: Option<i64>,
    /// Time between the last two IDR.
    idr_interval: Option<i64>,
    asked: Option<i64>,
    /// Bytes of the last open start and what leads it so far, and the most there were.
    carried: usize,
    most_carried: usize,
}

impl JointPolicy {
    /// Room in bytes that a segment should have left, besides that for a group of pictures, when it
    /// wishes [`Rotation::Now`]: the largest open start so far with what led it.
    pub const fn carried_bytes(&self) -> usize {
        self.most_carried
    }

    /// Where the next unit in decoding order belongs.
    pub fn next(&mut self, unit: &UnitFacts<'_>, rotation: Rotation) -> Joint {
        let epoch_changed = self.epoch.replace(unit.epoch) != Some(unit.epoch);
        if epoch_changed {
            self.last_idr = None;
            self.idr_interval = None;
            self.asked = None;
            self.copy = None;
        }
        let broken = epoch_changed || unit.lost_before;
        if rotation == Rotation::First {
            self.segment_sets = None;
            self.in_force = None;
        }
        let place = if unit.start.is_start() {
            self.place_start(unit, rotation, broken)
        } else {
            self.place_other(unit, rotation, broken)
        };
        let sets_in_band = self.settle_sets(unit, place);
        Joint {
            place,
            sets_in_band,
            ask_key_frame: self.ask(unit, rotation),
        }
    }

    /// The unit last given is in no segment after all: nothing that depends on it is, up to the next start.
    pub fn lost(&mut self) {
        self.wait = true;
        self.copy = None;
    }

    /// The unit last given found no room in the segment being recorded, which has ended with that. Where a
    /// copy is kept, the next segment begins with it all the same.
    pub fn full(&mut self) {
        self.wait |= self.copy.is_none();
    }

    fn place_start(&mut self, unit: &UnitFacts<'_>, rotation: Rotation, broken: bool) -> Place {
        let before_is_whole = !broken && !self.wait && rotation != Rotation::First;
        self.wait = false;
        self.copy = None;
        self.carried = unit.len;
        let closed = unit.start.is_closed();
        if closed {
            let before = self.last_idr.replace(unit.dts);
            self.idr_interval = before.map(|before| unit.dts.saturating_sub(before));
        } else {
            self.most_carried = self.most_carried.max(self.carried);
        }
        let same_sets = self.segment_sets.as_ref().is_some_and(|s| s == unit.sets);
        let cut = match rotation {
            Rotation::First | Rotation::Now => true,
            _ if !same_sets => true,
            Rotation::Soon => closed || !self.idr_comes(unit.dts),
            Rotation::Stay => false,
        };
        self.orphaned = closed || !before_is_whole;
        if !cut {
            return Place::Append;
        }
        // A picture shown as soon as it is decoded has none to lead it. Another sequence parameter set
        // begins a new sequence, which refers to nothing before.
        let carries = !self.orphaned && unit.pts > unit.dts && self.same_sequence(unit.sets);
        if carries {
            self.copy = Some(unit.sets.clone());
            Place::AppendAndCopy
        } else {
            self.orphaned = true;
            Place::Begin
        }
    }

    fn place_other(&mut self, unit: &UnitFacts<'_>, rotation: Rotation, broken: bool) -> Place {
        if broken {
            self.wait = true;
            self.copy = None;
        }
        if self.wait {
            return Place::Undecodable;
        }
        match unit.leading {
            Leading::Skipped if self.orphaned => return Place::Undecodable,
            Leading::Skipped | Leading::Decodable => {
                self.carried = self.carried.saturating_add(unit.len);
                if !self.orphaned {
                    self.most_carried = self.most_carried.max(self.carried);
                }
                // With a copy kept, only this picture is missing if the segment is at its end.
                return match (rotation, &self.copy) {
                    (Rotation::First, None) => {
                        self.wait = true;
                        Place::Undecodable
                    }
                    (Rotation::First, Some(_)) => Place::Undecodable,
                    _ => Place::Append,
                };
            }
            Leading::No => {}
        }
        if self.copy.is_some() {
            return Place::BeginWithCopy;
        }
        if rotation == Rotation::First {
            self.wait = true;
            return Place::Undecodable;
        }
        Place::Append
    }

    /// Notes the sets that the unit's place brings with it; whether they must go in band.
    fn settle_sets(&mut self, unit: &UnitFacts<'_>, place: Place) -> bool {
        match place {
            Place::Undecodable => false,
            Place::Begin => {
                self.segment_sets = Some(unit.sets.clone());
                self.in_force = Some(unit.sets.clone());
                false
            }
            Place::BeginWithCopy => {
                let began_with = self.copy.take();
                let changed = began_with.as_ref().is_some_and(|began| began != unit.sets);
                self.segment_sets = began_with;
                self.in_force = Some(unit.sets.clone());
                self.orphaned = true;
                changed
            }
            Place::Append | Place::AppendAndCopy => {
                let known = self.in_force.as_ref();
                if known.is_some_and(|known| Arc::ptr_eq(known, unit.sets) || known == unit.sets) {
                    return false;
                }
                self.in_force = Some(unit.sets.clone());
                true
            }
        }
    }

    fn same_sequence(&self, sets: &ParameterSets) -> bool {
        self.in_force
            .as_ref()
            .is_some_and(|known| known.sps == sets.sps && known.vps == sets.vps)
    }

    /// Whether the rhythm of the last two IDR promises one within [`IDR_WAIT`].
    fn idr_comes(&self, dts: i64) -> bool {
        let next = self.last_idr.zip(self.idr_interval);
        let wait = next.map(|(last, interval)| last.saturating_add(interval).saturating_sub(dts));
        wait.is_some_and(|wait| wait > 0 && wait <= IDR_WAIT)
    }

    fn ask(&mut self, unit: &UnitFacts<'_>, rotation: Rotation) -> bool {
        let waits =
            self.wait || rotation > Rotation::Stay && !unit.start.is_start() && self.copy.is_none();
        if !waits {
            self.asked = None;
            return false;
        }
        let again = self
            .asked
            .is_none_or(|asked| unit.dts.saturating_sub(asked) >= ASK_AGAIN);
        if again {
            self.asked = Some(unit.dts);
        }
        again
    }
}
