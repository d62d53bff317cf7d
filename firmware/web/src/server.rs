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
use picam_control::live::LiveSource;
use picam_control::orders::OrderTaker;
use picam_control::picture::PictureSource;
use picam_control::status::StatusSource;
use picam_library::Library;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tower::ServiceExt;

use crate::admission::{Bounds, Phase};
use crate::app::App;
use crate::asker::Asker;
use crate::auth::{Access, Auth, Sessions, TokenHash};
use crate::captive::Local;
use crate::door::{Door, Seat, is_of_client};
use crate::downloads::Downloads;
use crate::idle::{IdleLimit, Wire};
use crate::live::Live;
use crate::peer::Peer;
use crate::routes::router;
use crate::settings::SettingsSource;

/// What the server needs to know.
#[derive(Clone)]
pub struct WebConfig {
    /// The directory that the segments lie in; only ever read.
    pub footage: PathBuf,
    /// Where a USB disk is mounted, if footage goes to one.
    pub disk: Option<PathBuf>,
    /// What it takes to be let in.
    pub access: Access,
    /// What lets a program in, where there is a password.
    pub token: Option<TokenHash>,
    /// Who is logged in.
    pub sessions: Sessions,
    /// Where the status comes from.
    pub status: Arc<dyn StatusSource>,
    /// Who does what the owner orders.
    pub orders: Arc<dyn OrderTaker>,
    /// Where the cameras can be watched.
    pub live: Arc<dyn LiveSource>,
    /// Who knows and changes how their pictures look.
    pub pictures: Arc<dyn PictureSource>,
    /// The file in which the guard says what it knows of the battery, if there is a guard.
    pub power: Option<PathBuf>,
    /// Where the settings are kept, if the page may change them.
    pub settings: Option<Arc<dyn SettingsSource>>,
    /// Bounds on what clients may take up.
    pub limits: Limits,
}

/// Bounds on what clients may take up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time. Further ones take the places of those that have not shown yet that they
    /// may see anything; part of them is kept for those that have, and part for those that have not.
    pub connections: usize,
    /// Time for a request's header, and between requests on one connection.
    pub header_timeout: Duration,
    /// The same, for whoever is not logged in, while connections take places from each other.
    pub header_under_pressure: Duration,
    /// Time for a request's body.
    pub body_timeout: Duration,
    /// A connection on which no byte moves for so long is closed: a stalled download, too.
    pub idle_timeout: Duration,
    /// Time that running responses get at shutdown.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            header_timeout: Duration::from_secs(5),
            header_under_pressure: Duration::from_secs(1),
            body_timeout: Duration::from_secs(5),
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

/// Longest request header in bytes: hyper's buffer holds no more.
const MAX_HEADER: usize = 16 * 1024;
/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 1024;
/// Pause after `accept` failed, doubled up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_secs(1);
/// How often connections are looked through for those that take too long.
const SWEEP: Duration = Duration::from_millis(250);

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
    // What comes in one burst waits here for the moment that it takes to look at it. Whoever made the
    // socket may have asked for less; past that, the kernel lets a client wait for a second.
    if let Err(error) = rustix::net::listen(&listener, BACKLOG) {
        tracing::warn!(%error, "fewer connections can wait");
    }
    let app = App {
        index: Arc::new(Library::new(config.footage, config.disk)),
        status: Asker::new(config.status),
        orders: config.orders,
        live: Live::of(config.live),
        pictures: config.pictures,
        power: config.power,
        settings: config.settings,
        auth: Arc::new(Auth::new(config.access, config.token, config.sessions)),
        drives: Arc::default(),
        downloads: Downloads::default(),
        stills: Arc::new(tokio::sync::Semaphore::new(1)),
    };
    let limits = config.limits;
    let bounds = Bounds::of(limits.connections, limits.header_under_pressure);
    let server = Server {
        router: router(app, limits.body_timeout),
        door: Door::new(bounds),
        limits,
    };
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (stop, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = server.accept(&listener) => accepted,
            _ = sweep.tick() => {
                server.door.sweep();
                continue;
            }
            () = &mut shutdown => break,
        };
        let seat = server.door.arrive(peer.ip());
        let connection = server.connection(stream, peer, seat.clone(), stopped.clone());
        seat.runs_on(connections.spawn(connection));
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
    door: Door,
    limits: Limits,
}

impl Server {
    /// The next connection. Nobody is kept waiting before the door: whoever only waits there would keep
    /// others from being seen.
    async fn accept(&self, listener: &TcpListener) -> (TcpStream, SocketAddr) {
        let mut pause = MIN_BACKOFF;
        loop {
            match listener.accept().await {
                Ok(accepted) => return accepted,
                // The client has gone again; the next one may be waiting.
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot take a connection");
                    self.door.make_room();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_BACKOFF);
                }
            }
        }
    }

    fn connection(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        seat: Seat,
        mut stopped: watch::Receiver<()>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let router = self.router.clone();
        let local = stream.local_addr().ok().map(Local);
        let asked_to_leave = seat.asked_to_leave();
        let wire = Wire::default();
        let of_connection = Connection {
            peer: Peer(peer),
            local,
            wire: wire.clone(),
        };
        let service = service_fn(move |request| {
            respond(router.clone(), seat.clone(), of_connection.clone(), request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout)
            .max_buf_size(MAX_HEADER);
        let idle = self.limits.idle_timeout;
        async move {
            // Small answers should not wait for more; a failure costs only that.
            let _ = stream.set_nodelay(true);
            let io = TokioIo::new(IdleLimit::new(stream, wire, idle));
            let mut connection = pin!(http.serve_connection(io, service));
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                // The sender is only ever dropped.
                () = async { tokio::select! { _ = stopped.changed() => {}, () = asked_to_leave => {} } } => {
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

/// What every request of a connection is told of it.
#[derive(Clone)]
struct Connection {
    peer: Peer,
    local: Option<Local>,
    wire: Wire,
}

async fn respond(
    router: Router,
    seat: Seat,
    connection: Connection,
    request: hyper::Request<Incoming>,
) -> Result<Response, Infallible> {
    seat.turn_to(Phase::Answer);
    let mut request: Request = request.map(Body::new);
    let extensions = request.extensions_mut();
    extensions.insert(connection.peer);
    extensions.insert(connection.wire);
    extensions.insert(seat.clone());
    if let Some(local) = connection.local {
        extensions.insert(local);
    }
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| seat.answers_with(body)))
}
