//! What the recorder's status comes to for whoever only has an LED.

use std::time::Duration;

use picam_control::status::{CameraState, CameraStatus, MicrophoneState, Status};
use picam_control::verdict::DURABLE_WITHIN_MS;
use picam_time::BootNs;

/// How often the recorder is asked.
pub(crate) const ASK_EVERY: Duration = Duration::from_secs(1);
/// A recorder that has not answered anything asked since then hangs. With [`ASK_EVERY`], one that is frozen is seen within
/// three seconds.
pub(crate) const SILENT_AFTER: Duration = Duration::from_millis(2_500);

/// What is wrong, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Somebody on the page paused it.
    Paused,
    /// It has just begun.
    Starting,
    /// A camera delivers nothing.
    Camera,
    /// Something is wrong with the card, or what is recorded does not get there.
    Card,
}

/// What the recorder said, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// When it was asked.
    pub(crate) asked: BootNs,
    /// What it said is wrong.
    pub(crate) trouble: Option<Trouble>,
    /// For how long no picture of one of the cameras had been known to survive a power cut; of the worst.
    pub(crate) durable_ms_ago: u64,
    /// Whether it knows what time it is.
    pub(crate) clock_known: bool,
    /// Whether it listens to the microphone.
    pub(crate) microphone: bool,
}

impl View {
    /// Of what was answered to a question of then.
    pub(crate) fn of(status: &Status, asked: BootNs) -> Self {
        let cameras = || status.cameras.iter();
        let none = status.cameras.is_empty().then_some(Trouble::Camera);
        let card = (!status.card.faults.is_empty()).then_some(Trouble::Card);
        let trouble = cameras().filter_map(trouble).chain(none).chain(card).max();
        let ago = cameras().filter_map(|camera| camera.last_durable_ms_ago);
        Self {
            asked,
            trouble,
            durable_ms_ago: ago.max().unwrap_or(u64::MAX),
            clock_known: status.clock_known,
            microphone: listens(status),
        }
    }

    /// Whether it has been silent for too long since.
    pub(crate) fn is_silent(&self, now: BootNs) -> bool {
        now.since(self.asked) >= SILENT_AFTER
    }

    /// What is wrong now: what has reached the card long ago proves nothing.
    pub(crate) fn trouble(&self, now: BootNs) -> Option<Trouble> {
        let age = u64::try_from(now.since(self.asked).as_millis()).unwrap_or(u64::MAX);
        let ago = self.durable_ms_ago.saturating_add(age);
        let stale = ago > DURABLE_WITHIN_MS;
        self.trouble.or(stale.then_some(Trouble::Card))
    }
}

fn listens(status: &Status) -> bool {
    let microphone = status.microphone.as_ref();
    microphone.is_some_and(|microphone| microphone.state == MicrophoneState::On)
}

fn trouble(camera: &CameraStatus) -> Option<Trouble> {
    match camera.state {
        CameraState::Recording if camera.is_recording() => None,
        CameraState::Recording => Some(match camera.last_durable_ms_ago {
            Some(_) => Trouble::Card,
            None => Trouble::Starting,
        }),
        CameraState::Starting => Some(Trouble::Starting),
        CameraState::Paused => Some(Trouble::Paused),
        CameraState::Ended | CameraState::Fault => Some(Trouble::Camera),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn status(cameras: &[Value], faults: &Value) -> Status {
        let card = json!({"total": 1, "available": 1, "foreign_files": 0, "foreign_bytes": 0, "faults": faults});
        let all = json!({"version": "0", "uptime_s": 1.0, "clock_known": true, "cameras": cameras, "card": card});
        serde_json::from_value(all).unwrap()
    }

    fn camera(state: &str, ago: Option<u64>) -> Value {
        let ring = json!({"slots": 1, "slot_size": 1, "spare": 0, "warnings": [],
            "classes": {"normal": 0, "event": 0, "parking": 0, "manual": 0}});
        json!({"name": "front", "letter": "F", "source": "sim:", "state": state, "fault": null, "width": null,
            "height": null, "fps": null, "frames": 0, "dropped_encoder": 0, "dropped_queue": 0,
            "last_durable_ms_ago": ago, "segment": null, "segments": 0, "ring": ring})
    }

    fn seen(cameras: &[Value]) -> Option<Trouble> {
        let now = BootNs::from_secs(100);
        View::of(&status(cameras, &json!([])), now).trouble(now)
    }

    #[test]
    fn only_what_is_on_the_card_counts() {
        assert_eq!(seen(&[camera("recording", Some(300))]), None);
        assert_eq!(
            seen(&[camera("recording", Some(5_001))]),
            Some(Trouble::Card)
        );
        assert_eq!(seen(&[camera("recording", None)]), Some(Trouble::Starting));
        assert_eq!(seen(&[camera("starting", None)]), Some(Trouble::Starting));
        assert_eq!(seen(&[camera("paused", Some(1))]), Some(Trouble::Paused));
        assert_eq!(seen(&[camera("fault", Some(1))]), Some(Trouble::Camera));
        assert_eq!(seen(&[camera("ended", Some(1))]), Some(Trouble::Camera));
        assert_eq!(seen(&[]), Some(Trouble::Camera));
    }

    #[test]
    fn the_worst_is_shown() {
        let good = camera("recording", Some(300));
        assert_eq!(
            seen(&[
                good.clone(),
                camera("fault", None),
                camera("starting", None)
            ]),
            Some(Trouble::Camera)
        );
        let fault = json!([{"message": "it forgets", "remedy": "replace it"}]);
        let now = BootNs::from_secs(100);
        let view = View::of(&status(&[good, camera("fault", None)], &fault), now);
        assert_eq!(view.trouble(now), Some(Trouble::Card));
    }

    #[test]
    fn a_microphone_shows_while_it_listens_and_not_while_it_is_only_there() {
        let mut status = status(&[camera("recording", Some(300))], &json!([]));
        let now = BootNs::from_secs(100);
        assert!(!View::of(&status, now).microphone);
        for (state, shown) in [
            ("on", true),
            ("off", false),
            ("fault", false),
            ("starting", false),
        ] {
            let microphone =
                json!({"source": "sim:", "state": state, "overruns": 0, "fault": null});
            status.microphone = serde_json::from_value(microphone).unwrap();
            assert_eq!(View::of(&status, now).microphone, shown, "{state}");
        }
    }

    #[test]
    fn an_answer_grows_old() {
        let asked = BootNs::from_secs(100);
        let cameras = [camera("recording", Some(4_000))];
        let view = View::of(&status(&cameras, &json!([])), asked);
        assert_eq!(view.trouble(asked + Duration::from_millis(1_000)), None);
        let later = asked + Duration::from_millis(1_001);
        assert_eq!(view.trouble(later), Some(Trouble::Card));
        assert!(!view.is_silent(asked + Duration::from_millis(2_499)));
        assert!(view.is_silent(asked + SILENT_AFTER));
        assert!(ASK_EVERY + SILENT_AFTER < Duration::from_millis(3_600));
    }
}
