//! From the recorder's messages to the pieces of an MP4.

use axum::body::Bytes;
use axum::http::HeaderValue;
use picam_control::live::{Codec, Config, PictureHead, TIMESCALE};
use picam_mp4::live::{fragment_head, init};
use picam_mp4::sample_entry::{self, EntryError};
use picam_mp4::{Sample, TrackConfig, VIDEO_TRACK};

/// How long a picture is shown before a second one has come, in ticks.
const USUAL_DURATION: u32 = TIMESCALE / 30;
/// Nothing is shown for longer than this because pictures were left out before it, in ticks.
const MAX_DURATION: u32 = TIMESCALE;

/// One stream.
pub(super) struct Mux {
    track: TrackConfig,
    content_type: HeaderValue,
    fragments: u32,
    /// Decode time of the picture before.
    last: Option<i64>,
    duration: u32,
}

impl Mux {
    /// A stream of pictures that are coded so.
    pub(super) fn of(config: Config) -> Result<Self, EntryError> {
        let Config {
            codec,
            width,
            height,
            vps,
            sps,
            pps,
        } = config;
        let (stsd, codecs) = match codec {
            Codec::H264 => (
                sample_entry::h264(&sps, &pps, width, height)?,
                sample_entry::h264_codecs(&sps)?,
            ),
            Codec::H265 => (
                sample_entry::h265(&vps, &sps, &pps, width, height)?,
                sample_entry::h265_codecs(&sps)?,
            ),
        };
        let content_type = format!("video/mp4; codecs=\"{codecs}\"");
        let content_type = HeaderValue::try_from(content_type);
        Ok(Self {
            track: TrackConfig::video(stsd, width, height),
            content_type: content_type.map_err(|_| EntryError::OutOfRange("the codec"))?,
            fragments: 0,
            last: None,
            duration: USUAL_DURATION,
        })
    }

    /// What it is, as browsers want it said.
    pub(super) fn content_type(&self) -> HeaderValue {
        self.content_type.clone()
    }

    /// What comes first.
    pub(super) fn init(&self) -> Result<Bytes, EntryError> {
        init(&self.track).map(Bytes::from)
    }

    /// A picture as a fragment: what stands before its data, and that.
    pub(super) fn fragment(
        &mut self,
        start: bool,
        head: &PictureHead,
        data: Bytes,
    ) -> Result<[Bytes; 2], EntryError> {
        // How long it is shown says only the next one: until then, as long as the one before.
        let since = self.last.map(|last| head.dts.saturating_sub(last));
        let since = since.and_then(|ticks| u32::try_from(ticks).ok());
        if let Some(ticks) = since.filter(|&ticks| ticks > 0 && head.dropped == 0) {
            self.duration = ticks.min(MAX_DURATION);
        }
        self.last = Some(head.dts);
        self.fragments = self.fragments.wrapping_add(1);
        let offset = u32::try_from(head.pts.saturating_sub(head.dts)).unwrap_or(0);
        let sample = Sample {
            track: VIDEO_TRACK,
            dts: head.dts,
            composition_offset: offset,
            duration: self.duration,
            key: start,
            captured: head.captured,
            data: &data,
        };
        let front = fragment_head(self.fragments, &sample)?;
        Ok([front.into(), data])
    }
}

#[cfg(test)]
mod tests {
    use picam_mp4::read::Movie;
    use picam_time::BootNs;

    use super::*;

    #[test]
    fn a_picture_lasts_as_long_as_the_one_before_it() {
        let config = Config {
            codec: Codec::H264,
            width: 64,
            height: 64,
            vps: Vec::new(),
            sps: vec![vec![0x67, 0x42, 0xc0, 0x0a, 0xda, 0x11, 0xa0]],
            pps: vec![vec![0x68, 0xce, 0x3c, 0x80]],
        };
        let mut mux = Mux::of(config.clone()).unwrap();
        assert_eq!(mux.content_type(), "video/mp4; codecs=\"avc1.42c00a\"");
        let mut stream = mux.init().unwrap().to_vec();
        let day = 86_400 * 90_000;
        // A second of pictures is left out before the last but one.
        for (after, dropped) in [(0, 0), (4500, 0), (9000, 0), (99_000, 19), (103_500, 0)] {
            let head = PictureHead {
                dts: day + after,
                pts: day + after + 100,
                captured: BootNs::ZERO,
                dropped,
            };
            let pieces = mux.fragment(after == 0, &head, Bytes::from_static(b"abc"));
            stream.extend(pieces.unwrap().concat());
        }
        let movie = Movie::read(&stream).unwrap();
        let samples = &movie.video().unwrap().samples;
        let times: Vec<_> = samples
            .iter()
            .map(|s| (s.dts - day, s.cts_offset))
            .collect();
        let expected = [
            (0, 100),
            (4500, 100),
            (9000, 100),
            (99_000, 100),
            (103_500, 100),
        ];
        assert_eq!(times, expected);
        assert_eq!(mux.duration, 4500);

        let none = Config {
            sps: Vec::new(),
            ..config
        };
        assert!(Mux::of(none).is_err());
    }
}
