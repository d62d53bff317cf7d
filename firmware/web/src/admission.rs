//! Who has a place at the server, and who loses it when others come: rules without clock and sockets.
//!
//! A client is *known* once the gate has let one of its requests through, and a *stranger* until then.
//! Strangers cannot keep each other out: one that comes takes the place of one that has done nothing
//! with its own, of the client that holds the most. Known ones are never cut in the middle of an answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Bounds on connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Connections at a time.
    pub(crate) all: usize,
    /// Of these, strangers.
    pub(crate) strangers: usize,
    /// Of these, known ones: the rest is kept for health and for whoever wants to log in.
    pub(crate) known: usize,
    /// Strangers with one address.
    pub(crate) strangers_of_peer: usize,
    /// Known ones with one address.
    pub(crate) known_of_peer: usize,
    /// Time for a request's header while strangers take places from each other.
    pub(crate) header_under_pressure: Duration,
}

impl Bounds {
    /// Shares out `all` connections.
    pub(crate) fn of(all: usize, header_under_pressure: Duration) -> Self {
        let all = all.max(4);
        Self {
            all,
            strangers: all * 5 / 8,
            known: all - all.div_ceil(8),
            strangers_of_peer: all.div_ceil(4),
            known_of_peer: all / 2,
            header_under_pressure,
        }
    }
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing, or sending a header.
    Header,
    /// Sending a body.
    Body,
    /// Waiting for its answer, or taking it.
    Answer,
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// At once.
    Now(u64),
    /// An idle one at once, a busy one with its answer.
    Gently(u64),
}

/// There is no place for another known connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Pressure lasts this long after a place was taken from somebody.
const PRESSURE: Duration = Duration::from_secs(2);

/// Every connection there is.
#[derive(Debug)]
pub(crate) struct Places {
    bounds: Bounds,
    taken: HashMap<u64, Place>,
    next: u64,
    pressed: Option<Instant>,
}

#[derive(Debug)]
struct Place {
    peer: IpAddr,
    known: bool,
    phase: Phase,
    since: Instant,
    leaving: bool,
}

