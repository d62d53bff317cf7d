//! An encoder's node and the state of its queues, together: pictures in, coded data out, and whatever goes wrong between.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use picam_media::Yuv420;

use super::machine::{Coded, Content, Fault, Machine, Phase, Verdict};
use super::port::{Event, Next, Output, Port, WaitFor};
use crate::{EncoderCounts, Times};

/// A picture waits so long for a buffer: a few pictures' time, and no camera's driver loses one meanwhile.
const PATIENT: Duration = Duration::from_millis(100);
/// Set up anew so often in a row without a picture coming out, it is given up.
const MOST_REBUILDS: u32 = 3;

/// A picture that came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Came {
    /// Its times.
    pub(super) times: Times,
    /// Pictures before it that never will.
    pub(super) lost_before: u32,
}

/// What is made of coded data, which is different for each codec.
pub(super) trait Sink {
    /// Takes what lies in a buffer; says what that is.
    fn take(&mut self, bytes: &[u8], is_key: bool) -> Content;
}

/// So many buffers in a row that hold nothing of use are enough for a call.
const MOST_USELESS: u32 = 64;

/// Opens and sets up the encoder; again after each fault.
type Open<P> = Box<dyn FnMut() -> io::Result<P> + Send>;

/// A running encoder.
pub(super) struct Session<P> {
    open: Open<P>,
    /// `None` while it could not be set up.
    port: Option<P>,
    machine: Machine,
    /// The times that go with the stamps of pictures on their way.
    times: VecDeque<(u64, Times)>,
    /// How often in a row it was set up anew in vain.
    in_vain: u32,
    last_fault: Option<Fault>,
    last_error: Option<io::Error>,
    /// Keeps buffers of coded data, for tests of a driver that cannot be made to hang otherwise.
    pub(super) withholds: bool,
}

impl<P: Port> Session<P> {
    /// Opens the encoder, for `fps` pictures a second.
    pub(super) fn open(mut open: Open<P>, fps: u32) -> io::Result<Self> {
        let port = open()?;
        Ok(Self {
            machine: Machine::new(port.inputs(), fps),
            open,
            port: Some(port),
            times: VecDeque::new(),
            in_vain: 0,
            last_fault: None,
            last_error: None,
            withholds: false,
        })
    }

    pub(super) fn counts(&self) -> EncoderCounts {
        self.machine.counts()
    }

    /// Why it was set up anew the last time.
    pub(super) const fn last_fault(&self) -> Option<Fault> {
        self.last_fault
    }

    pub(super) fn want_key(&mut self) {
        self.machine.want_key();
    }

    /// Whether all that was handed in has come out, or never will.
    pub(super) fn is_drained(&self) -> bool {
        self.machine.phase() == Phase::Drained
    }

    /// Whether the driver took it.
    pub(super) fn set_bitrate(&mut self, bitrate: u32) -> bool {
        let set = self.port.as_mut().map(|port| port.set_bitrate(bitrate));
        set.is_some_and(|done| done.is_ok())
    }

    /// Hands a picture over, or counts it as refused.
    ///
    /// # Errors
    /// What the driver says, if setting it up anew did not help.
    pub(super) fn put(&mut self, picture: &Yuv420, times: Times) -> io::Result<()> {
        if self.machine.phase() == Phase::Drained {
            self.rebuild()?;
        }
        self.collect();
        if self.machine.free_input().is_none() && self.machine.phase() == Phase::Running {
            self.wait(WaitFor::Input, PATIENT);
            self.collect();
        }
        self.mend()?;
        let (Some(slot), Some(port)) = (self.machine.free_input(), &mut self.port) else {
            self.machine.refused();
            return Ok(());
        };
        let stamp = self.machine.stamp(times.captured.micros() as u64);
        if self.machine.is_key_wanted() {
            // Where there is no such control, regular key frames have to do.
            let _ = port.force_key_frame();
            self.machine.key_asked(stamp);
        }
        let now = port.now();
        match port.queue(slot, picture, stamp) {
            Ok(()) => {
                self.machine.queued(slot, stamp, now);
                self.times.push_back((stamp, times));
            }
            Err(error) => {
                self.machine.refused();
                self.fail(error);
            }
        }
        Ok(())
    }

