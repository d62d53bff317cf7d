//! A camera's pictures while they are recorded, for whoever watches.
//!
//! A client asks with one line, `{"ask":"live","camera":"F"}`, and is answered with one: `{"live":{"protocol":1}}`, or
//! a refusal. From then on the recorder sends messages, and the client nothing. Numbers are big-endian.
//!
//! ```text
//! 0   u8   kind: 1 config, 2 picture, 3 nothing, 4 end
//! 1   u8   flags: 1 decoding can start at this picture
//! 2   u16  0
//! 4   u32  length of the body
//! 8        body
//!
//! config   u8 codec (1 H.264, 2 H.265), u8 0, u16 width, u16 height,
//!          then of VPS, SPS, PPS: u16 how many, and of each: u16 length, the NAL unit
//! picture  i64 decode time, i64 presentation time, in 1/90000 s of the boot clock,
//!          u64 capture time, in ns of the boot clock,
//!          u32 pictures left out since the one before,
//!          the access unit: NAL units behind lengths of 4 bytes
//! nothing  no body: the camera has delivered nothing for a while
//! end      no body: the camera has ended
//! ```
//!
//! The first message that is not *nothing* is a config, the next one a picture at which decoding can start; so it is
//! whenever pictures were left out, and behind each further config. Whoever is too slow gets pictures left out up to
//! the next at which decoding can start; whoever takes nothing for ten seconds is cut off.

use std::os::unix::net::UnixStream;

use picam_time::BootNs;
pub use picam_time::TIMESCALE;

use crate::orders::Denied;

/// Version of the messages; another one once an older reader would misunderstand.
pub const PROTOCOL: u32 = 1;
/// Length of what begins each message, in bytes.
pub const HEADER_LEN: usize = 8;
/// Length of what stands before the access unit in a picture's body, in bytes.
pub const PICTURE_HEAD_LEN: usize = 28;
/// No body is longer, in bytes: an access unit has 8 MiB at most.
pub const MAX_BODY: usize = (8 << 20) + (64 << 10);

const START: u8 = 1;

/// Who shows cameras live: the recorder in this process, or the one behind a socket.
pub trait LiveSource: Send + Sync + 'static {
    /// The messages of a camera, from now on. May block for a short while.
    fn follow(&self, camera: char) -> Result<UnixStream, Denied>;
}

/// Sends the messages to a client that was let in; returns at once.
pub type Follow = Box<dyn FnOnce(UnixStream) + Send>;

/// What came is not what a recorder sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the recorder's live stream makes no sense: {0}; update both to the same version")]
pub struct BadMessage(&'static str);

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How the pictures from here on are coded.
    Config,
    /// One picture.
    Picture {
        /// Whether decoding can start at it.
        start: bool,
    },
    /// Nothing, for a while.
    Nothing,
    /// The camera has ended.
    End,
}

/// What begins a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What it is about.
    pub kind: Kind,
    /// Bytes that follow.
    pub len: usize,
}

impl Header {
    /// As it is sent. `None` if the body is longer than [`MAX_BODY`].
    pub fn to_bytes(self) -> Option<[u8; HEADER_LEN]> {
        let len = u32::try_from(self.len)
            .ok()
            .filter(|_| self.len <= MAX_BODY)?;
        let [a, b, c, d] = len.to_be_bytes();
        let (kind, flags) = match self.kind {
            Kind::Config => (1, 0),
            Kind::Picture { start } => (2, if start { START } else { 0 }),
            Kind::Nothing => (3, 0),
            Kind::End => (4, 0),
        };
        Some([kind, flags, 0, 0, a, b, c, d])
    }

    /// Reads it. What follows has a length that can be trusted to be no more than [`MAX_BODY`].
    pub fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, BadMessage> {
        let [kind, flags, _, _, len @ ..] = bytes;
        let len = u32::from_be_bytes(len) as usize;
        if len > MAX_BODY {
            return Err(BadMessage("a message is too long"));
        }
        let kind = match kind {
            1 => Kind::Config,
            2 if len >= PICTURE_HEAD_LEN => Kind::Picture {
                start: flags & START != 0,
            },
            2 => return Err(BadMessage("a picture is too short")),
            3 => Kind::Nothing,
            4 => Kind::End,
            _ => return Err(BadMessage("a message is of an unknown kind")),
        };
        Ok(Self { kind, len })
    }
}

/// What stands before a picture's access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHead {
    /// Decode time in ticks of 1/90000 s of the boot clock; never decreases.
    pub dts: i64,
    /// Presentation time on the same scale.
    pub pts: i64,
    /// Capture time.
    pub captured: BootNs,
    /// Pictures left out since the one before.
    pub dropped: u32,
}

impl PictureHead {
    /// As it is sent.
    pub fn to_bytes(self) -> [u8; PICTURE_HEAD_LEN] {
        let mut bytes = [0; PICTURE_HEAD_LEN];
        let fields = [
            &self.dts.to_be_bytes()[..],
            &self.pts.to_be_bytes(),
            &self.captured.0.to_be_bytes(),
            &self.dropped.to_be_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        bytes
    }

    /// Reads it off the front of a picture's body, and gives what follows: the access unit.
    pub fn parse(body: &[u8]) -> Result<(Self, &[u8]), BadMessage> {
        let short = BadMessage("a picture is too short");
        let mut rest = body;
        let head = Self {
            dts: i64::from_be_bytes(take(&mut rest).ok_or(short)?),
            pts: i64::from_be_bytes(take(&mut rest).ok_or(short)?),
            captured: BootNs(u64::from_be_bytes(take(&mut rest).ok_or(short)?)),
            dropped: u32::from_be_bytes(take(&mut rest).ok_or(short)?),
        };
        Ok((head, rest))
    }
}

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
}

