//! What there is to know about one track.

use picam_mp4::read::Track;
use serde::Serialize;

/// One track.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackReport {
    /// Track id.
    pub id: u32,
    /// `video`, `audio`, `text` or `metadata`.
    pub kind: &'static str,
    /// Type of its sample entry (`avc1`).
    pub codec: String,
    /// Samples: frames, fixes, lines of text.
    pub samples: u64,
    /// Their bytes in all.
    pub bytes: u64,
    /// How long it is shown, in seconds.
    pub duration_s: f64,
    /// Picture width in pixels; `None` where there is no picture.
    pub width: Option<u16>,
    /// Picture height in pixels.
    pub height: Option<u16>,
    /// Mean number of pictures a second.
    pub fps: Option<f64>,
    /// Mean bits a second; `None` if nothing is shown.
    pub bit_rate: Option<f64>,
}

impl TrackReport {
    pub(super) fn new(track: &Track) -> Self {
        let duration_s = track.presentation_end() as f64 / f64::from(track.timescale.max(1));
        let samples: u64 = track.samples.iter().map(|s| u64::from(s.run)).sum();
        let bytes: u64 = track.samples.iter().map(|s| u64::from(s.size)).sum();
        let rate = |count: f64| (duration_s > 0.0).then_some(count / duration_s);
        let video = track.is_video();
        let entry = track.entries.first().filter(|_| video);
        Self {
            id: track.id,
            kind: match &track.handler.0 {
                b"vide" => "video",
                b"soun" => "audio",
                b"sbtl" | b"text" => "text",
                _ => "metadata",
            },
            codec: track.codec.to_string(),
            samples,
            bytes,
            duration_s,
            width: entry.map(|entry| entry.width),
            height: entry.map(|entry| entry.height),
            fps: rate(samples as f64).filter(|_| video),
            bit_rate: rate(bytes as f64 * 8.0),
        }
    }

    /// What people call the codec.
    pub(super) fn codec_name(&self) -> &str {
        match self.codec.as_str() {
            "avc1" | "avc3" => "H.264",
            "hvc1" | "hev1" => "H.265",
            "mp4a" => "AAC",
            "Opus" => "Opus",
            "ipcm" | "sowt" | "twos" => "PCM",
            "ulaw" | "alaw" => "G.711",
            "camm" => "camera motion",
            "tx3g" => "timed text",
            other => other,
        }
    }
}
