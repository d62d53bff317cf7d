//! A camera of libcamera, as the process delivers it.

use std::io;
use std::time::{Duration, Instant};

use picam_media::FrameRate;

use super::link::{Link, Received};
use super::look::Look;
use super::memory::Memory;
use super::process::Process;
use super::protocol::{Frame, Lens, Message, Setup, Violation, give, parse, set};
use crate::picture::{Flips, Picture, PictureReport};
use crate::v4l2::{Agreed, Buffer, Control, Device, Identity, Mode, Offer, UsableSizes, Wait};
use crate::video_node::monotonic;

/// libcamera reads its files and finds its devices within this time; on a slow card it takes a second.
const SETS_UP_WITHIN: Duration = Duration::from_secs(8);
/// Exposure and colours settle before the first picture comes.
const FIRST_WITHIN: Duration = Duration::from_secs(3);
/// A camera from which nothing comes for so long hangs, unless its pictures are further apart.
const SILENCE: Duration = Duration::from_secs(1);
/// So many pictures' time is silence, too.
const SILENT_PICTURES: u32 = 3;
/// From this share of the sensor's width on nothing is said to be cut off.
const ALL: f64 = 0.95;

/// How long is waited for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) setup: Duration,
    pub(super) first: Duration,
    pub(super) silence: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            setup: SETS_UP_WITHIN,
            first: FIRST_WITHIN,
            silence: SILENCE,
        }
    }
}

/// The open camera.
pub(super) struct Camera {
    link: Link,
    /// `None` in tests that are the other end themselves. Dropped behind the socket's end: it is killed then.
    process: Option<Process>,
    setup: Setup,
    buffers: Vec<Place>,
    /// When something came last, or was begun to be waited for.
    heard: Instant,
    /// How long is waited for the next picture.
    limit: Duration,
    silence: Duration,
    /// Pixels of the sensor across, as the last picture said.
    seen: u32,
    look: Look,
}

/// A buffer.
struct Place {
    memory: Memory,
    /// Whether a picture lies in it that was not given back.
    is_ours: bool,
}

fn broken(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}

fn against<T>(what: impl Into<String>) -> io::Result<T> {
    Err(broken(Violation(what.into())))
}

impl Camera {
    /// Waits until the other end has said what will come.
    pub(super) fn begin(
        link: Link,
        process: Option<Process>,
        timeouts: Timeouts,
    ) -> io::Result<Self> {
        let deadline = Instant::now() + timeouts.setup;
        let next = || loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if !link.wait(left)? && left.is_zero() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!(
                        "libcamera has not set it up within {} s",
                        timeouts.setup.as_secs()
                    ),
                ));
            }
            if let Some(received) = link.receive()? {
                return message(received, process.as_ref());
            }
        };
        let setup = match next()? {
            (Message::Setup(setup), None) => setup,
            _ => return against("it begins with something else than its setup"),
        };
        let controls = match next()? {
            (Message::Controls(controls), None) => controls,
            _ => return against("it does not say what can be set"),
        };
        let mut buffers = Vec::with_capacity(setup.buffers);
        while buffers.len() < setup.buffers {
            let (Message::Buffer(layout), Some(descriptor)) = next()? else {
                return against("a buffer is missing, or its memory");
            };
            if layout.index != buffers.len() {
                return against(format!("buffer {} out of turn", layout.index));
            }
            let part = setup.part(&layout).map_err(broken)?;
            let memory = Memory::map(descriptor, part).or_else(against)?;
            buffers.push(Place {
                memory,
                is_ours: false,
            });
        }
        let apart = Duration::from_micros(setup.interval.unwrap_or_default().into());
        Ok(Self {
            link,
            process,
            buffers,
            heard: Instant::now(),
            limit: timeouts.first,
            silence: timeouts.silence.max(apart * SILENT_PICTURES),
            seen: setup.seen,
            look: Look::of(controls),
            setup,
        })
    }

    pub(super) fn agreed(&self) -> Agreed {
        Agreed {
            fourcc: self.setup.format.fourcc(),
            width: self.setup.width,
            height: self.setup.height,
            stride: self.setup.stride,
            has_whole_frames: true,
            is_709: self.setup.is_709,
            is_full_range: self.setup.is_full_range,
            rate: self
                .setup
                .interval
                .and_then(|interval| FrameRate::new(1_000_000, interval)),
        }
    }

    /// How much of the sensor's width is seen, 0 to 1.
    pub(super) fn share(&self) -> Option<f64> {
        share(self.seen, self.setup.across)
    }

    /// What a person is told of it.
    fn description(&self) -> String {
        let mut text = self.setup.model.clone();
        if let Some(share) = self.share() {
            text += "; ";
            text += &field_of_view(share);
        }
        match self.setup.lens {
            Lens::Fixed => {}
            Lens::AtInfinity => text += "; focused on infinity",
            Lens::Automatic => text += "; focuses by itself",
        }
        text
    }

    fn buffer(&mut self, frame: &Frame) -> io::Result<Buffer> {
        let Some(place) = self.buffers.get_mut(frame.index) else {
            return against(format!("a picture in buffer {}", frame.index));
        };
        if std::mem::replace(&mut place.is_ours, true) {
            return against("a picture in a buffer that was not given back");
        }
        place.memory.begin()?;
        let used = place.memory.bytes().len();
        if frame.seen != 0 && frame.seen != self.seen {
            self.seen = frame.seen;
            if let Some(share) = self.share() {
                let model = &self.setup.model;
                tracing::warn!("{model}: {} now", field_of_view(share));
            }
        }
        Ok(Buffer {
            index: u32::try_from(frame.index).unwrap_or(u32::MAX),
            used,
            is_damaged: frame.is_damaged,
            sequence: frame.sequence,
            timestamp: (frame.timestamp > 0).then(|| Duration::from_nanos(frame.timestamp)),
        })
    }
}

