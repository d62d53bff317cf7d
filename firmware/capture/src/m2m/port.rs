//! An encoder as this crate drives it: the kernel's by [`super::ioctl`], and an imitation in tests.

use std::io;
use std::time::Duration;

use picam_media::Yuv420;

/// What an output buffer brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// The buffer.
    pub slot: u32,
    /// Where the coded data lies in it.
    pub offset: usize,
    /// Its length; 0 if there is none.
    pub len: usize,
    /// The stamp of its picture, microseconds.
    pub stamp: u64,
    /// The driver calls it a key frame, or not another kind: some say nothing.
    pub is_key: bool,
    /// The driver calls it damaged.
    pub is_damaged: bool,
    /// The last before the end.
    pub is_last: bool,
}

/// What dequeuing coded data gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A buffer.
    Output(Output),
    /// None yet.
    Nothing,
    /// The last has been dequeued (`EPIPE`).
    End,
}

/// What has happened that an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Other formats from here on.
    SourceChange,
    /// Of no consequence here.
    Other,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// Coded data.
    Output,
    /// A buffer for a picture.
    Input,
}

/// An encoder that was set up and streams.
pub trait Port: Send {
    /// How many buffers there are for pictures.
    fn inputs(&self) -> u32;

    /// Copies a picture into buffer `slot` and queues it.
    fn queue(&mut self, slot: u32, picture: &Yuv420, stamp: u64) -> io::Result<()>;

    /// A buffer that the driver has done with; `None` if there is none.
    fn returned(&mut self) -> io::Result<Option<u32>>;

    /// Coded data, if there is any.
    fn output(&mut self) -> io::Result<Next>;

    /// What lies in a buffer of coded data that was not given back yet.
    fn bytes(&self, output: &Output) -> &[u8];

    /// Gives the buffer back to the driver.
    fn give_back(&mut self, slot: u32) -> io::Result<()>;

    /// The next event, if there is one.
    fn event(&mut self) -> io::Result<Option<Event>>;

    /// Waits at most so long, also for events.
    fn wait(&mut self, what: WaitFor, timeout: Duration) -> io::Result<()>;

    /// Asks for a key frame as one of the next.
    fn force_key_frame(&mut self) -> io::Result<()>;

    /// Asks for another bitrate.
    fn set_bitrate(&mut self, bitrate: u32) -> io::Result<()>;

    /// Says that no more pictures come.
    fn stop(&mut self) -> io::Result<()>;

    /// A monotonic clock.
    fn now(&self) -> Duration;
}
