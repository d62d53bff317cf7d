//! What the page may ask the recorder to do with footage. The recorder decides, and has the last word.

use picam_time::{BootNs, UtcUs};
use serde::{Deserialize, Serialize};

use crate::stills::StillMade;

/// Who takes orders: the recorder in this process, or the one behind a socket.
pub trait OrderTaker: Send + Sync + 'static {
    /// Has it done. Runs on a thread that may block for a short while. What is to last is durable once this returns.
    fn order(&self, order: Order) -> Result<(), Denied>;

    /// Has what is being recorded now, and a while before and after, kept. The same.
    fn save(&self, save: Save) -> Result<Saved, Denied>;

    /// Has a still made of a camera, by its letter or name. May block for some seconds.
    fn still(&self, camera: &str) -> Result<StillMade, Denied>;
}

/// What just happened and what happens next is to be kept, of every camera. Whoever asks need not know what time it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    /// Chosen by who asks: the same id twice is one order, about the moment of the first.
    pub id: String,
    /// So many seconds until now, [`Save::LONGEST_S`] at most.
    pub before_s: u32,
    /// So many seconds from now on, likewise.
    pub after_s: u32,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
}

impl Save {
    /// Most seconds before and after.
    pub const LONGEST_S: u32 = 600;
}

/// It is written down, and outlives a power cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Ids of segments that are certain not to be recorded over, the oldest first.
    pub held: Vec<String>,
    /// Ids of segments that will be in a moment. More come while what is to be kept is still to happen.
    pub pending: Vec<String>,
    /// Ids of segments that are not kept, for the page's share of the ring has no more room.
    #[serde(default)]
    pub beyond: Vec<String>,
    /// So many seconds of what is to be kept lie behind, and were recorded by every camera that has any of it.
    pub before_s: f64,
    /// So many seconds are still to come.
    pub after_s: f64,
    /// The first moment as that of a clip (`F000123@12.4`); none if there is no footage of it.
    pub from: Option<String>,
    /// The last one, likewise.
    pub to: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Keep footage of every camera.
    Lock {
        /// Chosen by who asks: the same id twice is one order.
        id: String,
        /// Which footage.
        span: OrderSpan,
        /// Why, for people.
        reason: String,
    },
    /// Give a segment up, a day from now.
    Delete {
        /// Its id.
        segment: String,
    },
    /// Do not, after all.
    Restore {
        /// Its id.
        segment: String,
    },
    /// Record nothing for so many seconds.
    Pause {
        /// From now on, at most.
        seconds: u64,
    },
    /// Record again.
    Resume {},
}

/// Which footage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum OrderSpan {
    /// Between two moments in UTC.
    Utc {
        /// From then on.
        #[serde(rename = "from_us")]
        from: UtcUs,
        /// Until then.
        #[serde(rename = "to_us")]
        to: UtcUs,
    },
    /// Between two moments of this boot.
    Boot {
        /// From then on.
        #[serde(rename = "from_ns")]
        from: BootNs,
        /// Until then.
        #[serde(rename = "to_ns")]
        to: BootNs,
    },
    /// While this segment was recorded.
    Segment(String),
}

/// Why something is not done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It may not be, or cannot be as things are.
    #[default]
    Refused,
    /// There is no such segment.
    NoSegment,
    /// There is no such camera.
    NoCamera,
    /// It is too much at a time.
    TooFast,
    /// The recorder or its card does not answer.
    Unavailable,
}

/// It was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// What kind of no it is.
    pub why: Why,
    /// What happened, in plain words.
    pub reason: String,
    /// What a person can do about it.
    pub remedy: String,
}

impl Denied {
    /// A no with its reason and a remedy.
    pub fn new(why: Why, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            why,
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}
