//! `picam guard`: watches the battery, shows by an LED whether it records, has footage kept by a button.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use clap::Args;
use picam_control::power::{End, PowerNote, PowerStatus};
use picam_guard::{
    Expected, Guard, History, LOOK_EVERY, Limits, Line, Lines, Message, PanelThread, Wiring,
    start_gauge, write_note,
};
use picam_sensors::battery::{self, GaugeError, GaugeSpec};
use picam_sensors::gpio::{self, LineSpec};
use picam_time::{BootNs, Clock, SystemClock};

use super::failure::Failure;
use crate::cli::ConfigFiles;
use crate::config::Config;
use crate::service::{log, notify, signals};

/// Where the kernel says which start this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Lines that have not been looked at for so long are not looked at any more.
const HANGS_AFTER: Duration = Duration::from_secs(5);

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
    /// File that says every second what is known of the battery, for the page
    #[arg(long, value_name = "FILE")]
    status: Option<PathBuf>,
    /// The recorder's --control socket: whom the LED is about, and who keeps footage for the button
    #[arg(long, value_name = "SOCKET")]
    recorder: Option<PathBuf>,
    /// File that is made when the hotspot is to be switched on or off; who waits for it does that
    #[arg(long, value_name = "FILE")]
    hotspot: Option<PathBuf>,
    /// What is there while the hotspot is on
    #[arg(long, value_name = "PATH")]
    hotspot_on: Option<PathBuf>,
}

/// Watches until stopped; ends at once where there is nothing to watch.
pub(crate) fn run(options: &GuardOptions) -> Result<(), Failure> {
    let loaded = options.files.load();
    log::init(loaded.config.log);
    for problem in &loaded.problems {
        tracing::error!("{problem}");
    }
    let config = &loaded.config;
    let spec = options.gauge.as_ref().unwrap_or(&config.battery.gauge);
    let boot_id = fs::read_to_string(BOOT_ID).unwrap_or_default();
    let boot_id = boot_id.trim();
    let history = options.history.as_deref();
    let history = history.map(|path| open_history(path, boot_id));
    let lines = lines(config);
    let expected = match spec {
        GaugeSpec::Off => Expected::None,
        GaugeSpec::Auto => Expected::Maybe,
        _ => Expected::Yes,
    };
    let now = SystemClock.now();
    let mut watch = Watch {
        guard: Guard::new(now, Limits::default(), expected),
        history,
        panel: None,
        options,
        beats: (0, now),
    };
    if expected == Expected::None && lines.is_empty() {
        watch.tell(now);
        tracing::info!(
            "no battery gauge, LED, button, trigger or ignition is configured: nothing is watched"
        );
        return Ok(());
    }

    let cannot = |error: std::io::Error| {
        Failure::new(format!("the system gives no means to watch: {error}"))
    };
    let (to, inbox) = mpsc::channel();
    let caught = signals::catch().map_err(cannot)?;
    let stop = to.clone();
    caught
        .hand_on(|| (), move || drop(stop.send(Message::Stop)))
        .map_err(cannot)?;
    if expected != Expected::None {
        watch_gauge(spec.clone(), to.clone()).map_err(cannot)?;
    }
    if !lines.is_empty() {
        let wiring = Wiring {
            lines,
            stealth: config.led.stealth,
            recorder: options.recorder.clone(),
            hotspot: options.hotspot_on.clone(),
            boot_id: boot_id.to_owned(),
        };
        watch.panel = Some(PanelThread::start(SystemClock, wiring, to).map_err(cannot)?);
    }
    notify::ready();
    watch.go_on(&inbox)
}

fn watch_gauge(spec: GaugeSpec, to: Sender<Message>) -> std::io::Result<()> {
    let open = move || match battery::open(&spec) {
        Ok(Some(gauge)) => Ok(gauge),
        Ok(None) => Err(GaugeError::Bus("there is none".to_owned())),
        Err(error) => Err(GaugeError::Unopened(error.to_string())),
    };
    start_gauge(SystemClock, open, to)
}

