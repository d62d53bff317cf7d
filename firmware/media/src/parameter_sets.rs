//! The parameter sets in force, shared by all units between two changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::nal::NalKind;
use crate::sps::{OrderFacts, PpsFacts, SpsFacts};
use crate::{Codec, MediaError, ParameterSets, h264, h265};

/// Longest parameter set that fits a decoder configuration record (16-bit length).
const MAX_SET_LEN: usize = u16::MAX as usize;

struct Stored<F> {
    nal: Vec<u8>,
    facts: F,
}

/// Keeps the parameter sets of one stream and builds a new [`ParameterSets`] when they change.
pub struct ParameterSetTracker {
    codec: Codec,
    vps: BTreeMap<u8, Vec<u8>>,
    sps: BTreeMap<u8, Stored<SpsFacts>>,
    pps: BTreeMap<u8, Stored<PpsFacts>>,
    /// The SPS that the current picture uses.
    active: Option<u8>,
    current: Option<Arc<ParameterSets>>,
    changed: bool,
}

impl ParameterSetTracker {
    /// None yet.
    pub const fn new(codec: Codec) -> Self {
        Self {
            codec,
            vps: BTreeMap::new(),
            sps: BTreeMap::new(),
            pps: BTreeMap::new(),
            active: None,
            current: None,
            changed: false,
        }
    }

    /// How the stream is coded.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes a unit of kind `Vps`, `Sps` or `Pps`; ignores others. Bytes that are known already change nothing.
    ///
    /// # Errors
    /// [`MediaError::ParameterSet`] if it cannot be read; what was known stays in force.
    pub fn take(&mut self, kind: NalKind, nal: &[u8]) -> Result<(), MediaError> {
        if nal.len() > MAX_SET_LEN {
            let reason = format!("{} bytes long", nal.len());
            return Err(MediaError::ParameterSet {
                set: "parameter set",
                reason,
            });
        }
        match kind {
            NalKind::Vps => {
                // vps_video_parameter_set_id: the first four bits behind the header.
                let id = nal.get(2).map_or(0, |b| b >> 4);
                if self.vps.get(&id).is_none_or(|known| known != nal) {
                    self.vps.insert(id, nal.to_vec());
                    self.changed = true;
                }
            }
            NalKind::Sps if !self.sps.values().any(|s| s.nal == nal) => {
                let facts = SpsFacts::parse(self.codec, nal)?;
                self.sps.insert(
                    facts.id,
                    Stored {
                        nal: nal.to_vec(),
                        facts,
                    },
                );
                self.changed = true;
            }
            NalKind::Pps if !self.pps.values().any(|p| p.nal == nal) => {
                let facts = PpsFacts::parse(self.codec, nal)?;
                self.pps.insert(
                    facts.id,
                    Stored {
                        nal: nal.to_vec(),
                        facts,
                    },
                );
                self.changed = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes which sets the picture uses that the slice in `head` begins. `false` if the slice cannot be
    /// read that far, or names a set that is not known: nobody could decode it.
    pub fn activate(&mut self, head: &[u8]) -> bool {
        let Some(id) = self.pps_of(head).map(|pps| pps.sps_id) else {
            return false;
        };
        if self.active != Some(id) {
            self.active = Some(id);
            self.changed = true;
        }
        self.sps.contains_key(&id)
    }

    /// Whether a sequence and a picture parameter set came.
    pub fn is_known(&self) -> bool {
        !self.sps.is_empty() && !self.pps.is_empty()
    }

    /// Whether the slice stands for itself; in H.265 only a picture's first slice is looked at.
    pub(crate) fn is_intra_slice(&self, head: &[u8]) -> bool {
        match self.codec {
            Codec::H264 => h264::is_intra_slice(head),
            Codec::H265 if head.get(2).is_some_and(|b| b & 0x80 != 0) => self
                .pps_of(head)
                .is_some_and(|pps| h265::is_intra_slice(head, &pps.order)),
            Codec::H265 => true,
        }
    }

    /// The sets in force for the picture last activated; `None` while the stream has not said them.
    pub fn current(&mut self) -> Option<&Arc<ParameterSets>> {
        if self.changed {
            self.changed = false;
            self.rebuild();
        }
        self.current.as_ref()
    }

    /// The facts of the active SPS.
    pub fn facts(&self) -> Option<&SpsFacts> {
        Some(&self.sps.get(&self.active?)?.facts)
    }

    /// What is needed to read the order of the picture that the slice in `head` begins.
    pub(crate) fn order_facts(&self, head: &[u8]) -> Option<(&OrderFacts, &PpsFacts)> {
        let pps = self.pps_of(head)?;
        Some((&self.sps.get(&pps.sps_id)?.facts.order, pps))
    }

    fn pps_of(&self, head: &[u8]) -> Option<&PpsFacts> {
        let id = match self.codec {
            Codec::H264 => h264::slice_pps_id(head),
            Codec::H265 => h265::slice_pps_id(head),
        };
        Some(&self.pps.get(&id?)?.facts)
    }

    fn rebuild(&mut self) {
        let Some(facts) = self.facts() else { return };
        if self.pps.is_empty() {
            return;
        }
        let sets = ParameterSets {
            codec: self.codec,
            vps: self.vps.values().cloned().collect(),
            sps: self.sps.values().map(|s| s.nal.clone()).collect(),
            pps: self.pps.values().map(|p| p.nal.clone()).collect(),
            width: facts.width,
            height: facts.height,
            frame_ticks: facts.frame_ticks(),
        };
        // Sets may change there and back between two pictures.
        if self.current.as_deref() != Some(&sets) {
            self.current = Some(Arc::new(sets));
        }
    }
}
