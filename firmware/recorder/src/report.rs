//! What a camera's threads, and the housekeeper, say of their work.
//!
//! They only store into atomics and swap pointers, so that nothing piles up while nobody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use picam_control::status::{Fault, Losses};
use picam_media::AccessUnit;
use picam_mp4::Counters;
use picam_ring::Volume;
use picam_time::BootNs;

use crate::knobs::Knobs;

/// What a camera is doing, as in [`Shared::state`].
pub(crate) const STARTING: u8 = 0;
pub(crate) const RECORDING: u8 = 1;
pub(crate) const ENDED: u8 = 2;

/// What one camera's threads store.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) state: AtomicU8,
    pub(crate) has_delivered: AtomicBool,
    pub(crate) width: AtomicU32,
    pub(crate) height: AtomicU32,
    pub(crate) last_dts: AtomicI64,
    /// Mean distance of pictures in ticks of 1/90000 s, smoothed; 0 until known.
    pub(crate) frame_ticks: AtomicU32,
    pub(crate) frames: AtomicU64,
    pub(crate) dropped_encoder: AtomicU64,
    pub(crate) dropped_queue: AtomicU64,
    pub(crate) lost_card: AtomicU32,
    pub(crate) lost_room: AtomicU32,
    pub(crate) lost_undecodable: AtomicU32,
    pub(crate) stream_damage: AtomicU32,
    pub(crate) times_changed: AtomicU32,
    pub(crate) lost_side: AtomicU32,
    pub(crate) durable_until_ns: AtomicU64,
    pub(crate) fault_beats: AtomicU64,
    /// Sequence digits of the segment being recorded, plus one; 0 for none.
    pub(crate) segment: AtomicU32,
    pub(crate) segments: AtomicU64,
    /// What its source calls itself.
    pub(crate) source: ArcSwapOption<String>,
    pub(crate) source_fault: ArcSwapOption<Fault>,
    pub(crate) stream_fault: ArcSwapOption<Fault>,
    pub(crate) card_fault: ArcSwapOption<Fault>,
    /// Segments given up because they had grown too old.
    pub(crate) aged: AtomicU64,
    /// Whether it records to the USB disk.
    pub(crate) on_disk: AtomicBool,
    /// How its pictures shall look.
    pub(crate) knobs: Knobs,
}

impl Shared {
    /// The fault to show where there are several: the one nearest the source.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let cells = [&self.source_fault, &self.stream_fault, &self.card_fault];
        let mut faults = cells.into_iter().filter_map(ArcSwapOption::load_full);
        faults.next().map(|fault| Fault::clone(&fault))
    }

    /// Up to when everything captured would survive a power cut; zero for nothing yet.
    pub(crate) fn durable_until(&self) -> BootNs {
        BootNs(self.durable_until_ns.load(Ordering::Relaxed))
    }

    pub(crate) fn losses(&self) -> Losses {
        let load = |count: &AtomicU32| count.load(Ordering::Relaxed).into();
        Losses {
            card: load(&self.lost_card),
            room: load(&self.lost_room),
            undecodable: load(&self.lost_undecodable),
            side: load(&self.lost_side),
            stream_damage: load(&self.stream_damage),
            times_changed: load(&self.times_changed),
        }
    }
}

/// Through this a camera's threads, and the housekeeper, report.
#[derive(Clone)]
pub(crate) struct Report {
    pub(crate) shared: Arc<Shared>,
}

fn set_fault(cell: &ArcSwapOption<Fault>, message: String, remedy: &str) {
    cell.store(Some(Arc::new(Fault {
        message,
        remedy: remedy.into(),
    })));
}

impl Report {
    /// It is begun, for the first time or again.
    pub(crate) fn starts(&self) {
        self.shared.state.store(STARTING, Ordering::Relaxed);
    }

    pub(crate) fn source_opened(&self, description: String) {
        self.shared.source.store(Some(Arc::new(description)));
        self.shared.source_fault.store(None);
        self.shared.has_delivered.store(false, Ordering::Relaxed);
    }

