//! The report as a person reads it.

use std::fmt;

use picam_mp4::Counters;
use picam_time::UtcUs;

use super::{FileReport, SegmentReport, State, TrackReport};
use crate::text;

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.segment.as_ref().map(|segment| segment.state) {
            Some(State::Recording) => "picam segment, being recorded or cut off",
            Some(State::Finished) => "picam segment, finished",
            Some(State::Recovered) => "picam segment, cut off and recovered",
            None => "MP4, not a picam segment",
        };
        writeln!(f, "{}: {what}", self.file)?;
        if let Some(segment) = &self.segment {
            segment.fmt(f)?;
        }
        line(f, "length", &text::seconds(self.duration_s))?;
        let size = text::size(self.size);
        match &self.segment {
            Some(segment) => {
                let used = text::size(segment.end);
                let fragments = text::count(self.fragments as u64, "fragment");
                line(f, "size", &format!("{size}, used {used}, {fragments}"))?;
            }
            None if self.fragments == 0 => line(f, "size", &size)?,
            None => {
                let fragments = text::count(self.fragments as u64, "fragment");
                line(f, "size", &format!("{size}, {fragments}"))?;
            }
        }
        for track in &self.tracks {
            line(f, &format!("track {}", track.id), &track.to_string())?;
        }
        for fault in &self.faults {
            line(f, "FAULT", fault)?;
        }
        if self.segment.is_some() && self.faults.is_empty() {
            line(f, "checksums", "all fragments intact")?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {name:<10} {value}")
}

impl fmt::Display for SegmentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line(f, "camera", &format!("{} ({})", self.camera, self.letter))?;
        line(f, "class", &self.class)?;
        let boot = format!(
            "{} after boot {}",
            text::seconds(self.start_boot_s),
            self.boot_number
        );
        match self.start {
            Some(start) => {
                let start = text::utc(UtcUs(start.as_microsecond()));
                line(f, "start", &format!("{start} ({boot})"))?;
            }
            None => line(f, "start", &format!("{boot}, time of day unknown"))?,
        }
        line(f, "sequence", &self.sequence.to_string())?;
        let mut losses = losses(&self.counters);
        if losses.is_empty() {
            losses.push("none lost".to_owned());
        }
        line(
            f,
            "frames",
            &format!("{}; {}", self.counters.frames, losses.join(", ")),
        )
    }
}

/// What was lost or damaged, in words; nothing where nothing was.
pub(crate) fn losses(counters: &Counters) -> Vec<String> {
    let mut losses = Vec::new();
    for (n, what) in [
        (counters.dropped_encoder, "lost in the encoder"),
        (counters.dropped_queue, "lost because the card was too slow"),
        (
            counters.lost_card,
            "lost with what the card no longer gave or took",
        ),
        (counters.lost_room, "lost because the slot was full"),
        (
            counters.lost_undecodable,
            "lost before one that can be decoded",
        ),
        (
            counters.times_changed,
            "with a time that could not be stored as it was",
        ),
    ] {
        if n > 0 {
            losses.push(format!("{n} {what}"));
        }
    }
    if counters.crc_failures > 0 {
        let n = text::count(counters.crc_failures.into(), "fragment");
        losses.push(format!("{n} damaged when recovered"));
    }
    if counters.stream_damage > 0 {
        let n = text::count(counters.stream_damage.into(), "place");
        losses.push(format!("the source's stream damaged at {n}"));
    }
    if counters.lost_side > 0 {
        let n = text::count(counters.lost_side.into(), "sample");
        losses.push(format!("{n} of sound, motion or text lost"));
    }
    if counters.io_faults > 0 {
        let n = text::count(counters.io_faults.into(), "write");
        losses.push(format!("{n} refused by the card"));
    }
    losses
}

impl fmt::Display for TrackReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.codec_name();
        match name == self.codec {
            true => write!(f, "{}, {name}", self.kind)?,
            false => write!(f, "{}, {name} ({})", self.kind, self.codec)?,
        }
        if let (Some(width), Some(height)) = (self.width, self.height) {
            write!(f, ", {width}x{height}")?;
        }
        match self.fps {
            Some(fps) => write!(f, ", {fps:.2} fps")?,
            None => write!(f, ", {}", text::count(self.samples, "sample"))?,
        }
        if let Some(bit_rate) = self.bit_rate {
            write!(f, ", {:.2} Mbit/s", bit_rate / 1e6)?;
        }
        Ok(())
    }
}
