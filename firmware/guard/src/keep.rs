//! Has footage kept for the button and the trigger.
//!
//! An order is about the moment of the press, on the boot clock. A recorder that does not answer is asked again: it may be
//! starting anew, and then keeps what it recorded before.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use picam_control::lock::Origin;
use picam_control::orders::{OrderSpan, Why};
use picam_control::{Reply, Request};
use picam_time::BootNs;

/// So much until the moment is kept: what is being recorded, and what was before it.
pub(crate) const BEFORE: Duration = Duration::from_secs(60);
/// And so much from the moment on.
pub(crate) const AFTER: Duration = Duration::from_secs(30);
/// A recorder that hangs is started again within a quarter of a minute.
const GIVE_UP_AFTER: Duration = Duration::from_secs(120);
/// Between two attempts.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);
/// Presses that wait at a time.
const MOST: usize = 16;

/// Who wants footage kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Somebody pressed the button.
    Button,
    /// The trigger line became active.
    Trigger,
}

impl By {
    const fn word(self) -> &'static str {
        match self {
            Self::Button => "button",
            Self::Trigger => "trigger",
        }
    }

    const fn origin(self) -> Origin {
        match self {
            Self::Button => Origin::Button,
            Self::Trigger => Origin::Impact,
        }
    }
}

/// A wish to keep footage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Whose.
    pub(crate) by: By,
    /// Of when.
    pub(crate) at: BootNs,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The order is on the card.
    Kept,
    /// It is not, and why.
    NotKept(String),
}

/// Wishes that have not come true yet, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// The kernel's id of this start: ids of orders differ from start to start.
    boot_id: String,
    waiting: VecDeque<Wish>,
}

impl Wishes {
    /// Of a start.
    pub(crate) fn of_boot(boot_id: &str) -> Self {
        Self {
            boot_id: boot_id.chars().take(8).collect(),
            waiting: VecDeque::new(),
        }
    }

    /// Takes one more; the oldest is given up where there are too many.
    pub(crate) fn add(&mut self, wish: Wish) {
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
        }
        self.waiting.push_back(wish);
    }

    /// Whether any waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Asks the recorder for the oldest; what became of it, unless it is to be tried again.
    pub(crate) fn try_oldest(
        &mut self,
        now: BootNs,
        ask: impl FnOnce(Request) -> io::Result<Reply>,
    ) -> Option<Outcome> {
        let wish = *self.waiting.front()?;
        let outcome = match ask(self.order(wish)) {
            Ok(Reply::Done) => Outcome::Kept,
            Ok(Reply::Refused { reason, why, .. }) if why != Why::Unavailable => {
                Outcome::NotKept(reason)
            }
            failed if now.since(wish.at) >= GIVE_UP_AFTER => Outcome::NotKept(match failed {
                Ok(Reply::Refused { reason, .. }) => reason,
                Ok(_) => "the recorder's answer makes no sense".to_owned(),
                Err(error) => format!("the recorder does not answer: {error}"),
            }),
            _ => return None,
        };
        self.waiting.pop_front();
        Some(outcome)
    }

    fn order(&self, wish: Wish) -> Request {
        let word = wish.by.word();
        Request::Lock {
            id: format!("{word}-{}-{}", self.boot_id, wish.at.0),
            span: OrderSpan::Boot {
                from: wish.at - BEFORE,
                to: wish.at + AFTER,
            },
            reason: word.to_owned(),
            origin: wish.by.origin(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> BootNs {
        BootNs::from_secs(second)
    }

    fn wishes(by: By) -> Wishes {
        let mut wishes = Wishes::of_boot("0123456789-abcd");
        wishes.add(Wish { by, at: at(100) });
        wishes
    }

    #[test]
    fn the_order_is_about_the_moment_of_the_press() {
        for (by, id, origin) in [
            (By::Button, "button-01234567-100000000000", Origin::Button),
            (By::Trigger, "trigger-01234567-100000000000", Origin::Impact),
        ] {
            let mut wishes = wishes(by);
            let mut asked = Vec::new();
            // The recorder hangs for a while.
            for second in 100..116 {
                let outcome = wishes.try_oldest(at(second), |request| {
                    asked.push(request);
                    Err(io::ErrorKind::TimedOut.into())
                });
                assert_eq!(outcome, None);
            }
            let outcome = wishes.try_oldest(at(116), |request| {
                asked.push(request);
                Ok(Reply::Done)
            });
            assert_eq!(outcome, Some(Outcome::Kept));
            assert!(wishes.is_empty());
            let expected = Request::Lock {
                id: id.into(),
                span: OrderSpan::Boot {
                    from: at(40),
                    to: at(130),
                },
                reason: by.word().into(),
                origin,
            };
            assert_eq!(asked, vec![expected; 17]);
        }
    }

    #[test]
    fn a_no_is_final_and_silence_is_not_waited_for_without_end() {
        let refuse = |_| Ok(Reply::refused("no share", ""));
        let outcome = wishes(By::Button).try_oldest(at(101), refuse);
        assert_eq!(outcome, Some(Outcome::NotKept("no share".into())));
        let away = |_| {
            Ok(Reply::Refused {
                reason: "no card".into(),
                remedy: String::new(),
                why: Why::Unavailable,
            })
        };
        let mut waits = wishes(By::Button);
        assert_eq!(waits.try_oldest(at(219), away), None);
        let given_up = waits.try_oldest(at(220), away);
        assert_eq!(given_up, Some(Outcome::NotKept("no card".into())));
        assert!(waits.is_empty());
    }

    #[test]
    fn whoever_drums_on_the_button_fills_no_memory() {
        let mut wishes = Wishes::default();
        for second in 0..1_000 {
            wishes.add(Wish {
                by: By::Button,
                at: at(second),
            });
        }
        assert_eq!(wishes.waiting.len(), MOST);
        assert_eq!(wishes.waiting.back().unwrap().at, at(999));
    }
}