/// `seen` pixels of `all`; `None` if either is not known.
pub(super) fn share(seen: u32, all: u32) -> Option<f64> {
    (seen > 0 && all > 0).then(|| f64::from(seen) / f64::from(all))
}

fn field_of_view(share: f64) -> String {
    let percent = (share * 100.0).round();
    match share >= ALL {
        true => format!("{percent} % of the sensor's width"),
        false => format!("CROPPED to {percent} % of the sensor's width"),
    }
}

/// Reads what came. The end of the other end, and its word that it has failed, are errors.
fn message(
    received: Received,
    process: Option<&Process>,
) -> io::Result<(Message, Option<std::os::fd::OwnedFd>)> {
    if received.bytes.is_empty() {
        return Err(ended(process));
    }
    let mut descriptors = received.descriptors;
    if received.is_cut || descriptors.len() > 1 {
        return against("a message is too long");
    }
    match parse(&received.bytes).map_err(broken)? {
        Message::Failed(why) => Err(io::Error::other(why)),
        message => {
            let descriptor = descriptors.pop();
            match matches!(message, Message::Buffer(_)) || descriptor.is_none() {
                true => Ok((message, descriptor)),
                false => against("memory comes that nobody asked for"),
            }
        }
    }
}

/// What is said of a process that has closed its end. Its last words come a moment later.
fn ended(process: Option<&Process>) -> io::Error {
    let said = process.map_or_else(String::new, |process| {
        process.ends_within(Duration::from_millis(100));
        process.last_words()
    });
    let colon = if said.is_empty() { "" } else { ": " };
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        format!("picam-csi has ended{colon}{said}"),
    )
}

impl Device for Camera {
    fn identity(&self) -> io::Result<Identity> {
        Ok(Identity {
            driver: "libcamera".to_owned(),
            card: self.description(),
            captures: true,
            ..Identity::default()
        })
    }

    fn offers(&self, _: &UsableSizes) -> io::Result<Vec<Offer>> {
        let agreed = self.agreed();
        Ok(vec![Offer {
            fourcc: agreed.fourcc,
            width: agreed.width,
            height: agreed.height,
            rates: agreed.rate.into_iter().collect(),
            field_of_view: self.share(),
        }])
    }

    fn controls(&self) -> Vec<Control> {
        Vec::new()
    }

    fn set_picture(
        &mut self,
        wanted: &Picture,
        frame_us: Option<u32>,
        can_flip: bool,
    ) -> (PictureReport, Flips) {
        let flips = match can_flip {
            true => wanted.flips(),
            false => Flips::default(),
        };
        let writes = self.look.set(wanted, frame_us, flips);
        if !writes.is_empty()
            && let Err(error) = self.link.send(&set(&writes))
        {
            tracing::warn!("libcamera is not told how pictures shall look: {error}");
        }
        (self.look.report(), flips)
    }

    fn picture(&self, _: &Picture, _: Option<u32>, _: bool) -> PictureReport {
        self.look.report()
    }

    fn set_control(&mut self, _: u32, _: i32) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_mode(&mut self, _: &Mode) -> io::Result<Agreed> {
        Ok(self.agreed())
    }

    fn start(&mut self, _: u32) -> io::Result<()> {
        self.heard = Instant::now();
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<Wait> {
        let left = self.limit.saturating_sub(self.heard.elapsed());
        if self.link.wait(timeout.min(left))? {
            return Ok(Wait::Ready);
        }
        if self.heard.elapsed() >= self.limit {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!(
                    "nothing has come for {:.1} s: the camera hangs, and its process is ended",
                    self.limit.as_secs_f64()
                ),
            ));
        }
        Ok(Wait::Nothing)
    }

    fn dequeue(&mut self) -> io::Result<Option<Buffer>> {
        let Some(received) = self.link.receive()? else {
            return Ok(None);
        };
        let (Message::Frame(frame), None) = message(received, self.process.as_ref())? else {
            return against("something else than a picture comes");
        };
        self.heard = Instant::now();
        self.limit = self.silence;
        self.buffer(&frame).map(Some)
    }

    fn bytes(&self, buffer: &Buffer) -> &[u8] {
        let place = self.buffers.get(buffer.index as usize);
        place.map_or(&[], |place| place.memory.bytes())
    }

    fn requeue(&mut self, buffer: Buffer) -> io::Result<()> {
        let index = buffer.index as usize;
        if let Some(place) = self.buffers.get_mut(index) {
            place.memory.end()?;
            place.is_ours = false;
            self.link.send(&give(index))?;
        }
        Ok(())
    }

    fn force_key_frame(&mut self) -> bool {
        false
    }

    fn monotonic(&self) -> Duration {
        monotonic()
    }
}
