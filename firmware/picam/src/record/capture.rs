//! A camera's capture thread: takes pictures from the source and never waits for the card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use picam_capture::{CameraSpec, Clock, Next, Source, open};

use super::queue::{Sender, Sent};
use super::status::Report;

/// How long a source is waited for before looking whether to stop.
const PATIENCE: Duration = Duration::from_millis(200);
/// A live source from which nothing comes for so long is opened anew.
const SILENCE: Duration = Duration::from_secs(5);
/// Pause before a source that failed is opened again; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs until the source ends for good or `stop` is set.
pub(super) fn run(
    spec: &CameraSpec,
    clock: Arc<dyn Clock>,
    mut sender: Sender,
    writer: &Thread,
    report: &Report,
    stop: &AtomicBool,
) {
    let mut pause = FIRST_PAUSE;
    while !stop.load(Ordering::SeqCst) {
        let outcome = open(spec, clock.clone())
            .map_err(|error| error.to_string())
            .and_then(|source| {
                report.source_opened(source.describe());
                let outcome = pump(source, &mut sender, writer, report, stop);
                if report.has_delivered() {
                    pause = FIRST_PAUSE;
                }
                outcome
            });
        match outcome {
            Ok(()) => break,
            Err(message) => {
                tracing::warn!(camera = spec.name, "{message}; trying again in {pause:?}");
                report.source_failed(message);
                wait(pause, stop, report);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    report.source_ended();
    sender.close(writer);
}

/// Takes pictures until the source ends (`Ok`) or fails.
fn pump(
    mut source: Box<dyn Source>,
    sender: &mut Sender,
    writer: &Thread,
    report: &Report,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut heard = Instant::now();
    while !stop.load(Ordering::SeqCst) {
        if !source.is_live() && !sender.wait_for_room() {
            continue;
        }
        let mut item = sender.take();
        match source.read(&mut item.unit, PATIENCE) {
            Ok(Next::Unit) => {
                heard = Instant::now();
                report.delivered(&item.unit);
                if sender.send(item, writer) == Sent::Lost {
                    report.lost_in_queue();
                }
            }
            Ok(Next::Timeout) => {
                sender.put_back(item);
                if source.is_live() && heard.elapsed() > SILENCE {
                    let source = source.describe();
                    return Err(format!("{source}: no picture for {} s", SILENCE.as_secs()));
                }
            }
            Ok(Next::End) => return Ok(()),
            Err(error) => {
                sender.put_back(item);
                return Err(format!("{}: {error}", source.describe()));
            }
        }
    }
    Ok(())
}

/// Waits, but not beyond `stop`.
fn wait(mut pause: Duration, stop: &AtomicBool, report: &Report) {
    while !stop.load(Ordering::SeqCst) && !pause.is_zero() {
        let step = pause.min(PATIENCE);
        report.fault_persists();
        std::thread::park_timeout(step);
        pause -= step;
    }
}
