//! Changes the cameras of a recording under way: only those that are changed stop recording.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use picam_capture::{Bindings, CameraSpec};
use picam_ring::{CameraNeed, RingConfig, Slots, assign_letters, head_len_for};
use picam_time::Ticks;

use crate::desk::Desk;
use crate::housekeeper::SlotNeeds;
use crate::live::Live;
use crate::roster::{Roster, Start};
use crate::status::{Camera, Status};
use crate::{RecordPlan, StartError, cameras, spawn, whole_pages};

/// What became of the cameras.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Recorded from now on.
    pub added: Vec<String>,
    /// Recorded in another way from now on: another source, or another letter.
    pub changed: Vec<String>,
    /// Recorded on, with other picture settings.
    pub set: Vec<String>,
    /// Recorded no more.
    pub removed: Vec<String>,
    /// Told to end, but they hang; asked once more, what was wanted of them is done.
    pub hanging: Vec<String>,
    /// Something else of the configuration has changed, which holds from the recorder's next start on.
    pub needs_restart: bool,
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = [
            ("added", &self.added),
            ("changed", &self.changed),
            ("picture set", &self.set),
            ("removed", &self.removed),
            ("still ending", &self.hanging),
        ];
        let mut parts: Vec<String> = lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("{what}: {}", names.join(", ")))
            .collect();
        if parts.is_empty() {
            parts.push("no camera has changed".into());
        }
        if self.needs_restart {
            parts.push("other changes hold once the recorder is started anew".into());
        }
        f.write_str(&parts.join("; "))
    }
}

/// Reads the configuration anew, or says why it cannot be used.
pub type Reread = Arc<dyn Fn() -> Result<RecordPlan, String> + Send + Sync>;

/// Changes the cameras of a recording to those of its configuration.
#[derive(Clone)]
pub struct Reload {
    reloader: Arc<Reloader>,
    reread: Reread,
}

impl Reload {
    pub(crate) fn new(reloader: Arc<Reloader>, reread: Reread) -> Self {
        Self { reloader, reread }
    }

    /// Reads the configuration, and changes the cameras on a thread of its own, for one may take seconds to end. What has
    /// become of them is in the log and the status.
    pub fn begin(&self) -> Result<(), String> {
        let plan = (self.reread)()?;
        let begun = self.reloader.begin(Some(plan));
        begun.map_err(|error| format!("a thread cannot be started: {error}"))
    }
}

/// Where the cameras of a recording are changed. Its lock is held for as long as a change takes.
pub(crate) struct Reloader {
    pub(crate) roster: Arc<Roster>,
    pub(crate) status: Arc<Status>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) live: Live,
    pub(crate) needs: Arc<ArcSwap<SlotNeeds>>,
    pub(crate) now: Mutex<Now>,
}

/// What is recorded.
pub(crate) struct Now {
    /// As it was asked for.
    pub(crate) asked: RecordPlan,
    pub(crate) bindings: Arc<Bindings>,
}

impl Reloader {
    /// Changes the cameras on a thread of its own to those of this plan; without one, to those that `auto` means by now.
    pub(crate) fn begin(self: &Arc<Self>, plan: Option<RecordPlan>) -> std::io::Result<()> {
        let this = self.clone();
        let change = move || {
            let plan = plan.unwrap_or_else(|| this.now().asked.clone());
            match this.reload(plan) {
                Ok(changes) if changes.hanging.is_empty() => tracing::info!("reloaded: {changes}"),
                Ok(changes) => tracing::error!("reloaded, but not wholly: {changes}; try again"),
                Err(error) => tracing::error!("the cameras cannot be changed: {error}"),
            }
        };
        spawn("reload", change).map(drop)
    }

    /// Records whatever camera comes, where `auto` means it.
    pub(crate) fn heed_new(self: &Arc<Self>, bindings: &Bindings) {
        let this = Arc::downgrade(self);
        bindings.on_new(move || {
            let begun = this.upgrade().map(|this| this.begin(None));
            if let Some(Err(error)) = begun {
                tracing::error!("the new camera waits for the next start: {error}");
            }
        });
    }

