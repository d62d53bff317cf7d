//! Whether it records: found out here alone, and sent with every status, so that nobody who shows it has to find it out.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::status::{CameraState, CameraStatus, Status};

/// The version of what is said through the socket. It goes with a status, and is another once an older reader would
/// misunderstand; what is merely new, readers do not mind.
pub const PROTOCOL: u32 = 1;

/// Frames must be known to be on the card within this time for a camera to be said to
/// record: a few times the second that a power cut may cost, so that one slow write of a card is
/// no alarm.
pub const DURABLE_WITHIN_MS: u64 = 5_000;

impl Status {
    /// Why not every camera is proven to record; `None` if all are.
    pub fn not_recording(&self) -> Option<String> {
        if self.cameras.is_empty() {
            return Some("no camera is configured".into());
        }
        let reasons: Vec<_> = self.cameras.iter().filter_map(not_recording).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }
}

fn not_recording(camera: &CameraStatus) -> Option<String> {
    let name = &camera.name;
    match (camera.state, camera.last_durable_ms_ago) {
        (CameraState::Recording, Some(ms)) if ms <= DURABLE_WITHIN_MS => None,
        (CameraState::Recording, Some(ms)) => Some(format!(
            "{name}: no frame has reached the card for {} s",
            ms / 1000
        )),
        (CameraState::Recording, None) => Some(format!("{name}: no frame on the card yet")),
        (CameraState::Starting, _) => Some(format!("{name}: starting")),
        (CameraState::Paused, _) => Some(format!("{name}: paused by somebody on the page")),
        (CameraState::Ended, _) => Some(format!("{name}: its source has ended")),
        // The fault itself may name things that only a logged-in person should read.
        (CameraState::Fault, _) => Some(format!("{name}: fault")),
    }
}

impl CameraStatus {
    /// Whether it is proven to record.
    pub fn is_recording(&self) -> bool {
        not_recording(self).is_none()
    }
}

// `remote = "Self"` makes of what serde derives functions beside these, which put the verdict to it.

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Said<'a> {
            protocol: u32,
            recording: bool,
            not_recording: Option<String>,
            #[serde(flatten, serialize_with = "Status::serialize")]
            status: &'a Status,
        }
        let not_recording = self.not_recording();
        let said = Said {
            protocol: PROTOCOL,
            recording: not_recording.is_none(),
            not_recording,
            status: self,
        };
        said.serialize(to)
    }
}

impl Serialize for CameraStatus {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Said<'a> {
            recording: bool,
            #[serde(flatten, serialize_with = "CameraStatus::serialize")]
            camera: &'a CameraStatus,
        }
        let said = Said {
            recording: self.is_recording(),
            camera: self,
        };
        said.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }
}

impl<'de> Deserialize<'de> for CameraStatus {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{CardStatus, Losses, RingStatus};

    fn status(state: CameraState, durable: Option<u64>) -> Status {
        let camera = CameraStatus {
            name: "front".into(),
            letter: 'F',
            source: "sim:".into(),
            state,
            fault: None,
            picture_problems: Vec::new(),
            width: None,
            height: None,
            fps: None,
            frames: 0,
            dropped_encoder: 0,
            dropped_queue: 0,
            lost: Losses::default(),
            last_durable_ms_ago: durable,
            segment: None,
            segments: 0,
            ring: RingStatus::default(),
        };
        Status {
            version: "0".into(),
            uptime_s: 1.0,
            clock_known: false,
            clock: None,
            gps: None,
            motion: None,
            microphone: None,
            stills: Default::default(),
            paused_s: None,
            deletions: Vec::new(),
            cameras: vec![camera],
            card: CardStatus::default(),
            volumes: Vec::new(),
        }
    }

    #[test]
    fn only_a_durable_frame_proves_recording() {
        use CameraState::*;
        assert_eq!(status(Recording, Some(400)).not_recording(), None);
        for (state, durable, reason) in [
            (
                Recording,
                Some(12_000),
                "front: no frame has reached the card for 12 s",
            ),
            (Recording, None, "front: no frame on the card yet"),
            (Starting, None, "front: starting"),
            (Ended, Some(10), "front: its source has ended"),
            (Fault, Some(10), "front: fault"),
            (Paused, Some(10), "front: paused by somebody on the page"),
        ] {
            assert_eq!(
                status(state, durable).not_recording().as_deref(),
                Some(reason)
            );
        }
    }

    #[test]
    fn one_camera_of_two_is_not_enough() {
        let mut two = status(CameraState::Recording, Some(1));
        two.cameras.extend(status(CameraState::Fault, None).cameras);
        assert_eq!(two.not_recording().as_deref(), Some("front: fault"));
        two.cameras.clear();
        assert!(two.not_recording().is_some());
    }
    #[test]
    fn the_verdict_is_sent_and_whoever_does_not_know_it_reads_on() {
        let said = status(CameraState::Recording, Some(400));
        let mut json = serde_json::to_value(&said).unwrap();
        assert_eq!(json["protocol"], 1);
        assert_eq!(json["recording"], true);
        assert_eq!(json["not_recording"], serde_json::Value::Null);
        assert_eq!(json["cameras"][0]["recording"], true);
        assert_eq!(json["cameras"][0]["name"], "front");
        json["more"] = serde_json::json!({"of": ["tomorrow"]});
        json["cameras"][0]["more"] = 1.into();
        assert_eq!(serde_json::from_value::<Status>(json).unwrap(), said);

        let stale = status(CameraState::Recording, Some(12_000));
        let json = serde_json::to_value(&stale).unwrap();
        assert_eq!(json["recording"], false);
        let reason = "front: no frame has reached the card for 12 s";
        assert_eq!(json["not_recording"], reason);
        assert_eq!(json["cameras"][0]["recording"], false);
    }

    #[test]
    fn what_a_recorder_without_a_verdict_says_is_read() {
        let said = status(CameraState::Paused, None);
        let mut json = serde_json::to_value(&said).unwrap();
        let old = json.as_object_mut().unwrap();
        for key in ["protocol", "recording", "not_recording"] {
            assert!(old.remove(key).is_some(), "{key}");
        }
        let camera = json["cameras"][0].as_object_mut().unwrap();
        assert!(camera.remove("recording").is_some());
        assert_eq!(serde_json::from_value::<Status>(json).unwrap(), said);
    }
}
