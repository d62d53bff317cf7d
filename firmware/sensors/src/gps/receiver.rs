//! The line to a receiver: a TCP connection to gpsd, or a serial port. All that touches a socket or a device is in here.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use picam_time::{BootNs, Clock, UtcUs};
use tokio::io::AsyncReadExt as AsyncRead;
use tokio::runtime::Runtime;
use tokio_serial::{SerialPort, SerialPortBuilderExt, SerialStream};

use super::baud::BaudSearch;
use super::source::GPSD_PORT;
use super::{GpsSource, Report, gpsd, nmea};

/// How long one look at the line waits for bytes.
const WAIT: Duration = Duration::from_millis(50);
/// An address that does not answer is given up.
const CONNECT: Duration = Duration::from_secs(3);
/// A gpsd that is silent for so long is asked whether it is there, and given up after as long again.
const QUIET: Duration = Duration::from_secs(20);
/// Bytes that are taken at once.
const CHUNK: usize = 4096;

/// Why there is no line.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No source is configured.
    #[error("no GPS source is configured")]
    Off,
    /// gpsd does not answer.
    #[error("gpsd does not answer at {address}: {source}")]
    Gpsd {
        /// Where.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// gpsd speaks a protocol from before 2010.
    #[error("gpsd speaks version {0} of its protocol, which is too old; install gpsd 3")]
    TooOld(u8),
    /// The serial port cannot be opened or read.
    #[error("the GPS receiver at {} cannot be read: {source}", path.display())]
    Serial {
        /// Which.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A line that is open.
#[derive(Debug)]
pub struct Receiver(Line);

#[derive(Debug)]
enum Line {
    Gpsd(Box<Gpsd>),
    Serial(Box<Serial>),
}

impl Receiver {
    /// Opens the line to `source`; may take some seconds.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn open(source: &GpsSource, now: BootNs) -> Result<Self, LinkError> {
        let line = match source {
            GpsSource::Off => return Err(LinkError::Off),
            GpsSource::Auto => Line::Gpsd(Gpsd::connect("127.0.0.1", GPSD_PORT, now)?.into()),
            GpsSource::Gpsd { host, port } => Line::Gpsd(Gpsd::connect(host, *port, now)?.into()),
            GpsSource::Serial { path, baud } => {
                Line::Serial(Serial::open(path, *baud, now)?.into())
            }
        };
        Ok(Self(line))
    }

    /// Waits for bytes, 50 ms at most, and hands over what they say.
    ///
    /// # Errors
    /// [`LinkError`]: the line is gone.
    pub fn poll(
        &mut self,
        clock: &dyn Clock,
        report: &mut dyn FnMut(Report),
    ) -> Result<(), LinkError> {
        match &mut self.0 {
            Line::Gpsd(gpsd) => gpsd.poll(clock, report),
            Line::Serial(serial) => serial.poll(clock, report),
        }
    }

    /// Pieces that were damaged on their way, on this line so far.
    pub fn broken(&self) -> u64 {
        match &self.0 {
            Line::Gpsd(gpsd) => gpsd.decoder.counts().broken,
            Line::Serial(serial) => serial.decoder.counts().broken,
        }
    }

    /// The rate that was found, of a serial line, in bits a second.
    pub fn rate(&self) -> Option<u32> {
        match &self.0 {
            Line::Serial(serial) if serial.search.is_found() => Some(serial.search.rate()),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Gpsd {
    address: String,
    stream: TcpStream,
    decoder: gpsd::Decoder,
    heard: BootNs,
    asked: bool,
}

impl Gpsd {
    fn connect(host: &str, port: u16, now: BootNs) -> Result<Self, LinkError> {
        let address = format!("{host}:{port}");
        let connected = (host, port).to_socket_addrs().and_then(|all| {
            let mut last = io::Error::from(io::ErrorKind::NotFound);
            for address in all {
                match TcpStream::connect_timeout(&address, CONNECT) {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = error,
                }
            }
            Err(last)
        });
        let watched = connected.and_then(|mut stream| {
            stream.set_read_timeout(Some(WAIT))?;
            stream.set_write_timeout(Some(CONNECT))?;
            stream.write_all(gpsd::WATCH)?;
            Ok(stream)
        });
        match watched {
            Ok(stream) => Ok(Self {
                address,
                stream,
                decoder: gpsd::Decoder::default(),
                heard: now,
                asked: false,
            }),
            Err(source) => Err(LinkError::Gpsd { address, source }),
        }
    }

    fn poll(&mut self, clock: &dyn Clock, report: &mut dyn FnMut(Report)) -> Result<(), LinkError> {
        let mut bytes = [0; CHUNK];
        let read = match self.stream.read(&mut bytes) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => Ok(count),
            Err(error) if is_silence(&error) => Ok(0),
            Err(error) => Err(error),
        };
        let now = gpsd::Now {
            boot: clock.now(),
            system: UtcUs::from(SystemTime::now()),
        };
        let done = read.and_then(|count| {
            if count == 0 {
                return self.ask_if_silent(now.boot);
            }
            (self.heard, self.asked) = (now.boot, false);
            let bytes = bytes.get(..count).unwrap_or_default();
            self.decoder.push(bytes, now, report);
            Ok(())
        });
        if let Some(version) = self.decoder.too_old() {
            return Err(LinkError::TooOld(version));
        }
        done.map_err(|source| LinkError::Gpsd {
            address: self.address.clone(),
            source,
        })
    }

    /// A gpsd without a receiver says nothing, and neither does one whose machine was switched off.
    fn ask_if_silent(&mut self, now: BootNs) -> io::Result<()> {
        let silent = now.since(self.heard);
        if silent >= 2 * QUIET {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if silent >= QUIET && !self.asked {
            self.asked = true;
            self.stream.write_all(gpsd::ARE_YOU_THERE)?;
        }
        Ok(())
    }
}

fn is_silence(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

#[derive(Debug)]
struct Serial {
    path: PathBuf,
    port: SerialStream,
    /// Drives the port, on this thread alone. Dropped after it.
    runtime: Runtime,
    decoder: nmea::Decoder,
    search: BaudSearch,
}

impl Serial {
    fn open(path: &Path, baud: Option<u32>, now: BootNs) -> Result<Self, LinkError> {
        let search = BaudSearch::new(baud, now);
        let open = || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()?;
            let inside = runtime.enter();
            let port =
                tokio_serial::new(path.to_string_lossy(), search.rate()).open_native_async()?;
            drop(inside);
            Ok((runtime, port))
        };
        match open() {
            Ok((runtime, port)) => Ok(Self {
                path: path.to_owned(),
                port,
                runtime,
                decoder: nmea::Decoder::default(),
                search,
            }),
            Err(source) => Err(LinkError::Serial {
                path: path.to_owned(),
                source,
            }),
        }
    }

    fn poll(&mut self, clock: &dyn Clock, report: &mut dyn FnMut(Report)) -> Result<(), LinkError> {
        let mut bytes = [0; CHUNK];
        let read = {
            let port = &mut self.port;
            self.runtime.block_on(async {
                match tokio::time::timeout(WAIT, AsyncRead::read(port, &mut bytes)).await {
                    Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(Err(error)) if !is_silence(&error) => Err(error),
                    Ok(Ok(count)) => Ok(count),
                    Ok(Err(_)) | Err(_) => Ok(0),
                }
            })
        };
        let now = clock.now();
        let done = read.and_then(|count| {
            let understood = self.decoder.counts().understood;
            match bytes.get(..count) {
                None | Some([]) => self.decoder.pass(now, &mut *report),
                Some(bytes) => self.decoder.push(bytes, now, &mut *report),
            }
            if self.decoder.counts().understood > understood {
                self.search.understood(now);
            }
            if let Some(rate) = self.search.next(now) {
                self.port.set_baud_rate(rate)?;
            }
            Ok(())
        });
        done.map_err(|source| LinkError::Serial {
            path: self.path.clone(),
            source,
        })
    }
}
