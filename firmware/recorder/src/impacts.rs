//! Locks footage for impacts: those that are felt, and those that the power was cut upon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use picam_control::orders::Why;
use picam_mp4::read::Movie;
use picam_mp4::{ReadAt, Record, camm};
use picam_sensors::motion::{Detector, Finding, Impact, STANDARD_GRAVITY, Sample, Sensitivity};
use picam_time::{BootNs, Clock, Ticks};

use crate::desk::Desk;
use crate::orders::{Origin, Span};

/// So much before an impact is kept: what is being recorded, and what was before it; as the button has it.
pub(crate) const BEFORE: Duration = Duration::from_secs(60);
/// And so much behind it.
pub(crate) const AFTER: Duration = Duration::from_secs(30);
/// Impacts that wait for the card at most.
pub(crate) const MOST: usize = 32;
/// Between two attempts at a card that does not take the order.
const AGAIN: Duration = Duration::from_secs(1);
/// What was not locked by then is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// How often it is looked whether to stop.
const NAP: Duration = Duration::from_millis(200);
/// So much of what a segment feels before it was cut off is looked at. What hit the car earlier was locked while it ran.
const LAST: Duration = Duration::from_secs(10);
/// A sample of acceleration.
const SAMPLE: u32 = 16;

/// Locks what impacts are about, until `stop` is set. It may wait for the card: those who measure and record do not.
pub(crate) fn run(desk: &Arc<Desk>, impacts: &Receiver<Impact>, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        match impacts.recv_timeout(NAP) {
            Ok(impact) => lock(desk, &impact, stop),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Locks what an impact of this boot is about.
fn lock(desk: &Desk, impact: &Impact, stop: &AtomicBool) {
    let clock = desk.clock();
    loop {
        let denied = match desk.lock_impact(desk.now().boot_id, impact) {
            Ok(()) => return,
            Err(denied) => denied,
        };
        let waited = clock.now().since(impact.at);
        let is_final = denied.why != Why::Unavailable || waited >= GIVE_UP_AFTER;
        if is_final || stop.load(Ordering::SeqCst) {
            tracing::error!(
                "the footage of an impact is not locked: {denied}; {}",
                denied.remedy
            );
            return;
        }
        clock.sleep(AGAIN);
    }
}

impl Desk {
    /// Locks what an impact of a boot is about, on every camera. On the card before this returns.
    pub(crate) fn lock_impact(
        &self,
        boot_id: [u8; 16],
        impact: &Impact,
    ) -> Result<(), picam_control::orders::Denied> {
        let [a, b, c, d, ..] = boot_id;
        let start = u32::from_be_bytes([a, b, c, d]);
        let id = format!("impact-{start:08x}-{}", impact.at.0);
        let span = Span::Boot {
            id: boot_id,
            from: impact.at - BEFORE,
            to: impact.at + AFTER,
        };
        self.lock_span(id, span, "impact".into(), Origin::Impact)
    }

    /// Whether a moment of a boot is being locked already, firmly.
    pub(crate) fn has_lock_at(&self, boot_id: [u8; 16], at: BootNs) -> bool {
        let holds = |span: &Span| match *span {
            Span::Boot { id, from, to } => id == boot_id && (from..=to).contains(&at),
            Span::Utc { .. } => false,
        };
        let locks = self.locks();
        let mut firm = locks
            .iter()
            .filter(|order| order.origin.class() == Origin::Impact.class());
        firm.any(|order| holds(&order.span))
    }
}

/// Impacts that a segment felt just before it was cut off. What was suspected at its very end was one: so did the power end.
pub(crate) fn at_the_end(
    file: &(impl ReadAt + ?Sized),
    record: &Record,
    sensitivity: Sensitivity,
) -> Vec<Impact> {
    let samples = last_felt(file, record).unwrap_or_default();
    let mut detector = Detector::new(sensitivity);
    let found = samples
        .iter()
        .filter_map(|sample| match detector.feel(sample) {
            Some(Finding::Impact(impact)) => Some(impact),
            _ => None,
        });
    let mut all: Vec<Impact> = found.collect();
    all.extend(detector.end());
    all
}

/// What was felt in the last seconds; `None` if that cannot be read.
fn last_felt(file: &(impl ReadAt + ?Sized), record: &Record) -> Option<Vec<Sample>> {
    let movie = Movie::read(file).ok()?;
    let track = movie.tracks.iter().find(|track| track.codec == b"camm")?;
    let nanos = |sample| Ticks::new(track.presentation(sample), track.timescale).nanos();
    let end = track.samples.last().map(nanos)?;
    let from = end.saturating_sub(LAST.as_nanos() as i64);
    let mut all = Vec::new();
    let last = track.samples.iter().filter(|sample| sample.size == SAMPLE);
    for sample in last.filter(|sample| nanos(sample) >= from) {
        let mut bytes = [0; SAMPLE as usize];
        file.read_exact_at(sample.offset, &mut bytes).ok()?;
        if let Some(metres_s2) = camm::acceleration(&bytes) {
            all.push(Sample {
                at: record.start_boot.shifted_ns(nanos(sample)),
                g: metres_s2.map(|value| (f64::from(value) / STANDARD_GRAVITY) as f32),
            });
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests;
