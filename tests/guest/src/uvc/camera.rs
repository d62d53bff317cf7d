//! The camera: what it answers, and when it sends a picture. One thread does both, so that a transfer is either
//! answered or taken back, never both: the kernel's driver relies on that.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::descriptors::{self, H264, Identity, MAX_PAYLOAD, PROCESSING_UNIT};
use super::usbip::{self, Request, STALLED, Submit};

/// Where `vhci_hcd` takes a device's socket.
const ATTACH: &str = "/sys/devices/platform/vhci_hcd.0/attach";
/// Bus and device number that it has on the other machine, which is none.
const DEVICE: u32 = 1 << 16 | 2;
const HIGH_SPEED: u32 = 3;

const PROBE_LEN: usize = 34;
const SET_CUR: u8 = 0x01;
const GET_CUR: u8 = 0x81;
const GET_MIN: u8 = 0x82;
const GET_MAX: u8 = 0x83;
const GET_RES: u8 = 0x84;
const GET_LEN: u8 = 0x85;
const GET_INFO: u8 = 0x86;
const GET_DEF: u8 = 0x87;
const COMMIT: u8 = 2;
/// A payload's header: its length, then frame bit, end of frame, end of header.
const PAYLOAD_HEADER: usize = 2;

/// Of 0 to 255; beyond it, pictures are bright.
pub const BRIGHT: u16 = 160;

/// What a camera delivers, and says of itself.
#[derive(Debug, Clone)]
pub struct Film {
    /// JPEG pictures for a brightness beyond [`BRIGHT`]; none if that shows nothing.
    pub bright: Vec<Vec<u8>>,
    /// The pictures as JPEG.
    pub mjpeg: Vec<Vec<u8>>,
    /// The same as H.264 access units.
    pub h264: Vec<Vec<u8>>,
    /// Number of the picture that is due when the camera is plugged in.
    pub first: usize,
}

/// What happened, for a test to compare with what was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// The kernel knows the device.
    PluggedIn,
    /// The host asked for pictures.
    Started {
        /// Whether they are H.264, else MJPEG.
        h264: bool,
    },
    /// The host has all of this picture.
    Delivered(usize),
    /// The brightness was set.
    Brightness(u16),
}

/// A picture on its way.
struct Sending {
    number: usize,
    h264: bool,
    is_bright: bool,
    at: usize,
}

/// A camera that is plugged in.
pub struct Camera<'a> {
    identity: Identity,
    film: Film,
    socket: UnixStream,
    /// The kernel's end, which it has only borrowed until it has taken it.
    _theirs: UnixStream,
    report: Box<dyn FnMut(Happened) + 'a>,
    unread: Vec<u8>,
    /// Transfers that wait for a picture: number and room.
    waiting: VecDeque<(u32, usize)>,
    probe: [u8; PROBE_LEN],
    streaming: bool,
    sending: Option<Sending>,
    /// The picture that was sent, or tried, last.
    last: Option<usize>,
    frame_bit: bool,
    brightness: u16,
}

impl<'a> Camera<'a> {
    /// Plugs it into port `port` of `vhci_hcd`'s hub. Each thing that happens is reported.
    ///
    /// # Errors
    /// If the kernel does not take it (`modprobe vhci_hcd`, port in use).
    pub fn plug_in(
        port: u8,
        identity: Identity,
        film: Film,
        mut report: impl FnMut(Happened) + 'a,
    ) -> io::Result<Self> {
        let (socket, theirs) = UnixStream::pair()?;
        let line = format!("{port} {} {DEVICE} {HIGH_SPEED}", theirs.as_raw_fd());
        std::fs::write(ATTACH, line)?;
        report(Happened::PluggedIn);
        let mut probe = [0; PROBE_LEN];
        probe[2..4].copy_from_slice(&[1, 1]);
        probe[4..8].copy_from_slice(&identity.interval().to_le_bytes());
        probe[18..22].copy_from_slice(&identity.max_picture().to_le_bytes());
        probe[22..26].copy_from_slice(&MAX_PAYLOAD.to_le_bytes());
        Ok(Self {
            identity,
            film,
            socket,
            _theirs: theirs,
            report: Box::new(report),
            unread: Vec::new(),
            waiting: VecDeque::new(),
            probe,
            streaming: false,
            sending: None,
            last: None,
            frame_bit: false,
            brightness: 128,
        })
    }

    /// Is a camera until the kernel unplugs it.
    ///
    /// # Errors
    /// If the kernel cannot be spoken with.
    pub fn run(mut self) -> io::Result<()> {
        let begun = Instant::now();
        let mut piece = vec![0; 64 * 1024];
        loop {
            self.send(begun)?;
            if self.is_readable(self.until_next(begun))? {
                let got = self.socket.read(&mut piece)?;
                if got == 0 {
                    return Ok(());
                }
                self.unread.extend_from_slice(&piece[..got]);
                let mut at = 0;
                while let Some((request, len)) = Request::parse(&self.unread[at..]) {
                    at += len;
                    self.take(request)?;
                }
                self.unread.drain(..at);
            }
        }
    }

    fn due(&self, begun: Instant) -> usize {
        let passed = begun.elapsed().as_nanos() * u128::from(self.identity.fps) / 1_000_000_000;
        self.film.first + passed as usize
    }

    /// How long there is nothing to send.
    fn until_next(&self, begun: Instant) -> Duration {
        let next = self.due(begun) + 1 - self.film.first;
        let at = Duration::from_nanos(next as u64 * 1_000_000_000 / u64::from(self.identity.fps));
        at.saturating_sub(begun.elapsed())
    }

