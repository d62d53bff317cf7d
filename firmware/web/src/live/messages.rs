//! The recorder's messages, read from its socket.

use std::io;

use axum::body::Bytes;
use bytes::BytesMut;
use picam_control::live::{BadMessage, Config, HEADER_LEN, Header, Kind, PictureHead};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;

/// Read at a time where no more is known to come, in bytes.
const AHEAD: usize = 16 << 10;

/// What the recorder says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// How the pictures from here on are coded.
    Config(Config),
    /// A picture.
    Picture {
        /// Whether decoding can start at it.
        start: bool,
        /// Its times.
        head: PictureHead,
        /// The access unit.
        data: Bytes,
    },
    /// Nothing, for a while.
    Nothing,
    /// The camera has ended.
    End,
}

/// A stream of messages.
pub(super) struct Messages {
    stream: UnixStream,
    read: BytesMut,
}

impl Messages {
    pub(super) fn of(stream: UnixStream) -> Self {
        Self {
            stream,
            read: BytesMut::new(),
        }
    }

    /// The next message. A call that is given up loses nothing.
    pub(super) async fn next(&mut self) -> io::Result<Message> {
        loop {
            let wanted = match take(&mut self.read).map_err(io::Error::other)? {
                Taken::Message(message) => return Ok(message),
                Taken::Short(wanted) => wanted,
            };
            self.read.reserve(wanted.max(AHEAD));
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

enum Taken {
    Message(Message),
    /// So many bytes are missing at least.
    Short(usize),
}

/// Takes a message off the front of what was read, if it is there as a whole.
fn take(read: &mut BytesMut) -> Result<Taken, BadMessage> {
    let Some(header) = read.first_chunk::<HEADER_LEN>() else {
        return Ok(Taken::Short(HEADER_LEN - read.len()));
    };
    let Header { kind, len } = Header::parse(*header)?;
    let whole = HEADER_LEN + len;
    if read.len() < whole {
        return Ok(Taken::Short(whole - read.len()));
    }
    let body = read.split_to(whole).freeze().split_off(HEADER_LEN);
    Ok(Taken::Message(match kind {
        Kind::Config => Message::Config(Config::parse(&body)?),
        Kind::Picture { start } => {
            let (head, data) = PictureHead::parse(&body)?;
            let data = body.slice_ref(data);
            Message::Picture { start, head, data }
        }
        Kind::Nothing => Message::Nothing,
        Kind::End => Message::End,
    }))
}

#[cfg(test)]
mod tests {
    use picam_time::BootNs;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// A picture's message, and what it is read as.
    fn picture(n: u32, data: &[u8]) -> (Vec<u8>, Message) {
        let head = PictureHead {
            dts: n.into(),
            pts: n.into(),
            captured: BootNs(n.into()),
            dropped: n,
        };
        let mut body = head.to_bytes().to_vec();
        body.extend(data);
        let start = n.is_multiple_of(3);
        let header = Header {
            kind: Kind::Picture { start },
            len: body.len(),
        };
        let mut bytes = header.to_bytes().unwrap().to_vec();
        bytes.extend(body);
        let data = Bytes::copy_from_slice(data);
        (bytes, Message::Picture { start, head, data })
    }

    proptest! {
        /// However the bytes come in pieces.
        #[test]
        fn messages_are_put_together(
            all in vec(vec(any::<u8>(), 0..300), 1..10),
            piece in 1..700_usize,
        ) {
            let (mut sent, mut expected) = (Vec::new(), Vec::new());
            for (n, data) in all.iter().enumerate() {
                let (bytes, message) = picture(n as u32, data);
                sent.extend(bytes);
                expected.push(message);
            }
            let (mut read, mut got) = (BytesMut::new(), Vec::new());
            for piece in sent.chunks(piece) {
                read.extend_from_slice(piece);
                while let Taken::Message(message) = take(&mut read).unwrap() {
                    got.push(message);
                }
            }
            prop_assert_eq!(got, expected);
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            let mut read = BytesMut::from(&bytes[..]);
            while let Ok(Taken::Message(_)) = take(&mut read) {}
        }
    }
}
