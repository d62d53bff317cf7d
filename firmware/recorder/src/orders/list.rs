//! The orders that are not carried out yet, and which have been.

use std::time::Duration;

use picam_ring::{Class, SegmentId, Volume};
use picam_time::UtcUs;
use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, check_span, check_text};
use super::{LockOrder, Now, Origin, Span};

/// How long a deletion can be taken back.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Most locks at a time that are still being carried out: of the page, and of all others.
const MAX_LOCKS: usize = 64;
/// Most locks that are remembered once they are carried out; likewise.
const MAX_ENDED: usize = 64;
/// Of how many of these it is remembered, too, what they were about: whoever asks again does so soon.
const MAX_SPANS: usize = 4;
/// Most deletions that wait.
const MAX_DELETIONS: usize = 500;

/// Footage that somebody on the page wants gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    /// Its id as if it lay on the card: what is written down lies beside it, wherever that is.
    pub(crate) segment: String,
    /// Its whole sequence number, and the boot that recorded it: ids come round again.
    pub(crate) sequence: u64,
    /// See there.
    pub(crate) boot_id: [u8; 16],
    /// For how long the recorder has run since.
    #[serde(rename = "ran_ns", with = "nanos")]
    pub(crate) ran: Duration,
    /// Since when it has been marked at least, by a clock that could be believed.
    pub(crate) since: Option<Since>,
}

/// A moment that somebody could believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Since {
    /// In UTC.
    #[serde(rename = "utc_us")]
    pub(crate) utc: UtcUs,
    /// The boot in which it was believed.
    pub(crate) boot_id: [u8; 16],
}

impl Deletion {
    /// Its id if it lies there; `None` if what is written down is none.
    pub(crate) fn id(&self, volume: Volume) -> Option<SegmentId> {
        SegmentId::parse(&self.segment).map(|id| id.on(volume))
    }

    /// How long until it may be carried out, by the clock or by what has run since, whichever is less.
    /// `believed` is the time if it can be believed. Within one boot it says nothing: what has run is exact, and a clock
    /// that is put right jumps.
    pub(crate) fn waits(&self, believed: Option<Since>) -> Duration {
        let by_clock = believed
            .zip(self.since)
            .filter(|(now, since)| now.boot_id != since.boot_id)
            .map_or(Duration::ZERO, |(now, since)| now.utc.since(since.utc));
        KEPT.saturating_sub(self.ran.max(by_clock))
    }
}

/// A span as it is written down: a number of nanoseconds.
mod nanos {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_nanos)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    id: String,
    /// Whether it was of the page, which pushes out only its own.
    page: bool,
    /// What it was about, if it is one of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<Span>,
}

/// Everything that has to outlive a power cut.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Orders {
    /// In the order in which they were given.
    locks: Vec<LockOrder>,
    ended: Vec<Ended>,
    deletions: Vec<Deletion>,
}

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It must be written down.
    New,
    /// It was there before, or there is nothing to do.
    Known,
}

fn is_page(origin: Origin) -> bool {
    origin.class() == Class::Manual
}

impl Orders {
    /// Locks that are still to be carried out, or may yet be needed.
    pub(crate) fn locks(&self) -> &[LockOrder] {
        &self.locks
    }

    /// What waits for its day to pass.
    pub(crate) fn deletions(&self) -> &[Deletion] {
        &self.deletions
    }

    /// Takes a lock, unless one with that id was taken before.
    pub(crate) fn lock(&mut self, order: LockOrder, now: &Now) -> Result<Taken, Refusal> {
        check_text(&order)?;
        let page = is_page(order.origin);
        // Whose id it is matters, too: the page cannot keep an impact from being locked by guessing its id.
        let open = |known: &LockOrder| known.id == order.id && is_page(known.origin) == page;
        let ended = |known: &Ended| known.id == order.id && known.page == page;
        if self.locks.iter().any(open) || self.ended.iter().any(ended) {
            return Ok(Taken::Known);
        }
        check_span(&order, now)?;
        let same = self.locks.iter().filter(|o| is_page(o.origin) == page);
        if same.count() >= MAX_LOCKS {
            return Err(Refusal::TooManyLocks);
        }
        self.locks.push(order);
        Ok(Taken::New)
    }

    /// What the lock with this id is about, if one was taken: of the page, or of all others.
    pub(crate) fn taken(&self, id: &str, origin: Origin) -> Option<&Span> {
        let page = is_page(origin);
        let open = |known: &&LockOrder| known.id == id && is_page(known.origin) == page;
        let ended = |known: &&Ended| known.id == id && known.page == page;
        let open = self.locks.iter().find(open).map(|order| &order.span);
        open.or_else(|| self.ended.iter().find(ended)?.span.as_ref())
    }

    /// A lock needs no more looking after.
    pub(crate) fn end_lock(&mut self, order: &LockOrder) -> bool {
        let before = self.locks.len();
        self.locks.retain(|open| open != order);
        if self.locks.len() == before {
            return false;
        }
        let page = is_page(order.origin);
        let (id, span) = (order.id.clone(), Some(order.span.clone()));
        self.ended.push(Ended { id, page, span });
        let same = self.ended.iter().filter(|ended| ended.page == page);
        if same.count() > MAX_ENDED
            && let Some(oldest) = self.ended.iter().position(|ended| ended.page == page)
        {
            self.ended.remove(oldest);
        }
        let same = self
            .ended
            .iter_mut()
            .rev()
            .filter(|ended| ended.page == page);
        for ended in same.skip(MAX_SPANS) {
            ended.span = None;
        }
        true
    }

    /// Marks a segment.
    pub(crate) fn delete(&mut self, segment: Deletion) -> Result<Taken, Refusal> {
        let same = |known: &Deletion| {
            known.segment == segment.segment
                && (known.sequence, known.boot_id) == (segment.sequence, segment.boot_id)
        };
        if self.deletions.iter().any(same) {
            return Ok(Taken::Known);
        }
        // Of a segment that had the same id a million ago nothing is left.
        self.deletions
            .retain(|known| known.segment != segment.segment);
        if self.deletions.len() >= MAX_DELETIONS {
            return Err(Refusal::TooManyDeletions);
        }
        self.deletions.push(segment);
        Ok(Taken::New)
    }

    /// Takes marks back.
    pub(crate) fn restore(&mut self, which: impl Fn(&Deletion) -> bool) -> Taken {
        let before = self.deletions.len();
        self.deletions.retain(|deletion| !which(deletion));
        match self.deletions.len() == before {
            true => Taken::Known,
            false => Taken::New,
        }
    }

    /// The recorder has run for so long, and this is the time if it can be believed.
    pub(crate) fn run(&mut self, ran: Duration, believed: Option<Since>) {
        for deletion in &mut self.deletions {
            deletion.ran = deletion.ran.saturating_add(ran);
            // Later than it was: a mark waits longer for that, and never less.
            deletion.since = deletion.since.or(believed);
        }
    }

    /// Marks whose day has passed.
    pub(crate) fn due(&self, believed: Option<Since>) -> Vec<Deletion> {
        let due = |deletion: &&Deletion| deletion.waits(believed).is_zero();
        self.deletions.iter().filter(due).cloned().collect()
    }
}
