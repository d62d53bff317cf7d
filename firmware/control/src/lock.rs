//! An order to keep footage.

use picam_ring::{Class, Extent};
use serde::{Deserialize, Serialize};

/// Who wants footage kept. It decides the class of what is locked, and so whom it may push out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Somebody on the page.
    Page,
    /// Somebody pressed the button.
    Button,
    /// Something hit the car.
    Impact,
    /// The owner, at the command line.
    Owner,
}

impl Origin {
    /// The class of what it locks.
    pub const fn class(self) -> Class {
        match self {
            Self::Page => Class::Manual,
            Self::Button | Self::Impact | Self::Owner => Class::Event,
        }
    }
}

/// A stretch of time, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Span {
    /// In microseconds since 1970.
    Utc {
        /// From then on.
        from_us: i64,
        /// Until then.
        to_us: i64,
    },
    /// In nanoseconds since a boot, for footage of unknown time.
    Boot {
        /// The kernel's boot id.
        id: [u8; 16],
        /// From then on.
        from_ns: u64,
        /// Until then.
        to_ns: u64,
    },
}

impl Span {
    /// Whether a segment lies in it.
    pub fn meets(&self, extent: &Extent) -> bool {
        match *self {
            Self::Utc { from_us, to_us } => extent.meets_utc(from_us, to_us),
            Self::Boot { id, from_ns, to_ns } => extent.meets_boot(id, from_ns, to_ns),
        }
    }

    /// How far away its end is, in microseconds; `None` if nobody can know. A boot that is over has no future.
    pub fn ahead_us(&self, now: &Now) -> Option<i64> {
        match *self {
            Self::Utc { to_us, .. } => Some(to_us.saturating_sub(now.utc_us?)),
            Self::Boot { id, to_ns, .. } if id == now.boot_id => {
                let us = |ns: u64| i64::try_from(ns / 1000).unwrap_or(i64::MAX);
                Some(us(to_ns).saturating_sub(us(now.boot_ns)))
            }
            Self::Boot { .. } => Some(i64::MIN),
        }
    }

    /// How long it is, in microseconds; `None` if it ends before it begins.
    pub fn length_us(&self) -> Option<i64> {
        match *self {
            Self::Utc { from_us, to_us } => to_us.checked_sub(from_us),
            Self::Boot { from_ns, to_ns, .. } => {
                i64::try_from(to_ns.checked_sub(from_ns)? / 1000).ok()
            }
        }
        .filter(|length| *length >= 0)
    }
}

/// What time it is.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Nanoseconds since boot.
    pub boot_ns: u64,
    /// Microseconds since 1970, if anybody has said.
    pub utc_us: Option<i64>,
    /// Which boot it is.
    pub boot_id: [u8; 16],
}

/// Footage to be kept: of every camera, every segment that lies in a stretch of time, recorded already or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockOrder {
    /// Chosen by who asks: the same order twice is one.
    pub id: String,
    /// When.
    pub span: Span,
    /// Why, for people.
    pub reason: String,
    /// Who.
    pub origin: Origin,
}
