//! The kernel's side of an encoder: calls of Video4Linux for buffers of several planes. What all nodes share is in
//! [`crate::video_node`].
//!
//! What to call, and when, is decided above ([`super::plan`], [`super::machine`]).
#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::time::Duration;

use moq_v4l::sys as raw;
use moq_v4l::v4l2::vidioc;
use picam_media::{Colour, Yuv420};
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::mm::ProtFlags;

use super::find::Facts;
use super::ids;
use super::layout::Layout;
use super::plan::{INPUTS, OUTPUTS, Step, YU12};
use super::port::{Event, Next, Output, Port, WaitFor};
use crate::video_node::{Argument, Mapping, VideoNode, capabilities, monotonic, text};

/// Pictures go in here; the names are the driver's, which puts them out.
const PICTURES: u32 = raw::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT_MPLANE;
const CODED: u32 = raw::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
const MMAP: u32 = raw::v4l2_memory_V4L2_MEMORY_MMAP;
/// No device has more formats: an enumeration that never ends is cut off.
const MOST_FORMATS: u32 = 64;

/// An open encoder.
pub struct Node {
    node: VideoNode,
    layout: Layout,
    pictures: Vec<Mapping>,
    coded: Vec<Mapping>,
}

impl Node {
    /// Opens it, without setting it up.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            node: VideoNode::open(path)?,
            layout: Layout::default(),
            pictures: Vec::new(),
            coded: Vec::new(),
        })
    }

    /// What it says of itself.
    pub(super) fn facts(&self) -> io::Result<Facts> {
        let mut answer = raw::v4l2_capability::zeroed();
        self.ioctl(vidioc::VIDIOC_QUERYCAP, &mut answer)?;
        let caps = capabilities(&answer);
        let is_usable = raw::V4L2_CAP_VIDEO_M2M_MPLANE | raw::V4L2_CAP_STREAMING;
        Ok(Facts {
            driver: text(&answer.driver),
            card: text(&answer.card),
            is_multi_planar: caps & is_usable == is_usable,
            takes: self.formats(PICTURES),
            gives: self.formats(CODED),
        })
    }

    fn formats(&self, kind: u32) -> Vec<[u8; 4]> {
        let entries = (0..MOST_FORMATS).map_while(|index| {
            let mut entry = raw::v4l2_fmtdesc {
                index,
                type_: kind,
                ..Argument::zeroed()
            };
            let done = self.ioctl(vidioc::VIDIOC_ENUM_FMT, &mut entry);
            done.ok().map(|()| entry.pixelformat.to_le_bytes())
        });
        entries.collect()
    }

    /// Sets it up for pictures of `width` x `height` and starts both queues.
    pub(super) fn start(&mut self, steps: &[Step], width: u32, height: u32) -> io::Result<()> {
        for step in steps {
            self.take_step(*step, (width, height))?;
        }
        for change in [raw::V4L2_EVENT_SOURCE_CHANGE, raw::V4L2_EVENT_EOS] {
            let mut wanted = raw::v4l2_event_subscription {
                type_: change,
                ..Argument::zeroed()
            };
            // A driver that never sends it may refuse.
            let _ = self.ioctl(vidioc::VIDIOC_SUBSCRIBE_EVENT, &mut wanted);
        }
        self.pictures = self.buffers(PICTURES, INPUTS)?;
        self.coded = self.buffers(CODED, OUTPUTS)?;
        for slot in 0..self.coded.len() {
            self.give_back(slot as u32)?;
        }
        self.node.stream(true, PICTURES)?;
        self.node.stream(true, CODED)
    }

    fn take_step(&mut self, step: Step, size: (u32, u32)) -> io::Result<()> {
        match step {
            Step::Control { id, value, needed } => match self.control(id, value) {
                // An older driver, or another one.
                Err(_) if !needed => Ok(()),
                done => done,
            },
            Step::CodedFormat { fourcc, room } => {
                let plane = (0, room);
                self.set_format(CODED, size, fourcc, plane, Colour::Bt709)
                    .map(drop)
            }
            Step::PictureFormat { stride, colour } => {
                self.layout = self.set_format(PICTURES, size, YU12, (stride, 0), colour)?;
                if (self.layout.width, self.layout.height) != size {
                    self.crop(size)?;
                }
                Ok(())
            }
            Step::Rate(fps) => {
                let mut parameters = raw::v4l2_streamparm {
                    type_: PICTURES,
                    ..Argument::zeroed()
                };
                parameters.parm.output = raw::v4l2_outputparm {
                    timeperframe: raw::v4l2_fract {
                        numerator: 1,
                        denominator: fps.max(1),
                    },
                    ..Argument::zeroed()
                };
                // Without it the driver takes the time stamps.
                let _ = self.ioctl(vidioc::VIDIOC_S_PARM, &mut parameters);
                Ok(())
            }
        }
    }

    fn set_format(
        &self,
        kind: u32,
        (width, height): (u32, u32),
        fourcc: [u8; 4],
        (stride, room): (u32, u32),
        colour: Colour,
    ) -> io::Result<Layout> {
        let mut format = raw::v4l2_format {
            type_: kind,
            ..Argument::zeroed()
        };
        let mut pix = raw::v4l2_pix_format_mplane {
            width,
            height,
            pixelformat: u32::from_le_bytes(fourcc),
            field: raw::v4l2_field_V4L2_FIELD_NONE,
            colorspace: match colour {
                Colour::Bt709 | Colour::Bt709Full => raw::v4l2_colorspace_V4L2_COLORSPACE_REC709,
                Colour::Bt601 => raw::v4l2_colorspace_V4L2_COLORSPACE_SMPTE170M,
                Colour::Bt601Full => raw::v4l2_colorspace_V4L2_COLORSPACE_JPEG,
            },
            quantization: match colour {
                Colour::Bt709 | Colour::Bt601 => {
                    raw::v4l2_quantization_V4L2_QUANTIZATION_LIM_RANGE as u8
                }
                Colour::Bt709Full | Colour::Bt601Full => {
                    raw::v4l2_quantization_V4L2_QUANTIZATION_FULL_RANGE as u8
                }
            },
            num_planes: 1,
            ..Argument::zeroed()
        };
        let mut plane = pix.plane_fmt[0];
        plane.bytesperline = stride;
        plane.sizeimage = room;
        pix.plane_fmt[0] = plane;
        format.fmt.pix_mp = pix;
        self.ioctl(vidioc::VIDIOC_S_FMT, &mut format)?;
        // SAFETY: the kernel answers for the type that was asked for: `pix_mp` is filled, and holds integers alone.
        let pix = unsafe { format.fmt.pix_mp };
        let agreed = pix.pixelformat.to_le_bytes();
        if agreed != fourcc || pix.num_planes != 1 {
            let what = format!("it insists on another format, {}", agreed.escape_ascii());
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        let plane = pix.plane_fmt[0];
        Ok(Layout {
            width: pix.width,
            height: pix.height,
            stride: plane.bytesperline as usize,
        })
    }

    /// Only so much of what goes in is picture.
    fn crop(&self, (width, height): (u32, u32)) -> io::Result<()> {
        let mut selection = raw::v4l2_selection {
            // The call takes the single-planar name for both kinds.
            type_: raw::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT,
            target: raw::V4L2_SEL_TGT_CROP,
            r: raw::v4l2_rect {
                left: 0,
                top: 0,
                width,
                height,
            },
            ..Argument::zeroed()
        };
        self.ioctl(vidioc::VIDIOC_S_SELECTION, &mut selection)
    }

    fn control(&self, id: u32, value: i32) -> io::Result<()> {
        let mut control = raw::v4l2_control { id, value };
        self.ioctl(vidioc::VIDIOC_S_CTRL, &mut control)
    }

    fn buffers(&self, kind: u32, count: u32) -> io::Result<Vec<Mapping>> {
        let mut request = raw::v4l2_requestbuffers {
            count,
            type_: kind,
            memory: MMAP,
            ..Argument::zeroed()
        };
        self.ioctl(vidioc::VIDIOC_REQBUFS, &mut request)?;
        (0..request.count)
            .map(|slot| self.map(kind, slot))
            .collect()
    }

    fn map(&self, kind: u32, slot: u32) -> io::Result<Mapping> {
        let (_, plane) = self.exchange(vidioc::VIDIOC_QUERYBUF, kind, slot, |_, _| {})?;
        let len = plane.length as usize;
        // SAFETY: of the union, the kernel has filled `mem_offset`, as memory is V4L2_MEMORY_MMAP.
        let offset = unsafe { plane.m.mem_offset };
        self.node
            .map(len, offset, ProtFlags::READ | ProtFlags::WRITE)
    }

    /// A call about a buffer of one plane: `fill` says more of what is asked; what the kernel answers.
    fn exchange(
        &self,
        request: vidioc::_IOC_TYPE,
        kind: u32,
        slot: u32,
        fill: impl FnOnce(&mut raw::v4l2_buffer, &mut raw::v4l2_plane),
    ) -> io::Result<(raw::v4l2_buffer, raw::v4l2_plane)> {
        let mut plane = raw::v4l2_plane::zeroed();
        let mut buffer = raw::v4l2_buffer {
            index: slot,
            type_: kind,
            memory: MMAP,
            length: 1,
            ..Argument::zeroed()
        };
        fill(&mut buffer, &mut plane);
        // The one pointer that the kernel follows: to one plane, as `length` says, alive behind the call.
        buffer.m.planes = &raw mut plane;
        self.ioctl(request, &mut buffer)?;
        Ok((buffer, plane))
    }

    fn ioctl<T: Argument>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        // SAFETY: each request is used with the structure whose size is coded in its number. The only pointer in one is
        // that of `exchange`.
        unsafe { self.node.call(request, argument) }
    }
}

fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

impl Port for Node {
    fn inputs(&self) -> u32 {
        self.pictures.len() as u32
    }

    fn queue(&mut self, slot: u32, picture: &Yuv420, stamp: u64) -> io::Result<()> {
        let Some(mapping) = self.pictures.get_mut(slot as usize) else {
            return Err(Errno::INVAL.into());
        };
        // SAFETY: the driver gave this buffer back, or never had it; it is mapped for writing.
        let into = unsafe { mapping.bytes_mut() };
        let used = self.layout.copy(picture, into).ok_or(Errno::OVERFLOW)?;
        let time = (stamp / 1_000_000, stamp % 1_000_000);
        self.exchange(vidioc::VIDIOC_QBUF, PICTURES, slot, |buffer, plane| {
            buffer.timestamp.tv_sec = time.0 as _;
            buffer.timestamp.tv_usec = time.1 as _;
            plane.bytesused = used as u32;
        })
        .map(drop)
    }

    fn returned(&mut self) -> io::Result<Option<u32>> {
        match self.exchange(vidioc::VIDIOC_DQBUF, PICTURES, 0, |_, _| {}) {
            Ok((buffer, _)) => Ok(Some(buffer.index)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn output(&mut self) -> io::Result<Next> {
        let (buffer, plane) = match self.exchange(vidioc::VIDIOC_DQBUF, CODED, 0, |_, _| {}) {
            Ok(answer) => answer,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::Nothing),
            Err(error) if is(&error, Errno::PIPE) => return Ok(Next::End),
            Err(error) => return Err(error),
        };
        let offset = plane.data_offset;
        let seconds = u64::try_from(buffer.timestamp.tv_sec).unwrap_or(0);
        let micros = u64::try_from(buffer.timestamp.tv_usec).unwrap_or(0);
        Ok(Next::Output(Output {
            slot: buffer.index,
            offset: offset as usize,
            len: plane.bytesused.saturating_sub(offset) as usize,
            stamp: seconds.saturating_mul(1_000_000).saturating_add(micros),
            is_key: buffer.flags & raw::V4L2_BUF_FLAG_KEYFRAME != 0
                || buffer.flags & (raw::V4L2_BUF_FLAG_PFRAME | raw::V4L2_BUF_FLAG_BFRAME) == 0,
            is_damaged: buffer.flags & raw::V4L2_BUF_FLAG_ERROR != 0,
            is_last: buffer.flags & raw::V4L2_BUF_FLAG_LAST != 0,
        }))
    }

    fn bytes(&self, output: &Output) -> &[u8] {
        let mapping = self.coded.get(output.slot as usize);
        // SAFETY: it was dequeued, and is given back by `&mut self` alone.
        let all = mapping.map_or(&[][..], |mapping| unsafe { mapping.bytes() });
        let end = output.offset.saturating_add(output.len).min(all.len());
        all.get(output.offset..end).unwrap_or_default()
    }

    fn give_back(&mut self, slot: u32) -> io::Result<()> {
        let done = self.exchange(vidioc::VIDIOC_QBUF, CODED, slot, |_, _| {});
        done.map(drop)
    }

    fn event(&mut self) -> io::Result<Option<Event>> {
        let mut event = raw::v4l2_event::zeroed();
        match self.ioctl(vidioc::VIDIOC_DQEVENT, &mut event) {
            Ok(()) if event.type_ == raw::V4L2_EVENT_SOURCE_CHANGE => Ok(Some(Event::SourceChange)),
            Ok(()) => Ok(Some(Event::Other)),
            // None is there, or the driver knows no events.
            Err(error) if is(&error, Errno::NODEV) => Err(error),
            Err(_) => Ok(None),
        }
    }

    fn wait(&mut self, what: WaitFor, timeout: Duration) -> io::Result<()> {
        let wanted = match what {
            WaitFor::Output => PollFlags::IN | PollFlags::PRI,
            WaitFor::Input => PollFlags::OUT | PollFlags::PRI,
        };
        self.node.wait(wanted, timeout).map(drop)
    }

    fn force_key_frame(&mut self) -> io::Result<()> {
        self.control(ids::FORCE_KEY_FRAME, 1)
    }

    fn set_bitrate(&mut self, bitrate: u32) -> io::Result<()> {
        self.control(ids::BITRATE, i32::try_from(bitrate).unwrap_or(i32::MAX))
    }

    fn stop(&mut self) -> io::Result<()> {
        let mut command = raw::v4l2_encoder_cmd {
            cmd: raw::V4L2_ENC_CMD_STOP,
            ..Argument::zeroed()
        };
        self.ioctl(vidioc::VIDIOC_ENCODER_CMD, &mut command)
    }

    fn now(&self) -> Duration {
        monotonic()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Closing would do it; but mappings go first, and the driver shall not write to them.
        let _ = self.node.stream(false, PICTURES);
        let _ = self.node.stream(false, CODED);
    }
}
