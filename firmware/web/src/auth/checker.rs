//! Where passwords are checked: one at a time, in one buffer, on a thread of its own. Each check takes
//! 19 MiB and some tenths of a second of a Pi's processor, and anybody in reach can ask for one.

use std::cmp::Reverse;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::PasswordHash;
use super::password::Memory;

/// Most checks that wait for their turn: two seconds' worth on the slowest Pi.
const MAX_WAITING: usize = 8;

/// The line before the one buffer. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Checker {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    line: Line<Check>,
    /// The buffer, while no thread works with it.
    memory: Memory,
    running: bool,
}

struct Check {
    hash: PasswordHash,
    password: String,
    answer: oneshot::Sender<bool>,
}

/// The check made room for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy;

impl Checker {
    /// Whether `password` is the right one. `earlier` wrong passwords came from the same client.
    pub(super) async fn check(
        &self,
        hash: PasswordHash,
        password: String,
        earlier: u32,
    ) -> Result<bool, Busy> {
        let (answer, answered) = oneshot::channel();
        let check = Check {
            hash,
            password,
            answer,
        };
        self.enter(check, earlier);
        answered.await.map_err(|_| Busy)
    }

    fn enter(&self, check: Check, earlier: u32) {
        let mut shared = self.lock();
        shared.line.retain(|check| !check.answer.is_closed());
        shared.line.enter(check, earlier);
        if !shared.running {
            let checker = self.clone();
            let work = move || checker.work();
            let started = thread::Builder::new().name("password".into()).spawn(work);
            shared.running = started.is_ok();
            if let Err(error) = started {
                tracing::error!(%error, "passwords cannot be checked");
                shared.line.retain(|_| false);
            }
        }
    }

    /// Checks until nobody waits any more.
    fn work(&self) {
        let mut memory = std::mem::take(&mut self.lock().memory);
        loop {
            let mut shared = self.lock();
            let Some(check) = shared.line.next() else {
                shared.memory = memory;
                shared.running = false;
                return;
            };
            drop(shared);
            if !check.answer.is_closed() {
                // A fault in one check must not end the thread, and with it every login to come.
                let verify = AssertUnwindSafe(|| memory.verify(&check.hash, &check.password));
                let right = panic::catch_unwind(verify).unwrap_or(false);
                // Whoever asked may have gone by now.
                let _ = check.answer.send(right);
            }
        }
    }

    // What it guards is changed in single steps only.
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tables of passwords do not belong into logs.
impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checker(..)")
    }
}

/// Who waits. Those with the fewest wrong passwords go first, and of these the one that came last: the
/// owner, who comes after a crowd of guessers, waits for one check and not for the crowd's.
struct Line<T> {
    waiting: Vec<(Rank, T)>,
    came: u64,
}

type Rank = (u32, Reverse<u64>);

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            came: 0,
        }
    }
}

impl<T> Line<T> {
    /// Takes one more; whoever would be last in a line that is too long falls out.
    fn enter(&mut self, one: T, earlier: u32) {
        self.came += 1;
        let rank = (earlier, Reverse(self.came));
        let at = self.waiting.partition_point(|(other, _)| *other < rank);
        self.waiting.insert(at, (rank, one));
        self.waiting.truncate(MAX_WAITING);
    }

    fn next(&mut self) -> Option<T> {
        (!self.waiting.is_empty()).then(|| self.waiting.remove(0).1)
    }

    fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.waiting.retain(|(_, one)| keep(one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_never_wrong_goes_first_and_of_these_the_last_to_come() {
        let mut line = Line::default();
        for (name, earlier) in [("a", 1), ("b", 0), ("c", 2), ("d", 0), ("e", 1)] {
            line.enter(name, earlier);
        }
        let order: Vec<_> = std::iter::from_fn(|| line.next()).collect();
        assert_eq!(order, ["d", "b", "e", "a", "c"]);
    }

    #[test]
    fn the_line_is_bounded() {
        let mut line = Line::default();
        for n in 0..200 {
            line.enter(n, 0);
        }
        line.enter(1000, 3);
        line.enter(1001, 0);
        assert_eq!(line.waiting.len(), MAX_WAITING);
        let left: Vec<_> = std::iter::from_fn(|| line.next()).collect();
        assert_eq!(left, [1001, 199, 198, 197, 196, 195, 194, 193]);
    }

    #[tokio::test]
    async fn everybody_is_answered() {
        let hash = super::super::hash_password("correct horse").unwrap();
        let checker = Checker::default();
        let ask = |password: &str, earlier| {
            let (checker, hash, password) = (checker.clone(), hash.clone(), password.to_owned());
            tokio::spawn(async move { checker.check(hash, password, earlier).await })
        };
        let guessers: Vec<_> = (0..40).map(|n| ask(&format!("guess {n}"), 1)).collect();
        let owner = ask("correct horse", 0);
        assert_eq!(owner.await.unwrap(), Ok(true));
        let mut busy = 0;
        for guesser in guessers {
            match guesser.await.unwrap() {
                Ok(right) => assert!(!right),
                Err(Busy) => busy += 1,
            }
        }
        assert!((1..40).contains(&busy), "{busy}");
        let shared = checker.lock();
        assert!(!shared.running || shared.line.waiting.is_empty());
    }
}
