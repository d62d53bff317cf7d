//! The kernel's side: what is asked of a video node by ioctl, and its mapped buffers.
//!
//! What all nodes share is in [`crate::video_node`]. Above this file, everything is told by [`Device`], which tests imitate.
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::time::Duration;

use moq_v4l::sys as raw;
use moq_v4l::v4l2::vidioc;
use picam_media::FrameRate;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::mm::ProtFlags;

use super::device::{
    Agreed, Buffer, Control, Device, FourCc, Identity, MenuItem, Mode, Offer, UsableSizes, Wait,
};
use crate::video_node::{Argument, Mapping, VideoNode, capabilities, monotonic, text};

const CAPTURE: u32 = raw::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;
const MMAP: u32 = raw::v4l2_memory_V4L2_MEMORY_MMAP;
/// No device has more formats, sizes of one, rates of one, or controls: an enumeration that never ends is cut off.
const MOST_ENTRIES: u32 = 256;
/// Rates a second that are named of a device that takes any.
const USUAL_RATES: [u32; 9] = [60, 50, 30, 25, 24, 20, 15, 10, 5];

/// An open video node.
pub(crate) struct Node {
    node: VideoNode,
    mappings: Vec<Mapping>,
}

impl Node {
    /// Opens it for reading; may hang as long as the driver does.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            node: VideoNode::open(path)?,
            mappings: Vec::new(),
        })
    }

    fn ioctl<T: Argument>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        // SAFETY: each request is used with the structure whose size is coded in its number. Pointers in it are null: the
        // kernel follows none.
        unsafe { self.node.call(request, argument) }
    }

    fn buffer(index: u32) -> raw::v4l2_buffer {
        raw::v4l2_buffer {
            index,
            type_: CAPTURE,
            memory: MMAP,
            ..Argument::zeroed()
        }
    }

    fn map(&self, index: u32) -> io::Result<Mapping> {
        let mut buffer = Self::buffer(index);
        self.ioctl(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
        let len = buffer.length as usize;
        // SAFETY: of the union, the kernel has filled `offset`, as memory is V4L2_MEMORY_MMAP.
        let offset = unsafe { buffer.m.offset };
        self.node.map(len, offset, ProtFlags::READ)
    }

    fn sizes(&self, fourcc: FourCc, usable: &UsableSizes) -> Vec<(u32, u32)> {
        let mut sizes = Vec::new();
        for index in 0..MOST_ENTRIES {
            let mut entry = raw::v4l2_frmsizeenum {
                index,
                pixel_format: u32::from_le_bytes(fourcc.0),
                ..Argument::zeroed()
            };
            if self
                .ioctl(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut entry)
                .is_err()
            {
                break;
            }
            if entry.type_ == raw::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
                // SAFETY: all members of the union are integers.
                let size = unsafe { entry.__bindgen_anon_1.discrete };
                sizes.push((size.width, size.height));
            } else {
                // SAFETY: as above.
                let range = unsafe { entry.__bindgen_anon_1.stepwise };
                let width = (range.min_width, range.max_width, range.step_width);
                let height = (range.min_height, range.max_height, range.step_height);
                sizes.extend(usable.within(width, height));
                break;
            }
        }
        sizes
    }

    fn rates(&self, fourcc: FourCc, (width, height): (u32, u32)) -> Vec<FrameRate> {
        let mut rates = Vec::new();
        for index in 0..MOST_ENTRIES {
            let mut entry = raw::v4l2_frmivalenum {
                index,
                pixel_format: u32::from_le_bytes(fourcc.0),
                width,
                height,
                ..Argument::zeroed()
            };
            if self
                .ioctl(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut entry)
                .is_err()
            {
                break;
            }
            if entry.type_ == raw::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
                // SAFETY: all members of the union are integers.
                rates.extend(rate(unsafe { entry.__bindgen_anon_1.discrete }));
            } else {
                // SAFETY: as above.
                let range = unsafe { entry.__bindgen_anon_1.stepwise };
                let (fastest, slowest) = (rate(range.min), rate(range.max));
                let within = |rate: &FrameRate| {
                    fastest.is_none_or(|most| rate.hz() <= most.hz() + 1e-6)
                        && slowest.is_none_or(|least| rate.hz() >= least.hz() - 1e-6)
                };
                let usual = USUAL_RATES.iter().filter_map(|&hz| FrameRate::new(hz, 1));
                rates.extend(usual.filter(within));
                break;
            }
        }
        rates
    }

    fn menu(&self, id: u32, range: std::ops::RangeInclusive<i64>, is_text: bool) -> Vec<MenuItem> {
        let mut items = Vec::new();
        for index in range
            .filter_map(|n| u32::try_from(n).ok())
            .take(MOST_ENTRIES as usize)
        {
            let mut item = raw::v4l2_querymenu {
                id,
                index,
                ..Argument::zeroed()
            };
            // Numbers may be missing.
            if self.ioctl(vidioc::VIDIOC_QUERYMENU, &mut item).is_ok() {
                // SAFETY: both members of the union are integers.
                let (name, value) =
                    unsafe { (item.__bindgen_anon_1.name, item.__bindgen_anon_1.value) };
                let name = match is_text {
                    true => text(&name),
                    false => value.to_string(),
                };
                items.push(MenuItem { index, name });
            }
        }
        items
    }

    fn try_dequeue(&mut self) -> io::Result<Buffer> {
        let mut buffer = Self::buffer(0);
        self.ioctl(vidioc::VIDIOC_DQBUF, &mut buffer)?;
        let micros = u64::try_from(buffer.timestamp.tv_usec).unwrap_or(0);
        let seconds = u64::try_from(buffer.timestamp.tv_sec).unwrap_or(0);
        let monotonic = buffer.flags & raw::V4L2_BUF_FLAG_TIMESTAMP_MASK
            == raw::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC;
        Ok(Buffer {
            index: buffer.index,
            used: buffer.bytesused as usize,
            is_damaged: buffer.flags & raw::V4L2_BUF_FLAG_ERROR != 0,
            sequence: buffer.sequence,
            timestamp: monotonic
                .then(|| Duration::from_secs(seconds) + Duration::from_micros(micros)),
        })
    }
}