    /// The next picture, waiting for it at most `timeout`.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub(super) fn take(
        &mut self,
        sink: &mut impl Sink,
        timeout: Duration,
    ) -> io::Result<Option<Came>> {
        let mut has_waited = false;
        for _ in 0..MOST_USELESS {
            self.mend()?;
            self.collect();
            let Some(port) = &mut self.port else {
                return Ok(None);
            };
            match port.output() {
                Ok(Next::Output(output)) => {
                    if let Some(came) = self.judge(&output, sink) {
                        return Ok(Some(came));
                    }
                }
                Ok(Next::End) => self.machine.end(),
                Ok(Next::Nothing) => {
                    let now = port.now();
                    self.machine.look(now);
                    let waits = matches!(self.machine.phase(), Phase::Running | Phase::Draining);
                    if has_waited || !waits || timeout.is_zero() {
                        self.mend()?;
                        return Ok(None);
                    }
                    self.wait(WaitFor::Output, timeout);
                    has_waited = true;
                }
                Err(error) => self.fail(error),
            }
            if self.is_drained() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// No more pictures come.
    pub(super) fn finish(&mut self) {
        if self.machine.drain()
            && let Some(port) = &mut self.port
            && let Err(error) = port.stop()
        {
            self.fail(error);
        }
    }

    fn judge(&mut self, output: &Output, sink: &mut impl Sink) -> Option<Came> {
        let port = self.port.as_mut()?;
        let content = match port.bytes(output) {
            [] => Content::Empty,
            _ if output.is_damaged => Content::Picture { is_start: false },
            bytes => sink.take(bytes, output.is_key),
        };
        let coded = Coded {
            stamp: output.stamp,
            content,
            is_damaged: output.is_damaged,
            is_last: output.is_last,
        };
        let verdict = self.machine.output(&coded, port.now());
        if !(output.is_last || self.withholds)
            && let Err(error) = port.give_back(output.slot)
        {
            self.fail(error);
        }
        let Verdict::Picture { lost_before } = verdict else {
            return None;
        };
        self.in_vain = 0;
        // Those before it never came.
        while let Some((stamp, times)) = self.times.pop_front() {
            if stamp == output.stamp {
                return Some(Came { times, lost_before });
            }
        }
        None
    }

    /// Takes back buffers of pictures, and looks at events.
    fn collect(&mut self) {
        let Some(port) = &mut self.port else {
            return;
        };
        loop {
            match port.returned() {
                Ok(Some(slot)) => self.machine.input_returned(slot),
                Ok(None) => break,
                Err(error) => return self.fail(error),
            }
        }
        loop {
            match port.event() {
                Ok(Some(Event::SourceChange)) => self.machine.fault(Fault::SourceChanged),
                Ok(Some(Event::Other)) => {}
                Ok(None) => break,
                Err(error) => return self.fail(error),
            }
        }
    }

    fn wait(&mut self, what: WaitFor, timeout: Duration) {
        if let Some(port) = &mut self.port
            && let Err(error) = port.wait(what, timeout)
        {
            self.fail(error);
        }
    }

    fn fail(&mut self, error: io::Error) {
        self.last_error = Some(error);
        self.machine.fault(Fault::Driver);
    }

    /// Sets it up anew if something is wrong.
    fn mend(&mut self) -> io::Result<()> {
        match self.machine.phase() {
            Phase::Broken(fault) => {
                self.last_fault = Some(fault);
                self.in_vain += 1;
                if self.in_vain > MOST_REBUILDS {
                    let error = self.last_error.take();
                    return Err(error.unwrap_or_else(|| io::Error::other("it hangs")));
                }
                self.rebuild()
            }
            _ => Ok(()),
        }
    }

    fn rebuild(&mut self) -> io::Result<()> {
        // The old one goes first: a board has one.
        self.port = None;
        self.withholds = false;
        self.times.clear();
        let port = (self.open)()?;
        self.machine.rebuilt(port.inputs(), port.now());
        self.port = Some(port);
        Ok(())
    }
}
