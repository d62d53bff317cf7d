//! `/metrics`: what `/api/status` says, for Prometheus and what speaks like it (text format 0.0.4).

use std::fmt::Write;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use picam_control::power::PowerStatus;
use picam_control::status::{CameraStatus, Status};

use crate::app::App;
use crate::health::power;

/// Where programs look for it.
pub(crate) const METRICS: &str = "/metrics";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /metrics`. A recorder that does not answer is a fact like others.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let status = app.status.status().await.ok();
    let text = written(status.as_ref(), power(&app).as_ref());
    ([(CONTENT_TYPE, TEXT)], text).into_response()
}

/// Whether it only grows.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// The text, one metric after the other.
#[derive(Default)]
struct Page(String);

impl Page {
    /// A metric with its samples: labels and value of each.
    fn metric(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        samples: impl IntoIterator<Item = (String, f64)>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            self.0,
            "# HELP picam_{name} {help}\n# TYPE picam_{name} {kind}"
        );
        for (labels, value) in samples {
            let _ = writeln!(self.0, "picam_{name}{labels} {value}");
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) {
        self.metric(
            name,
            Kind::Gauge,
            help,
            value.map(|value| (String::new(), value)),
        );
    }

    /// A metric of which each camera has one sample.
    fn of_cameras(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        cameras: &[CameraStatus],
        value: impl Fn(&CameraStatus) -> Option<f64>,
    ) {
        let samples = cameras.iter().filter_map(|camera| {
            let labels = labels(&[("camera", &camera.name)]);
            Some((labels, value(camera)?))
        });
        self.metric(name, kind, help, samples);
    }

    /// A metric of which each camera has several, told apart by one more label.
    fn by(
        &mut self,
        (name, label): (&str, &str),
        kind: Kind,
        help: &str,
        cameras: &[CameraStatus],
        values: impl Fn(&CameraStatus) -> Vec<(&'static str, u64)>,
    ) {
        let samples = cameras.iter().flat_map(|camera| {
            let values = values(camera).into_iter();
            values.map(|(value_of, value)| {
                let labels = labels(&[("camera", &camera.name), (label, value_of)]);
                (labels, value as f64)
            })
        });
        self.metric(name, kind, help, samples);
    }
}

/// `{camera="front"}`.
fn labels(pairs: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        text.replace('\n', "\\n")
    };
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

fn yes(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn written(status: Option<&Status>, power: Option<&PowerStatus>) -> String {
    let mut page = Page::default();
    let records = status.is_some_and(|status| status.not_recording().is_none());
    page.gauge(
        "recorder_answers",
        "Whether the recorder says how it is.",
        Some(yes(status.is_some())),
    );
    page.gauge(
        "recording",
        "Whether every camera is recorded, as /api/health tells.",
        Some(yes(records)),
    );
    if let Some(status) = status {
        recorder(&mut page, status);
        cameras(&mut page, &status.cameras);
    }
    let battery = power.and_then(|power| power.battery.as_ref());
    let volts = battery.and_then(|battery| battery.cell_mv);
    page.gauge(
        "battery_cell_volts",
        "Voltage of a cell of the battery.",
        volts.map(|mv| seconds(mv.into())),
    );
    let charge = battery.and_then(|battery| battery.charge);
    page.gauge(
        "battery_charge_ratio",
        "Charge of the battery, 0 to 1.",
        charge.map(|percent| f64::from(percent) / 100.0),
    );
    page.0
}

fn recorder(page: &mut Page, status: &Status) {
    let version = (labels(&[("version", &status.version)]), 1.0);
    page.metric(
        "build_info",
        Kind::Gauge,
        "Version of the recorder.",
        [version],
    );
    page.gauge(
        "uptime_seconds",
        "Time since the device booted.",
        Some(status.uptime_s),
    );
    page.gauge(
        "clock_known",
        "Whether somebody has said what time it is since boot.",
        Some(yes(status.clock_known)),
    );
    let accuracy = status.clock.map(|clock| seconds(clock.accuracy_ms));
    page.gauge(
        "clock_accuracy_seconds",
        "What the clock is off at most, unless it is altogether wrong.",
        accuracy,
    );
    let card = &status.card;
    page.gauge(
        "card_size_bytes",
        "Size of what is recorded to.",
        Some(card.total as f64),
    );
    page.gauge(
        "card_available_bytes",
        "What of it no file takes.",
        Some(card.available as f64),
    );
    page.gauge(
        "card_faults",
        "What is wrong with it; the page has the words.",
        Some(card.faults.len() as f64),
    );
    if let Some(motion) = &status.motion {
        let counters = [
            ("impacts_total", "Impacts felt since start.", motion.impacts),
            (
                "samples_total",
                "Measurements of the accelerometer since start.",
                motion.samples,
            ),
            (
                "overruns_total",
                "How often its queue was full.",
                motion.overruns,
            ),
        ];
        for (name, help, value) in counters {
            let name = format!("motion_{name}");
            page.metric(&name, Kind::Counter, help, [(String::new(), value as f64)]);
        }
    }
    if let Some(gps) = &status.gps {
        let used = gps.satellites_used.map(f64::from);
        page.gauge(
            "gps_satellites_used",
            "Satellites that the present fix is made of.",
            used,
        );
        let age = gps.last_fix_ms_ago.map(seconds);
        page.gauge("gps_fix_age_seconds", "Time since the last fix.", age);
    }
}

fn cameras(page: &mut Page, cameras: &[CameraStatus]) {
    use Kind::{Counter, Gauge};
    page.of_cameras(
        "camera_recording",
        Gauge,
        "Whether it is recorded.",
        cameras,
        |camera| Some(yes(camera.is_recording())),
    );
    page.of_cameras(
        "camera_durable_age_seconds",
        Gauge,
        "Time since a picture was last known to survive a power cut.",
        cameras,
        |camera| camera.last_durable_ms_ago.map(seconds),
    );
    page.of_cameras(
        "camera_rate_hertz",
        Gauge,
        "Pictures a second.",
        cameras,
        |camera| camera.fps,
    );
    page.of_cameras(
        "camera_pictures_total",
        Counter,
        "Pictures recorded since start.",
        cameras,
        |camera| Some(camera.frames as f64),
    );
    page.by(
        ("camera_pictures_lost_total", "at"),
        Counter,
        "Pictures lost since start, by where.",
        cameras,
        |camera| {
            let lost = &camera.lost;
            vec![
                ("encoder", camera.dropped_encoder),
                ("queue", camera.dropped_queue),
                ("card", lost.card),
                ("room", lost.room),
                ("undecodable", lost.undecodable),
            ]
        },
    );
    page.of_cameras(
        "camera_side_samples_lost_total",
        Counter,
        "Samples of sound, motion and text lost since start.",
        cameras,
        |camera| Some(camera.lost.side as f64),
    );
    page.of_cameras(
        "camera_stream_damage_total",
        Counter,
        "Damaged places of its stream since start.",
        cameras,
        |camera| Some(camera.lost.stream_damage as f64),
    );
    page.of_cameras(
        "camera_segments_total",
        Counter,
        "Segments finished since start.",
        cameras,
        |camera| Some(camera.segments as f64),
    );
    page.by(
        ("ring_slots", "state"),
        Gauge,
        "Slots of its ring.",
        cameras,
        |camera| {
            let ring = &camera.ring;
            let rest = ring
                .slots
                .saturating_sub(ring.spare)
                .saturating_sub(ring.failed);
            vec![
                ("spare", ring.spare.into()),
                ("failed", ring.failed.into()),
                ("taken", rest.into()),
            ]
        },
    );
    page.by(
        ("ring_segments", "class"),
        Gauge,
        "Segments in its ring.",
        cameras,
        |camera| {
            let classes = camera.ring.classes;
            vec![
                ("normal", classes.normal.into()),
                ("event", classes.event.into()),
                ("parking", classes.parking.into()),
                ("manual", classes.manual.into()),
            ]
        },
    );
}
