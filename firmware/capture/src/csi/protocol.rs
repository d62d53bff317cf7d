//! What `picam-csi` says, and whether it may be believed. The other side, with what each number means:
//! `firmware/csi/protocol.hpp`.
//!
//! What comes is taken for hostile: nothing of it is used before it was looked at here.

use std::ops::Range;

use crate::v4l2::PixelFormat;

/// Of the protocol.
pub(super) const VERSION: u32 = 2;
/// No message is longer.
pub(super) const LONGEST: usize = 512;
/// So many buffers are taken at most.
pub(super) const MOST_BUFFERS: usize = 32;
/// So much memory is looked at in one buffer at most, in bytes.
const MOST_MEMORY: u64 = 64 << 20;
/// Pictures are at least and at most so wide and high, in pixels: what the encoders take.
const SIDES: std::ops::RangeInclusive<u32> = 64..=3840;
/// Rows are no longer, in bytes.
const LONGEST_ROW: u32 = 16_384;
/// From picture to picture it takes no longer, in microseconds.
const LONGEST_INTERVAL: u32 = 10_000_000;

const SETUP: u32 = 1;
const BUFFER: u32 = 2;
const FRAME: u32 = 3;
const FAILED: u32 = 4;
const CONTROLS: u32 = 5;
const GIVE: u32 = 16;
const SET: u32 = 17;
/// So many controls a message has at most.
const MOST_CONTROLS: usize = 24;

const BT709: u32 = 1;
const FULL_RANGE: u32 = 2;
const DAMAGED: u32 = 1;

/// What is wrong with a message, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("picam-csi broke the rules: {0}")]
pub(super) struct Violation(pub(super) String);

fn violation<T>(what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation(what.into()))
}

/// What is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    /// What will come.
    Setup(Setup),
    /// What can be set.
    Controls(Vec<ControlRange>),
    /// Where a picture will lie; a descriptor comes along.
    Buffer(Layout),
    /// A picture.
    Frame(Frame),
    /// Why there are none, for people.
    Failed(String),
}

/// How pictures will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) format: PixelFormat,
    /// Pixels, even.
    pub(super) width: u32,
    /// Pixels, even.
    pub(super) height: u32,
    /// Bytes from one row of luma to the next; rows of chroma in a plane of its own are half as long.
    pub(super) stride: u32,
    pub(super) buffers: usize,
    /// Microseconds from picture to picture.
    pub(super) interval: Option<u32>,
    pub(super) is_709: bool,
    pub(super) is_full_range: bool,
    pub(super) lens: Lens,
    /// Pixels of the sensor that are seen across.
    pub(super) seen: u32,
    /// All that it has across; 0 if nobody knows.
    pub(super) across: u32,
    pub(super) model: String,
}

/// A control of libcamera that the camera has, by the numbers of `protocol.hpp`. Numbers with a fraction are thousandths; of
/// a choice, `most` has a bit for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ControlRange {
    pub(super) control: u32,
    pub(super) least: i32,
    pub(super) most: i32,
    pub(super) usual: i32,
}

/// How the lens stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lens {
    Fixed,
    AtInfinity,
    Automatic,
}

/// Where in a memory the planes of a picture lie, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) index: usize,
    planes: Vec<Range<u64>>,
}

/// A picture that lies in a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) index: usize,
    pub(super) sequence: u32,
    pub(super) is_damaged: bool,
    /// Nanoseconds by CLOCK_MONOTONIC; 0 if nobody knows.
    pub(super) timestamp: u64,
    /// Pixels of the sensor seen across; 0 if nobody knows.
    pub(super) seen: u32,
}

/// Numbers in turn, in the machine's order.
struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let Some((head, rest)) = self.0.split_first_chunk() else {
            return violation("a message is too short");
        };
        self.0 = rest;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, Violation> {
        self.take().map(u32::from_ne_bytes)
    }

    fn u64(&mut self) -> Result<u64, Violation> {
        self.take().map(u64::from_ne_bytes)
    }

    /// The rest as text, up to its first zero, without what would spoil a log.
    fn text(&mut self) -> String {
        let bytes = std::mem::take(&mut self.0);
        let text = bytes.split(|&b| b == 0).next().unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        text.chars().filter(|c| !c.is_control()).collect()
    }

    fn end(&self) -> Result<(), Violation> {
        match self.0.is_empty() {
            true => Ok(()),
            false => violation("a message is too long"),
        }
    }
}

/// Reads a message.
pub(super) fn parse(bytes: &[u8]) -> Result<Message, Violation> {
    let mut numbers = Numbers(bytes);
    match numbers.u32()? {
        SETUP => setup(&mut numbers).map(Message::Setup),
        BUFFER => layout(&mut numbers).map(Message::Buffer),
        CONTROLS => controls(&mut numbers).map(Message::Controls),
        FRAME => frame(&mut numbers).map(Message::Frame),
        FAILED => Ok(Message::Failed(numbers.text())),
        other => violation(format!("there is no message {other}")),
    }
}

