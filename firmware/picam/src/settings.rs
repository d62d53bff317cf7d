//! What `run` and `record` do in the end: options before configuration before defaults.

use picam_capture::{CameraSpec, OverlayStyle};
use picam_recorder::{OverlayPlan, RecordPlan, StillsPlan};
use picam_ring::{MIN_SLOTS, assign_letters};

use crate::cli::RecordOptions;
use crate::commands::failure::Failure;
use crate::config::{Config, DEFAULT_CAMERA, Loaded, SlotCount, is_safe, load};

/// The note that the microphone was switched off.
const MICROPHONE_OFF: &str = "microphone-off";

/// Options and configuration, brought together.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    cameras: Vec<CameraSpec>,
    /// What of the configuration could not be used.
    pub(crate) warnings: Vec<String>,
    disk_note: Option<std::path::PathBuf>,
    microphone_off: Option<std::path::PathBuf>,
    /// Whether a simulated car drives.
    drive: bool,
}

impl Settings {
    /// Reads the configuration and puts the options over it.
    pub(crate) fn gather(
        options: &RecordOptions,
        listen: Option<std::net::SocketAddr>,
    ) -> Result<Self, Failure> {
        let Loaded {
            mut config,
            problems: mut warnings,
        } = options.files.load();
        config.footage = options.footage.clone().unwrap_or(config.footage);
        config.segment = options.segment.unwrap_or(config.segment);
        config.slots = options.slots.unwrap_or(config.slots);
        if let Some(source) = &options.gps {
            config.gps.source = source.clone();
        }
        if let Some(sensor) = &options.motion {
            config.motion.sensor = sensor.clone();
        }
        if let Some(source) = &options.microphone {
            config.microphone.source = source.clone();
        }
        config.slot_size = options.slot_size.unwrap_or(config.slot_size);
        config.log.format = options.log.unwrap_or(config.log.format);
        config.log.level = match (options.quiet, options.verbose) {
            (true, _) => tracing::Level::ERROR,
            (_, 0) => config.log.level,
            (_, 1) => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        };
        if let Some(listen) = listen {
            config.web.listen = listen;
            config.web.enabled = true;
            if !is_safe(&config.web) {
                return Err(Failure::usage(format!(
                    "--listen {listen} is open to others, and there is no password: set \
                     web.password-hash in the configuration to what `picam password` prints, or \
                     listen on 127.0.0.1"
                )));
            }
        }
        let mut cameras = cameras(options, &config, &warnings)?;
        if let (Some(path), true) = (&options.passwords, options.cameras.is_empty()) {
            give_passwords(&mut cameras, load(path).config.cameras.unwrap_or_default());
        }
        warnings.extend(raise_slots(&mut config, cameras.len()));
        Ok(Self {
            config,
            cameras,
            warnings,
            disk_note: options.disk_note.clone(),
            // Beside the socket at which it is switched: both are gone when the device is switched off.
            microphone_off: options
                .control
                .as_ref()
                .map(|socket| socket.with_file_name(MICROPHONE_OFF)),
            drive: options.drive,
        })
    }

    /// The cameras in words, for the log.
    pub(crate) fn camera_names(&self) -> String {
        let names: Vec<&str> = self.cameras.iter().map(|spec| spec.name.as_str()).collect();
        names.join(", ")
    }

    fn overlay(&self) -> OverlayPlan {
        let overlay = &self.config.overlay;
        OverlayPlan {
            time: overlay.time,
            speed: overlay.speed,
            place: overlay.place,
            plate: overlay.plate.clone(),
            text: overlay.text.clone(),
            style: OverlayStyle {
                size: overlay.size,
                colour: overlay.colour,
                background: overlay.background,
                place: overlay.position,
            },
        }
    }

    fn stills(&self) -> StillsPlan {
        let stills = &self.config.stills;
        StillsPlan {
            every: stills.every,
            lasting: stills.lasting,
            camera: stills.camera.clone(),
            quality: stills.quality,
            room: stills.room,
        }
    }

    /// What the recorder wants to know.
    pub(crate) fn plan(&self) -> RecordPlan {
        RecordPlan {
            footage: self.config.footage.clone(),
            disk: self.config.disk_wanted().cloned(),
            disk_note: self.disk_note.clone(),
            cameras: self.cameras.clone(),
            segment: self.config.segment,
            slots: self.config.ring_slots(),
            slot_size: self.config.slot_size,
            shares: self.config.shares,
            retention: self.config.retention.max_age,
            system_clock: self.config.system_clock,
            drive: self.drive,
            gps: self.config.gps.source.clone(),
            motion: self.config.motion.sensor.clone(),
            impact: self.config.motion.impact.sensitivity(),
            microphone: self.config.microphone.source.clone(),
            microphone_off: self.microphone_off.clone(),
            overlay: self.overlay(),
            stills: self.stills(),
            warnings: self.warnings.clone(),
        }
    }
}

fn cameras(
    options: &RecordOptions,
    config: &Config,
    warnings: &[String],
) -> Result<Vec<CameraSpec>, Failure> {
    if !options.cameras.is_empty() {
        let specs = options.cameras.iter().map(|text| CameraSpec::parse(text));
        let specs: Result<Vec<_>, _> = specs.collect();
        let specs = specs.map_err(Failure::usage)?;
        for (n, spec) in specs.iter().enumerate() {
            if specs
                .iter()
                .skip(n + 1)
                .any(|other| other.name == spec.name)
            {
                return Err(Failure::usage(format!(
                    "two cameras are called '{}'; give each a name of its own",
                    spec.name
                )));
            }
        }
        assign_letters(specs.iter().map(|spec| spec.name.as_str())).map_err(Failure::usage)?;
        return Ok(specs);
    }
    match &config.cameras {
        Some(cameras) if cameras.is_empty() => Err(Failure::usage(format!(
            "no configured camera can be used, so there is nothing to record:\n  {}",
            warnings.join("\n  ")
        ))),
        Some(cameras) => Ok(cameras.clone()),
        None => CameraSpec::parse(DEFAULT_CAMERA)
            .map(|spec| vec![spec])
            .map_err(Failure::usage),
    }
}

/// Takes cameras that are described twice from where their passwords are.
fn give_passwords(cameras: &mut [CameraSpec], with_passwords: Vec<CameraSpec>) {
    for other in with_passwords {
        let same = cameras.iter_mut().find(|camera| camera.name == other.name);
        if let Some(camera) = same {
            // The file with passwords need not say how pictures look.
            let picture = std::mem::take(&mut camera.picture);
            *camera = CameraSpec { picture, ..other };
        }
    }
}

/// Every camera needs a few slots; too few of them are raised, and that is said.
fn raise_slots(config: &mut Config, cameras: usize) -> Option<String> {
    let needed = u32::try_from(cameras.saturating_mul(MIN_SLOTS)).unwrap_or(u32::MAX);
    match config.slots {
        SlotCount::Count(count) if count < needed => {
            config.slots = SlotCount::Count(needed);
            Some(format!(
                "{count} slots are too few for {cameras} cameras; each needs {MIN_SLOTS} (until \
                 then: {needed})"
            ))
        }
        _ => None,
    }
}