    /// Somebody is working on a fault that was reported.
    pub(crate) fn fault_persists(&self) {
        self.shared.fault_beats.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn source_failed(&self, message: String) {
        self.fault_persists();
        let remedy =
            "check the camera's cable and its line in picam.toml; it is tried again by itself";
        set_fault(&self.shared.source_fault, message, remedy);
    }

    pub(crate) fn source_ended(&self) {
        self.shared.state.store(ENDED, Ordering::Relaxed);
    }

    /// A picture came from the source.
    pub(crate) fn delivered(&self, unit: &AccessUnit) {
        let shared = &self.shared;
        let last = shared.last_dts.swap(unit.dts, Ordering::Relaxed);
        if shared.has_delivered.swap(true, Ordering::Relaxed) {
            let ticks = u32::try_from(unit.dts - last).unwrap_or(0);
            let mean = shared.frame_ticks.load(Ordering::Relaxed);
            let mean = if mean == 0 {
                ticks
            } else {
                mean - mean / 16 + ticks / 16
            };
            shared.frame_ticks.store(mean, Ordering::Relaxed);
        }
        if let Some(sets) = &unit.parameter_sets {
            shared.width.store(sets.width.into(), Ordering::Relaxed);
            shared.height.store(sets.height.into(), Ordering::Relaxed);
        }
        shared
            .dropped_encoder
            .fetch_add(unit.dropped_before.into(), Ordering::Relaxed);
    }

    /// A picture never reached the card.
    pub(crate) fn lost_in_queue(&self) {
        self.shared.dropped_queue.fetch_add(1, Ordering::Relaxed);
    }

    /// How far recording has come: all pictures and losses since the start. Pictures captured after
    /// `durable_until` would not survive a cut; zero changes nothing.
    pub(crate) fn progress(&self, total: &Counters, durable_until: BootNs, segment: Option<u32>) {
        let shared = &self.shared;
        shared.frames.store(total.frames.into(), Ordering::Relaxed);
        for (count, now) in [
            (&shared.lost_card, total.lost_card),
            (&shared.lost_room, total.lost_room),
            (&shared.lost_undecodable, total.lost_undecodable),
            (&shared.stream_damage, total.stream_damage),
            (&shared.times_changed, total.times_changed),
            (&shared.lost_side, total.lost_side),
        ] {
            count.store(now, Ordering::Relaxed);
        }
        if durable_until > BootNs::ZERO {
            shared
                .durable_until_ns
                .store(durable_until.0, Ordering::Relaxed);
        }
        let segment = segment.map_or(0, |segment| segment + 1);
        let before = shared.segment.swap(segment, Ordering::Relaxed);
        if before != segment && before != 0 {
            shared.segments.fetch_add(1, Ordering::Relaxed);
        }
        if total.frames == 0 {
            return;
        }
        // Not once it has ended: the queue is still being emptied then.
        let _ = shared.state.compare_exchange(
            STARTING,
            RECORDING,
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
    }

    /// Where the next segments go.
    pub(crate) fn records_to(&self, volume: Volume) {
        let on_disk = volume == Volume::Usb;
        self.shared.on_disk.store(on_disk, Ordering::Relaxed);
    }

    pub(crate) fn card_failed(&self, message: String, remedy: &str) {
        self.fault_persists();
        set_fault(&self.shared.card_fault, message, remedy);
    }

    pub(crate) fn card_works(&self) {
        self.shared.card_fault.store(None);
    }

    /// What the source delivers cannot be stored; the card has no part in it.
    pub(crate) fn stream_failed(&self, message: String) {
        self.fault_persists();
        let remedy = "choose another format for this camera";
        set_fault(&self.shared.stream_fault, message, remedy);
    }

    pub(crate) fn stream_works(&self) {
        self.shared.stream_fault.store(None);
    }
}