    pub(crate) fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records the cameras of this plan; whatever else it says is left as it is.
    pub(crate) fn reload(self: &Arc<Self>, mut plan: RecordPlan) -> Result<Changes, StartError> {
        // A recording whose last camera is being changed goes on.
        let _open = self.roster.hold();
        let mut now = self.now();
        if plan.cameras.is_empty() {
            return Err(StartError::NoCamera);
        }
        plan.slot_size = whole_pages(plan.slot_size);
        let needs_restart = apart_from_cameras(&plan) != apart_from_cameras(&now.asked);
        let mut wanted = RecordPlan {
            cameras: plan.cameras.clone(),
            ..now.asked.clone()
        };
        let bindings = cameras::gather(&mut wanted, Some(&now.bindings));
        self.heed_new(&bindings);
        let letters = letters(&wanted.cameras)?;
        let before = self.roster.cameras();
        let stays = |spec: &CameraSpec, camera: &Camera| {
            let mut all = wanted.cameras.iter().zip(&letters);
            all.any(|(wanted, letter)| {
                (&wanted.name, &wanted.source) == (&spec.name, &spec.source)
                    && *letter == camera.letter
            })
        };
        let mut changes = Changes {
            hanging: self.roster.end(stays),
            needs_restart,
            ..Changes::default()
        };
        let still = self.roster.cameras();
        let named = |list: &[(Camera, _)], name: &str| list.iter().any(|(c, _)| c.name == name);
        for (spec, &letter) in wanted.cameras.iter().zip(&letters) {
            let name = &spec.name;
            if still
                .iter()
                .any(|(c, _)| c.name == *name || c.letter == letter)
            {
                if self.roster.set_picture(spec) {
                    changes.set.push(name.clone());
                }
                continue;
            }
            let same = |(camera, _): &&(Camera, _)| camera.name == *name && camera.letter == letter;
            let camera = match before.iter().find(same) {
                Some((camera, _)) => camera.clone(),
                None => Camera::new(name.clone(), letter),
            };
            let ring = ring(&wanted, name, letter);
            self.roster.start(Start {
                spec: spec.clone(),
                ring,
                bindings: bindings.clone(),
                camera,
            })?;
            match named(&before, name) {
                true => changes.changed.push(name.clone()),
                false => changes.added.push(name.clone()),
            }
        }
        let under_way = self.roster.cameras();
        let gone = before.iter().filter(|(c, _)| !named(&under_way, &c.name));
        changes.removed = gone.map(|(camera, _)| camera.name.clone()).collect();
        self.show(&wanted, &letters, plan.warnings.clone());
        now.asked.cameras = plan.cameras;
        now.bindings = bindings;
        Ok(changes)
    }

    /// Tells those who show, watch and make slots, in the order of the configuration.
    fn show(&self, wanted: &RecordPlan, letters: &[u8], warnings: Vec<String>) {
        let mut cameras = self.roster.cameras();
        let place = |letter| letters.iter().position(|&l| l == letter);
        cameras.sort_by_key(|(camera, _)| place(camera.letter).unwrap_or(usize::MAX));
        let letters: Vec<u8> = cameras.iter().map(|(camera, _)| camera.letter).collect();
        let tap = |(camera, tap): &(Camera, _)| (char::from(camera.letter), Arc::clone(tap));
        self.live.set(cameras.iter().map(tap).collect());
        let cameras = cameras.into_iter().map(|(camera, _)| camera).collect();
        self.status.set(cameras, warnings);
        self.needs.store(Arc::new(slot_needs(wanted, &letters)));
        self.desk.tell();
    }
}

/// What of a plan holds until the recorder is started anew.
fn apart_from_cameras(plan: &RecordPlan) -> RecordPlan {
    RecordPlan {
        cameras: Vec::new(),
        warnings: Vec::new(),
        ..plan.clone()
    }
}

pub(crate) fn letters(cameras: &[CameraSpec]) -> Result<Vec<u8>, StartError> {
    let names = cameras.iter().map(|camera| camera.name.as_str());
    Ok(assign_letters(names)?)
}

/// The slots that so many cameras need.
pub(crate) fn slot_needs(plan: &RecordPlan, letters: &[u8]) -> SlotNeeds {
    let need = |&camera: &u8| CameraNeed {
        camera,
        slot_size: plan.slot_size,
    };
    SlotNeeds {
        slots: plan.slots,
        cameras: letters.iter().map(need).collect(),
    }
}

/// The ring of one of a plan's cameras.
pub(crate) fn ring(plan: &RecordPlan, name: &str, letter: u8) -> RingConfig {
    RingConfig {
        letter,
        camera_name: name.to_owned(),
        slot_size: plan.slot_size,
        slots: slots_of_one(plan.slots, plan.cameras.len()),
        head_len: head_len_for(plan.segment.as_secs(), plan.slot_size),
        nominal_ticks: Ticks::from_span(plan.segment, picam_media::TIMESCALE).value,
        shares: plan.shares,
        limits: picam_mp4::FragmentLimits::default(),
    }
}

fn slots_of_one(slots: Slots, cameras: usize) -> usize {
    match slots {
        Slots::Count(count) => count as usize / cameras.max(1),
        Slots::Fill(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_share_the_slots() {
        let fill = Slots::Fill(picam_ring::Reserve::Bytes(0));
        for (slots, cameras, own) in [
            (Slots::Count(20), 2, 10),
            (Slots::Count(7), 3, 2),
            (Slots::Count(5), 0, 5),
            (fill, 2, usize::MAX),
        ] {
            assert_eq!(slots_of_one(slots, cameras), own);
        }
    }

    #[test]
    fn changes_are_told_in_one_line() {
        let none = Changes::default();
        assert_eq!(none.to_string(), "no camera has changed");
        let all = Changes {
            added: vec!["rear".into(), "cam2".into()],
            changed: vec!["front".into()],
            set: vec!["side".into()],
            removed: vec!["left".into()],
            hanging: vec!["right".into()],
            needs_restart: true,
        };
        let text = "added: rear, cam2; changed: front; picture set: side; removed: left; still ending: right; \
                    other changes hold once the recorder is started anew";
        assert_eq!(all.to_string(), text);
    }
}
