//! What every use of a video node of the kernel shares: opening it, calls with structures of `videodev2.h`, waiting, and
//! mapped buffers. Cameras ([`crate::v4l2`]) and encoders ([`crate::m2m`]) build on it.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use moq_v4l::v4l2::{self, vidioc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::time::{ClockId, clock_gettime};

/// Structures of `videodev2.h` that are passed by ioctl.
///
/// # Safety
/// All-zero bytes are a value of the type, and it owns nothing.
pub(crate) unsafe trait Argument: Sized {
    /// All zero, as the kernel wants what is reserved.
    fn zeroed() -> Self {
        // SAFETY: what the trait promises.
        unsafe { std::mem::zeroed() }
    }
}

macro_rules! arguments {
    ($($type:ident)*) => {$(
        // SAFETY: integers, arrays and unions of integers, and raw pointers, all of which may be zero.
        unsafe impl Argument for moq_v4l::sys::$type {}
    )*};
}
arguments! {
    v4l2_capability v4l2_fmtdesc v4l2_frmsizeenum v4l2_frmivalenum v4l2_format v4l2_pix_format v4l2_pix_format_mplane
    v4l2_streamparm v4l2_outputparm v4l2_selection v4l2_requestbuffers v4l2_buffer v4l2_plane v4l2_query_ext_ctrl
    v4l2_querymenu v4l2_control v4l2_encoder_cmd v4l2_event v4l2_event_subscription
}

/// An open node, without anything that is known of it.
pub(crate) struct VideoNode(OwnedFd);

impl VideoNode {
    /// Opens it; may hang as long as the driver does.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32)
            .open(path)?;
        Ok(Self(file.into()))
    }

    /// Calls with a structure.
    ///
    /// # Safety
    /// `request` is one for this structure, and what pointers in it point to is valid during the call.
    pub(crate) unsafe fn call<T: Argument>(
        &self,
        request: vidioc::_IOC_TYPE,
        argument: &mut T,
    ) -> io::Result<()> {
        loop {
            let pointer = std::ptr::from_mut(argument).cast();
            // SAFETY: the structure is valid during the call; the rest is the caller's promise.
            let done = unsafe { v4l2::ioctl(self.0.as_raw_fd(), request, pointer) };
            match done {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// Begins or ends streaming of a queue.
    pub(crate) fn stream(&self, on: bool, queue: u32) -> io::Result<()> {
        let request = match on {
            true => vidioc::VIDIOC_STREAMON,
            false => vidioc::VIDIOC_STREAMOFF,
        };
        let mut queue = queue as c_int;
        // SAFETY: both read one int.
        unsafe { v4l2::ioctl(self.0.as_raw_fd(), request, (&raw mut queue).cast()) }
    }

    /// Maps a buffer of the driver.
    pub(crate) fn map(&self, len: usize, offset: u32, access: ProtFlags) -> io::Result<Mapping> {
        // SAFETY: a new mapping, wherever the kernel puts it.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                access,
                MapFlags::SHARED,
                self.0.as_fd(),
                offset.into(),
            )
        }?;
        Ok(Mapping { start, len })
    }

    /// Waits at most so long; what has come, nothing if the time is over.
    pub(crate) fn wait(&self, wanted: PollFlags, timeout: Duration) -> io::Result<PollFlags> {
        let mut fds = [PollFd::new(&self.0, wanted)];
        let timeout = Timespec::try_from(timeout).unwrap_or(Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        });
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => Ok(PollFlags::empty()),
            Ok(_) => {
                let [fd] = fds;
                Ok(fd.revents())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// One buffer of the driver.
pub(crate) struct Mapping {
    start: *mut c_void,
    len: usize,
}

// SAFETY: the memory belongs to the process, not to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    /// What lies in it.
    ///
    /// # Safety
    /// The driver does not write to it meanwhile: it was dequeued, and is not queued again as long as this is borrowed.
    pub(crate) unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped as long as `self` lives; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.len) }
    }

    /// The same for writing.
    ///
    /// # Safety
    /// As above, and it was mapped for writing.
    pub(crate) unsafe fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above; nobody else borrows it.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `VideoNode::map`; slices of it borrow `self`.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}

/// What the driver wrote, up to its first zero; cut in the middle of a character, if it is too long.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default());
    text.chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .trim()
        .to_owned()
}

/// What the kernel calls the capabilities of this node, rather than of its whole device.
pub(crate) const fn capabilities(answer: &moq_v4l::sys::v4l2_capability) -> u32 {
    match answer.capabilities & moq_v4l::sys::V4L2_CAP_DEVICE_CAPS {
        0 => answer.capabilities,
        _ => answer.device_caps,
    }
}

/// The clock of the kernel's time stamps.
pub(crate) fn monotonic() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::try_from(now).unwrap_or_default()
}
