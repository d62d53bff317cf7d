//! Cameras that the kernel knows (V4L2): USB cameras, and whatever else delivers pictures by a video node.
//!
//! What is asked of a node is [`device::Device`]; all above it is plain and tested with one that is imitated.

mod arrivals;
mod device;
#[cfg(test)]
mod fake;
mod format;
mod jpeg;
#[cfg(test)]
mod measure;
mod negotiate;
mod nodes;
mod params;
mod picture;
mod pictures;
mod pixels;
mod sys;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_media::AccessUnit;
use picam_time::Clock;

use self::arrivals::Arrivals;
use self::pictures::{OpenEncoder, Pictures, Taken};
use crate::m2m::open_encoder;
use crate::picture::{Picture, PictureReport};
use crate::{CaptureError, Config, Event, Overlay, Source, Still};

pub(crate) use self::device::{Agreed, Buffer, Device, Mode, UsableSizes, Wait};
pub use self::device::{Control, FourCc, Identity, MenuItem, Offer};
pub use self::format::PixelFormat;
pub use self::nodes::Found;
pub(crate) use self::nodes::{find, list as list_nodes, nodes_signature, signature};
pub use self::params::{DeviceName, V4l2Params, Wishes};

/// Buffers that the driver fills while pictures are encoded: more than a quarter of a second at 30 a second.
const BUFFERS: u32 = 8;

/// How often an encoder that works beside the processor is looked at while it has pictures.
const LOOK: Duration = Duration::from_millis(8);
/// How long it is waited for when the camera has gone.
const DRAIN: Duration = Duration::from_millis(300);

/// The open camera.
pub(crate) struct V4l2Source<D> {
    device: D,
    clock: Arc<dyn Clock>,
    /// What it calls itself, what was agreed, and what of that was not asked for.
    name: String,
    agreed: Agreed,
    changes: String,
    pictures: Pictures,
    /// How they shall look, and what the camera made of that.
    wanted: Picture,
    report: PictureReport,
    arrivals: Arrivals,
    begun: bool,
    /// Pictures lost since the last unit.
    lost: u32,
    /// Why no more come, once the encoder has given what it has.
    ending: Option<CaptureError>,
}

