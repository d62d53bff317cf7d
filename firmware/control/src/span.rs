//! A stretch of time that an order is about.

use std::time::Duration;

use picam_ring::Extent;
use picam_time::{BootNs, UtcUs};
use serde::{Deserialize, Serialize};

/// A stretch of time, both ends included. On the card it has the names of `docs/card-format.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Span {
    /// In UTC.
    Utc {
        /// From then on.
        #[serde(rename = "from_us")]
        from: UtcUs,
        /// Until then.
        #[serde(rename = "to_us")]
        to: UtcUs,
    },
    /// Of a boot, for footage of unknown time.
    Boot {
        /// The kernel's boot id.
        id: [u8; 16],
        /// From then on.
        #[serde(rename = "from_ns")]
        from: BootNs,
        /// Until then.
        #[serde(rename = "to_ns")]
        to: BootNs,
    },
}

impl Span {
    /// Whether a segment lies in it.
    pub fn meets(&self, extent: &Extent) -> bool {
        match *self {
            Self::Utc { from, to } => extent.meets_utc(from, to),
            Self::Boot { id, from, to } => extent.meets_boot(id, from, to),
        }
    }

    /// Whether it ended longer ago than this. A boot that is over has no future; where nobody can know, it has not.
    pub fn ended_before(&self, ago: Duration, now: &Now) -> bool {
        match *self {
            Self::Utc { to, .. } => now.utc.is_some_and(|now| now > to + ago),
            Self::Boot { id, to, .. } => id != now.boot_id || now.boot > to + ago,
        }
    }

    /// Whether it ends further ahead than this.
    pub fn ends_later_than(&self, ahead: Duration, now: &Now) -> bool {
        match *self {
            Self::Utc { to, .. } => now.utc.is_some_and(|now| to > now + ahead),
            Self::Boot { id, to, .. } => id == now.boot_id && to > now.boot + ahead,
        }
    }

    /// `None` if it ends before it begins.
    pub fn length(&self) -> Option<Duration> {
        match *self {
            Self::Utc { from, to } => (from <= to).then(|| to.since(from)),
            Self::Boot { from, to, .. } => (from <= to).then(|| to.since(from)),
        }
    }
}

/// What time it is.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// On the boot clock.
    pub boot: BootNs,
    /// In UTC, if anybody has said.
    pub utc: Option<UtcUs>,
    /// Which boot it is.
    pub boot_id: [u8; 16],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_keeps_its_form() {
        let (from, to) = (UtcUs(-1), UtcUs(2));
        let utc = Span::Utc { from, to };
        let text = r#"{"utc":{"from_us":-1,"to_us":2}}"#;
        assert_eq!(serde_json::to_string(&utc).unwrap(), text);
        assert_eq!(serde_json::from_str::<Span>(text).unwrap(), utc);
        let (id, from, to) = ([0; 16], BootNs(3), BootNs(4));
        let boot = serde_json::to_value(Span::Boot { id, from, to }).unwrap();
        let expected = serde_json::json!({"boot": {"id": id, "from_ns": 3, "to_ns": 4}});
        assert_eq!(boot, expected);
    }
}
