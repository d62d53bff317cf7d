//! Fills an access unit from the NAL units of one picture.

use crate::nal::NalKind;
use crate::parameter_sets::ParameterSetTracker;
use crate::{AccessUnit, Codec, MediaError};

/// Sorts NAL units: parameter sets to the tracker, delimiters and filler away, the rest into the unit.
///
/// For sources that deliver whole access units (encoders, containers, RTP). Call [`Self::begin`], then
/// [`Self::push`] for each NAL unit, then [`Self::finish`].
pub struct UnitBuilder {
    sets: ParameterSetTracker,
    has_picture: bool,
    key: bool,
}

impl UnitBuilder {
    /// For a stream of `codec`.
    pub const fn new(codec: Codec) -> Self {
        Self {
            sets: ParameterSetTracker::new(codec),
            has_picture: false,
            key: false,
        }
    }

    /// The parameter sets known.
    pub const fn sets(&self) -> &ParameterSetTracker {
        &self.sets
    }

    /// Takes a parameter set that came apart from the pictures (in a container's header).
    pub fn take_parameter_set(&mut self, nal: &[u8]) -> Result<(), MediaError> {
        match NalKind::of(self.sets.codec(), nal) {
            Some(kind) => self.sets.take(kind, nal),
            None => Ok(()),
        }
    }

    /// Empties `unit` for the next picture, keeping its room.
    pub fn begin(&mut self, unit: &mut AccessUnit) {
        unit.data.clear();
        self.has_picture = false;
        self.key = false;
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
    /// [`MediaError::ParameterSet`] for a damaged parameter set.
    pub fn push(&mut self, unit: &mut AccessUnit, nal: &[u8]) -> Result<(), MediaError> {
        let Some(kind) = NalKind::of(self.sets.codec(), nal) else {
            return Ok(());
        };
        if is_stored(kind) {
            self.note(kind, nal);
            unit.data
                .extend_from_slice(&(nal.len() as u32).to_be_bytes());
            unit.data.extend_from_slice(nal);
            Ok(())
        } else {
            self.sets.take(kind, nal)
        }
    }

    /// Takes a unit that is not stored ([`is_stored`]).
    pub(crate) fn take(&mut self, kind: NalKind, nal: &[u8]) -> Result<(), MediaError> {
        self.sets.take(kind, nal)
    }

    /// Notes a stored unit's head, whose bytes the caller has put into the unit.
    pub(crate) fn note(&mut self, kind: NalKind, head: &[u8]) {
        if let NalKind::Slice { first, key } = kind {
            if first || !self.has_picture {
                self.sets.activate(head);
            }
            self.has_picture = true;
            self.key |= key;
        }
    }

    /// Completes `unit`: sets its key flag and parameter sets. Returns whether it is of use: it has a
    /// picture, and the stream has said its parameter sets.
    pub fn finish(&mut self, unit: &mut AccessUnit) -> bool {
        unit.key = self.key;
        let Some(current) = self.sets.current() else {
            return false;
        };
        let same = unit
            .parameter_sets
            .as_ref()
            .is_some_and(|p| std::sync::Arc::ptr_eq(p, current));
        if !same {
            unit.parameter_sets = Some(current.clone());
        }
        self.has_picture
    }
}

/// Whether units of this kind are part of [`AccessUnit::data`].
pub(crate) const fn is_stored(kind: NalKind) -> bool {
    matches!(
        kind,
        NalKind::Prefix | NalKind::Suffix | NalKind::Slice { .. }
    )
}