fn setup(numbers: &mut Numbers<'_>) -> Result<Setup, Violation> {
    let version = numbers.u32()?;
    if version != VERSION {
        return violation(format!(
            "it speaks version {version} and picam speaks {VERSION}: install both of one release"
        ));
    }
    let fourcc = numbers.u32()?.to_le_bytes();
    let format = [PixelFormat::Nv12, PixelFormat::Yu12]
        .into_iter()
        .find(|format| format.fourcc().0 == fourcc);
    let Some(format) = format else {
        return violation("its pictures are neither NV12 nor YU12");
    };
    let (width, height, stride) = (numbers.u32()?, numbers.u32()?, numbers.u32()?);
    let is_side = |side: u32| SIDES.contains(&side) && side.is_multiple_of(2);
    if !is_side(width) || !is_side(height) {
        return violation(format!("pictures of {width}x{height}"));
    }
    if !(width..=LONGEST_ROW).contains(&stride) || !stride.is_multiple_of(2) {
        return violation(format!("rows of {stride} bytes"));
    }
    let buffers = numbers.u32()? as usize;
    if !(2..=MOST_BUFFERS).contains(&buffers) {
        return violation(format!("{buffers} buffers"));
    }
    let interval = numbers.u32()?;
    if interval > LONGEST_INTERVAL {
        return violation(format!("a picture each {interval} microseconds"));
    }
    let colour = numbers.u32()?;
    let lens = match numbers.u32()? {
        0 => Lens::Fixed,
        1 => Lens::AtInfinity,
        2 => Lens::Automatic,
        other => return violation(format!("a lens of kind {other}")),
    };
    let (seen, _) = (numbers.u32()?, numbers.u32()?);
    let (across, _) = (numbers.u32()?, numbers.u32()?);
    let mut model = Numbers(&numbers.take::<64>()?).text();
    numbers.end()?;
    if model.is_empty() {
        model = "camera".to_owned();
    }
    Ok(Setup {
        format,
        width,
        height,
        stride,
        buffers,
        interval: (interval > 0).then_some(interval),
        is_709: colour & BT709 != 0,
        is_full_range: colour & FULL_RANGE != 0,
        lens,
        seen,
        across,
        model,
    })
}

fn controls(numbers: &mut Numbers<'_>) -> Result<Vec<ControlRange>, Violation> {
    let count = numbers.u32()? as usize;
    if count > MOST_CONTROLS {
        return violation(format!("{count} controls"));
    }
    let mut controls = Vec::with_capacity(count);
    for _ in 0..count {
        let control = numbers.u32()?;
        let mut number = || numbers.take().map(i32::from_ne_bytes);
        controls.push(ControlRange {
            control,
            least: number()?,
            most: number()?,
            usual: number()?,
        });
    }
    numbers.end()?;
    Ok(controls)
}

fn layout(numbers: &mut Numbers<'_>) -> Result<Layout, Violation> {
    let (index, count) = (numbers.u32()? as usize, numbers.u32()? as usize);
    let offsets = [numbers.u32()?, numbers.u32()?, numbers.u32()?];
    let lengths = [numbers.u32()?, numbers.u32()?, numbers.u32()?];
    numbers.end()?;
    if count > offsets.len() {
        return violation(format!("{count} planes"));
    }
    let plane = |(offset, length): (u32, u32)| {
        let begin = u64::from(offset);
        begin..begin + u64::from(length)
    };
    let planes = offsets.into_iter().zip(lengths).map(plane);
    Ok(Layout {
        index,
        planes: planes.take(count).collect(),
    })
}

fn frame(numbers: &mut Numbers<'_>) -> Result<Frame, Violation> {
    let frame = Frame {
        index: numbers.u32()? as usize,
        sequence: numbers.u32()?,
        is_damaged: numbers.u32()? & DAMAGED != 0,
        timestamp: numbers.u64()?,
        seen: numbers.u32()?,
    };
    numbers.u32()?;
    numbers.end()?;
    Ok(frame)
}

impl Setup {
    /// Bytes of each plane, from one to the next.
    fn planes(&self) -> Vec<u64> {
        let luma = u64::from(self.stride) * u64::from(self.height);
        match self.format {
            PixelFormat::Yu12 => vec![luma, luma / 4, luma / 4],
            _ => vec![luma, luma / 2],
        }
    }

    /// The part of a memory that a picture lies in, one plane behind the other as what converts it wants them.
    pub(super) fn part(&self, layout: &Layout) -> Result<Range<u64>, Violation> {
        let planes = self.planes();
        if layout.planes.len() != planes.len() {
            return violation(format!("{} planes", layout.planes.len()));
        }
        let begin = layout.planes.first().map_or(0, |plane| plane.start);
        let mut at = begin;
        for (plane, needed) in layout.planes.iter().zip(&planes) {
            if plane.start != at {
                return violation("its planes do not lie behind each other");
            }
            if plane.end - plane.start < *needed {
                return violation("a plane is too small");
            }
            at += needed;
        }
        match at <= MOST_MEMORY {
            true => Ok(begin..at),
            false => violation("a buffer is too large"),
        }
    }
}

/// These are to be set, as many as a message holds.
pub(super) fn set(settings: &[(u32, i32)]) -> Vec<u8> {
    let settings = settings.get(..MOST_CONTROLS).unwrap_or(settings);
    let mut message = SET.to_ne_bytes().to_vec();
    let count = u32::try_from(settings.len()).unwrap_or(0);
    message.extend_from_slice(&count.to_ne_bytes());
    for (control, value) in settings {
        message.extend_from_slice(&control.to_ne_bytes());
        message.extend_from_slice(&value.to_ne_bytes());
    }
    message
}

/// A buffer may be filled again.
pub(super) fn give(index: usize) -> [u8; 8] {
    let mut message = [0; 8];
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    let numbers = GIVE.to_ne_bytes().into_iter().chain(index.to_ne_bytes());
    for (to, from) in message.iter_mut().zip(numbers) {
        *to = from;
    }
    message
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
