//! The messages between `vhci_hcd` and a device: `Documentation/usb/usbip_protocol.rst` of the kernel, big-endian.

/// Every message begins with so many bytes.
pub const HEADER_LEN: usize = 48;

const CMD_SUBMIT: u32 = 1;
const CMD_UNLINK: u32 = 2;
const RET_SUBMIT: u32 = 3;
const RET_UNLINK: u32 = 4;

/// Negative `errno`s that are the status of an answer.
pub const STALLED: i32 = -32;
/// The request was taken back before it was answered.
pub const TAKEN_BACK: i32 = -104;

/// What the kernel asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// A transfer.
    Submit(Submit),
    /// Take back the transfer `submitted`.
    Unlink {
        /// Of this request itself.
        seqnum: u32,
        /// Of the transfer.
        submitted: u32,
    },
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submit {
    /// Its number, which the answer repeats.
    pub seqnum: u32,
    /// Endpoint, without direction.
    pub endpoint: u8,
    /// Whether the device is to send.
    pub is_in: bool,
    /// The most that the device may send.
    pub len: usize,
    /// Of a control transfer, its eight bytes of set-up.
    pub setup: [u8; 8],
    /// What the host sends.
    pub data: Vec<u8>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Request {
    /// The request that `bytes` begins with, and its length; `None` if it is not complete yet.
    ///
    /// # Panics
    /// If the kernel sends what the protocol does not know.
    pub fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let header = bytes.get(..HEADER_LEN)?;
        let seqnum = word(header, 4);
        match word(header, 0) {
            CMD_SUBMIT => {
                let is_in = word(header, 12) == 1;
                let len = word(header, 24) as usize;
                let sent = if is_in { 0 } else { len };
                let data = bytes.get(HEADER_LEN..HEADER_LEN + sent)?.to_vec();
                let submit = Submit {
                    seqnum,
                    endpoint: word(header, 16) as u8,
                    is_in,
                    len,
                    setup: header[40..48].try_into().unwrap(),
                    data,
                };
                Some((Self::Submit(submit), HEADER_LEN + sent))
            }
            CMD_UNLINK => {
                let submitted = word(header, 20);
                Some((Self::Unlink { seqnum, submitted }, HEADER_LEN))
            }
            other => panic!("the kernel sent a message of kind {other}"),
        }
    }
}

fn header(kind: u32, seqnum: u32, status: i32, actual: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_LEN + actual);
    for field in [kind, seqnum, 0, 0, 0, status as u32, actual as u32] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    bytes.resize(HEADER_LEN, 0);
    bytes
}

/// The answer to a transfer into the host: `data`, or what went wrong.
pub fn sent(seqnum: u32, status: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = header(RET_SUBMIT, seqnum, status, data.len());
    bytes.extend_from_slice(data);
    bytes
}

/// The answer to a transfer out of the host, of which `len` bytes were taken.
pub fn taken(seqnum: u32, status: i32, len: usize) -> Vec<u8> {
    header(RET_SUBMIT, seqnum, status, len)
}

/// The answer to an unlink: whether the transfer had not been answered yet.
pub fn unlinked(seqnum: u32, in_time: bool) -> Vec<u8> {
    header(RET_UNLINK, seqnum, if in_time { TAKEN_BACK } else { 0 }, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_once_they_are_complete() {
        let mut bytes = Vec::new();
        for field in [1u32, 7, 0x1_0002, 0, 0, 0, 3, 0, 0, 0] {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
        bytes.extend_from_slice(&[0x21, 1, 2, 3, 4, 5, 6, 0]);
        bytes.extend_from_slice(b"abc");
        for len in 0..bytes.len() {
            assert_eq!(Request::parse(&bytes[..len]), None);
        }
        bytes.push(99);
        let (request, len) = Request::parse(&bytes).unwrap();
        assert_eq!(len, 51);
        let Request::Submit(submit) = request else {
            panic!("{request:?}")
        };
        assert_eq!((submit.seqnum, submit.is_in, submit.len), (7, false, 3));
        assert_eq!((submit.setup[1], submit.data.as_slice()), (1, &b"abc"[..]));
    }

    #[test]
    fn answers_have_the_layout_of_the_protocol() {
        let answer = sent(7, 0, b"xy");
        assert_eq!(
            (answer.len(), word(&answer, 0), word(&answer, 4)),
            (50, 3, 7)
        );
        assert_eq!((word(&answer, 20), word(&answer, 24)), (0, 2));
        assert_eq!(word(&unlinked(8, true), 20), -104i32 as u32);
        assert_eq!(word(&unlinked(8, false), 20), 0);
    }
}
