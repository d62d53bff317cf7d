//! The listener: how connections are taken, bounded and ended.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::app::App;
use crate::auth::{Access, Auth};
use crate::captive::Local;
use crate::idle::IdleLimit;
use crate::index::Index;
use crate::routes::router;
use crate::status::StatusSource;

/// What the server needs to know.
pub struct WebConfig {
    /// The directory that the segments lie in; only ever read.
    pub footage: PathBuf,
    /// What it takes to be let in.
    pub access: Access,
    /// Where the status comes from.
    pub status: Arc<dyn StatusSource>,
    /// Bounds on what clients may take up.
    pub limits: Limits,
}

/// Bounds on what clients may take up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. Further ones wait to be accepted, and idle ones are closed for them.
    pub connections: usize,
    /// Time for a request's header, and between requests on one connection.
    pub header_timeout: Duration,
    /// A connection on which no byte moves for so long is closed: a stalled download, too.
    pub idle_timeout: Duration,
    /// Time that running responses get at shutdown.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(2),
        }
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Footage would be open to whoever reaches the address.
    #[error(
        "refusing to show footage on {0} without a password: set one in the configuration, or \
         listen on 127.0.0.1 to use it on this machine only"
    )]
    OpenToNetwork(SocketAddr),
    /// The listener is not usable.
    #[error("the listening socket cannot be used: {0}")]
    Listener(#[from] io::Error),
}

/// The address of the client, known to every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Longest request header in bytes: hyper's buffer holds no more.
const MAX_HEADER: usize = 16 * 1024;
/// Pause after `accept` failed, doubled up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// How often idle connections are asked to leave while others wait.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Serves until `shutdown` completes; then lets running responses end for
/// [`Limits::shutdown_grace`] and cuts the rest. Running out of descriptors only makes it pause.
pub async fn serve(
    listener: TcpListener,
    config: WebConfig,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if !config.access.is_safe_on(address.ip()) {
        return Err(ServeError::OpenToNetwork(address));
    }
    let server = Server {
        router: router(App {
            index: Arc::new(Index::new(config.footage)),
            status: config.status,
            auth: Arc::new(Auth::new(config.access)),
        }),
        slots: Arc::new(Semaphore::new(config.limits.connections)),
        pressure: Arc::new(Notify::new()),
        limits: config.limits,
    };
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer, slot) = tokio::select! {
            accepted = server.accept(&listener) => accepted,
            () = &mut shutdown => break,
        };
        connections.spawn(server.connection(stream, peer, slot, stopped.clone()));
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    drop(stop);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(server.limits.shutdown_grace, all)
        .await
        .is_err()
    {
        tracing::info!(left = connections.len(), "cutting connections");
        connections.shutdown().await;
    }
    Ok(())
}

struct Server {
    router: Router,
    slots: Arc<Semaphore>,
    /// Tells idle connections that others wait for their place.
    pressure: Arc<Notify>,
    limits: Limits,
}

impl Server {
    /// The next connection, once there is room for one. Until then the kernel keeps them waiting.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let slot = self.room().await;
        let mut pause = MIN_BACKOFF;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, slot),
                // The client has gone again; the next one may be waiting.
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    self.pressure.notify_waiters();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_BACKOFF);
                }
            }
        }
    }

    async fn room(&self) -> OwnedSemaphorePermit {
        loop {
            let slot = Arc::clone(&self.slots).acquire_owned();
            if self.slots.available_permits() == 0 {
                self.pressure.notify_waiters();
            }
            // Connections that were busy when asked may be idle a moment later: ask again.
            if let Ok(Ok(slot)) = tokio::time::timeout(ASK_AGAIN, slot).await {
                return slot;
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        slot: OwnedSemaphorePermit,
        mut stopped: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let router = self.router.clone();
        let local = stream.local_addr().ok().map(Local);
        let answered = Arc::new(Notify::new());
        let first_answer = Arc::clone(&answered);
        let service = service_fn(move |request| {
            let (router, answered) = (router.clone(), Arc::clone(&answered));
            async move {
                let response = respond(router, peer, local, request).await;
                answered.notify_one();
                response
            }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(MAX_HEADER);
        let idle = self.limits.idle_timeout;
        let pressure = Arc::clone(&self.pressure);
        async move {
            let _slot = slot;
            // Small answers should not wait for more; a failure costs only that.
            let _ = stream.set_nodelay(true);
            let io = TokioIo::new(IdleLimit::new(stream, idle));
            let mut connection = pin!(http.serve_connection(io, service));
            let asked_to_leave = async {
                tokio::select! {
                    // The sender is only ever dropped.
                    _ = stopped.changed() => {}
                    // Whoever was only just let in is answered first.
                    () = async {
                        first_answer.notified().await;
                        pressure.notified().await;
                    } => {}
                }
            };
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = asked_to_leave => {
                    // An idle one ends at once, a busy one with its response.
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%peer, %error, "connection cut");
            }
        }
    }
}

async fn respond(
    router: Router,
    peer: SocketAddr,
    local: Option<Local>,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request: Request = request.map(Body::new);
    let extensions = request.extensions_mut();
    extensions.insert(Peer(peer));
    if let Some(local) = local {
        extensions.insert(local);
    }
    router.oneshot(request).await
}

fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