    fn is_readable(&self, limit: Duration) -> io::Result<bool> {
        let limit = Timespec::try_from(limit).map_err(io::Error::other)?;
        let mut wanted = [PollFd::new(&self.socket, PollFlags::IN)];
        Ok(poll(&mut wanted, Some(&limit))? > 0)
    }

    /// Sends what is due as far as transfers wait for it.
    fn send(&mut self, begun: Instant) -> io::Result<()> {
        while self.streaming && !self.waiting.is_empty() {
            let due = self.due(begun);
            if self.sending.is_none() && self.last != Some(due) {
                self.last = Some(due);
                self.frame_bit = !self.frame_bit;
                self.sending = Some(Sending {
                    number: due,
                    h264: self.probe[2] == H264,
                    is_bright: self.brightness > BRIGHT && !self.film.bright.is_empty(),
                    at: 0,
                });
            }
            let Some(mut sending) = self.sending.take() else {
                return Ok(());
            };
            let Some((seqnum, room)) = self.waiting.pop_front() else {
                return Ok(());
            };
            let pictures = if sending.h264 {
                &self.film.h264
            } else {
                match sending.is_bright {
                    true => &self.film.bright,
                    false => &self.film.mjpeg,
                }
            };
            let picture = &pictures[sending.number % pictures.len()];
            let end = picture
                .len()
                .min(sending.at + room.min(MAX_PAYLOAD as usize) - PAYLOAD_HEADER);
            let last = end == picture.len();
            let bits = 0x80 | u8::from(last) << 1 | u8::from(self.frame_bit);
            let mut payload = vec![PAYLOAD_HEADER as u8, bits];
            payload.extend_from_slice(&picture[sending.at..end]);
            self.socket.write_all(&usbip::sent(seqnum, 0, &payload))?;
            if last {
                (self.report)(Happened::Delivered(sending.number));
            } else {
                sending.at = end;
                self.sending = Some(sending);
            }
        }
        Ok(())
    }

    fn take(&mut self, request: Request) -> io::Result<()> {
        let answer = match request {
            Request::Unlink { seqnum, submitted } => {
                let before = self.waiting.len();
                self.waiting.retain(|(number, _)| *number != submitted);
                usbip::unlinked(seqnum, self.waiting.len() < before)
            }
            Request::Submit(submit) if submit.endpoint == 0 => {
                let (seqnum, room) = (submit.seqnum, submit.len);
                match self.control(&submit) {
                    None => usbip::sent(seqnum, STALLED, &[]),
                    Some(data) if submit.is_in => {
                        usbip::sent(seqnum, 0, &data[..data.len().min(room)])
                    }
                    Some(_) => usbip::taken(seqnum, 0, submit.data.len()),
                }
            }
            Request::Submit(submit) => {
                self.waiting.push_back((submit.seqnum, submit.len));
                return Ok(());
            }
        };
        self.socket.write_all(&answer)
    }

    /// A control transfer's answer; `None` refuses it.
    fn control(&mut self, submit: &Submit) -> Option<Vec<u8>> {
        let [kind, request, low, high, interface, entity, ..] = submit.setup;
        match (kind, request) {
            // GET_DESCRIPTOR
            (0x80, 6) => match high {
                1 => Some(descriptors::device()),
                2 => Some(descriptors::configuration(&self.identity)),
                3 => descriptors::string(&self.identity, low),
                _ => None,
            },
            // GET_STATUS
            (0x80, 0) => Some(vec![0, 0]),
            // CLEAR_FEATURE of the endpoint: how a host ends a stream of bulk transfers.
            (0x02, 1) => {
                self.streaming = false;
                self.sending = None;
                Some(Vec::new())
            }
            // Other standard requests without an answer: SET_CONFIGURATION, SET_INTERFACE.
            (0x00..=0x02, 1 | 3 | 5 | 9 | 11) => Some(Vec::new()),
            (0xA1, _) if interface == 1 => self.stream_answer(request),
            (0x21, SET_CUR) if interface == 1 => self.negotiate(high, &submit.data),
            (0xA1, _) if entity == PROCESSING_UNIT => self.brightness_answer(request),
            (0x21, SET_CUR) if entity == PROCESSING_UNIT => {
                self.brightness = u16::from_le_bytes(*submit.data.first_chunk()?);
                (self.report)(Happened::Brightness(self.brightness));
                Some(Vec::new())
            }
            _ => None,
        }
    }

    fn stream_answer(&self, request: u8) -> Option<Vec<u8>> {
        match request {
            GET_LEN => Some((PROBE_LEN as u16).to_le_bytes().to_vec()),
            GET_INFO => Some(vec![3]),
            GET_CUR | GET_MIN | GET_MAX | GET_DEF => Some(self.probe.to_vec()),
            _ => None,
        }
    }

    /// Probe or commit: of what the host wants, only the format is its choice.
    fn negotiate(&mut self, selector: u8, wanted: &[u8]) -> Option<Vec<u8>> {
        let format = *wanted.get(2)?;
        if format == descriptors::MJPEG || format == H264 {
            self.probe[2] = format;
        }
        if selector == COMMIT {
            self.streaming = true;
            self.sending = None;
            (self.report)(Happened::Started {
                h264: self.probe[2] == H264,
            });
        }
        Some(Vec::new())
    }

    fn brightness_answer(&self, request: u8) -> Option<Vec<u8>> {
        let value = match request {
            GET_INFO => return Some(vec![3]),
            GET_CUR => self.brightness,
            GET_MIN => 0,
            GET_MAX => 255,
            GET_RES => 1,
            GET_DEF => 128,
            GET_LEN => 2,
            _ => return None,
        };
        Some(value.to_le_bytes().to_vec())
    }
}
