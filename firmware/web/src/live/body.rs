//! The body of a live view: what comes through a channel, until that is closed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc::Receiver;

pub(super) struct LiveBody {
    pieces: Receiver<io::Result<Bytes>>,
}

impl LiveBody {
    pub(super) fn of(pieces: Receiver<io::Result<Bytes>>) -> Self {
        Self { pieces }
    }
}

impl Body for LiveBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.pieces.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
