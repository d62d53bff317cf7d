//! The sound beside the pictures of a file.

use std::fs::File;
use std::io;

use picam_media::{AccessUnit, AudioSpecificConfig, SoundCodec, SoundFormat, TIMESCALE, UnitKind};
use picam_mp4::ReadAt;
use picam_mp4::read::{Sample, Track, aac_config};

use super::to_ticks;

/// No frame of AAC is longer: 6144 bits a channel (ISO/IEC 14496-3 4.5.3.3), and some.
const MAX_LEN: usize = 64 << 10;
/// A container that counts milliseconds is off by so much, in ticks.
const ROUNDED: i64 = (TIMESCALE / 500) as i64;

/// What sound a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FileSound {
    /// None.
    None,
    /// It comes along with the pictures.
    Recorded(SoundFormat),
    /// It is not recorded; names its codec.
    LeftOut(String),
}

impl FileSound {
    /// AAC with this configuration.
    pub(super) fn aac(config: &[u8]) -> Self {
        match AudioSpecificConfig::parse(config) {
            Ok(config) => Self::Recorded(SoundFormat::aac(config)),
            Err(error) => Self::LeftOut(error.to_string()),
        }
    }
}

/// What came of looking for the next sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The unit was filled.
    Unit,
    /// Nothing is heard before then.
    NotDue,
    /// It cannot be a frame of sound.
    Damaged,
}

/// The sound of an MP4 file.
#[derive(Debug)]
pub(super) struct SoundTrack {
    track: Track,
    next: usize,
    /// Added to times of presentation: where the pictures' round begins, in ticks.
    shift: i64,
    /// When the last one that was read ends.
    ends: i64,
}

/// The track to be recorded, if there is one.
pub(super) fn choose(tracks: &mut Vec<Track>) -> (FileSound, Option<Track>) {
    let config = |track: &Track| track.entries.first().and_then(aac_config);
    let chosen = tracks
        .iter()
        .position(|track| track.is_audio() && config(track).is_some())
        .or_else(|| tracks.iter().position(Track::is_audio));
    let Some(at) = chosen else {
        return (FileSound::None, None);
    };
    let track = tracks.remove(at);
    match config(&track).map(|config| FileSound::aac(&config)) {
        Some(FileSound::Recorded(format)) => (FileSound::Recorded(format), Some(track)),
        Some(other) => (other, None),
        None => (FileSound::LeftOut(track.codec.to_string()), None),
    }
}

impl SoundTrack {
    /// `shift` is where the pictures begin: the decode time of the first one less its presentation, in ticks.
    pub(super) fn new(track: Track, shift: i64) -> Self {
        Self {
            track,
            next: 0,
            shift,
            ends: i64::MIN,
        }
    }

    /// When a sample is heard. A decoder's priming comes before the first picture, as the edit list says.
    fn heard(&self, sample: &Sample, round: i64) -> i64 {
        let at = to_ticks(self.track.presentation(sample), self.track.timescale);
        at.saturating_add(self.shift).saturating_add(round)
    }

    /// Leaves out what is heard before `dts`, in the round that began at `round`.
    pub(super) fn skip_before(&mut self, round: i64, dts: i64) {
        let dts = dts.max(self.ends.saturating_sub(ROUNDED));
        let is_before = |sample: &&Sample| self.heard(sample, round) < dts;
        self.next = self.track.samples.iter().take_while(is_before).count();
    }

    /// Fills `unit` with what is heard next, if that is before `until`.
    pub(super) fn read(
        &mut self,
        file: &File,
        round: i64,
        until: i64,
        unit: &mut AccessUnit,
    ) -> io::Result<Next> {
        let Some(sample) = self.track.samples.get(self.next) else {
            return Ok(Next::NotDue);
        };
        let at = self.heard(sample, round);
        if at >= until {
            return Ok(Next::NotDue);
        }
        self.next += 1;
        let len = sample.size as usize;
        if len == 0 || len > MAX_LEN || sample.description != 1 {
            return Ok(Next::Damaged);
        }
        unit.begin(UnitKind::Sound);
        unit.data.resize(len, 0);
        file.read_exact_at(sample.offset, &mut unit.data)?;
        (unit.dts, unit.pts) = (at, at);
        self.ends = at.saturating_add(to_ticks(sample.duration.into(), self.track.timescale));
        Ok(Next::Unit)
    }
}

/// Times of frames from a container that rounds them to milliseconds: frames that follow each other are as far apart as they
/// last.
#[derive(Debug)]
pub(super) struct FrameTimes {
    rate: i64,
    frame: i64,
    /// When the first frame of an unbroken run was heard, and how many came since.
    run: Option<(i64, i64)>,
}

impl FrameTimes {
    pub(super) fn new(format: SoundFormat) -> Self {
        let frame = match format.codec {
            SoundCodec::Aac(config) => config.frame_samples(),
            SoundCodec::Pcm16 | SoundCodec::ALaw | SoundCodec::MuLaw => 1,
        };
        Self {
            rate: format.rate.max(1).into(),
            frame: frame.into(),
            run: None,
        }
    }

    /// When a frame is heard that the container says is heard at `at`; `None` if the last one is still heard then.
    pub(super) fn next(&mut self, at: i64) -> Option<i64> {
        let expected = self.run.map(|(begun, count)| {
            let samples = count.saturating_add(1).saturating_mul(self.frame);
            begun.saturating_add(samples.saturating_mul(TIMESCALE.into()) / self.rate)
        });
        // Where a file begins anew, its first frame may lie beside the last of the round before.
        if expected.is_some_and(|expected| at < expected.saturating_sub(ROUNDED)) {
            return None;
        }
        let fits = expected.filter(|expected| at.saturating_sub(*expected) <= ROUNDED);
        let exact = fits.unwrap_or(at);
        self.run = match (self.run, fits) {
            (Some((begun, count)), Some(_)) => Some((begun, count.saturating_add(1))),
            _ => Some((at, 0)),
        };
        Some(exact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_rounded_to_milliseconds_follow_each_other_exactly() {
        let config = AudioSpecificConfig::parse(&[0x12, 0x10]).unwrap();
        let mut times = FrameTimes::new(SoundFormat::aac(config));
        let exact = |n: i64| 7 * 90 + n * 1024 * 90_000 / 44_100;
        for n in 0..5000 {
            let rounded = (exact(n) + 45) / 90 * 90;
            assert_eq!(times.next(rounded), Some(exact(n)));
        }
        // A pause, and a file that goes back.
        let later = exact(5000) + 90_000;
        assert_eq!(times.next(later), Some(later));
        assert_eq!(times.next(later - 1000), None);
        assert_eq!(times.next(later + 30), None);
        assert_eq!(
            times.next(later + 2090),
            Some(later + 1024 * 90_000 / 44_100)
        );
    }
}
