//! From the thread that speaks with a camera to the one that takes its pictures: bounded, and nobody waits to put in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use picam_time::BootNs;

use super::clock::{Report, Stream};

/// Messages that may wait: the other side takes them at once, unless the machine stands still.
const CAPACITY: usize = 1024;
/// Bytes of pictures and sound that may wait: ten seconds at 25 Mbit/s.
const MAX_BYTES: usize = 32 << 20;

/// What the session brought.
#[derive(Debug)]
pub(super) enum Message {
    Picture(Picture),
    Sound(Sound),
    Report(Stream, Report),
    /// Something was left out that the library could not read.
    Damage,
    /// It ended; says why.
    Ended(String),
}

#[derive(Debug)]
pub(super) struct Picture {
    /// NAL units behind lengths of four bytes, without parameter sets.
    pub(super) data: Vec<u8>,
    /// Parameter sets, if they are other ones from here on.
    pub(super) sets: Vec<Vec<u8>>,
    /// Its own time in ticks of 1/90000 s, as it is shown.
    pub(super) time: i64,
    pub(super) arrived: BootNs,
    /// Packets lost before it.
    pub(super) lost: u16,
    /// Pictures that found no room since the last that did.
    pub(super) dropped: u32,
}

#[derive(Debug)]
pub(super) struct Sound {
    pub(super) data: Vec<u8>,
    pub(super) time: i64,
    pub(super) arrived: BootNs,
}

/// Nobody takes anything any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    dropped: AtomicU32,
}

/// The session's end.
#[derive(Debug)]
pub(super) struct Outbox {
    messages: SyncSender<Message>,
    shared: Arc<Shared>,
}

/// The source's end.
#[derive(Debug)]
pub(super) struct Inbox {
    messages: Receiver<Message>,
    shared: Arc<Shared>,
}

pub(super) fn mailbox() -> (Outbox, Inbox) {
    let (sender, receiver) = sync_channel(CAPACITY);
    let shared = Arc::new(Shared::default());
    let outbox = Outbox {
        messages: sender,
        shared: shared.clone(),
    };
    let inbox = Inbox {
        messages: receiver,
        shared,
    };
    (outbox, inbox)
}

impl Message {
    fn len(&self) -> usize {
        match self {
            Self::Picture(picture) => picture.data.len(),
            Self::Sound(sound) => sound.data.len(),
            Self::Report(..) | Self::Damage | Self::Ended(_) => 0,
        }
    }
}

impl Outbox {
    /// Puts a message in; a picture that finds no room is counted.
    pub(super) fn put(&self, mut message: Message) -> Result<(), Closed> {
        let len = message.len();
        if let Message::Picture(picture) = &mut message {
            picture.dropped = self.shared.dropped.swap(0, Ordering::AcqRel);
        }
        let waiting = self.shared.bytes.fetch_add(len, Ordering::AcqRel);
        let refused = if waiting.saturating_add(len) > MAX_BYTES {
            message
        } else {
            match self.messages.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(message)) => message,
                Err(TrySendError::Disconnected(_)) => return Err(Closed),
            }
        };
        self.shared.bytes.fetch_sub(len, Ordering::AcqRel);
        if let Message::Picture(picture) = refused {
            let dropped = picture.dropped.saturating_add(1);
            self.shared.dropped.fetch_add(dropped, Ordering::AcqRel);
        }
        Ok(())
    }

    /// Says why nothing more comes, once there is room.
    pub(super) fn end(&self, why: String) {
        // Nobody may listen any more.
        let _ = self.messages.send(Message::Ended(why));
    }
}

impl Inbox {
    /// The next message; `None` if none came in that time.
    pub(super) fn take(&self, timeout: Duration) -> Option<Message> {
        match self.messages.recv_timeout(timeout) {
            Ok(message) => {
                self.shared.bytes.fetch_sub(message.len(), Ordering::AcqRel);
                Some(message)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                Some(Message::Ended("its connection failed".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(len: usize) -> Message {
        Message::Picture(Picture {
            data: vec![0; len],
            sets: Vec::new(),
            time: 0,
            arrived: BootNs::ZERO,
            lost: 0,
            dropped: 0,
        })
    }

    fn dropped(inbox: &Inbox) -> u32 {
        match inbox.take(Duration::ZERO) {
            Some(Message::Picture(picture)) => picture.dropped,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_with_the_next_that_does() {
        let (outbox, inbox) = mailbox();
        for _ in 0..CAPACITY + 3 {
            outbox.put(picture(10)).unwrap();
        }
        for _ in 0..CAPACITY {
            assert_eq!(dropped(&inbox), 0);
        }
        assert!(inbox.take(Duration::ZERO).is_none());
        outbox.put(picture(10)).unwrap();
        assert_eq!(dropped(&inbox), 3);
        for _ in 0..5 {
            outbox.put(picture(MAX_BYTES / 2)).unwrap();
        }
        assert_eq!((dropped(&inbox), dropped(&inbox)), (0, 0));
        outbox.put(picture(MAX_BYTES / 2)).unwrap();
        assert_eq!(dropped(&inbox), 3);
    }

    #[test]
    fn each_side_sees_the_other_go() {
        let (outbox, inbox) = mailbox();
        drop(outbox);
        assert!(matches!(
            inbox.take(Duration::ZERO),
            Some(Message::Ended(_))
        ));
        let (outbox, inbox) = mailbox();
        drop(inbox);
        assert_eq!(outbox.put(picture(1)), Err(Closed));
    }
}
