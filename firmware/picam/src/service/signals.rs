//! SIGTERM and SIGINT: the first asks, the second ends. SIGHUP: the configuration is read anew.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Signals caught since; hand them on with [`Caught::hand_on`].
pub(crate) struct Caught {
    signals: Signals,
}

/// Catches SIGTERM and SIGINT from now on. One that comes before [`Caught::hand_on`] is kept.
pub(crate) fn catch() -> io::Result<Caught> {
    catch_all(&[SIGTERM, SIGINT])
}

/// SIGHUP, too, unless it would come from a terminal that is closed: then the program ends with that.
pub(crate) fn catch_with_reload() -> io::Result<Caught> {
    match io::stdin().is_terminal() {
        true => catch(),
        false => catch_all(&[SIGTERM, SIGINT, SIGHUP]),
    }
}

fn catch_all(caught: &[i32]) -> io::Result<Caught> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order, so that only the second one finds the flag set. It works even if every
        // thread hangs.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    let signals = Signals::new(caught)?;
    Ok(Caught { signals })
}

impl Caught {
    /// Returns when the first signal comes.
    pub(crate) fn wait(mut self) {
        let _ = self.signals.forever().next();
    }

    /// Calls, on a thread of its own, `reload` for each SIGHUP, and `stop` when the first signal to end comes.
    pub(crate) fn hand_on(
        mut self,
        reload: impl Fn() + Send + 'static,
        stop: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let mut stop = Some(stop);
                for signal in self.signals.forever() {
                    match stop.take() {
                        Some(still) if signal == SIGHUP => {
                            stop = Some(still);
                            reload();
                        }
                        Some(stop) => stop(),
                        None if signal == SIGHUP => {}
                        // Of two that came to two threads in the same moment, neither may have found the flag set.
                        None => low_level::exit(128 + signal),
                    }
                }
            })?;
        Ok(())
    }
}
