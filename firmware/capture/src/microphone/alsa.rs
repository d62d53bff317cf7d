//! A microphone that the kernel knows, by ALSA.

use std::sync::Arc;
use std::time::Duration;

use alsa::pcm::{Access, Format, HwParams, PCM, State, TstampType};
use alsa::{Direction, Output, ValueOr};
use picam_media::AAC_RATES;
use picam_time::{BootNs, Clock, Ticks};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::device::{Device, Heard};
use super::samples::{mix, of_f32, of_i32};
use super::spec::AlsaSpec;
use crate::CaptureError;

/// How often the device says that samples are there.
const PERIOD: Duration = Duration::from_millis(20);
/// What it shall hold while nobody takes samples.
const BUFFER: Duration = Duration::from_secs(1);
/// Samples of each channel that are taken at once, at most.
const MOST: usize = 4096;
/// A time stamp that lies further back says nothing.
const OLDEST: Duration = Duration::from_secs(2);

/// How the device's samples are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coded {
    I16,
    I32,
    F32,
}

/// In the order in which they are asked for.
const CODED: [(Coded, Format); 3] = [
    (Coded::I16, Format::S16LE),
    (Coded::I32, Format::S32LE),
    (Coded::F32, Format::FloatLE),
];

/// The open device.
pub(super) struct Alsa {
    pcm: PCM,
    name: String,
    clock: Arc<dyn Clock>,
    coded: Coded,
    rate: u32,
    /// Of the device.
    channels: u16,
    /// That are wanted.
    mixed: u16,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    i16: Vec<i16>,
    i32: Vec<i32>,
    f32: Vec<f32>,
}

/// What was being done when ALSA failed.
type Failed<'a> = (&'a str, &'static str, alsa::Error);

fn io((name, doing, error): Failed<'_>) -> CaptureError {
    CaptureError::Io {
        context: format!("{doing} the microphone {name}"),
        source: std::io::Error::from_raw_os_error(error.errno().abs()),
    }
}

impl Alsa {
    pub(super) fn open(spec: &AlsaSpec, clock: Arc<dyn Clock>) -> Result<Self, CaptureError> {
        // What the library has to say of a name that it does not know would go to stderr, line by line, at each attempt.
        let _quiet = Output::local_error_handler();
        let name = spec.name.as_str();
        let opened = PCM::new(name, Direction::Capture, true);
        let pcm = opened.map_err(|error| io((name, "opening", error)))?;
        let (coded, channels, rate) = agree(&pcm, spec)?;
        let sw = |error| io((name, "setting up", error));
        let params = pcm.sw_params_current().map_err(sw)?;
        params.set_tstamp_mode(true).map_err(sw)?;
        // Kernels before 3.8 and some plugins know no other than the wall clock: such stamps are told by their value.
        let _ = params.set_tstamp_type(TstampType::Monotonic);
        pcm.sw_params(&params).map_err(sw)?;
        drop(params);
        pcm.start().map_err(|error| io((name, "starting", error)))?;
        Ok(Self {
            pcm,
            name: spec.name.clone(),
            clock,
            coded,
            rate,
            channels,
            mixed: spec.channels,
            buffers: Buffers::default(),
        })
    }

    fn failed(&self, doing: &'static str, error: alsa::Error) -> CaptureError {
        io((&self.name, doing, error))
    }

    /// Takes what is there; how many samples of each channel that was.
    fn take(&mut self, samples: &mut Vec<i16>) -> alsa::Result<usize> {
        let room = MOST * usize::from(self.channels);
        let (from, to) = (self.channels, self.mixed);
        match self.coded {
            Coded::I16 => {
                let buffer = &mut self.buffers.i16;
                buffer.resize(room, 0);
                let read = self.pcm.io_i16()?.readi(buffer)?;
                mix(
                    buffer.iter().copied().take(read * usize::from(from)),
                    from,
                    to,
                    samples,
                );
                Ok(read)
            }
            Coded::I32 => {
                let buffer = &mut self.buffers.i32;
                buffer.resize(room, 0);
                let read = self.pcm.io_i32()?.readi(buffer)?;
                let taken = buffer.iter().take(read * usize::from(from));
                mix(taken.map(|&sample| of_i32(sample)), from, to, samples);
                Ok(read)
            }
            Coded::F32 => {
                let buffer = &mut self.buffers.f32;
                buffer.resize(room, 0.0);
                let read = self.pcm.io_f32()?.readi(buffer)?;
                let taken = buffer.iter().take(read * usize::from(from));
                mix(taken.map(|&sample| of_f32(sample)), from, to, samples);
                Ok(read)
            }
        }
    }

