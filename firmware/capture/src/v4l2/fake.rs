//! A camera that does what a test says.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use picam_media::FrameRate;
use picam_testkit::TurnedClock;
use picam_time::Clock;

use super::device::{
    Agreed, Buffer, Control, Device, FourCc, Identity, Mode, Offer, UsableSizes, Wait,
};

/// What comes of the next wait.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A picture of these bytes.
    Picture(Vec<u8>),
    /// The same, marked as damaged.
    Damaged(Vec<u8>),
    /// So many pictures are lost.
    Lose(u32),
    /// Nothing.
    Quiet,
    /// A buffer was promised and there is none (EAGAIN).
    Nothing,
    /// POLLERR.
    Fault,
    /// This error number from dequeuing.
    Fails(i32),
}

/// What the device was told, and what it still holds.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) modes: Vec<Mode>,
    pub(super) started: u32,
    /// Buffers handed out and not yet given back.
    pub(super) out: i32,
    pub(super) key_frames: u32,
    /// What was set, in order.
    pub(super) controls: Vec<(u32, i32)>,
}

pub(super) struct Fake {
    pub(super) identity: Identity,
    pub(super) offers: Vec<Offer>,
    /// What is agreed, if it is not what was asked for.
    pub(super) agreed: Option<Agreed>,
    pub(super) takes_key_frames: bool,
    pub(super) steps: VecDeque<Step>,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) clock: TurnedClock,
    pub(super) sequence: u32,
    pub(super) frame: Duration,
    /// What can be set, and those that refuse to be, with error numbers.
    pub(super) controls: Vec<Control>,
    pub(super) refusing: Vec<(u32, i32)>,
    /// What says it is set, and is not.
    pub(super) stubborn: Vec<u32>,
    /// Error numbers of set_mode and start.
    pub(super) refuses: (Option<i32>, Option<i32>),
    ready: Option<Step>,
    bytes: Vec<u8>,
}

impl Fake {
    pub(super) fn new(code: &[u8; 4], width: u32, height: u32, steps: Vec<Step>) -> Self {
        Self {
            identity: Identity {
                driver: "uvcvideo".into(),
                card: "Fake".into(),
                bus: "usb-0".into(),
                captures: true,
                ..Identity::default()
            },
            offers: vec![Offer {
                fourcc: FourCc(*code),
                width,
                height,
                rates: FrameRate::new(25, 1).into_iter().collect(),
                field_of_view: None,
            }],
            agreed: None,
            takes_key_frames: false,
            steps: steps.into(),
            seen: Arc::default(),
            clock: TurnedClock::default(),
            sequence: 0,
            frame: Duration::from_millis(40),
            controls: Vec::new(),
            refusing: Vec::new(),
            stubborn: Vec::new(),
            refuses: (None, None),
            ready: None,
            bytes: Vec::new(),
        }
    }
}

fn refuse(number: Option<i32>) -> io::Result<()> {
    match number {
        Some(number) => Err(io::Error::from_raw_os_error(number)),
        None => Ok(()),
    }
}

impl Device for Fake {
    fn identity(&self) -> io::Result<Identity> {
        Ok(self.identity.clone())
    }

    fn offers(&self, _: &UsableSizes) -> io::Result<Vec<Offer>> {
        Ok(self.offers.clone())
    }

    fn controls(&self) -> Vec<Control> {
        self.controls.clone()
    }

    fn set_control(&mut self, id: u32, value: i32) -> io::Result<()> {
        let refusing = self.refusing.iter().find(|(refusing, _)| *refusing == id);
        refuse(refusing.map(|(_, number)| *number))?;
        let control = self.controls.iter_mut().find(|control| control.id == id);
        if !self.stubborn.contains(&id) {
            control.unwrap().value = Some(value);
        }
        self.seen.lock().unwrap().controls.push((id, value));
        Ok(())
    }

    fn set_mode(&mut self, mode: &Mode) -> io::Result<Agreed> {
        refuse(self.refuses.0)?;
        self.seen.lock().unwrap().modes.push(*mode);
        Ok(self.agreed.unwrap_or(Agreed {
            fourcc: mode.format.fourcc(),
            width: mode.width,
            height: mode.height,
            stride: 0,
            has_whole_frames: true,
            is_709: false,
            is_full_range: false,
            rate: mode.rate,
        }))
    }

    fn start(&mut self, buffers: u32) -> io::Result<()> {
        refuse(self.refuses.1)?;
        self.seen.lock().unwrap().started += buffers;
        Ok(())
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<Wait> {
        loop {
            let Some(step) = self.steps.pop_front() else {
                self.clock.turn(timeout);
                return Ok(Wait::Nothing);
            };
            match step {
                Step::Lose(lost) => {
                    self.sequence = self.sequence.wrapping_add(lost);
                    self.clock.turn(self.frame * lost);
                }
                Step::Quiet => {
                    self.clock.turn(timeout);
                    return Ok(Wait::Nothing);
                }
                Step::Fault => {
                    self.ready = None;
                    return Ok(Wait::Fault);
                }
                other => {
                    self.ready = Some(other);
                    return Ok(Wait::Ready);
                }
            }
        }
    }

    fn dequeue(&mut self) -> io::Result<Option<Buffer>> {
        let (bytes, is_damaged) = match self.ready.take() {
            Some(Step::Picture(bytes)) => (bytes, false),
            Some(Step::Damaged(bytes)) => (bytes, true),
            Some(Step::Fails(number)) => return Err(io::Error::from_raw_os_error(number)),
            _ => return Ok(None),
        };
        self.clock.turn(self.frame);
        self.bytes = bytes;
        self.seen.lock().unwrap().out += 1;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Ok(Some(Buffer {
            index: 0,
            used: self.bytes.len(),
            is_damaged,
            sequence,
            timestamp: Some(self.monotonic()),
        }))
    }

    fn bytes(&self, buffer: &Buffer) -> &[u8] {
        &self.bytes[..buffer.used]
    }

    fn requeue(&mut self, _: Buffer) -> io::Result<()> {
        self.seen.lock().unwrap().out -= 1;
        Ok(())
    }

    fn force_key_frame(&mut self) -> bool {
        self.seen.lock().unwrap().key_frames += 1;
        self.takes_key_frames
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.clock.now().0)
    }
}
