//! [`Places`] with the connections that take them.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::admission::{Bounds, Cut, Full, Phase, Places};
use crate::peer::network;

/// Where everybody comes in. Clones are the same door.
#[derive(Clone)]
pub(crate) struct Door {
    desk: Arc<Mutex<Desk>>,
}

struct Desk {
    places: Places,
    connections: HashMap<u64, Connection>,
}

struct Connection {
    task: Option<AbortHandle>,
    leave: Arc<Notify>,
}

/// The place of one connection, given back when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Seat {
    seat: Arc<Taken>,
}

struct Taken {
    door: Door,
    id: u64,
    leave: Arc<Notify>,
}

impl Door {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let desk = Desk {
            places: Places::new(bounds),
            connections: HashMap::new(),
        };
        Self {
            desk: Arc::new(Mutex::new(desk)),
        }
    }

    /// Lets somebody in, for whom another may have to go.
    pub(crate) fn arrive(&self, peer: IpAddr) -> Seat {
        let mut desk = self.desk();
        let (id, cut) = desk.places.arrive(network(peer), Instant::now());
        desk.cut(cut);
        let leave = Arc::new(Notify::new());
        let connection = Connection {
            task: None,
            leave: Arc::clone(&leave),
        };
        desk.connections.insert(id, connection);
        let door = self.clone();
        Seat {
            seat: Arc::new(Taken { door, id, leave }),
        }
    }

    /// Cuts strangers that take too long.
    pub(crate) fn sweep(&self) {
        let mut desk = self.desk();
        let cuts = desk.places.overdue(Instant::now());
        desk.cut(cuts);
    }

    /// Cuts somebody, as the system has no descriptor left.
    pub(crate) fn make_room(&self) {
        let mut desk = self.desk();
        let cuts = desk.places.starved();
        desk.cut(cuts);
    }

    // What it guards is changed in single steps only.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn cut(&mut self, cuts: impl IntoIterator<Item = Cut>) {
        for cut in cuts {
            match cut {
                Cut::Now(id) => {
                    let connection = self.connections.remove(&id);
                    if let Some(task) = connection.and_then(|connection| connection.task) {
                        task.abort();
                    }
                }
                Cut::Gently(id) => {
                    if let Some(connection) = self.connections.get(&id) {
                        connection.leave.notify_one();
                    }
                }
            }
        }
    }
}

impl Seat {
    /// Tells what to stop when the place is taken away.
    pub(crate) fn runs_on(&self, task: AbortHandle) {
        let mut desk = self.seat.door.desk();
        if let Some(connection) = desk.connections.get_mut(&self.seat.id) {
            connection.task = Some(task);
        }
    }

    /// Completes when it is asked to leave.
    pub(crate) fn asked_to_leave(&self) -> impl Future<Output = ()> + Send + use<> {
        let leave = Arc::clone(&self.seat.leave);
        async move { leave.notified().await }
    }

    pub(crate) fn turn_to(&self, phase: Phase) {
        let mut desk = self.seat.door.desk();
        desk.places.turn_to(self.seat.id, phase, Instant::now());
    }

    /// It has shown that it may see everything.
    pub(crate) fn know(&self) -> Result<(), Full> {
        let mut desk = self.seat.door.desk();
        let cut = desk.places.know(self.seat.id)?;
        desk.cut(cut);
        Ok(())
    }

    /// The body of its answer; when that has been taken, it is idle.
    pub(crate) fn answers_with(self, body: Body) -> Body {
        Body::new(Answer { body, seat: self })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut desk = self.door.desk();
        desk.places.leave(self.id);
        desk.connections.remove(&self.id);
    }
}

struct Answer {
    body: Body,
    seat: Seat,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.seat.turn_to(Phase::Header);
    }
}

/// Whether `accept` failed because of the client that was to be let in.
pub(crate) fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
