//! What a segment was recorded for, and how much of the card each kind may take.

use std::fmt;

/// The class of a segment, one letter in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// `N`: recorded while driving, overwritten first.
    Normal,
    /// `E`: locked by what the page has no hold on: an impact, the button, the owner at the command line.
    Event,
    /// `P`: recorded while parked.
    Parking,
    /// `M`: locked by somebody on the page.
    Manual,
}

impl Class {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Event, Self::Parking, Self::Manual];

    /// The letter in names and header records.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Normal => b'N',
            Self::Event => b'E',
            Self::Parking => b'P',
            Self::Manual => b'M',
        }
    }

    /// The class of a letter; upper case only.
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'N' => Some(Self::Normal),
            b'E' => Some(Self::Event),
            b'P' => Some(Self::Parking),
            b'M' => Some(Self::Manual),
            _ => None,
        }
    }

    /// Whether the ring spares segments of this class until its share is full.
    pub const fn is_locked(self) -> bool {
        matches!(self, Self::Event | Self::Manual)
    }

    /// The stronger of two classes: event, manual, parking, normal. A lock never weakens another, and one over the page
    /// never moves one that the page has no hold on.
    pub const fn stronger(self, other: Self) -> Self {
        if self.strength() < other.strength() {
            other
        } else {
            self
        }
    }

    const fn strength(self) -> u8 {
        match self {
            Self::Normal => 0,
            Self::Parking => 1,
            Self::Manual => 2,
            Self::Event => 3,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Normal => "normal",
            Self::Event => "event",
            Self::Parking => "parking",
            Self::Manual => "manual",
        })
    }
}

/// How many of a camera's slots each class may take, as fractions of 1. Normal segments have the
/// rest, and whatever the others leave unused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Of event segments.
    pub event: f64,
    /// Of segments that somebody locked on the page.
    pub manual: f64,
    /// Of segments recorded while parked.
    pub parking: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self {
            event: 0.30,
            manual: 0.10,
            parking: 0.10,
        }
    }
}

/// What normal recording always keeps, as a fraction: a dashcam whose locked footage fills the card
/// records nothing.
pub const MIN_NORMAL_SHARE: f64 = 0.10;

/// Why a set of shares cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SharesError {
    /// One share is no fraction.
    #[error("the {class} share is {value}; give a fraction from 0 to 1, such as 0.3 for 30 %")]
    Range {
        /// Whose share.
        class: Class,
        /// What was given.
        value: f64,
    },
    /// Together they leave too little.
    #[error(
        "event, manual and parking shares add up to {sum:.2}; keep them at or below 0.90 so that \
         normal recording has room"
    )]
    Sum {
        /// Of the three.
        sum: f64,
    },
}

impl Shares {
    /// The share of `class`; normal has what the others leave.
    pub fn of(&self, class: Class) -> f64 {
        match class {
            Class::Normal => 1.0 - self.event - self.manual - self.parking,
            Class::Event => self.event,
            Class::Parking => self.parking,
            Class::Manual => self.manual,
        }
    }

    /// Checks that every share is a fraction and that normal recording keeps [`MIN_NORMAL_SHARE`].
    pub fn validate(&self) -> Result<(), SharesError> {
        for class in [Class::Event, Class::Manual, Class::Parking] {
            let value = self.of(class);
            // Also refuses NaN.
            if !(0.0..=1.0).contains(&value) {
                return Err(SharesError::Range { class, value });
            }
        }
        let sum = self.event + self.manual + self.parking;
        // 0.3 + 0.3 + 0.3 is a hair above 0.9 in binary.
        if sum > 1.0 - MIN_NORMAL_SHARE + 1e-9 {
            return Err(SharesError::Sum { sum });
        }
        Ok(())
    }

    /// How many of `slots` slots `class` may take: its share rounded down, but one at least unless
    /// the share is 0.
    pub fn limit(&self, class: Class, slots: usize) -> usize {
        let share = self.of(class);
        if share <= 0.0 {
            return 0;
        }
        // The hair keeps 0.1 of 10 slots from being 0.999.
        ((share * slots as f64 + 1e-9) as usize).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_round_trip_and_nothing_else_is_a_class() {
        for letter in 0..=u8::MAX {
            match Class::from_letter(letter) {
                Some(class) => assert_eq!(class.letter(), letter),
                None => assert!(!b"NEPM".contains(&letter)),
            }
        }
        for class in Class::ALL {
            assert_eq!(Class::from_letter(class.letter()), Some(class));
        }
    }

    #[test]
    fn a_lock_never_weakens() {
        use Class::*;
        assert_eq!(Manual.stronger(Event), Event);
        assert_eq!(Event.stronger(Manual), Event);
        assert_eq!(Event.stronger(Normal), Event);
        assert_eq!(Normal.stronger(Parking), Parking);
    }

    #[test]
    fn defaults_are_valid_and_leave_half_to_normal() {
        let shares = Shares::default();
        assert_eq!(shares.validate(), Ok(()));
        assert!((shares.of(Class::Normal) - 0.5).abs() < 1e-9);
        assert_eq!(shares.limit(Class::Event, 100), 30);
        assert_eq!(shares.limit(Class::Manual, 10), 1);
        assert_eq!(shares.limit(Class::Manual, 4), 1);
        assert_eq!(shares.limit(Class::Event, 8), 2);
    }

    #[test]
    fn impossible_shares_are_refused_in_plain_words() {
        let of = |event, manual, parking| Shares {
            event,
            manual,
            parking,
        };
        for (shares, says) in [
            (of(30.0, 0.1, 0.1), "the event share is 30; give a fraction"),
            (of(0.3, -0.1, 0.1), "the manual share is -0.1"),
            (of(0.3, 0.1, f64::NAN), "the parking share is NaN"),
            (of(0.5, 0.3, 0.2), "add up to 1.00"),
            (of(0.5, 0.3, 0.11), "add up to 0.91"),
        ] {
            let error = shares.validate().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert_eq!(of(0.3, 0.3, 0.3).validate(), Ok(()));
        assert_eq!(of(0.0, 0.0, 0.0).validate(), Ok(()));
        assert_eq!(of(0.0, 0.0, 0.0).limit(Class::Event, 50), 0);
    }
}
