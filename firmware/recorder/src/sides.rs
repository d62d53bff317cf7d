//! Sound, motion and text on their way from their queues to the recorder of a camera.

use std::sync::Arc;
use std::time::Duration;

use picam_media::{AccessUnit, SoundCodec, SoundFormat, TIMESCALE, UnitKind};
use picam_mp4::sample_entry::{self, EntryError, G711};
use picam_mp4::{TrackConfig, TrackKind};
use picam_ring::SideSample;
use picam_time::{BootNs, Ticks};

use crate::ear::Ear;

/// How long a unit lasts before a second one has come.
const USUAL_DURATION: Duration = Duration::from_millis(20);
/// Nanoseconds in a second.
const NANOS: u32 = 1_000_000_000;

/// Which side tracks a camera has, and how far they have come.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    /// The camera's own sound.
    own: Option<SoundFormat>,
    /// The microphone, if there is one.
    ear: Option<Arc<Ear>>,
    /// How its sound is coded now.
    heard: Option<SoundFormat>,
    /// The sound that the tracks have which were asked for last, and whether it is the microphone's.
    given: Option<(SoundFormat, bool)>,
    /// The first picture of the segments that have it.
    given_from: i64,
    /// Whether there is a sensor of place and motion.
    has_motion: bool,
    /// Of each kind: the last unit's time, and how long the one before it lasted.
    last: [Option<(i64, Duration)>; UnitKind::SIDE.len()],
}

impl Sides {
    pub(crate) fn new(has_motion: bool, ear: Option<Arc<Ear>>) -> Self {
        Self {
            has_motion,
            ear,
            ..Self::default()
        }
    }

    /// The camera's source says how its sound is coded.
    pub(crate) fn set_sound(&mut self, sound: Option<SoundFormat>) {
        self.own = sound;
    }

    /// Looks what the microphone does.
    pub(crate) fn look_at_microphone(&mut self, now: BootNs) {
        self.heard = self.ear.as_ref().and_then(|ear| ear.format(now));
    }

    /// The sound that a segment begun now has, and whether it is the microphone's. A camera with sound of its own keeps that.
    fn wanted(&self) -> Option<(SoundFormat, bool)> {
        let own = self.own.map(|sound| (sound, false));
        own.or(self.heard.map(|sound| (sound, true)))
    }

    /// Whether segments begun from now on have other tracks than the last.
    pub(crate) fn are_others(&self) -> bool {
        let sound = |of: Option<(SoundFormat, bool)>| of.map(|(sound, _)| sound);
        sound(self.wanted()) != sound(self.given)
    }

    /// Whether a new segment is due for the sake of other tracks. A microphone that falls silent is none: its track goes on
    /// without sound until the segment ends, so that switching it off and on, or a loose plug, cuts no segment short twice.
    pub(crate) fn changed(&self) -> bool {
        let falls_silent = self.wanted().is_none() && self.given.is_some_and(|(_, heard)| heard);
        self.are_others() && !falls_silent
    }

    /// The tracks that were asked for last are others than before, and those of a segment that begins with this picture.
    pub(crate) const fn begin_with(&mut self, dts: i64) {
        self.given_from = dts;
    }

    /// Whether a unit from elsewhere than the camera has a track. What the microphone hears before a segment has one, and for
    /// a camera with sound of its own, has none; that is no loss.
    pub(crate) fn takes(&self, unit: &AccessUnit) -> bool {
        let given = self.given.map(|(sound, _)| sound);
        let has_track = given.is_some() && given == self.heard && unit.dts >= self.given_from;
        unit.kind != UnitKind::Sound || (self.own.is_none() && has_track)
    }

    /// The tracks to follow the video. Asked for a new segment.
    pub(crate) fn tracks(&mut self) -> Result<Vec<TrackConfig>, EntryError> {
        self.given = self.wanted();
        let mut tracks = Vec::new();
        if let Some((
            SoundFormat {
                codec,
                rate,
                channels,
            },
            _,
        )) = self.given
        {
            let entry = match codec {
                SoundCodec::Pcm16 => sample_entry::pcm_s16le(rate, channels)?,
                SoundCodec::Aac(config) => sample_entry::aac(config.bytes(), rate, channels)?,
                SoundCodec::ALaw => sample_entry::g711(G711::ALaw, rate, channels)?,
                SoundCodec::MuLaw => sample_entry::g711(G711::MuLaw, rate, channels)?,
            };
            tracks.push(TrackConfig::audio(entry, rate));
        }
        if self.has_motion {
            tracks.extend([TrackConfig::camm()?, TrackConfig::text()?]);
        }
        Ok(tracks)
    }

