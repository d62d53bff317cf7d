//! A line that is opened as soon as it can be, and again after it failed.
//!
//! While the system starts, the device may not be there yet, or not yet belong to the group that may open it.

use std::time::Duration;

use picam_sensors::gpio::LineError;
use picam_time::BootNs;

/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(2);
/// What fails for longer is said.
const LOG_AFTER: Duration = Duration::from_secs(30);

type Open<T> = Box<dyn FnMut() -> Result<Box<T>, LineError> + Send>;

/// A line, or what is to become one.
pub struct Line<T: ?Sized> {
    name: &'static str,
    open: Open<T>,
    line: Option<Box<T>>,
    failing: Option<Failing>,
}

struct Failing {
    since: BootNs,
    next: BootNs,
    said: bool,
}

impl<T: ?Sized> Line<T> {
    /// One for what people call `name`.
    pub fn new(
        name: &'static str,
        open: impl FnMut() -> Result<Box<T>, LineError> + Send + 'static,
    ) -> Self {
        Self {
            name,
            open: Box::new(open),
            line: None,
            failing: None,
        }
    }

    /// Uses it; `None` if it cannot be used now, which is said once.
    pub(crate) fn with<R>(
        &mut self,
        now: BootNs,
        act: impl FnOnce(&mut T) -> Result<R, LineError>,
    ) -> Option<R> {
        if self
            .failing
            .as_ref()
            .is_some_and(|failing| now < failing.next)
        {
            return None;
        }
        let line = match self.line.take() {
            Some(line) => Ok(line),
            None => (self.open)(),
        };
        let done = line.and_then(|mut line| Ok((act(&mut line)?, line)));
        match done {
            Ok((done, line)) => {
                self.line = Some(line);
                if self.failing.take().is_some_and(|failing| failing.said) {
                    tracing::info!("the {} can be used now", self.name);
                }
                Some(done)
            }
            Err(error) => {
                self.fail(now, &error);
                None
            }
        }
    }

    fn fail(&mut self, now: BootNs, error: &LineError) {
        let failing = self.failing.get_or_insert(Failing {
            since: now,
            next: now,
            said: false,
        });
        failing.next = now + AGAIN;
        if !failing.said && now.since(failing.since) >= LOG_AFTER {
            failing.said = true;
            tracing::warn!("no {}: {error}; it is tried again by itself", self.name);
        }
    }

    /// The line itself, if it is open.
    pub(crate) fn opened(&mut self) -> Option<&mut T> {
        self.line.as_deref_mut()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn it_is_opened_once_it_can_be_and_again_after_it_failed() {
        let tries = Arc::new(AtomicU32::new(0));
        let count = tries.clone();
        let mut line = Line::new("LED", move || match count.fetch_add(1, Ordering::Relaxed) {
            // Not yet there, and away for a while later on.
            0..=2 | 4 => Err(LineError::new("GPIO17", "permission denied")),
            _ => Ok(Box::new(7)),
        });
        let mut used = Vec::new();
        for second in 0..20 {
            let now = BootNs::from_secs(second);
            let fails = second == 10;
            let act = |line: &mut i32| match fails {
                true => Err(LineError::new("GPIO17", "no such device")),
                false => Ok(*line),
            };
            used.extend(line.with(now, act).map(|_| second));
        }
        // Tried at 0, 2, 4 and 6 s; pulled off at 10, tried at 12 and 14.
        assert_eq!(used, [6, 7, 8, 9, 14, 15, 16, 17, 18, 19]);
        assert_eq!(tries.load(Ordering::Relaxed), 6);
    }
}