/// The lines that are configured. Each is opened as soon as it can be.
fn lines(config: &Config) -> Lines {
    let Config {
        led,
        button,
        trigger,
        ignition,
        ..
    } = config;
    let input = |name, spec: &LineSpec, active_low| {
        line(name, spec, move |spec| gpio::input(spec, active_low, name))
    };
    let led_low = led.active_low;
    Lines {
        led: line("LED", &led.gpio, move |spec| {
            gpio::output(spec, led_low, "LED")
        }),
        button: input("button", &button.gpio, button.active_low),
        trigger: input("trigger", &trigger.gpio, trigger.active_low),
        ignition: input("ignition", &ignition.gpio, ignition.active_low)
            .map(|line| (line, ignition.stay)),
    }
}

fn line<T: ?Sized>(
    name: &'static str,
    spec: &LineSpec,
    open: impl Fn(&LineSpec) -> Result<Option<Box<T>>, gpio::LineError> + Send + 'static,
) -> Option<Line<T>> {
    let spec = spec.clone();
    let is_wanted = spec != LineSpec::Off;
    let none = |spec: &LineSpec| gpio::LineError::new(spec.to_string(), "there is none");
    is_wanted.then(|| Line::new(name, move || open(&spec)?.ok_or_else(|| none(&spec))))
}

struct Watch<'a> {
    guard: Guard,
    history: Option<History>,
    panel: Option<PanelThread>,
    options: &'a GuardOptions,
    /// How often the lines had been looked at, and when that was news.
    beats: (u64, BootNs),
}

impl Watch<'_> {
    fn go_on(mut self, inbox: &Receiver<Message>) -> Result<(), Failure> {
        let mut next = SystemClock.now();
        loop {
            let heard = inbox.recv_timeout(next.since(SystemClock.now()));
            let now = SystemClock.now();
            let end = match heard {
                Ok(Message::Gauge(said)) => self.guard.hear(now, said),
                Ok(Message::PowerOff(cause)) => self.guard.order_off(now, cause),
                Ok(Message::Hotspot) => {
                    self.options.hotspot.as_deref().map(request);
                    None
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => None,
            };
            if let Some(end) = end {
                self.switch_off(end);
            }
            if now < next && end.is_none() {
                continue;
            }
            next = now + LOOK_EVERY;
            if self.guard.is_overdue(now) {
                request(&self.options.poweroff);
            }
            self.tell(now);
            if self.is_alive(now) {
                notify::alive();
            }
        }
        if let Some(panel) = self.panel {
            panel.stop();
        }
        Ok(())
    }

    fn switch_off(&mut self, end: End) {
        request(&self.options.poweroff);
        let history = self.history.as_mut();
        let kept = history.map_or(Ok(()), |history| history.end(end));
        kept.unwrap_or_else(|error| tracing::error!("{error}"));
    }

    /// Tells LED and page what is known.
    fn tell(&self, at: BootNs) {
        let battery = self.guard.battery(at);
        if let Some(panel) = &self.panel {
            let state = battery.as_ref().map(|battery| battery.state);
            panel.tell(state, self.guard.is_switching_off());
        }
        let Some(path) = &self.options.status else {
            return;
        };
        let ends = self.history.iter().flat_map(History::ends).collect();
        let power = PowerStatus { battery, ends };
        if let Err(error) = write_note(path, &PowerNote { at, power }) {
            // Every second, but nowhere else could it be seen.
            tracing::debug!("{} cannot be written: {error}", path.display());
        }
    }

    /// Whether the lines are still being looked at.
    fn is_alive(&mut self, now: BootNs) -> bool {
        let beats = self
            .panel
            .as_ref()
            .map_or(self.beats.0 + 1, PanelThread::beats);
        if beats != self.beats.0 {
            self.beats = (beats, now);
        }
        now.since(self.beats.1) < HANGS_AFTER
    }
}

fn open_history(path: &Path, boot_id: &str) -> History {
    let (history, kept) = History::open(path, boot_id);
    kept.unwrap_or_else(|error| tracing::error!("{error}"));
    match history.last_end() {
        Some(Some(end)) => tracing::info!(
            "the camera was last switched off because {}{}, after {} s",
            end.cause,
            end.cell_mv
                .map_or(String::new(), |mv| format!(": {mv} mV a cell")),
            end.after_s
        ),
        Some(None) => tracing::info!("the camera was last switched off without the guard"),
        None => {}
    }
    history
}

/// Asks whoever waits for the file to do what it is for. Again, if it is there already: it is made anew.
fn request(path: &Path) {
    let _ = fs::remove_file(path);
    if let Err(error) = File::create(path) {
        tracing::error!("{} cannot be made: {error}", path.display());
    }
}
