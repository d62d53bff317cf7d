//! SIGTERM and SIGINT: the first asks, the second ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level;

/// Signals caught since; hand them on with [`Caught::on_first`].
pub(crate) struct Caught {
    signals: Signals,
}

/// Catches both signals from now on. One that comes before [`Caught::on_first`] is kept.
pub(crate) fn catch() -> io::Result<Caught> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // In this order, so that only the second one finds the flag set. It works even if every
        // thread hangs.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    let signals = Signals::new([SIGTERM, SIGINT])?;
    Ok(Caught { signals })
}

impl Caught {
    /// Returns when the first signal comes.
    pub(crate) fn wait(mut self) {
        let _ = self.signals.forever().next();
    }

    /// Calls `stop` on a thread of its own when the first signal comes.
    pub(crate) fn on_first(mut self, stop: impl FnOnce() + Send + 'static) -> io::Result<()> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let mut signals = self.signals.forever();
                if signals.next().is_some() {
                    stop();
                }
                // Of two that came to two threads in the same moment, neither may have found the flag set.
                if let Some(second) = signals.next() {
                    low_level::exit(128 + second);
                }
            })?;
        Ok(())
    }
}
