//! How often a password may be tried: each wrong one doubles the wait for that address.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::peer::network;

/// Wrong passwords that cost no wait: people mistype.
const FREE_TRIES: u32 = 3;
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A row of wrong passwords is forgotten after this long without a try.
const FORGET: Duration = Duration::from_secs(3600);
/// Most addresses remembered; the one that tried longest ago makes room.
const MAX_ADDRESSES: usize = 256;

/// Who tried, and when they may again. Time is handed in.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    tried: Vec<Tried>,
}

#[derive(Debug)]
struct Tried {
    who: IpAddr,
    wrong: u32,
    last: Instant,
}

/// A try that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Try {
    who: IpAddr,
    /// Wrong passwords from there before this one.
    pub(super) earlier: u32,
    at: Instant,
    last: Instant,
}

impl Throttle {
    /// Takes note of a try before it is checked, as if it were wrong, so that many at once gain
    /// nothing. Fails with the time still to wait.
    pub(super) fn begin(&mut self, address: IpAddr, now: Instant) -> Result<Try, Duration> {
        let who = network(address);
        self.tried
            .retain(|tried| now.saturating_duration_since(tried.last) < FORGET);
        if let Some(tried) = self.tried.iter_mut().find(|tried| tried.who == who) {
            let next = tried.last + wait(tried.wrong);
            if next > now {
                return Err(next - now);
            }
            let begun = Try {
                who,
                earlier: tried.wrong,
                at: now,
                last: tried.last,
            };
            tried.wrong = tried.wrong.saturating_add(1);
            tried.last = now;
            return Ok(begun);
        }
        if self.tried.len() >= MAX_ADDRESSES {
            let oldest = (0..self.tried.len()).min_by_key(|&i| self.tried.get(i).map(|t| t.last));
            self.tried.swap_remove(oldest.unwrap_or(0));
        }
        self.tried.push(Tried {
            who,
            wrong: 1,
            last: now,
        });
        Ok(Try {
            who,
            earlier: 0,
            at: now,
            last: now,
        })
    }

    /// The password was right.
    pub(super) fn succeeded(&mut self, begun: &Try) {
        self.tried.retain(|tried| tried.who != begun.who);
    }

    /// The password was not looked at after all: nothing is known against whoever sent it.
    pub(super) fn withdraw(&mut self, begun: &Try) {
        for tried in self.tried.iter_mut().filter(|t| t.who == begun.who) {
            tried.wrong = tried.wrong.saturating_sub(1);
            if tried.last == begun.at {
                tried.last = begun.last;
            }
        }
        self.tried.retain(|tried| tried.wrong > 0);
    }
}

/// 0 for the first tries, then 1, 2, 4 s and so on.
fn wait(wrong: u32) -> Duration {
    match wrong.checked_sub(FREE_TRIES) {
        None => Duration::ZERO,
        Some(more) => Duration::from_secs(1 << more.min(6)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn waits_grow_with_each_wrong_password() {
        let mut throttle = Throttle::default();
        let phone = ip("192.168.4.20");
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..12 {
            if let Err(wait) = throttle.begin(phone, now) {
                waits.push(wait.as_secs());
                now += wait;
                let _ = throttle.begin(phone, now).unwrap();
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }

    #[test]
    fn many_at_once_gain_nothing() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        let let_in = (0..100).filter(|_| throttle.begin(ip("10.0.0.1"), now).is_ok());
        assert_eq!(let_in.count(), FREE_TRIES as usize);
    }

    #[test]
    fn the_right_password_and_time_forgive() {
        let mut throttle = Throttle::default();
        let (phone, now) = (ip("10.0.0.1"), Instant::now());
        while throttle.begin(phone, now).is_ok() {}
        assert!(
            throttle.begin(ip("10.0.0.2"), now).is_ok(),
            "others are not held up"
        );
        let mut throttle = Throttle::default();
        let _ = throttle.begin(phone, now).unwrap();
        let right = throttle.begin(phone, now).unwrap();
        assert_eq!(right.earlier, 1);
        throttle.succeeded(&right);
        assert_eq!(throttle.begin(phone, now).unwrap().earlier, 0);
        while throttle.begin(phone, now).is_ok() {}
        assert!(throttle.begin(phone, now + FORGET).is_ok());
    }

    #[test]
    fn what_was_not_looked_at_counts_for_nothing() {
        let mut throttle = Throttle::default();
        let (phone, now) = (ip("10.0.0.1"), Instant::now());
        for _ in 0..20 {
            let begun = throttle.begin(phone, now).unwrap();
            throttle.withdraw(&begun);
        }
        assert!(throttle.tried.is_empty());
        while throttle.begin(phone, now).is_ok() {}
        let later = now + Duration::from_secs(1);
        let begun = throttle.begin(phone, later).unwrap();
        throttle.withdraw(&begun);
        assert!(throttle.begin(phone, later).is_ok(), "waited for once only");
    }

    #[test]
    fn a_whole_ipv6_network_is_one() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        while throttle.begin(ip("2001:db8::1"), now).is_ok() {}
        assert!(throttle.begin(ip("2001:db8::ffff:2"), now).is_err());
        assert!(throttle.begin(ip("2001:db8:0:1::1"), now).is_ok());
        while throttle.begin(ip("10.0.0.1"), now).is_ok() {}
        assert!(throttle.begin(ip("::ffff:10.0.0.1"), now).is_err());
    }

    #[test]
    fn the_table_is_bounded() {
        let mut throttle = Throttle::default();
        let now = Instant::now();
        for n in 0..1000u32 {
            let address = IpAddr::V4(n.into());
            throttle
                .begin(address, now + Duration::from_millis(n.into()))
                .unwrap();
        }
        assert_eq!(throttle.tried.len(), MAX_ADDRESSES);
        assert_eq!(
            throttle.tried.iter().map(|t| t.who).min(),
            Some(ip("0.0.2.232"))
        );
    }
}
