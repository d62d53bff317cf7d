//! The other end, as tests want it: it may break every rule.

use std::io::{IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};

use super::camera::{Camera, Timeouts};
use super::link::Link;
use crate::video_node::monotonic;

pub(super) const WIDTH: u32 = 64;
pub(super) const HEIGHT: u32 = 64;
pub(super) const STRIDE: u32 = 80;
pub(super) const BUFFERS: u32 = 3;
pub(super) const LUMA: u32 = STRIDE * HEIGHT;
/// Bytes of a picture.
pub(super) const SIZE: u32 = LUMA * 3 / 2;

/// Impatient, but not so that a busy machine breaks it.
pub(super) const TIMEOUTS: Timeouts = Timeouts {
    setup: Duration::from_secs(20),
    first: Duration::from_secs(20),
    silence: Duration::from_millis(300),
};

/// Its end of the socket.
pub(super) struct Imitation {
    socket: OwnedFd,
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
}

/// Numbers of a setup, in turn: 0 type, 1 version, 2 fourcc, 3 width, 4 height, 5 stride, 6 buffers, 7 interval, 8 colour,
/// 9 lens, 10 and 11 seen, 12 and 13 the sensor's.
pub(super) const SETUP: [u32; 14] = [
    1,
    2,
    u32::from_le_bytes(*b"NV12"),
    WIDTH,
    HEIGHT,
    STRIDE,
    BUFFERS,
    33_333,
    0,
    1,
    3280,
    1845,
    3280,
    2464,
];

pub(super) fn setup(numbers: &[u32; 14]) -> Vec<u8> {
    let mut message = words(numbers);
    let mut model = *b"imx219\0not to be seen\n..........................................";
    model[63] = 0;
    message.extend_from_slice(&model);
    message
}

/// What can be set: brightness, from -1 to 1, and a lens.
pub(super) fn controls() -> Vec<u8> {
    let one = -1000i32;
    words(&[5, 2, 1, one.cast_unsigned(), 1000, 0, 21, 0, 10_000, 0])
}

/// A buffer of NV12.
pub(super) fn layout(index: u32) -> Vec<u8> {
    words(&[2, index, 2, 0, LUMA, 0, LUMA, LUMA / 2, 0])
}

pub(super) fn frame(index: u32, sequence: u32, flags: u32) -> Vec<u8> {
    let mut message = words(&[3, index, sequence, flags]);
    let now = u64::try_from(monotonic().as_nanos()).unwrap();
    message.extend_from_slice(&now.to_ne_bytes());
    message.extend_from_slice(&words(&[3280, 0]));
    message
}

pub(super) fn failed(why: &[u8]) -> Vec<u8> {
    [&words(&[4])[..], why].concat()
}

/// Memory that may or may not shrink.
pub(super) fn memory(size: u32, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let memory = memfd_create("picture", flags).unwrap();
    let mut file = std::fs::File::from(memory);
    file.write_all(&vec![128; size as usize]).unwrap();
    fcntl_add_seals(&file, seals).unwrap();
    file.into()
}

pub(super) fn good_memory() -> OwnedFd {
    memory(SIZE, SealFlags::SHRINK)
}

impl Imitation {
    pub(super) fn pair() -> (Link, Self) {
        let (link, socket) = Link::pair().unwrap();
        (link, Self { socket })
    }

    pub(super) fn send(&self, message: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
        }
        let part = [IoSlice::new(message)];
        sendmsg(&self.socket, &part, &mut control, SendFlags::NOSIGNAL).unwrap();
    }

    pub(super) fn say(&self, message: &[u8]) {
        self.send(message, &[]);
    }

    /// What an honest one says before its first picture.
    pub(super) fn begin(&self) {
        self.say(&setup(&SETUP));
        self.say(&controls());
        for index in 0..BUFFERS {
            self.send(&layout(index), &[good_memory().as_fd()]);
        }
    }

    /// What it is told to set, once.
    pub(super) fn set(&self) -> Vec<(u32, i32)> {
        let mut message = [0; 256];
        let (length, _) = recv(&self.socket, &mut message[..], RecvFlags::DONTWAIT).unwrap();
        let numbers: Vec<u32> = message[..length]
            .as_chunks()
            .0
            .iter()
            .map(|chunk| u32::from_ne_bytes(*chunk))
            .collect();
        assert_eq!(
            (numbers[0], numbers[1] as usize),
            (17, (numbers.len() - 2) / 2)
        );
        let pairs = numbers[2..].as_chunks::<2>().0.iter();
        pairs
            .map(|[id, value]| (*id, value.cast_signed()))
            .collect()
    }

    /// Indexes that were given back until now.
    pub(super) fn given(&self) -> Vec<u32> {
        let mut given = Vec::new();
        let mut message = [0; 64];
        while let Ok((length, _)) = recv(&self.socket, &mut message[..], RecvFlags::DONTWAIT) {
            if message[..4] == 17u32.to_ne_bytes() {
                continue;
            }
            assert_eq!((length, &message[..4]), (8, &16u32.to_ne_bytes()[..]));
            given.push(u32::from_ne_bytes(*message[4..].first_chunk().unwrap()));
        }
        given
    }
}

/// A camera whose other end is in the test's hands.
pub(super) fn camera() -> (Camera, Imitation) {
    let (link, other) = Imitation::pair();
    other.begin();
    (Camera::begin(link, None, TIMEOUTS).unwrap(), other)
}