    /// A unit as the recorder takes it; `None` for a picture.
    pub(crate) fn sample<'a>(&mut self, unit: &'a AccessUnit) -> Option<SideSample<'a>> {
        let (n, kind) = match unit.kind {
            UnitKind::Video => return None,
            UnitKind::Sound => (0, TrackKind::Audio),
            UnitKind::Motion => (1, TrackKind::Camm),
            UnitKind::Text => (2, TrackKind::Text),
        };
        let last = self.last.get_mut(n)?;
        let lasted = last.map(|(before, _)| Ticks::new(unit.dts.saturating_sub(before), TIMESCALE));
        let usual = last.map_or(USUAL_DURATION, |(_, usual)| usual);
        let lasts = match (unit.kind, self.given) {
            // A frame says how long it is, also behind a gap.
            (
                UnitKind::Sound,
                Some((
                    SoundFormat {
                        codec: SoundCodec::Aac(config),
                        rate,
                        ..
                    },
                    _,
                )),
            ) => Ticks::new(config.frame_samples().into(), rate)
                .rounded_up(NANOS)
                .span(),
            _ => lasted.map_or(usual, Ticks::span),
        };
        *last = Some((unit.dts, lasts));
        Some(SideSample {
            kind,
            at: Ticks::new(unit.dts, TIMESCALE),
            lasts,
            captured: unit.captured,
            data: &unit.data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: SoundFormat = SoundFormat {
        codec: SoundCodec::Pcm16,
        rate: 48_000,
        channels: 1,
    };

    #[test]
    fn other_tracks_are_due_when_the_sound_changes() {
        let mut sides = Sides::new(true, None);
        let kinds = |sides: &mut Sides| -> Vec<TrackKind> {
            sides
                .tracks()
                .unwrap()
                .iter()
                .map(|track| track.kind)
                .collect()
        };
        assert!(!sides.changed());
        assert_eq!(kinds(&mut sides), [TrackKind::Camm, TrackKind::Text]);
        sides.set_sound(Some(SOUND));
        assert!(sides.changed());
        let all = [TrackKind::Audio, TrackKind::Camm, TrackKind::Text];
        assert_eq!(kinds(&mut sides), all);
        sides.set_sound(Some(SOUND));
        assert!(!sides.changed());
        sides.set_sound(None);
        assert!(sides.changed());
    }

    #[test]
    fn a_microphone_that_falls_silent_cuts_no_segment_short_and_one_that_comes_does() {
        let ear = Arc::new(Ear::new("sim:".parse().unwrap(), None));
        let mut sides = Sides::new(false, Some(ear.clone()));
        let look = |sides: &mut Sides| {
            sides.look_at_microphone(BootNs::from_secs(100));
            (sides.changed(), sides.are_others())
        };
        assert_eq!(look(&mut sides), (true, true));
        assert_eq!(sides.tracks().unwrap().len(), 1);
        assert_eq!(look(&mut sides), (false, false));
        ear.switch(false);
        assert_eq!(look(&mut sides), (false, true));
        // Within the same segment nothing has happened.
        ear.switch(true);
        assert_eq!(look(&mut sides), (false, false));
        ear.switch(false);
        assert_eq!(look(&mut sides), (false, true));
        assert_eq!(sides.tracks().unwrap().len(), 0);
        assert_eq!(look(&mut sides), (false, false));
        ear.switch(true);
        assert_eq!(look(&mut sides), (true, true));
        // The camera's own comes first.
        sides.tracks().unwrap();
        sides.set_sound(Some(SOUND));
        assert_eq!(look(&mut sides), (true, true));
        sides.tracks().unwrap();
        ear.switch(false);
        assert_eq!(look(&mut sides), (false, false));
        // When that ends, a segment without begins.
        sides.set_sound(None);
        assert_eq!(look(&mut sides), (true, true));
    }

    #[test]
    fn a_unit_lasts_as_long_as_the_one_before_it() {
        let mut sides = Sides::default();
        let mut unit = AccessUnit::new();
        assert!(sides.sample(&unit).is_none());
        for (kind, dts, lasts) in [
            (UnitKind::Sound, 900, 20),
            (UnitKind::Motion, 900, 20),
            (UnitKind::Motion, 1800, 10),
            (UnitKind::Sound, 4500, 40),
            (UnitKind::Text, 4500, 20),
        ] {
            unit.kind = kind;
            unit.dts = dts;
            let sample = sides.sample(&unit).unwrap();
            assert_eq!(sample.lasts, Duration::from_millis(lasts), "{kind:?} {dts}");
            assert_eq!(sample.at, Ticks::new(dts, 90_000));
        }
    }
}
