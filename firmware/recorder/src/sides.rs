//! Sound, motion and text on their way from their queues to the recorder of a camera.

use std::time::Duration;

use picam_media::{AccessUnit, SoundCodec, SoundFormat, TIMESCALE, UnitKind};
use picam_mp4::sample_entry::{self, EntryError, G711};
use picam_mp4::{TrackConfig, TrackKind};
use picam_ring::SideSample;
use picam_time::Ticks;

/// How long a unit lasts before a second one has come.
const USUAL_DURATION: Duration = Duration::from_millis(20);

/// Which side tracks a camera has, and how far they have come.
#[derive(Debug, Default)]
pub(crate) struct Sides {
    sound: Option<SoundFormat>,
    /// Whether there is a sensor of place and motion.
    has_motion: bool,
    /// Whether segments begun from now on have other tracks than the last.
    changed: bool,
    /// Of each kind: the last unit's time, and how long the one before it lasted.
    last: [Option<(i64, Duration)>; UnitKind::SIDE.len()],
}

impl Sides {
    pub(crate) fn new(has_motion: bool) -> Self {
        Self {
            has_motion,
            ..Self::default()
        }
    }

    /// The camera's source says how its sound is coded.
    pub(crate) fn set_sound(&mut self, sound: Option<SoundFormat>) {
        if sound != self.sound {
            self.sound = sound;
            self.changed = true;
        }
    }

    /// Whether a new segment is due for the sake of other tracks.
    pub(crate) const fn changed(&self) -> bool {
        self.changed
    }

    /// The tracks to follow the video. Asked for a new segment.
    pub(crate) fn tracks(&mut self) -> Result<Vec<TrackConfig>, EntryError> {
        self.changed = false;
        let mut tracks = Vec::new();
        if let Some(SoundFormat {
            codec,
            rate,
            channels,
        }) = self.sound
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
        let lasts = lasted.map_or(usual, Ticks::span);
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
        let mut sides = Sides::new(true);
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