/// Opens the camera that `params` names.
pub(crate) fn open(
    params: &V4l2Params,
    picture: &Picture,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, CaptureError> {
    let path = params.device.path(Path::new("/"));
    let node = sys::Node::open(&path).map_err(|error| open_error(&params.device, error))?;
    let name = format!("v4l2:{}", params.device);
    Ok(Box::new(V4l2Source::start(
        node,
        &name,
        (&params.wishes, picture),
        clock,
        open_encoder,
    )?))
}

/// Says what to do about a node that cannot be opened.
fn open_error(device: &DeviceName, source: io::Error) -> CaptureError {
    let what = match source.kind() {
        io::ErrorKind::NotFound => format!("the camera {device} is not there"),
        io::ErrorKind::PermissionDenied => format!(
            "the camera {device} may not be opened: add this user to the group of {device} (video)"
        ),
        io::ErrorKind::ResourceBusy => format!("another program uses the camera {device}"),
        _ => format!("opening the camera {device}"),
    };
    CaptureError::Io {
        context: what,
        source,
    }
}

impl<D: Device> V4l2Source<D> {
    /// Agrees with the device on a mode and begins to stream.
    pub(crate) fn start(
        mut device: D,
        name: &str,
        (wishes, picture): (&Wishes, &Picture),
        clock: Arc<dyn Clock>,
        open_encoder: OpenEncoder,
    ) -> Result<Self, CaptureError> {
        let unusable = |what: String| CaptureError::Stream(format!("{name}: {what}"));
        let failed = |what: &str| {
            let context = format!("{name}: {what}");
            move |source| CaptureError::Io { context, source }
        };
        let identity = device.identity().map_err(failed("asking what it is"))?;
        if !identity.captures || identity.takes_pictures {
            return Err(unusable(format!(
                "{} ({}) delivers no pictures: it is no camera; picam probe lists those that are",
                identity.card, identity.driver
            )));
        }
        let usable = UsableSizes {
            wanted: wishes.size.map(|(w, h)| (w.into(), h.into())),
        };
        let offers = device
            .offers(&usable)
            .map_err(failed("asking for its formats"))?;
        let wanted: Mode = negotiate::choose(&offers, wishes).map_err(&unusable)?;
        let agreed = match device.set_mode(&wanted) {
            Ok(agreed) => agreed,
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                return Err(failed("another program uses it")(error));
            }
            Err(error) => return Err(failed("setting its format")(error)),
        };
        let pictures = Pictures::of(&agreed, wishes, open_encoder).map_err(&unusable)?;
        let changes = negotiate::changes(wishes, &wanted, &agreed);
        let mut source = Self {
            device,
            clock,
            name: format!("{name} ({})", identity.card),
            agreed,
            changes: changes.iter().map(|change| format!("; {change}")).collect(),
            pictures,
            wanted: Picture::default(),
            report: PictureReport::default(),
            arrivals: Arrivals::default(),
            begun: false,
            lost: 0,
            ending: None,
        };
        // Before it streams: some mirror only then, and the first picture is to look like the others.
        source.set_look(picture);
        let started = source.device.start(BUFFERS);
        started.map_err(failed("starting it"))?;
        Ok(source)
    }

    /// Sets how pictures look. Whatever the camera does not do of it, they come.
    fn set_look(&mut self, wanted: &Picture) {
        self.wanted = wanted.clone();
        let (frame, can_flip) = (self.frame_us(), self.pictures.can_flip());
        let (report, flips) = self.device.set_picture(wanted, frame, can_flip);
        self.pictures.flip(flips);
        self.report = report;
    }

    /// How long a picture takes, at the rate that was agreed.
    fn frame_us(&self) -> Option<u32> {
        let hertz = self.agreed.rate?.hz();
        (hertz > 0.0).then_some((1e6 / hertz).round() as u32)
    }

    /// The next buffer that the driver has filled.
    fn next_buffer(&mut self, timeout: Duration) -> Result<Option<Buffer>, CaptureError> {
        let failed = |source: io::Error| CaptureError::Io {
            context: match source.raw_os_error() {
                Some(NO_DEVICE) => "it was unplugged".to_owned(),
                _ => "waiting for pictures".to_owned(),
            },
            source,
        };
        let waited = self.device.wait(timeout).map_err(failed)?;
        if waited == Wait::Nothing {
            return Ok(None);
        }
        match self.device.dequeue().map_err(failed)? {
            None if waited == Wait::Fault => Err(CaptureError::Stream(
                "the driver says that no picture will come any more".to_owned(),
            )),
            buffer => Ok(buffer),
        }
    }

    /// Makes a unit of what is in the buffer, and gives it back to the driver.
    fn take(&mut self, buffer: Buffer, unit: &mut AccessUnit) -> Result<Event, CaptureError> {
        let now = self.device.monotonic();
        let captured = self.arrivals.captured(&buffer, now, &*self.clock);
        let before = self.arrivals.lost_before(buffer.sequence);
        self.lost = self.lost.saturating_add(before);
        if before > 0 && self.pictures.refer_to_lost() {
            self.device.force_key_frame();
        }
        let usable = !buffer.is_damaged && buffer.used > 0;
        let taken = match usable {
            true => self.pictures.take(self.device.bytes(&buffer), unit)?,
            false => Taken::Damaged,
        };
        self.device
            .requeue(buffer)
            .map_err(|source| CaptureError::Io {
                context: "giving a buffer back".to_owned(),
                source,
            })?;
        match taken {
            Taken::Unit => {
                self.arrivals.times(captured).stamp(unit);
                Ok(self.whole(unit))
            }
            Taken::Picture => {
                self.pictures.encode(self.arrivals.times(captured))?;
                self.coded(unit, Duration::ZERO)
            }
            Taken::Damaged => {
                if self.pictures.refer_to_lost() {
                    self.device.force_key_frame();
                }
                Ok(Event::Gap { damaged: 1 })
            }
            // Counted as lost: nothing can show it.
            Taken::NoStart => {
                self.lost = self.lost.saturating_add(1);
                Ok(Event::Timeout)
            }
            Taken::Skipped => Ok(Event::Timeout),
        }
    }

    /// What the encoder has ready.
    fn coded(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        match self.pictures.coded(unit, timeout)? {
            true => Ok(self.whole(unit)),
            false => Ok(Event::Timeout),
        }
    }

    /// Tells with the unit what was lost before it.
    fn whole(&mut self, unit: &mut AccessUnit) -> Event {
        let lost = std::mem::take(&mut self.lost);
        unit.dropped_before = unit.dropped_before.saturating_add(lost);
        Event::Unit
    }

    /// The camera has gone: what the encoder still has comes first.
    fn end(&mut self, unit: &mut AccessUnit) -> Result<Event, CaptureError> {
        if self.pictures.is_pending()
            && let Ok(Event::Unit) = self.coded(unit, DRAIN)
        {
            return Ok(Event::Unit);
        }
        self.ending.take().map_or(Ok(Event::Timeout), Err)
    }
}

