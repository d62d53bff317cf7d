//! The recorder's end of the socket, on a thread of its own.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::message::{MAX_REQUEST, Reply, Request, parse};
use super::peer::Peers;
use crate::orders::Origin;
use crate::record::{Desk, Status};
use picam_control::orders::Order;
use picam_control::status::StatusSource;
use picam_ring::Offer;

/// Time for a client to say what it wants, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause before a socket that cannot be made is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// The card is looked at for a status no more often than this, whoever asks.
const FRESH: Duration = Duration::from_millis(200);

/// Answers until the process ends.
pub(crate) struct ControlThread;

impl ControlThread {
    /// Starts it. Whatever goes wrong with the socket is logged and tried again; recording goes on.
    pub(crate) fn start(
        socket: PathBuf,
        status: Arc<Status>,
        desk: Arc<Desk>,
        peers: Peers,
    ) -> io::Result<()> {
        let door = Door {
            status,
            desk,
            peers,
            last: None,
        };
        thread::Builder::new()
            .name("control".into())
            .spawn(move || door.keep_open(&socket))?;
        Ok(())
    }
}

struct Door {
    status: Arc<Status>,
    desk: Arc<Desk>,
    peers: Peers,
    last: Option<(Instant, Reply)>,
}

impl Door {
    fn keep_open(mut self, socket: &Path) {
        let mut said = false;
        loop {
            match listen(socket) {
                Ok(listener) => {
                    said = false;
                    for stream in listener.incoming() {
                        match stream {
                            // What becomes of one client is that client's affair.
                            Ok(stream) => drop(self.answer(&stream)),
                            Err(error) => {
                                tracing::warn!("{}: {error}", socket.display());
                                break;
                            }
                        }
                    }
                }
                Err(error) if !said => {
                    said = true;
                    let again = RETRY.as_secs();
                    tracing::error!(
                        "{} cannot be made: {error}; recording goes on without a page, and this \
                         is tried every {again} s",
                        socket.display()
                    );
                }
                Err(_) => {}
            }
            thread::sleep(RETRY);
        }
    }

    fn answer(&mut self, stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = Vec::new();
        BufReader::new(stream)
            .take(MAX_REQUEST)
            .read_until(b'\n', &mut line)?;
        let reply = match parse(&line, self.status.boot_ns()) {
            Ok(request) if !self.peers.allow(stream, request.needs())? => Reply::refused(
                "this user may not do that",
                "do it as root, or name the user to the recorder with --commander or --page-user",
            ),
            Ok(request) => self.obey(request),
            Err(refusal) => refusal,
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        let mut stream = stream;
        stream.write_all(&text)
    }

    fn obey(&mut self, request: Request) -> Reply {
        match request {
            Request::Status {} => self.status(),
            Request::Lock {
                id,
                span,
                reason,
                origin: Origin::Page,
            } => self
                .desk
                .order_of_page(Order::Lock { id, span, reason })
                .into(),
            Request::Lock {
                id,
                span,
                reason,
                origin,
            } => self.desk.lock(id, &span, reason, origin).into(),
            Request::Unlock { segment } => self.desk.unlock(&segment).into(),
            Request::Locks {} => Reply::Locks(self.desk.locks()),
            Request::Page { order } => self.desk.order_of_page(order).into(),
            Request::SetTime {
                source,
                boot_ns,
                utc_us,
            } => match self.status.set_time(boot_ns, utc_us, source.into()) {
                // A worse source that says the same is as welcome as any.
                Ok(Offer::Ignored) => match self.status.contradicts(boot_ns, utc_us) {
                    Some(better) => Reply::refused(
                        format!("{better} has said another time, and is believed"),
                        "set the clock right before telling it",
                    ),
                    None => Reply::Done,
                },
                Ok(offer) => {
                    tracing::info!("the time was told: {offer:?}");
                    Reply::Done
                }
                Err(error) => Reply::refused(error.to_string(), "set the clock before telling it"),
            },
        }
    }

    fn status(&mut self) -> Reply {
        match &self.last {
            Some((asked, reply)) if asked.elapsed() < FRESH => reply.clone(),
            _ => {
                let reply = match self.status.status() {
                    Ok(status) => Reply::Status(Box::new(status)),
                    Err(error) => Reply::refused(error.reason, error.remedy),
                };
                self.last = Some((Instant::now(), reply.clone()));
                reply
            }
        }
    }
}

/// Makes the socket, in place of one that an earlier process left. Its group may ask, too.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(socket).is_ok() {
        let reason = "another recorder listens there; give this one another --control";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
    }
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))?;
    Ok(listener)
}
