//! Asks the recorder how it is: once a second at most, however many want to know, and on a thread of
//! its own, so that nobody waits for a recorder that hangs or for readers of a card that does.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use picam_control::status::{Status, StatusSource, StatusUnavailable};
use tokio::sync::Notify;

/// An answer is good for this long.
const FRESH: Duration = Duration::from_secs(1);
/// Nobody waits for longer than this after the recorder was asked.
const WAIT: Duration = Duration::from_millis(800);

/// The last answer, and who waits for the next. Clones share it.
#[derive(Clone)]
pub(crate) struct Asker {
    shared: Arc<Shared>,
}

struct Shared {
    source: Arc<dyn StatusSource>,
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    asking_since: Option<Instant>,
    last: Option<(Instant, Answer)>,
}

type Answer = Result<Status, StatusUnavailable>;

impl Asker {
    pub(crate) fn new(source: Arc<dyn StatusSource>) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                state: Mutex::default(),
                news: Notify::new(),
            }),
        }
    }

    /// The status, as it was within the last second.
    pub(crate) async fn status(&self) -> Answer {
        let shared = &self.shared;
        loop {
            let news = shared.news.notified();
            let asked = {
                let mut state = shared.state();
                let now = Instant::now();
                if let Some((at, answer)) = &state.last
                    && now.duration_since(*at) < FRESH
                {
                    return answer.clone().map(|status| aged(status, now - *at));
                }
                match state.asking_since {
                    Some(asked) => asked,
                    None => {
                        self.ask()?;
                        *state.asking_since.insert(now)
                    }
                }
            };
            let until = tokio::time::Instant::from_std(asked + WAIT);
            if tokio::time::timeout_at(until, news).await.is_err() {
                return Err(silent(asked.elapsed()));
            }
        }
    }

    fn ask(&self) -> Result<(), StatusUnavailable> {
        let shared = Arc::clone(&self.shared);
        let ask = move || {
            let answer = panic::catch_unwind(AssertUnwindSafe(|| shared.source.status()));
            let answer = answer.unwrap_or_else(|_| Err(failed("asking for it failed")));
            let mut state = shared.state();
            state.asking_since = None;
            state.last = Some((Instant::now(), answer));
            drop(state);
            shared.news.notify_waiters();
        };
        let started = thread::Builder::new().name("status".into()).spawn(ask);
        started
            .map(drop)
            .map_err(|error| failed(&error.to_string()))
    }
}

impl Shared {
    // Two values that are set together: a panic leaves nothing half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it says of times, brought up to now.
fn aged(mut status: Status, age: Duration) -> Status {
    status.uptime_s += age.as_secs_f64();
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    for camera in &mut status.cameras {
        let ago = camera.last_durable_ms_ago;
        camera.last_durable_ms_ago = ago.map(|ms| ms.saturating_add(age));
    }
    status
}

fn silent(since: Duration) -> StatusUnavailable {
    StatusUnavailable {
        reason: format!(
            "the recorder has not answered for {:.0} s",
            since.as_secs_f64()
        ),
        remedy: "it is started again by itself; if that does not help, look into its log".into(),
    }
}

fn failed(why: &str) -> StatusUnavailable {
    tracing::error!("no status: {why}");
    StatusUnavailable {
        reason: "the status could not be found out".into(),
        remedy: "try again; the log has the details".into(),
    }
}
