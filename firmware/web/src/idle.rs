//! A connection that fails once no byte has moved on it for too long, and whose kernel buffer can be made small: what
//! lies there is old before the client has it.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What the kernel then holds for the client, in bytes (it takes twice as much for its own books). By itself it goes up
/// to megabytes, which are a minute of live pictures where the way is slow.
const LITTLE: usize = 128 << 10;

/// What a handler may want of its connection.
#[derive(Clone, Default)]
pub(crate) struct Wire {
    little: Arc<AtomicBool>,
}

impl Wire {
    /// Little is to wait in the kernel, from the next byte on.
    pub(crate) fn keep_little(&self) {
        self.little.store(true, Ordering::Relaxed);
    }
}

/// `S` with a limit on how long it may stand still, as its [`Wire`] says. Reads and writes are polled by one task, so
/// they share one timer.
pub(crate) struct IdleLimit<S> {
    stream: S,
    wire: Wire,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl<S> IdleLimit<S> {
    pub(crate) fn new(stream: S, wire: Wire, limit: Duration) -> Self {
        Self {
            stream,
            wire,
            limit,
            timer: Box::pin(sleep(limit)),
        }
    }

    /// Starts the time anew when something moved, looks at it when nothing did.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        moved: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.timer.as_mut().reset(Instant::now() + self.limit);
            return moved;
        }
        self.timer
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for IdleLimit<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(cx, read)
    }
}

impl<S: AsyncWrite + AsFd + Unpin> AsyncWrite for IdleLimit<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.wire.little.swap(false, Ordering::Relaxed)
            && let Err(error) = set_socket_send_buffer_size(&self.stream, LITTLE)
        {
            tracing::debug!(%error, "the kernel may hold much for a live view");
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
