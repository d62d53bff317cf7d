//! What a video node can be asked, apart from how the kernel is asked.

use std::fmt;
use std::io;
use std::time::Duration;

use picam_media::FrameRate;

use super::format::PixelFormat;
use super::picture;
use crate::picture::{Flips, Picture, PictureReport};

/// Sizes that are named of a device that takes any, with its least and most: width and height in pixels.
const USUAL_SIZES: [(u32, u32); 9] = [
    (3840, 2160),
    (2560, 1440),
    (1920, 1080),
    (1280, 720),
    (1024, 576),
    (800, 600),
    (640, 480),
    (640, 360),
    (320, 240),
];

/// Four bytes that name a pixel format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match byte {
                b' '..=b'~' => write!(f, "{}", char::from(byte))?,
                other => write!(f, "\\x{other:02x}")?,
            }
        }
        Ok(())
    }
}

/// What a node says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The driver's name, `uvcvideo`.
    pub driver: String,
    /// The camera's name.
    pub card: String,
    /// Where it is plugged in.
    pub bus: String,
    /// Whether it delivers pictures, through mapped buffers, one plane each.
    pub captures: bool,
    /// Whether it takes pictures as well or instead: a display, an encoder, a scaler.
    pub takes_pictures: bool,
    /// Whether somebody must first connect it to a sensor: a part of a camera, not one.
    pub needs_setup: bool,
}

/// Drivers whose nodes look like cameras and are not: scalers, and receivers of sensors that libcamera speaks to.
const NO_CAMERAS: [&str; 6] = [
    "bcm2835-isp",
    "bcm2835-codec",
    "unicam",
    "rp1-cfe",
    "pispbe",
    "rpi-hevc-dec",
];

impl Identity {
    /// Whether the node delivers a camera's pictures by itself.
    pub fn is_camera(&self) -> bool {
        self.captures
            && !self.takes_pictures
            && !self.needs_setup
            && !NO_CAMERAS.iter().any(|name| self.driver.starts_with(name))
    }
}

/// One format and size that a device has.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// How its pictures are coded.
    pub fourcc: FourCc,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures a second; empty if it does not say.
    pub rates: Vec<FrameRate>,
    /// How much of the sensor's width is seen, 0 to 1; `None` where nobody says, as of all USB cameras.
    pub field_of_view: Option<f64>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    pub(crate) format: PixelFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rate: Option<FrameRate>,
}

/// What the driver made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) fourcc: FourCc,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Bytes from one row to the next; 0 if that says nothing.
    pub(crate) stride: u32,
    /// Whether a buffer holds a whole picture.
    pub(crate) has_whole_frames: bool,
    /// Whether its colours are coded by BT.709; else by BT.601.
    pub(crate) is_709: bool,
    /// Whether black is 0 and white 255.
    pub(crate) is_full_range: bool,
    /// `None` if the driver does not say.
    pub(crate) rate: Option<FrameRate>,
}

/// A buffer that the driver has filled. It goes back by [`Device::requeue`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Buffer {
    pub(crate) index: u32,
    /// Bytes.
    pub(crate) used: usize,
    /// Whether what is in it may be wrong.
    pub(crate) is_damaged: bool,
    /// Number of the picture, lost ones included; begins anew behind `u32::MAX`.
    pub(crate) sequence: u32,
    /// On CLOCK_MONOTONIC; `None` if it is told by another clock.
    pub(crate) timestamp: Option<Duration>,
}

/// What came of waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// A buffer.
    Ready,
    Nothing,
    /// Nothing will come any more.
    Fault,
}

/// A control of a camera.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Control {
    /// Its number.
    pub id: u32,
    /// What the driver calls it.
    pub name: String,
    /// Least value.
    pub least: i64,
    /// Greatest value.
    pub most: i64,
    /// From one value to the next.
    pub step: i64,
    /// Value when nobody has set it.
    pub default: i64,
    /// Value now; `None` if it cannot be read.
    pub value: Option<i32>,
    /// Whether it cannot be set.
    pub is_read_only: bool,
    /// What there is to choose from, if it is a choice.
    pub menu: Vec<MenuItem>,
}

/// One of the values of a control that is a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuItem {
    /// The value.
    pub index: u32,
    /// What it means: a text, or a number.
    pub name: String,
}

impl fmt::Display for MenuItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.index, self.name)
    }
}

impl Control {
    /// Whether its menu has this value.
    pub(crate) fn offers(&self, index: u32) -> bool {
        self.menu.iter().any(|item| item.index == index)
    }
}

