//! The rate of a serial line, found by trying: at the wrong one, nothing that comes has a checksum that holds.

use std::time::Duration;

use picam_time::BootNs;

/// What receivers are delivered with, the most frequent first: most (9600), u-blox 9 and later (38400), SiRF and NMEA's own
/// (4800), and what people set them to.
const RATES: [u32; 7] = [9600, 38_400, 115_200, 4800, 57_600, 19_200, 230_400];
/// A receiver says something every second; some rest for two.
const LISTEN: Duration = Duration::from_millis(2500);
/// One that was understood before may be without power for a moment.
const LOST_AFTER: Duration = Duration::from_secs(12);

/// Which rate is tried.
#[derive(Debug, Clone)]
pub struct BaudSearch {
    fixed: Option<u32>,
    tried: usize,
    /// Since when nothing was understood.
    since: BootNs,
    understood: bool,
}

impl BaudSearch {
    /// Begins; with a rate that is known, there is nothing to find.
    pub const fn new(fixed: Option<u32>, now: BootNs) -> Self {
        Self {
            fixed,
            tried: 0,
            since: now,
            understood: false,
        }
    }

    /// The rate to listen at.
    pub fn rate(&self) -> u32 {
        let tried = RATES.get(self.tried % RATES.len()).copied();
        self.fixed.or(tried).unwrap_or(9600)
    }

    /// A sentence came whose checksum holds.
    pub const fn understood(&mut self, now: BootNs) {
        self.understood = true;
        self.since = now;
    }

    /// Whether anything was understood at this rate.
    pub const fn is_found(&self) -> bool {
        self.understood
    }

    /// Time has passed. The next rate, if the line is to be set to it.
    pub fn next(&mut self, now: BootNs) -> Option<u32> {
        let timeout = if self.understood { LOST_AFTER } else { LISTEN };
        if self.fixed.is_some() || now.since(self.since) < timeout {
            return None;
        }
        self.since = now;
        match self.understood {
            // First once more at the one that it was.
            true => self.understood = false,
            false => self.tried = (self.tried + 1) % RATES.len(),
        }
        Some(self.rate())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> BootNs {
        BootNs(ms * 1_000_000)
    }

    #[test]
    fn every_rate_has_its_turn_and_one_that_is_understood_stays() {
        let mut search = BaudSearch::new(None, ms(0));
        let mut now = 0;
        let mut tried = vec![search.rate()];
        for _ in 0..RATES.len() {
            assert_eq!(search.next(ms(now + 2499)), None);
            now += 2500;
            tried.push(search.next(ms(now)).unwrap());
        }
        assert_eq!(tried.first(), tried.last());
        tried.sort_unstable();
        tried.dedup();
        assert_eq!(tried.len(), RATES.len());
        search.understood(ms(now));
        assert!(search.is_found());
        assert_eq!(search.next(ms(now + 11_999)), None);
        // It was unplugged: first the same again, then the others.
        assert_eq!(search.next(ms(now + 12_000)), Some(9600));
        assert_eq!(search.next(ms(now + 14_500)), Some(38_400));
    }

    #[test]
    fn a_rate_that_is_known_is_kept() {
        let mut search = BaudSearch::new(Some(4800), ms(0));
        assert_eq!((search.rate(), search.next(ms(1_000_000))), (4800, None));
    }
}
