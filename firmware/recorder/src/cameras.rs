//! Which cameras there are to record, before any is opened.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use picam_capture::{Bindings, CameraSpec, SourceSpec, find};
use picam_ring::{MIN_SLOTS, Slots};

use crate::RecordPlan;

/// A card that does not answer, or a camera that hangs, keeps nobody from recording the others.
const LIMIT: Duration = Duration::from_secs(1);
/// libcamera is waited for less, that the others are found in time.
const LIBCAMERA_LIMIT: Duration = Duration::from_millis(800);

/// Adds to the plan every camera that `auto` means: those that have a name on the card, and those that are there. `known` is
/// what the cameras under way know of names, if there are any.
pub(crate) fn gather(plan: &mut RecordPlan, known: Option<&Arc<Bindings>>) -> Arc<Bindings> {
    let is_auto = |camera: &CameraSpec| matches!(camera.source, SourceSpec::Auto(_));
    let (bindings, found) = match plan.cameras.iter().any(is_auto) {
        true => {
            let known = known.filter(|known| known.are_kept());
            let (card, names) = (plan.footage.clone(), known.cloned());
            let names = move || names.unwrap_or_else(|| Arc::new(Bindings::of(&card)));
            within(LIMIT, move || {
                (names(), find(Path::new("/"), LIBCAMERA_LIMIT))
            })
            .unwrap_or_else(|| {
                let unread = || Arc::new(Bindings::unread(&plan.footage));
                (known.cloned().unwrap_or_else(unread), Vec::new())
            })
        }
        false => Default::default(),
    };
    let configured = plan.cameras.len();
    let specs = bindings.expand(plan.cameras.clone(), &found);
    for spec in specs.iter().skip(configured) {
        tracing::info!(
            "{} is a camera, too: it has a name already, or is there now",
            spec.name
        );
    }
    if let Slots::Count(count) = plan.slots {
        let needed = u32::try_from(specs.len() * MIN_SLOTS).unwrap_or(u32::MAX);
        plan.slots = Slots::Count(count.max(needed));
    }
    plan.cameras = specs;
    bindings
}

/// What `work` gives, unless it takes longer: then it is left to itself.
fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = sync_channel(1);
    let thread = std::thread::Builder::new().name("find-cameras".to_owned());
    thread.spawn(move || drop(done.send(work()))).ok()?;
    result.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use picam_capture::{BINDINGS_NAME, BINDINGS_NEW};

    use super::*;

    #[test]
    fn the_file_of_names_is_no_foreign_file_and_keeps_slots_in_line() {
        assert_eq!(picam_ring::CAMERAS_NAMES, [BINDINGS_NAME, BINDINGS_NEW]);
        for name in picam_ring::CAMERAS_NAMES {
            // Two name entries on exFAT, as a slot's.
            assert!((16..=30).contains(&name.len()) && picam_ring::is_filler(name));
        }
    }

    #[test]
    fn what_hangs_is_not_waited_for() {
        let (hold, held) = sync_channel::<()>(0);
        let none = within(Duration::from_millis(20), move || {
            let _ = held.recv();
        });
        assert_eq!(none, None);
        drop(hold);
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
    }
}