/// ENODEV.
const NO_DEVICE: i32 = 19;

impl<D: Device> Source for V4l2Source<D> {
    fn read(&mut self, unit: &mut AccessUnit, timeout: Duration) -> Result<Event, CaptureError> {
        if !std::mem::replace(&mut self.begun, true) {
            return Ok(Event::Config(Config::default()));
        }
        if self.ending.is_some() {
            return self.end(unit);
        }
        let end = Instant::now().checked_add(timeout);
        loop {
            let left = end.map_or(timeout, |end| end.saturating_duration_since(Instant::now()));
            let is_pending = self.pictures.is_pending();
            if is_pending && self.coded(unit, Duration::ZERO)? == Event::Unit {
                return Ok(Event::Unit);
            }
            let step = if is_pending { left.min(LOOK) } else { left };
            let buffer = match self.next_buffer(step) {
                Ok(Some(buffer)) => buffer,
                Ok(None) if step < left => continue,
                Ok(None) => return Ok(Event::Timeout),
                Err(error) => {
                    self.ending = Some(error);
                    self.pictures.finish()?;
                    return self.end(unit);
                }
            };
            match self.take(buffer, unit)? {
                // Nothing to tell yet; the time is not over.
                Event::Timeout if end.is_some_and(|end| Instant::now() < end) => {}
                event => return Ok(event),
            }
        }
    }

    fn request_key_frame(&mut self) -> bool {
        self.pictures.request_key_frame() || self.device.force_key_frame()
    }

    fn set_overlay(&mut self, overlay: Overlay) -> bool {
        self.pictures.set_overlay(overlay)
    }

    fn want_still(&mut self) -> bool {
        self.pictures.want_still()
    }

    fn take_still(&mut self) -> Option<Still> {
        self.pictures.take_still()
    }

    fn is_live(&self) -> bool {
        true
    }

    fn set_picture(&mut self, wanted: &Picture) -> PictureReport {
        self.set_look(wanted);
        self.report.clone()
    }

    fn picture(&mut self) -> PictureReport {
        let (frame, can_flip) = (self.frame_us(), self.pictures.can_flip());
        let mut now = self.device.picture(&self.wanted, frame, can_flip);
        // What could not be done is known from when it was tried.
        for (shown, tried) in now.settings.iter_mut().zip(&self.report.settings) {
            shown.problem.clone_from(&tried.problem);
        }
        now
    }

    fn describe(&self) -> String {
        let how = self.pictures.describe(&self.agreed);
        format!("{}: {how}{}", self.name, self.changes)
    }
}
