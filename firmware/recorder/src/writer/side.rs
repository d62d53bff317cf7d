//! The writer's part in sound, motion and text: takes them from where they come in, and lets a new segment wait for those
//! that belong before it.

use std::thread::Thread;

use picam_media::{AccessUnit, UnitKind};
use picam_ring::{FsDirectory, Recorder, SIDE_HOLD, Urgency};
use picam_time::{BootNs, Clock};

use super::Writer;
use crate::queue::{Item, Receiver};
use crate::side_input::SideInput;

impl Writer {
    /// Pictures wait behind this one: what belongs to them must not come before them.
    pub(super) fn note_backlog(&mut self, unit: &AccessUnit, queue: &Receiver) {
        let waits = queue.has_more() || !self.held_back.is_empty();
        self.set_backlog(waits.then_some(unit.captured));
    }

    /// If no pictures wait any more, nothing else does.
    pub(super) fn note_end_of_backlog(&mut self, queue: &Receiver) {
        if !queue.has_more() && self.held_back.is_empty() {
            self.set_backlog(None);
        }
    }

    fn set_backlog(&mut self, captured: Option<BootNs>) {
        if let Some((recorder, _)) = &mut self.recorder {
            recorder.set_pictures_until(captured);
        }
    }

    /// Before a picture that a new segment may begin with, waits a moment for sound, motion and text from before it. What
    /// else comes meanwhile waits, too.
    pub(super) fn wait_for_sides(
        &mut self,
        unit: &AccessUnit,
        queue: &mut Receiver,
        capture: &Thread,
    ) {
        let begun = self.clock.now();
        loop {
            self.take_side_input();
            let now = self.clock.now();
            let leaves = self.moving || self.sides.changed();
            let waits = |recorder: &Recorder<FsDirectory>| {
                (leaves || recorder.urgency(unit.dts, 0) != Urgency::None)
                    && recorder.side_is_behind(unit.dts, now)
            };
            let recorder = self.recorder.as_ref();
            let waits = unit.start.is_start() && recorder.is_some_and(|(r, _)| waits(r));
            if !waits || now.since(begun) >= SIDE_HOLD || queue.is_done() {
                return;
            }
            match queue.receive() {
                Some(item) if item.unit.kind == UnitKind::Video => self.held_back.push_back(item),
                Some(item) => {
                    self.record_side(&item);
                    queue.give_back(item, capture);
                }
                None => {}
            }
            self.tick();
        }
    }

    /// Hands sound that came with the pictures to the recorder.
    pub(super) fn record_side(&mut self, item: &Item) {
        self.sides.set_sound(item.sound);
        self.lost.lost_side = self.lost.lost_side.saturating_add(item.lost_side);
        self.push_side(&item.unit);
    }

    /// The same for what comes from elsewhere.
    pub(super) fn take_side_input(&mut self) {
        self.sides.look_at_microphone(self.clock.now());
        while let Some(unit) = self.side_input.as_ref().and_then(SideInput::receive) {
            if self.sides.takes(&unit) {
                self.push_side(&unit);
            }
        }
        let lost = self.side_input.as_ref().map_or(0, SideInput::take_lost);
        if self.last.is_some() {
            self.lost.lost_side = self.lost.lost_side.saturating_add(lost);
        }
    }

    fn push_side(&mut self, unit: &AccessUnit) {
        let now = self.clock.now();
        let Some(sample) = self.sides.sample(unit) else {
            return;
        };
        match &mut self.recorder {
            Some((recorder, _)) => recorder.push_side(&sample, now),
            // Before the first picture there is nothing that it could belong to.
            None if self.last.is_none() => {}
            None => self.lost.lost_side = self.lost.lost_side.saturating_add(1),
        }
    }
}
