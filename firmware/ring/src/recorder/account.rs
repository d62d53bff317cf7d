//! Where every picture went: into a segment, or into a count of losses that a segment bears.

use picam_mp4::Counters;

/// Why a picture has no place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loss {
    /// The card no longer took the segment it belonged to.
    Card,
    /// The slot had no room for it.
    Room,
    /// It came before one at which decoding can start, or cannot be stored at all.
    #[default]
    Undecodable,
}

impl Loss {
    fn one(self) -> Counters {
        let mut lost = Counters::default();
        match self {
            Self::Card => lost.lost_card = 1,
            Self::Room => lost.lost_room = 1,
            Self::Undecodable => lost.lost_undecodable = 1,
        }
        lost
    }
}

/// Counts what no segment bears yet, and all since the start.
///
/// At any time, pictures that were handed over, lost ones included, are those of the segments ended, those of the open
/// segment with its counters, and what is pending.
#[derive(Debug, Default)]
pub struct Account {
    /// Lost since the last picture that is in a segment.
    pending: Counters,
    /// Why pictures that are no key frames are lost now.
    waiting: Loss,
    /// Pictures of the segments ended, with those they count as lost.
    ended: u64,
    total: Counters,
    /// Whether a picture has ever come into a segment.
    has_begun: bool,
}

impl Account {
    /// Everything lost since the start; `frames` are the pictures that came into a segment.
    pub fn total(&self) -> &Counters {
        &self.total
    }

    /// Pictures before the one that the next segment begins with, and before those it counts as lost.
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// Something was lost before a picture.
    pub(super) fn lost_before(&mut self, lost: &Counters) {
        self.pending.add(lost);
        self.total.add(lost);
    }

    /// A picture has no place, for this reason.
    pub(super) fn lost_as(&mut self, loss: Loss) {
        self.lost_before(&loss.one());
    }

    /// So many samples of sound, motion or text are in no segment. Before the first picture there is none that they could
    /// belong to, and they count for nothing.
    pub(super) fn lost_side(&mut self, count: u64) {
        let lost_side = match self.has_begun {
            true => u32::try_from(count).unwrap_or(u32::MAX),
            false => 0,
        };
        self.lost_before(&Counters {
            lost_side,
            ..Counters::default()
        });
    }

    /// A picture that is no key frame found no segment open.
    pub(super) fn lost_waiting(&mut self) {
        self.lost_as(self.waiting);
    }

    /// A picture was taken into a segment: what was lost before it is the segment's to bear.
    pub(super) fn taken(&mut self) -> Counters {
        self.total.frames = self.total.frames.saturating_add(1);
        self.has_begun = true;
        std::mem::take(&mut self.pending)
    }

    /// The open segment has no room: it bears what is lost until it ends.
    pub(super) fn bear(&mut self) -> Counters {
        std::mem::take(&mut self.pending)
    }

    /// What was to be borne has no segment after all.
    pub(super) fn put_back(&mut self, lost: &Counters) {
        self.pending.add(lost);
    }

    /// A segment ended in order.
    pub(super) fn segment_ended(&mut self, counters: &Counters) {
        self.ended += u64::from(counters.frames) + counters.lost_pictures();
        self.waiting = Loss::Undecodable;
    }

    /// A segment was given up: of what it had `taken`, the card shows `shown`.
    pub(super) fn segment_abandoned(&mut self, taken: &Counters, shown: &Counters, why: Loss) {
        self.segment_ended(shown);
        self.waiting = why;
        let mut rest = taken.since(shown);
        let lost = std::mem::take(&mut rest.frames);
        // The losses among the rest are in the total already.
        self.pending.add(&rest);
        self.total.frames = self.total.frames.saturating_sub(lost);
        let lost = Counters {
            lost_card: lost,
            ..Counters::default()
        };
        self.lost_before(&lost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures in segments and lost ones, as the account knows them.
    fn known(account: &Account, open: &Counters) -> u64 {
        let of = |counters: &Counters| u64::from(counters.frames) + counters.lost_pictures();
        account.ended + of(open) + of(&account.pending)
    }

    #[test]
    fn what_a_segment_had_taken_and_does_not_show_is_lost_to_the_card() {
        let mut account = Account::default();
        account.lost_waiting();
        let mut open = account.taken();
        assert_eq!((open.lost_undecodable, open.frames), (1, 0));
        open.frames = 1;
        for _ in 0..9 {
            open.add(&account.taken());
            open.frames += 1;
        }
        account.lost_before(&Counters {
            dropped_queue: 3,
            ..Counters::default()
        });
        open.add(&account.taken());
        open.frames += 1;
        assert_eq!(known(&account, &open), 15);
        let shown = Counters {
            frames: 4,
            lost_undecodable: 1,
            ..Counters::default()
        };
        account.segment_abandoned(&open, &shown, Loss::Card);
        account.lost_waiting();
        assert_eq!(known(&account, &Counters::default()), 16);
        let next = account.taken();
        assert_eq!((next.lost_card, next.dropped_queue), (7 + 1, 3));
        assert_eq!(next.lost_undecodable, 0);
        let total = account.total();
        assert_eq!((total.frames, total.lost_pictures()), (5, 12));
    }

    #[test]
    fn after_a_segment_that_ended_in_order_only_undecodable_pictures_are_skipped() {
        let mut account = Account::default();
        account.segment_abandoned(&Counters::default(), &Counters::default(), Loss::Room);
        account.lost_waiting();
        account.segment_ended(&Counters::default());
        account.lost_waiting();
        let lost = account.taken();
        assert_eq!((lost.lost_room, lost.lost_undecodable), (1, 1));
    }
}
