//! The guest's clock against the host's.
//!
//! The guest says again and again what its boot clock shows. What it says arrives later than it was said, never
//! earlier: the smallest difference between the two clocks is nearest to the truth.

/// What the guest's clock showed, and when that arrived, both in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Tick {
    /// By the host's clock, from when the guest was started.
    pub host: u64,
    /// By the guest's boot clock.
    pub guest: u64,
}

/// Turns one into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    host_minus_guest: i64,
}

impl Clock {
    /// From what the guest said. `None` if that was nothing.
    pub fn new(ticks: &[Tick]) -> Option<Self> {
        let difference = |tick: &Tick| tick.host as i64 - tick.guest as i64;
        let host_minus_guest = ticks.iter().map(difference).min()?;
        Some(Self { host_minus_guest })
    }

    /// What the guest's boot clock showed when the host's showed `host`.
    pub fn guest(&self, host: u64) -> u64 {
        (host as i64 - self.host_minus_guest).max(0) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_tick_counts() {
        let tick = |host, guest| Tick { host, guest };
        let clock = Clock::new(&[tick(110, 20), tick(150, 70), tick(230, 130)]).unwrap();
        assert_eq!(clock.guest(180), 100);
        assert_eq!(Clock::new(&[]), None);
    }
}
