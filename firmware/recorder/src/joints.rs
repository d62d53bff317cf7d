//! What a writer keeps so that segments begin and end where nothing is lost: the policy, and the copy of a start
//! that stands in two segments.

use std::sync::Arc;

use picam_media::{AccessUnit, Joint, JointPolicy, Rotation, UnitFacts};
use picam_mp4::{Sample, TrackConfig, VIDEO_TRACK};
use picam_ring::Urgency;
use picam_time::BootNs;

/// A start that the next segment begins with, too.
#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) tracks: Arc<Vec<TrackConfig>>,
    dts: i64,
    composition_offset: u32,
    duration: u32,
    captured: BootNs,
    data: Vec<u8>,
}

impl Copy {
    pub(crate) fn of(sample: &Sample<'_>, tracks: Arc<Vec<TrackConfig>>) -> Self {
        Self {
            tracks,
            dts: sample.dts,
            composition_offset: sample.composition_offset,
            duration: sample.duration,
            captured: sample.captured,
            data: sample.data.to_vec(),
        }
    }

    pub(crate) fn sample(&self) -> Sample<'_> {
        Sample {
            track: VIDEO_TRACK,
            dts: self.dts,
            composition_offset: self.composition_offset,
            duration: self.duration,
            key: true,
            captured: self.captured,
            data: &self.data,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Joints {
    policy: JointPolicy,
    pub(crate) copy: Option<Copy>,
}

impl Joints {
    /// Where the next unit belongs; `None` while the stream has not said its parameter sets. `urgency` says how
    /// much a new segment is wanted that shall have room for so many bytes besides a group of pictures.
    pub(crate) fn next(
        &mut self,
        unit: &AccessUnit,
        lost_before: bool,
        urgency: impl FnOnce(u64) -> Urgency,
    ) -> Option<Joint> {
        let facts = UnitFacts::of(unit, lost_before)?;
        let rotation = match urgency(self.policy.carried_bytes() as u64) {
            Urgency::None => Rotation::Stay,
            Urgency::Convenient => Rotation::Soon,
            Urgency::Urgent => Rotation::Now,
            Urgency::NoSegment => Rotation::First,
        };
        Some(self.policy.next(&facts, rotation))
    }

    /// The unit last given is in no segment after all.
    pub(crate) fn lost(&mut self) {
        self.policy.lost();
        self.copy = None;
    }

    /// The unit last given found no room in its segment.
    pub(crate) fn full(&mut self) {
        self.policy.full();
    }
}

#[cfg(test)]
mod tests {
    use picam_media::{Codec, ParameterSets, Place, Start};

    use super::*;

    /// An open start, whose copy a later segment shall begin with, or what follows it.
    fn unit(dts: i64, start: Start) -> AccessUnit {
        let sets = ParameterSets {
            codec: Codec::H265,
            vps: Vec::new(),
            sps: Vec::new(),
            pps: Vec::new(),
            width: 640,
            height: 480,
            frame_ticks: None,
        };
        AccessUnit {
            parameter_sets: Some(Arc::new(sets)),
            dts,
            pts: dts + 6_000,
            start,
            ..AccessUnit::new()
        }
    }

    fn place(joints: &mut Joints, unit: &AccessUnit, urgency: Urgency) -> Place {
        joints.next(unit, false, |_| urgency).unwrap().place
    }

    /// While the segment goes on, nothing else tells that a picture is missing that those behind it need.
    #[test]
    fn what_needs_a_picture_that_is_lost_is_left_out_up_to_the_next_start() {
        for is_lost in [false, true] {
            let mut joints = Joints::default();
            let start = unit(0, Start::Idr);
            assert_eq!(place(&mut joints, &start, Urgency::NoSegment), Place::Begin);
            let open = unit(9_000, Start::Cra);
            let carried = place(&mut joints, &open, Urgency::Urgent);
            assert_eq!(carried, Place::AppendAndCopy);
            let sample = Sample {
                track: VIDEO_TRACK,
                dts: open.dts,
                composition_offset: 6_000,
                duration: 3_000,
                key: true,
                captured: open.captured,
                data: &open.data,
            };
            joints.copy = Some(Copy::of(&sample, Arc::default()));
            if is_lost {
                joints.lost();
            }
            assert_eq!(joints.copy.is_none(), is_lost);
            let next = place(&mut joints, &unit(12_000, Start::None), Urgency::None);
            let expected = match is_lost {
                true => Place::Undecodable,
                false => Place::BeginWithCopy,
            };
            assert_eq!(next, expected);
            let later = unit(90_000, Start::Idr);
            assert_eq!(place(&mut joints, &later, Urgency::None), Place::Append);
        }
    }
}
