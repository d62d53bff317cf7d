//! Tells systemd that recording has begun, and that it goes on (`sd_notify(3)`).

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use picam_recorder::{Status, Verdict, Watch};
use sd_notify::NotifyState;

/// How often is looked before the first frame is on the card, and where no watchdog runs.
const STARTING: Duration = Duration::from_millis(10);

/// Starts to tell, if somebody wants to know (`NOTIFY_SOCKET`).
pub(crate) fn start(status: Arc<Status>) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = sd_notify::watchdog_enabled();
    let started = thread::Builder::new()
        .name("notify".into())
        .spawn(move || keep_telling(&status, watchdog));
    if let Err(error) = started {
        // The watchdog will end us, and the next start may do better.
        tracing::error!("systemd cannot be told that picam runs: {error}");
    }
}

fn keep_telling(status: &Status, watchdog: Option<Duration>) {
    let mut watch = Watch::default();
    let mut ready = false;
    loop {
        let verdict = watch.look(&status.pulses());
        if verdict.ready && !ready {
            ready = true;
            say(&[NotifyState::Ready]);
        }
        // Four looks within the time that systemd waits, so that one slow flush is no alarm.
        match (ready, watchdog) {
            (true, None) => return,
            (true, Some(limit)) => {
                tell(verdict);
                thread::sleep(limit / 4);
            }
            (false, _) => thread::sleep(STARTING),
        }
    }
}

fn tell(verdict: Verdict) {
    if verdict.alive {
        alive();
    }
}

/// Says that what this program is for has begun.
pub(crate) fn ready() {
    say(&[NotifyState::Ready]);
}

/// Says that it goes on.
pub(crate) fn alive() {
    say(&[NotifyState::Watchdog]);
}

/// Says that the end has come; the last segments may take a moment.
pub(crate) fn stopping() {
    say(&[NotifyState::Stopping]);
}

fn say(state: &[NotifyState<'_>]) {
    // Without NOTIFY_SOCKET nothing is sent.
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("systemd does not listen: {error}");
    }
}