/// A video node, opened. Each call but [`Self::wait`] returns at once, unless the driver hangs.
pub(crate) trait Device: Send {
    fn identity(&self) -> io::Result<Identity>;

    /// All formats with all sizes and rates, formats unknown here included.
    fn offers(&self, usable: &UsableSizes) -> io::Result<Vec<Offer>>;

    /// All controls with their values.
    fn controls(&self) -> Vec<Control>;

    fn set_control(&mut self, id: u32, value: i32) -> io::Result<()>;

    /// Sets how pictures look, and says what has become of it, and how they are left to be mirrored here. Those of a device
    /// that is another's can be mirrored, where `can_flip`.
    fn set_picture(
        &mut self,
        wanted: &Picture,
        frame_us: Option<u32>,
        can_flip: bool,
    ) -> (PictureReport, Flips) {
        picture::apply(self, wanted, frame_us, can_flip)
    }

    /// The same without setting anything.
    fn picture(&self, wanted: &Picture, frame_us: Option<u32>, can_flip: bool) -> PictureReport {
        picture::read(self, wanted, frame_us, can_flip)
    }

    /// Sets format, size and rate; the driver may change all of them.
    fn set_mode(&mut self, mode: &Mode) -> io::Result<Agreed>;

    /// Takes so many buffers, more or fewer as the driver likes, and begins to stream.
    fn start(&mut self, buffers: u32) -> io::Result<()>;

    /// Waits for a buffer.
    fn wait(&mut self, timeout: Duration) -> io::Result<Wait>;

    /// Takes a filled buffer; `None` if there is none after all.
    fn dequeue(&mut self) -> io::Result<Option<Buffer>>;

    /// What is in it: never more than was mapped, whatever the driver says.
    fn bytes(&self, buffer: &Buffer) -> &[u8];

    fn requeue(&mut self, buffer: Buffer) -> io::Result<()>;

    /// Whether the camera was told to deliver a key frame.
    fn force_key_frame(&mut self) -> bool;

    /// CLOCK_MONOTONIC.
    fn monotonic(&self) -> Duration;
}

/// Which sizes to name of a device that takes any within bounds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UsableSizes {
    /// One that somebody asked for.
    pub(crate) wanted: Option<(u32, u32)>,
}

impl UsableSizes {
    /// Those that a device has whose width and height go from the first to the second by steps of the third.
    pub(crate) fn within(
        &self,
        width: (u32, u32, u32),
        height: (u32, u32, u32),
    ) -> Vec<(u32, u32)> {
        let fits = |value: u32, (least, most, step): (u32, u32, u32)| {
            (least..=most).contains(&value) && (value - least).is_multiple_of(step.max(1))
        };
        let ends = [(width.1, height.1), (width.0, height.0)];
        let mut sizes: Vec<(u32, u32)> = Vec::new();
        for size in self.wanted.into_iter().chain(USUAL_SIZES).chain(ends) {
            if fits(size.0, width) && fits(size.1, height) && !sizes.contains(&size) {
                sizes.push(size);
            }
        }
        sizes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_displays_encoders_and_parts_of_cameras_are_none() {
        let camera = Identity {
            driver: "uvcvideo".into(),
            captures: true,
            ..Identity::default()
        };
        assert!(camera.is_camera());
        for other in [
            Identity {
                captures: false,
                ..camera.clone()
            },
            Identity {
                takes_pictures: true,
                ..camera.clone()
            },
            Identity {
                needs_setup: true,
                ..camera.clone()
            },
            Identity {
                driver: "bcm2835-isp".into(),
                ..camera.clone()
            },
        ] {
            assert!(!other.is_camera(), "{other:?}");
        }
    }

    #[test]
    fn ranges_of_sizes_name_what_fits_them() {
        let any = UsableSizes {
            wanted: Some((1000, 500)),
        };
        let sizes = any.within((32, 1920, 4), (32, 1080, 2));
        assert_eq!(sizes[..3], [(1000, 500), (1920, 1080), (1280, 720)]);
        assert_eq!(sizes.last(), Some(&(32, 32)));
        // Steps that do not fit, and a driver whose steps are 0.
        let sizes = UsableSizes::default().within((640, 642, 0), (360, 480, 0));
        assert_eq!(sizes, [(640, 480), (640, 360), (642, 480)]);
        assert!(
            UsableSizes::default()
                .within((9, 1, 1), (1, 9, 1))
                .is_empty()
        );
    }
}
