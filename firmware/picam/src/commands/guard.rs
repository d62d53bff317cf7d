//! `picam guard`: watches the battery, and has the camera switched off in time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};

use clap::Args;
use picam_guard::{End, Event, Guard, History, LOOK_EVERY, Limits};
use picam_sensors::battery::{self, GaugeSpec};
use picam_time::SystemClock;

use super::failure::Failure;
use crate::cli::ConfigFiles;
use crate::service::{log, notify, signals};

/// Where the kernel says which start this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Options of `guard`.
#[derive(Debug, Args)]
pub(crate) struct GuardOptions {
    #[command(flatten)]
    files: ConfigFiles,
    /// Gauge to ask, instead of the configured one: auto, max17048, ina219:0x43?cells=1, sim:10
    #[arg(long, value_name = "GAUGE")]
    gauge: Option<GaugeSpec>,
    /// File that is made when the camera is to be switched off; who waits for it does that
    #[arg(long, value_name = "FILE")]
    poweroff: PathBuf,
    /// File that remembers how the last starts ended
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
}

/// Watches until stopped; ends at once where there is nothing to watch.
pub(crate) fn run(options: &GuardOptions) -> Result<(), Failure> {
    let loaded = options.files.load();
    log::init(loaded.config.log);
    for problem in &loaded.problems {
        tracing::error!("{problem}");
    }
    let spec = options
        .gauge
        .as_ref()
        .unwrap_or(&loaded.config.battery.gauge);
    let mut history = options.history.as_deref().map(open_history);
    let opened = battery::open(spec).map_err(|error| Failure::new(error.to_string()))?;
    let Some(gauge) = opened else {
        tracing::info!("no battery gauge is configured: nothing is watched");
        return Ok(());
    };
    let cannot = |error| Failure::new(format!("signals cannot be caught: {error}"));
    let (stop, stopped) = mpsc::channel::<()>();
    let caught = signals::catch().map_err(cannot)?;
    caught.hand_on(|| (), move || drop(stop)).map_err(cannot)?;
    let mut guard = Guard::new(
        SystemClock,
        gauge,
        Limits::default(),
        *spec != GaugeSpec::Auto,
    );
    notify::ready();
    loop {
        match guard.look() {
            (now, Some(Event::PowerOff(cause, reading))) => {
                request(&options.poweroff);
                let end = End::at(now, cause, reading);
                let kept = history.as_mut().map_or(Ok(()), |history| history.end(end));
                kept.unwrap_or_else(|error| tracing::error!("{error}"));
            }
            (_, Some(Event::Overdue)) => request(&options.poweroff),
            _ => {}
        }
        notify::alive();
        if stopped.recv_timeout(LOOK_EVERY) != Err(RecvTimeoutError::Timeout) {
            return Ok(());
        }
    }
}

fn open_history(path: &Path) -> History {
    let boot_id = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let (history, kept) = History::open(path, boot_id.trim());
    kept.unwrap_or_else(|error| tracing::error!("{error}"));
    match history.last_end() {
        Some(Some(end)) => tracing::info!(
            "the camera was last switched off because {}: {} mV a cell, after {} s",
            end.cause,
            end.cell_mv,
            end.after_s
        ),
        Some(None) => tracing::info!("the camera was last switched off without the guard"),
        None => {}
    }
    history
}

/// Asks whoever waits for the file to switch the camera off. Again, if it is there already: it is made anew.
fn request(path: &Path) {
    let _ = fs::remove_file(path);
    if let Err(error) = File::create(path) {
        tracing::error!("{} cannot be made: {error}", path.display());
    }
}