fn rate(interval: raw::v4l2_fract) -> Option<FrameRate> {
    FrameRate::new(interval.denominator, interval.numerator)
}

impl Device for Node {
    fn identity(&self) -> io::Result<Identity> {
        let mut answer = raw::v4l2_capability::zeroed();
        self.ioctl(vidioc::VIDIOC_QUERYCAP, &mut answer)?;
        let caps = capabilities(&answer);
        let has = |wanted: u32| caps & wanted != 0;
        Ok(Identity {
            driver: text(&answer.driver),
            card: text(&answer.card),
            bus: text(&answer.bus_info),
            captures: has(raw::V4L2_CAP_VIDEO_CAPTURE) && has(raw::V4L2_CAP_STREAMING),
            takes_pictures: has(raw::V4L2_CAP_VIDEO_OUTPUT
                | raw::V4L2_CAP_VIDEO_OUTPUT_MPLANE
                | raw::V4L2_CAP_VIDEO_M2M
                | raw::V4L2_CAP_VIDEO_M2M_MPLANE),
            needs_setup: has(raw::V4L2_CAP_IO_MC),
        })
    }

    fn offers(&self, usable: &UsableSizes) -> io::Result<Vec<Offer>> {
        let mut offers = Vec::new();
        for index in 0..MOST_ENTRIES {
            let mut entry = raw::v4l2_fmtdesc {
                index,
                type_: CAPTURE,
                ..Argument::zeroed()
            };
            match self.ioctl(vidioc::VIDIOC_ENUM_FMT, &mut entry) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => break,
                Err(error) => return Err(error),
            }
            let fourcc = FourCc(entry.pixelformat.to_le_bytes());
            for size in self.sizes(fourcc, usable) {
                offers.push(Offer {
                    fourcc,
                    width: size.0,
                    height: size.1,
                    rates: self.rates(fourcc, size),
                    field_of_view: None,
                });
            }
        }
        Ok(offers)
    }

    fn controls(&self) -> Vec<Control> {
        let mut controls = Vec::new();
        let mut id = 0;
        for _ in 0..MOST_ENTRIES {
            let mut query = raw::v4l2_query_ext_ctrl {
                id: id | raw::V4L2_CTRL_FLAG_NEXT_CTRL,
                ..Argument::zeroed()
            };
            if self
                .ioctl(vidioc::VIDIOC_QUERY_EXT_CTRL, &mut query)
                .is_err()
                || query.id == id
            {
                break;
            }
            id = query.id;
            if query.type_ == raw::v4l2_ctrl_type_V4L2_CTRL_TYPE_CTRL_CLASS
                || query.flags & raw::V4L2_CTRL_FLAG_DISABLED != 0
            {
                continue;
            }
            let mut current = raw::v4l2_control { id, value: 0 };
            let value = self.ioctl(vidioc::VIDIOC_G_CTRL, &mut current);
            let is_text = query.type_ == raw::v4l2_ctrl_type_V4L2_CTRL_TYPE_MENU;
            let is_menu = is_text || query.type_ == raw::v4l2_ctrl_type_V4L2_CTRL_TYPE_INTEGER_MENU;
            controls.push(Control {
                id,
                step: i64::try_from(query.step).unwrap_or(1),
                is_read_only: query.flags & raw::V4L2_CTRL_FLAG_READ_ONLY != 0,
                name: text(&query.name.map(|c| c as u8)),
                least: query.minimum,
                most: query.maximum,
                default: query.default_value,
                value: value.ok().map(|()| current.value),
                menu: match is_menu {
                    true => self.menu(id, query.minimum..=query.maximum, is_text),
                    false => Vec::new(),
                },
            });
        }
        controls
    }

    fn set_control(&mut self, id: u32, value: i32) -> io::Result<()> {
        let mut control = raw::v4l2_control { id, value };
        self.ioctl(vidioc::VIDIOC_S_CTRL, &mut control)
    }

    fn set_mode(&mut self, mode: &Mode) -> io::Result<Agreed> {
        let mut format = raw::v4l2_format {
            type_: CAPTURE,
            ..Argument::zeroed()
        };
        format.fmt.pix = raw::v4l2_pix_format {
            width: mode.width,
            height: mode.height,
            pixelformat: u32::from_le_bytes(mode.format.fourcc().0),
            field: raw::v4l2_field_V4L2_FIELD_NONE,
            // SAFETY: integers alone.
            ..unsafe { std::mem::zeroed() }
        };
        self.ioctl(vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: the kernel answers for the type that was asked for: `pix` is filled.
        let pix = unsafe { format.fmt.pix };
        // SAFETY: both members are the same integer.
        let encoding = unsafe { pix.__bindgen_anon_1.ycbcr_enc };
        Ok(Agreed {
            fourcc: FourCc(pix.pixelformat.to_le_bytes()),
            width: pix.width,
            height: pix.height,
            stride: pix.bytesperline,
            // One field at a time comes of these, each half a picture.
            has_whole_frames: !matches!(
                pix.field,
                raw::v4l2_field_V4L2_FIELD_TOP
                    | raw::v4l2_field_V4L2_FIELD_BOTTOM
                    | raw::v4l2_field_V4L2_FIELD_ALTERNATE
                    | raw::v4l2_field_V4L2_FIELD_SEQ_TB
                    | raw::v4l2_field_V4L2_FIELD_SEQ_BT
            ),
            is_709: encoding == raw::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_709
                || encoding == raw::v4l2_ycbcr_encoding_V4L2_YCBCR_ENC_DEFAULT
                    && pix.colorspace == raw::v4l2_colorspace_V4L2_COLORSPACE_REC709,
            is_full_range: pix.quantization == raw::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE
                || pix.quantization == raw::v4l2_quantization_V4L2_QUANTIZATION_DEFAULT
                    && pix.colorspace == raw::v4l2_colorspace_V4L2_COLORSPACE_JPEG,
            rate: self.set_rate(mode.rate),
        })
    }

    fn start(&mut self, buffers: u32) -> io::Result<()> {
        let mut request = raw::v4l2_requestbuffers {
            count: buffers,
            type_: CAPTURE,
            memory: MMAP,
            ..Argument::zeroed()
        };
        self.ioctl(vidioc::VIDIOC_REQBUFS, &mut request)?;
        for index in 0..request.count {
            let mapping = self.map(index)?;
            self.mappings.push(mapping);
        }
        for index in 0..request.count {
            self.ioctl(vidioc::VIDIOC_QBUF, &mut Self::buffer(index))?;
        }
        self.node.stream(true, CAPTURE)
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<Wait> {
        let come = self.node.wait(PollFlags::IN, timeout)?;
        Ok(match come {
            _ if come.is_empty() => Wait::Nothing,
            _ if come.contains(PollFlags::IN) => Wait::Ready,
            // POLLERR without data: it is gone, or streams no more. Dequeuing says which.
            _ => Wait::Fault,
        })
    }

    fn dequeue(&mut self) -> io::Result<Option<Buffer>> {
        match self.try_dequeue() {
            Ok(buffer) => Ok(Some(buffer)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn bytes(&self, buffer: &Buffer) -> &[u8] {
        let Some(mapping) = self.mappings.get(buffer.index as usize) else {
            return &[];
        };
        // SAFETY: the buffer was dequeued, and is queued again by `&mut self` alone.
        let all = unsafe { mapping.bytes() };
        all.get(..buffer.used).unwrap_or(all)
    }

    fn requeue(&mut self, buffer: Buffer) -> io::Result<()> {
        self.ioctl(vidioc::VIDIOC_QBUF, &mut Self::buffer(buffer.index))
    }

    fn force_key_frame(&mut self) -> bool {
        let mut control = raw::v4l2_control {
            id: raw::V4L2_CID_MPEG_VIDEO_FORCE_KEY_FRAME,
            value: 1,
        };
        self.ioctl(vidioc::VIDIOC_S_CTRL, &mut control).is_ok()
    }

    fn monotonic(&self) -> Duration {
        monotonic()
    }
}

impl Node {
    /// Asks for a rate, and says which the driver took; `None` if it does not say.
    fn set_rate(&self, wanted: Option<FrameRate>) -> Option<FrameRate> {
        let mut parameters = raw::v4l2_streamparm {
            type_: CAPTURE,
            ..Argument::zeroed()
        };
        self.ioctl(vidioc::VIDIOC_G_PARM, &mut parameters).ok()?;
        if let Some(wanted) = wanted {
            let (frames, seconds) = wanted.ratio();
            // Without V4L2_CAP_TIMEPERFRAME, the driver refuses or leaves it as it is.
            parameters.parm.capture.timeperframe = raw::v4l2_fract {
                numerator: seconds,
                denominator: frames,
            };
            if self.ioctl(vidioc::VIDIOC_S_PARM, &mut parameters).is_err() {
                self.ioctl(vidioc::VIDIOC_G_PARM, &mut parameters).ok()?;
            }
        }
        // SAFETY: of the union, the kernel has filled `capture`; it holds integers alone.
        rate(unsafe { parameters.parm.capture.timeperframe })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if !self.mappings.is_empty() {
            // It may be gone.
            let _ = self.node.stream(false, CAPTURE);
        }
    }
}