/// What a decoder needs to know before the first picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How the pictures are coded.
    pub codec: Codec,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Video parameter sets as NAL units; none for H.264.
    pub vps: Vec<Vec<u8>>,
    /// Sequence parameter sets.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub pps: Vec<Vec<u8>>,
}

impl Config {
    /// Appends the body of its message; `None` if there are more or longer sets than its fields can tell.
    pub fn encode(&self, out: &mut Vec<u8>) -> Option<()> {
        out.push(match self.codec {
            Codec::H264 => 1,
            Codec::H265 => 2,
        });
        out.push(0);
        out.extend(self.width.to_be_bytes());
        out.extend(self.height.to_be_bytes());
        for sets in [&self.vps, &self.sps, &self.pps] {
            out.extend(u16::try_from(sets.len()).ok()?.to_be_bytes());
            for set in sets {
                out.extend(u16::try_from(set.len()).ok()?.to_be_bytes());
                out.extend(set);
            }
        }
        Some(())
    }

    /// Reads the body of its message.
    pub fn parse(body: &[u8]) -> Result<Self, BadMessage> {
        let short = BadMessage("a config is too short");
        let mut rest = body;
        let [codec, _] = take(&mut rest).ok_or(short)?;
        let codec = match codec {
            1 => Codec::H264,
            2 => Codec::H265,
            _ => return Err(BadMessage("a codec is unknown")),
        };
        let width = u16::from_be_bytes(take(&mut rest).ok_or(short)?);
        let height = u16::from_be_bytes(take(&mut rest).ok_or(short)?);
        let mut sets = || -> Option<Vec<Vec<u8>>> {
            let count = u16::from_be_bytes(take(&mut rest)?);
            let set = |_| {
                let len = u16::from_be_bytes(take(&mut rest)?);
                let (set, behind) = rest.split_at_checked(len.into())?;
                rest = behind;
                Some(set.to_vec())
            };
            (0..count).map(set).collect()
        };
        Ok(Self {
            codec,
            width,
            height,
            vps: sets().ok_or(short)?,
            sps: sets().ok_or(short)?,
            pps: sets().ok_or(short)?,
        })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_lie_as_documented() {
        let header = Header {
            kind: Kind::Picture { start: true },
            len: 0x01_02_03,
        };
        assert_eq!(header.to_bytes(), Some([2, 1, 0, 0, 0, 1, 2, 3]));
        let head = PictureHead {
            dts: 1,
            pts: 2,
            captured: BootNs(3),
            dropped: 4,
        };
        let mut expected = [0; PICTURE_HEAD_LEN];
        (expected[7], expected[15], expected[23], expected[27]) = (1, 2, 3, 4);
        assert_eq!(head.to_bytes(), expected);
        let config = Config {
            codec: Codec::H264,
            width: 0x280,
            height: 0x168,
            vps: Vec::new(),
            sps: vec![vec![0x67, 1]],
            pps: vec![vec![0x68], vec![0x68, 2]],
        };
        let mut body = Vec::new();
        config.encode(&mut body).unwrap();
        let expected = [
            &[1, 0, 2, 0x80, 1, 0x68][..],
            &[0, 0],
            &[0, 1, 0, 2, 0x67, 1],
            &[0, 2, 0, 1, 0x68, 0, 2, 0x68, 2],
        ];
        assert_eq!(body, expected.concat());
    }

    #[test]
    fn what_is_too_long_or_unknown_is_refused() {
        let long = Header {
            kind: Kind::Config,
            len: MAX_BODY + 1,
        };
        assert_eq!(long.to_bytes(), None);
        for bytes in [
            [1, 0, 0, 0, 0xff, 0, 0, 0],
            [2, 0, 0, 0, 0, 0, 0, PICTURE_HEAD_LEN as u8 - 1],
            [0, 0, 0, 0, 0, 0, 0, 0],
            [5, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(Header::parse(bytes).is_err(), "{bytes:?}");
        }
    }

    fn sets() -> impl Strategy<Value = Vec<Vec<u8>>> {
        vec(vec(any::<u8>(), 0..40), 0..4)
    }

    proptest! {
        #[test]
        fn what_is_sent_is_read(
            (codec, width, height) in (prop_oneof![Just(Codec::H264), Just(Codec::H265)], any::<u16>(), any::<u16>()),
            (vps, sps, pps) in (sets(), sets(), sets()),
            (dts, pts, captured, dropped) in any::<(i64, i64, u64, u32)>(),
            data: Vec<u8>,
            start: bool,
        ) {
            let config = Config { codec, width, height, vps, sps, pps };
            let mut body = Vec::new();
            config.encode(&mut body).unwrap();
            prop_assert_eq!(Config::parse(&body), Ok(config));
            // Cut off anywhere it is no config.
            prop_assert!((0..body.len()).all(|end| Config::parse(&body[..end]).is_err()));
            let head = PictureHead { dts, pts, captured: BootNs(captured), dropped };
            let mut body = head.to_bytes().to_vec();
            body.extend(&data);
            prop_assert_eq!(PictureHead::parse(&body), Ok((head, &data[..])));
            let header = Header { kind: Kind::Picture { start }, len: body.len() };
            prop_assert_eq!(Header::parse(header.to_bytes().unwrap()), Ok(header));
        }

        #[test]
        fn any_bytes_are_taken(header: [u8; HEADER_LEN], body: Vec<u8>) {
            if let Ok(header) = Header::parse(header) {
                prop_assert!(header.len <= MAX_BODY);
            }
            let _ = Config::parse(&body);
            let _ = PictureHead::parse(&body);
        }
    }
}
