//! Memory that pictures lie in, which another process or a device writes to.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;

use rustix::fs::{SealFlags, SeekFrom, fcntl_get_seals, fstatfs, seek};
use rustix::ioctl::{Setter, ioctl, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// `DMA_BUF_MAGIC` of `linux/magic.h`: memory of devices, whose size is for good.
const DMA_BUF: i64 = 0x444d_4142;
/// `DMA_BUF_IOCTL_SYNC` of `linux/dma-buf.h`, and its flags.
const SYNC: rustix::ioctl::Opcode = opcode::write::<u64>(b'b', 0);
const SYNC_READ: u64 = 1;
const SYNC_END: u64 = 4;

/// A part of it, mapped for reading.
pub(super) struct Memory {
    descriptor: OwnedFd,
    start: *mut c_void,
    len: usize,
    part: Range<usize>,
    /// Whether a device writes to it, past the processor's caches.
    is_device: bool,
}

// SAFETY: the mapping belongs to the process, not to a thread.
unsafe impl Send for Memory {}

impl Memory {
    /// Maps it, if it holds `part` and always will.
    ///
    /// # Errors
    /// For people: memory that could shrink would end this process when it is read.
    pub(super) fn map(descriptor: OwnedFd, part: Range<u64>) -> Result<Self, String> {
        let failed = |what: &str| {
            let what = format!("{what} of a buffer");
            move |error: rustix::io::Errno| format!("{what}: {error}")
        };
        let system = fstatfs(&descriptor).map_err(failed("looking at the memory"))?;
        let is_device = system.f_type == DMA_BUF;
        let keeps_size =
            || fcntl_get_seals(&descriptor).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
        if !is_device && !keeps_size() {
            return Err("the memory of a buffer is of a kind that can be taken away".to_owned());
        }
        let size = seek(&descriptor, SeekFrom::End(0)).map_err(failed("measuring the memory"))?;
        let (Ok(begin), Ok(len)) = (usize::try_from(part.start), usize::try_from(part.end)) else {
            return Err("a buffer is too large".to_owned());
        };
        if part.is_empty() || size < part.end {
            return Err(format!(
                "a buffer of {size} bytes shall hold a picture up to {}",
                part.end
            ));
        }
        // SAFETY: a new mapping, wherever the kernel puts it.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::SHARED,
                &descriptor,
                0,
            )
        }
        .map_err(failed("mapping the memory"))?;
        Ok(Self {
            descriptor,
            start,
            len,
            part: begin..len,
            is_device,
        })
    }

    /// What lies in it. Whoever writes meanwhile against the rules spoils a picture: nothing is decided by these bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `len` bytes are mapped as long as `self` lives, of a memory that does not shrink. A process that has given
        // the buffer away does not write to it.
        let all: &[u8] = unsafe { std::slice::from_raw_parts(self.start.cast(), self.len) };
        all.get(self.part.clone()).unwrap_or_default()
    }

    /// The processor will read what a device has written.
    pub(super) fn begin(&self) -> io::Result<()> {
        self.sync(SYNC_READ)
    }

    /// The processor has read it.
    pub(super) fn end(&self) -> io::Result<()> {
        self.sync(SYNC_READ | SYNC_END)
    }

    fn sync(&self, flags: u64) -> io::Result<()> {
        use rustix::io::{Errno, retry_on_intr};
        if !self.is_device {
            return Ok(());
        }
        loop {
            // SAFETY: the call reads one `u64`.
            let call = || unsafe { ioctl(&self.descriptor, Setter::<SYNC, u64>::new(flags)) };
            match retry_on_intr(call) {
                Err(Errno::AGAIN) => {}
                done => return Ok(done?),
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped in `map`; slices of it borrow `self`.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}
