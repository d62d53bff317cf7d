//! Channels.

use std::fmt;

/// A primary channel of 20 MHz that an access point can be on: 1 to 13, 36 to 48, 149 to 165. Those
/// between need radar detection, which the Raspberry Pi's radios do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel(u8);

impl Channel {
    /// Those of 2.4 GHz that do not overlap, the one to take when nothing tells them apart first.
    pub(crate) const APART: [Self; 3] = [Self(6), Self(1), Self(11)];

    /// The channel of that number.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            1..=13 | 36 | 40 | 44 | 48 | 149 | 153 | 157 | 161 | 165 => Some(Self(number)),
            _ => None,
        }
    }

    /// The channel around that frequency in MHz (IEEE 802.11-2020, 17.3.8.4.2).
    pub fn of_frequency(mhz: u16) -> Option<Self> {
        let numbers = 1..=165;
        numbers
            .filter_map(Self::new)
            .find(|channel| channel.frequency() == mhz)
    }

    /// Every channel there is.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=165).filter_map(Self::new)
    }

    /// Its number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its centre in MHz.
    pub fn frequency(self) -> u16 {
        let number = u16::from(self.0);
        match self.is_5_ghz() {
            true => 5000 + 5 * number,
            false => 2407 + 5 * number,
        }
    }

    /// Whether it is one of 5 GHz.
    pub const fn is_5_ghz(self) -> bool {
        self.0 > 14
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_frequencies() {
        for (number, mhz) in [(1, 2412), (6, 2437), (13, 2472), (36, 5180), (165, 5825)] {
            let channel = Channel::new(number).unwrap();
            assert_eq!(channel.frequency(), mhz);
            assert_eq!(Channel::of_frequency(mhz), Some(channel));
        }
        // 14 is for 802.11b in Japan alone; 52 to 144 need radar detection.
        for number in [0, 14, 35, 37, 52, 100, 144, 148, 166, 255] {
            assert_eq!(Channel::new(number), None);
        }
        assert_eq!(Channel::of_frequency(2484), None);
        assert_eq!(Channel::all().count(), 22);
    }
}
