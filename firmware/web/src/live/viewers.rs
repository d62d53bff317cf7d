//! How many live views each client has: no one of them takes all that the recorder gives.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::peer::network;

/// Live views of one address: half of what the recorder gives to all.
const OF_PEER: usize = 4;

/// Clones count the same.
#[derive(Clone, Default)]
pub(super) struct Viewers {
    of_peer: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A client's place, until it is dropped.
pub(super) struct Place {
    viewers: Viewers,
    peer: IpAddr,
}

impl Viewers {
    /// `None` if this address has its share.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let peer = network(address);
        let mut of_peer = self.of_peer();
        let count = of_peer.entry(peer).or_default();
        if *count >= OF_PEER {
            return None;
        }
        *count += 1;
        drop(of_peer);
        let viewers = self.clone();
        Some(Place { viewers, peer })
    }

    // Counts are changed in single steps: a panic leaves nothing half done.
    fn of_peer(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.of_peer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_peer = self.viewers.of_peer();
        if let Some(count) = of_peer.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                of_peer.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let viewers = Viewers::default();
        let one: IpAddr = [10, 0, 0, 1].into();
        let mut places: Vec<_> = (0..OF_PEER).map(|_| viewers.enter(one).unwrap()).collect();
        assert!(viewers.enter(one).is_none());
        assert!(viewers.enter([10, 0, 0, 2].into()).is_some());
        places.pop();
        places.push(viewers.enter(one).unwrap());
        drop(places);
        assert!(viewers.of_peer().is_empty());
    }
}