impl Places {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            taken: HashMap::new(),
            next: 0,
            pressed: None,
        }
    }

    /// Somebody connects: always let in, and perhaps another has to go.
    pub(crate) fn arrive(&mut self, peer: IpAddr, now: Instant) -> (u64, Option<Cut>) {
        let of_peer = self.count(|place| !place.known && place.peer == peer);
        let strangers = self.count(|place| !place.known);
        let full = strangers >= self.bounds.strangers || self.taken.len() >= self.bounds.all;
        let cut = if of_peer >= self.bounds.strangers_of_peer {
            self.least_deserving(Some(peer))
        } else if full {
            self.least_deserving(None)
        } else {
            None
        };
        if let Some(id) = cut {
            self.taken.remove(&id);
            self.pressed = Some(now);
        }
        let id = self.next;
        self.next += 1;
        let place = Place {
            peer,
            known: false,
            phase: Phase::Header,
            since: now,
            leaving: false,
        };
        self.taken.insert(id, place);
        (id, cut.map(Cut::Now))
    }

    /// It does something else now.
    pub(crate) fn turn_to(&mut self, id: u64, phase: Phase, now: Instant) {
        if let Some(place) = self.taken.get_mut(&id) {
            place.phase = phase;
            place.since = now;
        }
    }

    /// The gate has let a request of it through. Idle ones, the longest idle first, make room.
    pub(crate) fn know(&mut self, id: u64) -> Result<Option<Cut>, Full> {
        let Some(place) = self.taken.get(&id).filter(|place| !place.known) else {
            return Ok(None);
        };
        let peer = place.peer;
        let of_peer = self.count(|place| place.known && !place.leaving && place.peer == peer);
        let known = self.count(|place| place.known && !place.leaving);
        let cut = if of_peer >= self.bounds.known_of_peer {
            Some(self.longest_idle(Some(peer)).ok_or(Full)?)
        } else if known >= self.bounds.known {
            Some(self.longest_idle(None).ok_or(Full)?)
        } else {
            None
        };
        if let Some(id) = cut {
            self.taken
                .entry(id)
                .and_modify(|place| place.leaving = true);
        }
        self.taken.entry(id).and_modify(|place| place.known = true);
        Ok(cut.map(Cut::Gently))
    }

    /// It is closed.
    pub(crate) fn leave(&mut self, id: u64) {
        self.taken.remove(&id);
    }

    /// Strangers that take too long over a header while others come. Without pressure, the server's own
    /// timers end them.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<Cut> {
        let pressed = self
            .pressed
            .is_some_and(|at| now.saturating_duration_since(at) < PRESSURE);
        let crowded = self.count(|place| !place.known) * 2 >= self.bounds.strangers;
        if !pressed && !crowded {
            return Vec::new();
        }
        let limit = self.bounds.header_under_pressure;
        let late = |place: &Place| {
            !place.known
                && place.phase == Phase::Header
                && now.saturating_duration_since(place.since) > limit
        };
        let late: Vec<u64> = self.ids(late).collect();
        late.iter().for_each(|&id| self.leave(id));
        late.into_iter().map(Cut::Now).collect()
    }

    /// The system has no descriptor left: an idle stranger goes, or every idle known one.
    pub(crate) fn starved(&mut self) -> Vec<Cut> {
        if let Some(id) = self.least_deserving(None) {
            self.leave(id);
            return vec![Cut::Now(id)];
        }
        let idle = |place: &Place| place.known && place.phase == Phase::Header;
        self.ids(idle).map(Cut::Gently).collect()
    }

    /// The stranger to go: of the client with the most places; if it can be, one that is not being
    /// answered; and the oldest of these.
    fn least_deserving(&self, peer: Option<IpAddr>) -> Option<u64> {
        let mut of_peer: HashMap<IpAddr, usize> = HashMap::new();
        for place in self.taken.values().filter(|place| !place.known) {
            *of_peer.entry(place.peer).or_default() += 1;
        }
        let strangers = self
            .taken
            .iter()
            .filter(|(_, place)| !place.known && peer.is_none_or(|peer| place.peer == peer));
        let key = |(id, place): &(&u64, &Place)| {
            let crowd = of_peer.get(&place.peer).copied().unwrap_or(0);
            let waiting = place.phase != Phase::Answer;
            // A lower number came earlier.
            (waiting, crowd, std::cmp::Reverse(**id))
        };
        strangers.max_by_key(key).map(|(id, _)| *id)
    }

    fn longest_idle(&self, peer: Option<IpAddr>) -> Option<u64> {
        let idle = self.taken.iter().filter(|(_, place)| {
            place.known
                && !place.leaving
                && place.phase == Phase::Header
                && peer.is_none_or(|peer| place.peer == peer)
        });
        idle.min_by_key(|(_, place)| place.since).map(|(id, _)| *id)
    }

    fn count(&self, which: impl Fn(&Place) -> bool) -> usize {
        self.taken.values().filter(|place| which(place)).count()
    }

    fn ids(&self, which: impl Fn(&Place) -> bool) -> impl Iterator<Item = u64> {
        let which = self.taken.iter().filter(move |(_, place)| which(place));
        which.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    fn places() -> Places {
        Places::new(Bounds::of(64, SECOND))
    }

    #[test]
    fn the_places_are_shared_out() {
        let bounds = Bounds::of(64, SECOND);
        let shares = (
            bounds.strangers,
            bounds.known,
            bounds.strangers_of_peer,
            bounds.known_of_peer,
        );
        assert_eq!(shares, (40, 56, 16, 32));
        let least = Bounds::of(0, SECOND);
        assert!(least.strangers > 0 && least.known > 0 && least.known < least.all);
    }

    #[test]
    fn whoever_comes_has_a_place_however_many_wait() {
        let mut places = places();
        let now = Instant::now();
        for n in 0..2000_u32 {
            places.arrive(peer(n as u8 % 7), now);
        }
        assert_eq!(places.taken.len(), 40);
        let (health, cut) = places.arrive(peer(200), now);
        assert!(matches!(cut, Some(Cut::Now(_))));
        // It is alone with its address: others come and go before it does.
        for n in 0..2000_u32 {
            places.arrive(peer(n as u8 % 7), now);
        }
        assert!(places.taken.contains_key(&health));
        assert_eq!(places.taken.len(), 40);
    }

    #[test]
    fn one_address_keeps_to_its_share() {
        let mut places = places();
        let now = Instant::now();
        let (other, _) = places.arrive(peer(1), now);
        for _ in 0..100 {
            places.arrive(peer(2), now);
        }
        assert_eq!(places.count(|place| place.peer == peer(2)), 16);
        assert!(places.taken.contains_key(&other));
    }

    #[test]
    fn what_is_being_answered_goes_last() {
        let mut places = places();
        let now = Instant::now();
        let ids: Vec<u64> = (0..16).map(|_| places.arrive(peer(1), now).0).collect();
        for id in &ids[1..] {
            places.turn_to(*id, Phase::Answer, now);
        }
        assert_eq!(places.arrive(peer(1), now).1, Some(Cut::Now(ids[0])));
        let newest = ids.len() as u64;
        assert_eq!(places.arrive(peer(1), now).1, Some(Cut::Now(newest)));
    }

    #[test]
    fn strangers_never_move_a_known_one() {
        let mut places = places();
        let now = Instant::now();
        let known: Vec<u64> = (0..30)
            .map(|n| {
                let (id, _) = places.arrive(peer(n / 15), now);
                assert_eq!(places.know(id), Ok(None));
                places.turn_to(id, Phase::Answer, now);
                id
            })
            .collect();
        for n in 0..2000_u32 {
            places.arrive(peer(n as u8), now);
        }
        assert!(known.iter().all(|id| places.taken.contains_key(id)));
        assert_eq!(places.taken.len(), 64);
    }

    #[test]
    fn known_ones_make_room_when_idle_and_are_bounded_when_busy() {
        let mut places = places();
        let now = Instant::now();
        let knock = |n: u64, phase, places: &mut Places| {
            let at = now + SECOND * n as u32;
            let (id, _) = places.arrive(peer((n / 32) as u8), at);
            let known = places.know(id);
            places.turn_to(id, phase, at);
            (id, known)
        };
        let idle: Vec<u64> = (0..32)
            .map(|n| knock(n, Phase::Header, &mut places).0)
            .collect();
        let (_, known) = knock(31, Phase::Answer, &mut places);
        assert_eq!(known, Ok(Some(Cut::Gently(idle[0]))));
        for n in 32..57 {
            assert!(knock(n, Phase::Answer, &mut places).1.is_ok());
        }
        for _ in 0..30 {
            assert!(matches!(
                knock(64, Phase::Answer, &mut places).1,
                Ok(Some(Cut::Gently(_)))
            ));
        }
        assert_eq!(knock(64, Phase::Answer, &mut places).1, Err(Full));
        let at = now + SECOND * 100;
        let (health, _) = places.arrive(peer(99), at);
        assert!(
            places.taken.contains_key(&health),
            "there is a place for health"
        );
    }

    #[test]
    fn under_pressure_a_header_has_a_second() {
        let mut places = places();
        let now = Instant::now();
        let (alone, _) = places.arrive(peer(1), now);
        assert_eq!(places.overdue(now + SECOND * 4), []);
        for n in 0..20 {
            places.arrive(peer(n + 2), now + SECOND * 4);
        }
        assert_eq!(places.overdue(now + SECOND * 4), [Cut::Now(alone)]);
        assert_eq!(places.overdue(now + SECOND * 5), []);
        assert_eq!(places.overdue(now + SECOND * 6).len(), 20);
        assert!(places.taken.is_empty());
    }

    #[test]
    fn without_descriptors_the_idle_go() {
        let mut places = places();
        let now = Instant::now();
        let (busy, _) = places.arrive(peer(1), now);
        assert_eq!(places.know(busy), Ok(None));
        places.turn_to(busy, Phase::Answer, now);
        let (idle, _) = places.arrive(peer(1), now);
        assert_eq!(places.know(idle), Ok(None));
        let (stranger, _) = places.arrive(peer(2), now);
        assert_eq!(places.starved(), [Cut::Now(stranger)]);
        assert_eq!(places.starved(), [Cut::Gently(idle)]);
    }
}
