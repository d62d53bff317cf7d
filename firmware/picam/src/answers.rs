//! What the recorder answers at its socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use picam_control::lock::Origin;
use picam_control::orders::Order;
use picam_control::status::StatusSource;
use picam_control::{Answer, Reply, Request};
use picam_ring::Offer;

use crate::record::{Desk, Status};

/// The card is looked at for a status no more often than this, whoever asks.
const FRESH: Duration = Duration::from_millis(200);

/// The recorder of this process.
pub(crate) struct Answers {
    status: Arc<Status>,
    desk: Arc<Desk>,
    last: Option<(Instant, Reply)>,
}

impl Answers {
    pub(crate) fn new(status: Arc<Status>, desk: Arc<Desk>) -> Self {
        Self {
            status,
            desk,
            last: None,
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

impl Answer for Answers {
    fn boot_ns(&self) -> u64 {
        self.status.boot_ns()
    }

    fn answer(&mut self, request: Request) -> Reply {
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
}
