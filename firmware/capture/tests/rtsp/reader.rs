//! Sources read until enough has come.

use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_capture::{CameraSpec, Cancel, CaptureError, Config, Event, Source};
use picam_media::{AccessUnit, UnitKind};
use picam_time::SystemClock;

pub(crate) fn open(source: &str, password: Option<&str>) -> Result<Box<dyn Source>, CaptureError> {
    let mut spec = CameraSpec::parse(&format!("t={source}"))?;
    if let Some(password) = password {
        spec.set_password(password)?;
    }
    picam_capture::open(
        &spec,
        Arc::new(SystemClock),
        &Cancel::default(),
        &Arc::default(),
    )
}

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub(crate) configs: Vec<Config>,
    pub(crate) pictures: Vec<AccessUnit>,
    pub(crate) sound: Vec<AccessUnit>,
    /// How many pictures there were when each epoch began.
    pub(crate) epochs: Vec<usize>,
    pub(crate) error: Option<String>,
}

impl Read {
    pub(crate) fn damage(&self) -> u32 {
        self.pictures.iter().map(|unit| unit.damage_before).sum()
    }
}

/// Reads `pictures` pictures, or until the source fails.
pub(crate) fn read(source: &mut dyn Source, pictures: usize) -> Read {
    let mut all = Read::default();
    let mut unit = AccessUnit::new();
    let begun = Instant::now();
    while all.pictures.len() < pictures {
        assert!(
            begun.elapsed() < Duration::from_secs(1200),
            "it takes for ever"
        );
        unit.kind = UnitKind::Video;
        match source.read(&mut unit, Duration::from_millis(200)) {
            Ok(Event::Unit) if unit.kind == UnitKind::Video => all.pictures.push(unit.clone()),
            Ok(Event::Unit) => all.sound.push(unit.clone()),
            Ok(Event::Config(config)) => {
                all.epochs.push(all.pictures.len());
                all.configs.push(config);
            }
            Ok(Event::Timeout) => {}
            Ok(other) => panic!("{other:?}"),
            Err(error) => {
                all.error = Some(error.to_string());
                return all;
            }
        }
    }
    all
}

/// Pictures of the simulated camera.
pub(crate) fn simulated(what: &str, count: usize) -> Vec<AccessUnit> {
    let mut source = open(&format!("sim:?pace=off&{what}"), None).unwrap();
    read(&mut *source, count).pictures
}
