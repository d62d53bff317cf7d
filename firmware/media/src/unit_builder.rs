//! Fills an access unit from the NAL units of one picture.

use crate::nal::NalKind;
use crate::parameter_sets::ParameterSetTracker;
use crate::sei::{RecoveryPoint, recovery_point};
use crate::{AccessUnit, Codec, Leading, MediaError, Start};

/// Sorts NAL units: parameter sets to the tracker, delimiters and filler away, the rest into the unit.
///
/// For sources that deliver whole access units (encoders, containers, RTP). Call [`Self::begin`], then
/// [`Self::push`] for each NAL unit, then [`Self::finish`]. What is damaged is left out and counted, in
/// [`AccessUnit::damage_before`] of the next unit that is of use.
pub struct UnitBuilder {
    sets: ParameterSetTracker,
    has_picture: bool,
    start: Start,
    leading: Leading,
    recovery: Option<RecoveryPoint>,
    /// Whether all slices so far stand for themselves.
    intra: bool,
    /// Whether a slice of this unit cannot be read.
    damaged: bool,
    /// Places where something was left out since the last unit of use.
    damage: u32,
    /// The same without any unit of use between.
    damage_in_a_row: u32,
}

/// More damage in a row is no stream any more.
const MAX_DAMAGE_IN_A_ROW: u32 = 1000;

impl UnitBuilder {
    /// For a stream of `codec`.
    pub const fn new(codec: Codec) -> Self {
        Self {
            sets: ParameterSetTracker::new(codec),
            has_picture: false,
            start: Start::None,
            leading: Leading::No,
            recovery: None,
            intra: true,
            damaged: false,
            damage: 0,
            damage_in_a_row: 0,
        }
    }

    /// The parameter sets known.
    pub const fn sets(&self) -> &ParameterSetTracker {
        &self.sets
    }

    /// Takes a parameter set that came apart from the pictures (in a container's header); one that is
    /// damaged is left out and counted.
    ///
    /// # Errors
    /// [`MediaError::Garbage`] if too much is damaged.
    pub fn take_parameter_set(&mut self, nal: &[u8]) -> Result<(), MediaError> {
        match NalKind::of(self.sets.codec(), nal) {
            Some(kind) => self.take(kind, nal),
            None => Ok(()),
        }
    }

    /// Empties `unit` for the next picture, keeping its room.
    pub fn begin(&mut self, unit: &mut AccessUnit) {
        unit.data.clear();
        self.has_picture = false;
        self.start = Start::None;
        self.leading = Leading::No;
        self.recovery = None;
        self.intra = true;
        self.damaged = false;
    }

    /// Whether a NAL unit of this kind would belong to the next picture.
    pub(crate) const fn ends_before(&self, kind: NalKind) -> bool {
        self.has_picture && kind.begins_unit()
    }

    /// Whether the unit has slices.
    pub(crate) const fn has_picture(&self) -> bool {
        self.has_picture
    }

    /// Takes the next NAL unit (without start code or length).
    ///
    /// # Errors
    /// [`MediaError::Garbage`] if too much is damaged.
    pub fn push(&mut self, unit: &mut AccessUnit, nal: &[u8]) -> Result<(), MediaError> {
        let Some(kind) = NalKind::of(self.sets.codec(), nal) else {
            return Ok(());
        };
        if is_stored(kind) {
            self.note(kind, nal);
            self.note_whole(kind, nal);
            unit.data
                .extend_from_slice(&(nal.len() as u32).to_be_bytes());
            unit.data.extend_from_slice(nal);
            Ok(())
        } else {
            self.take(kind, nal)
        }
    }

    /// Takes a unit that is not stored ([`is_stored`]).
    pub(crate) fn take(&mut self, kind: NalKind, nal: &[u8]) -> Result<(), MediaError> {
        match self.sets.take(kind, nal) {
            Err(MediaError::ParameterSet { .. }) => self.count_damage(),
            other => other,
        }
    }

