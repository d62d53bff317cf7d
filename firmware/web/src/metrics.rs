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

/// Metrics in order: what each tells, its name and its value. The name of one that only grows ends with `_total`.
macro_rules! metrics {
    ($page:ident.$write:ident: $(#[doc = $help:literal] $name:ident = $value:expr;)*) => {
        $($page.$write(stringify!($name), $help.trim_start(), $value);)*
    };
}

/// The text, one metric after the other.
struct Page<'a> {
    text: String,
    cameras: &'a [CameraStatus],
}

impl Page<'_> {
    /// A metric with its samples: labels and value of each.
    fn metric(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (String, f64)>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match name.ends_with("_total") {
            true => "counter",
            false => "gauge",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            self.text,
            "# HELP picam_{name} {help}\n# TYPE picam_{name} {kind}"
        );
        for (labels, value) in samples {
            let _ = writeln!(self.text, "picam_{name}{labels} {value}");
        }
    }

    /// A metric of the device as a whole.
    fn one(&mut self, name: &str, help: &str, value: impl Into<Option<f64>>) {
        let sample = value.into().map(|value| (String::new(), value));
        self.metric(name, help, sample);
    }

    /// A metric of which each camera has one sample.
    fn of_cameras<V: Into<Option<f64>>>(
        &mut self,
        name: &str,
        help: &str,
        value: impl Fn(&CameraStatus) -> V,
    ) {
        let samples = self.cameras.iter().filter_map(|camera| {
            let labels = labels(&[("camera", &camera.name)]);
            Some((labels, value(camera).into()?))
        });
        self.metric(name, help, samples);
    }

    /// A metric of which each camera has several, told apart by one more label.
    fn by(
        &mut self,
        (name, label): (&str, &str),
        help: &str,
        values: impl Fn(&CameraStatus) -> Vec<(&'static str, u64)>,
    ) {
        let samples = self.cameras.iter().flat_map(|camera| {
            let values = values(camera).into_iter();
            values.map(|(value_of, value)| {
                let labels = labels(&[("camera", &camera.name), (label, value_of)]);
                (labels, value as f64)
            })
        });
        self.metric(name, help, samples);
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
    let mut page = Page {
        text: String::new(),
        cameras: status.map_or(&[], |status| &status.cameras),
    };
    let records = status.is_some_and(|status| status.not_recording().is_none());
    metrics! { page.one:
        /// Whether the recorder says how it is.
        recorder_answers = yes(status.is_some());
        /// Whether every camera is recorded, as /api/health tells.
        recording = yes(records);
    }
    if let Some(status) = status {
        recorder(&mut page, status);
        cameras(&mut page);
    }
    if let Some(battery) = power.and_then(|power| power.battery.as_ref()) {
        metrics! { page.one:
            /// Voltage of a cell of the battery.
            battery_cell_volts = battery.cell_mv.map(|mv| seconds(mv.into()));
            /// Charge of the battery, 0 to 1.
            battery_charge_ratio = battery.charge.map(|percent| f64::from(percent) / 100.0);
        }
    }
    page.text
}

fn recorder(page: &mut Page<'_>, status: &Status) {
    let version = (labels(&[("version", &status.version)]), 1.0);
    page.metric("build_info", "Version of the recorder.", [version]);
    let card = &status.card;
    metrics! { page.one:
        /// Time since the device booted.
        uptime_seconds = status.uptime_s;
        /// Whether somebody has said what time it is since boot.
        clock_known = yes(status.clock_known);
        /// What the clock is off at most, unless it is altogether wrong.
        clock_accuracy_seconds = status.clock.map(|clock| seconds(clock.accuracy_ms));
        /// Size of what is recorded to.
        card_size_bytes = card.total as f64;
        /// What of it no file takes.
        card_available_bytes = card.available as f64;
        /// What is wrong with it; the page has the words.
        card_faults = card.faults.len() as f64;
    }
    if let Some(motion) = &status.motion {
        metrics! { page.one:
            /// Impacts felt since start.
            motion_impacts_total = motion.impacts as f64;
            /// Measurements of the accelerometer since start.
            motion_samples_total = motion.samples as f64;
            /// How often its queue was full.
            motion_overruns_total = motion.overruns as f64;
        }
    }
    if let Some(gps) = &status.gps {
        metrics! { page.one:
            /// Satellites that the present fix is made of.
            gps_satellites_used = gps.satellites_used.map(f64::from);
            /// Time since the last fix.
            gps_fix_age_seconds = gps.last_fix_ms_ago.map(seconds);
        }
    }
}

fn cameras(page: &mut Page<'_>) {
    metrics! { page.of_cameras:
        /// Whether it is recorded.
        camera_recording = |camera| yes(camera.is_recording());
        /// Time since a picture was last known to survive a power cut.
        camera_durable_age_seconds = |camera| camera.last_durable_ms_ago.map(seconds);
        /// Pictures a second.
        camera_rate_hertz = |camera| camera.fps;
        /// Pictures recorded since start.
        camera_pictures_total = |camera| camera.frames as f64;
    }
    let lost = "Pictures lost since start, by where.";
    page.by(("camera_pictures_lost_total", "at"), lost, |camera| {
        let lost = &camera.lost;
        vec![
            ("encoder", camera.dropped_encoder),
            ("queue", camera.dropped_queue),
            ("card", lost.card),
            ("room", lost.room),
            ("undecodable", lost.undecodable),
        ]
    });
    metrics! { page.of_cameras:
        /// Samples of sound, motion and text lost since start.
        camera_side_samples_lost_total = |camera| camera.lost.side as f64;
        /// Damaged places of its stream since start.
        camera_stream_damage_total = |camera| camera.lost.stream_damage as f64;
        /// Segments finished since start.
        camera_segments_total = |camera| camera.segments as f64;
    }
    page.by(("ring_slots", "state"), "Slots of its ring.", |camera| {
        let ring = &camera.ring;
        let used = ring.spare.saturating_add(ring.failed);
        vec![
            ("spare", ring.spare.into()),
            ("failed", ring.failed.into()),
            ("taken", ring.slots.saturating_sub(used).into()),
        ]
    });
    let segments = "Segments in its ring.";
    page.by(("ring_segments", "class"), segments, |camera| {
        let classes = camera.ring.classes;
        vec![
            ("normal", classes.normal.into()),
            ("event", classes.event.into()),
            ("parking", classes.parking.into()),
            ("manual", classes.manual.into()),
        ]
    });
}