    /// When the last sample that was taken was captured: the device says when it last put samples into its buffer, and how
    /// many are there now.
    // Its numbers have 32 bits on some processors.
    #[allow(clippy::useless_conversion)]
    fn captured(&self) -> BootNs {
        let now = self.clock.now();
        let Ok(status) = self.pcm.status() else {
            return now;
        };
        let stamp = status.get_htstamp();
        let monotonic = clock_gettime(ClockId::Monotonic);
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let stamped = nanos(stamp.tv_sec.into(), stamp.tv_nsec.into());
        let ago = nanos(monotonic.tv_sec, monotonic.tv_nsec) - stamped;
        let ago = u64::try_from(ago).ok().map(Duration::from_nanos);
        let put = ago.filter(|&ago| ago < OLDEST).map_or(now, |ago| now - ago);
        let there = i64::from(status.get_avail()).max(0);
        put - Ticks::new(there, self.rate).span()
    }

    /// Goes on after samples were lost, or after the machine slept.
    fn recover(&mut self) -> Result<Heard, CaptureError> {
        let again = self.pcm.prepare().and_then(|()| self.pcm.start());
        again.map_err(|error| self.failed("restarting", error))?;
        Ok(Heard::Overrun)
    }
}

/// Agrees with the device on samples, channels and rate.
fn agree(pcm: &PCM, spec: &AlsaSpec) -> Result<(Coded, u16, u32), CaptureError> {
    let name = spec.name.as_str();
    let failed = |error| io((name, "setting up", error));
    let refused = |what: String| {
        CaptureError::Config(format!(
            "the microphone {name} {what}; write plughw: in place of hw:, and ALSA converts it"
        ))
    };
    let params = HwParams::any(pcm).map_err(failed)?;
    params.set_access(Access::RWInterleaved).map_err(failed)?;
    let accepts = |(_, format): &&(Coded, Format)| params.test_format(*format).is_ok();
    let Some(&(coded, format)) = CODED.iter().find(accepts) else {
        return Err(refused(
            "delivers samples of a kind that picam cannot read".into(),
        ));
    };
    params.set_format(format).map_err(failed)?;
    let wanted = u32::from(spec.channels);
    let channels = params.set_channels_near(wanted).map_err(failed)?;
    let channels = u16::try_from(channels)
        .ok()
        .filter(|n| (1..=32).contains(n));
    let channels =
        channels.ok_or_else(|| refused("delivers no channel that picam can read".into()))?;
    let of_device = |rate: &u32| params.test_rate(*rate).is_ok();
    let rates = [spec.rate].into_iter().chain(AAC_RATES);
    let Some(rate) = rates.into_iter().find(of_device) else {
        let most = params.get_rate_max().unwrap_or(0);
        return Err(refused(format!(
            "delivers none of {AAC_RATES:?} samples a second, but {most} at the most"
        )));
    };
    params.set_rate(rate, ValueOr::Nearest).map_err(failed)?;
    let micros = |span: Duration| u32::try_from(span.as_micros()).unwrap_or(u32::MAX);
    // Whatever it gives is used.
    let _ = params.set_buffer_time_near(micros(BUFFER), ValueOr::Nearest);
    let _ = params.set_period_time_near(micros(PERIOD), ValueOr::Nearest);
    pcm.hw_params(&params).map_err(failed)?;
    Ok((coded, channels, rate))
}

impl Device for Alsa {
    fn format(&self) -> (u32, u16) {
        (self.rate, self.mixed)
    }

    fn read(&mut self, samples: &mut Vec<i16>, timeout: Duration) -> Result<Heard, CaptureError> {
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        match self.pcm.wait(Some(millis)) {
            Ok(false) => return Ok(Heard::Nothing),
            Ok(true) => {}
            Err(error) => return self.lost(error),
        }
        match self.take(samples) {
            Ok(0) => Ok(Heard::Nothing),
            Ok(_) => Ok(Heard::Until(self.captured())),
            Err(error) => self.lost(error),
        }
    }
}

impl Alsa {
    fn lost(&mut self, error: alsa::Error) -> Result<Heard, CaptureError> {
        match Errno::from_raw_os_error(error.errno().abs()) {
            Errno::AGAIN | Errno::INTR => Ok(Heard::Nothing),
            Errno::NODEV => Err(self.failed("reading", error)),
            Errno::PIPE | Errno::STRPIPE => self.recover(),
            _ if self.pcm.state() == State::XRun => self.recover(),
            _ => Err(self.failed("reading", error)),
        }
    }
}