    /// Notes a stored unit's head, whose bytes the caller has put into the unit.
    pub(crate) fn note(&mut self, kind: NalKind, head: &[u8]) {
        if let NalKind::Slice {
            first,
            start,
            leading,
        } = kind
        {
            if first || !self.has_picture {
                self.damaged |= !self.sets.activate(head);
                self.leading = leading;
            }
            self.has_picture = true;
            self.intra = self.intra && self.sets.is_intra_slice(head);
            if start.is_start() {
                self.start = start;
            }
        }
    }

    /// Notes what stands behind a stored unit's head.
    pub(crate) fn note_whole(&mut self, kind: NalKind, nal: &[u8]) {
        if kind == NalKind::Sei && !self.has_picture {
            self.recovery = recovery_point(self.sets.codec(), nal).or(self.recovery);
        }
    }

    /// The slice header of this unit cannot be read: it is of no use.
    pub(crate) fn damage_unit(&mut self) {
        self.damaged = true;
    }

    /// Counts something of the stream that was left out.
    ///
    /// # Errors
    /// [`MediaError::Garbage`] if nothing of use came for long.
    pub fn count_damage(&mut self) -> Result<(), MediaError> {
        self.damage = self.damage.saturating_add(1);
        self.damage_in_a_row += 1;
        if self.damage_in_a_row > MAX_DAMAGE_IN_A_ROW {
            return Err(MediaError::Garbage(MAX_DAMAGE_IN_A_ROW));
        }
        Ok(())
    }

    /// What was left out since the last unit of use, if no unit of use comes any more; counts from 0 again.
    pub fn take_damage(&mut self) -> u32 {
        std::mem::take(&mut self.damage)
    }

    /// A finished unit is not handed on after all: what was counted with it goes to the next.
    pub fn skip(&mut self, unit: &AccessUnit) {
        self.damage = self.damage.saturating_add(unit.damage_before);
    }

    /// Whether, and how, decoding can start at the unit: its type, a recovery point, or else an intra
    /// picture that the container calls a start (`flagged`).
    fn start(&self, flagged: bool) -> (Start, u16) {
        match (self.start, self.recovery) {
            (Start::None, Some(point)) => (Start::Recovery, point.frames),
            (Start::None, None) if flagged && self.intra => (Start::Recovery, 0),
            (start, _) => (start, 0),
        }
    }

    /// Completes `unit`: sets its start, what leads, its parameter sets, and damage before it. Returns
    /// whether it is of use: it has a picture, and the stream has said its parameter sets.
    ///
    /// # Errors
    /// [`MediaError::Garbage`] if too much is damaged.
    pub fn finish(&mut self, unit: &mut AccessUnit) -> Result<bool, MediaError> {
        self.finish_flagged(unit, false)
    }

    /// The same for a unit of a container, which knows whether decoding can start at it (`flagged`); asked
    /// where the stream itself says nothing.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_flagged(
        &mut self,
        unit: &mut AccessUnit,
        flagged: bool,
    ) -> Result<bool, MediaError> {
        (unit.start, unit.recovery_frames) = self.start(flagged);
        unit.leading = self.leading;
        unit.damage_before = 0;
        if self.damaged && self.sets.is_known() {
            self.count_damage()?;
            return Ok(false);
        }
        let Some(current) = self.sets.current() else {
            return Ok(false);
        };
        let same = unit
            .parameter_sets
            .as_ref()
            .is_some_and(|p| std::sync::Arc::ptr_eq(p, current));
        if !same {
            unit.parameter_sets = Some(current.clone());
        }
        if self.has_picture {
            unit.damage_before = self.take_damage();
            self.damage_in_a_row = 0;
        }
        Ok(self.has_picture)
    }
}

/// Whether units of this kind are part of [`AccessUnit::data`].
pub(crate) const fn is_stored(kind: NalKind) -> bool {
    matches!(
        kind,
        NalKind::Sei | NalKind::Prefix | NalKind::Suffix | NalKind::Slice { .. }
    )
}
