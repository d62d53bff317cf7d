//! A connection whose kernel buffer can be made small: what lies there is old before the client has it.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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

/// `S`, as its [`Wire`] says.
pub(crate) struct Wired<S> {
    stream: S,
    wire: Wire,
}

impl<S> Wired<S> {
    pub(crate) fn new(stream: S, wire: Wire) -> Self {
        Self { stream, wire }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wired<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + AsFd + Unpin> AsyncWrite for Wired<S> {
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
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
