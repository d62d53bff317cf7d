//! Drives: what was recorded without a long pause, by all cameras together.
//!
//! [`drives`] is a function of what the list of segments says. How long those are that are still being recorded, and
//! where the car was, is read from the card beside it ([`DriveBook`]).

mod book;
mod covered;
mod positions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use picam_ring::{Class, Volume, newest_first};
use picam_time::BootNs;
use serde::Serialize;

pub use book::DriveBook;
pub use covered::Travelled;
pub use positions::Fix;

use crate::library::moment;
use crate::segment::{Segment, SinceBoot, State};

/// Where nothing was recorded for longer than that, another drive begins.
pub const PAUSE: Duration = Duration::from_secs(5 * 60);

/// A segment, and where it lies in its drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The segment.
    pub segment: Arc<Segment>,
    /// Its first picture, from the start of the drive on.
    pub at: Duration,
    /// How long it is; as far as it goes by now if it is still being recorded.
    pub length: Duration,
}

impl Part {
    /// Its end, from the start of the drive on.
    pub fn end(&self) -> Duration {
        self.at.saturating_add(self.length)
    }
}

/// What one camera recorded, of a drive or of all that is on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DriveCamera<'a> {
    /// Its letter.
    pub letter: char,
    /// Its newest name.
    pub name: Option<&'a str>,
    /// How many segments.
    pub segments: usize,
    /// Their bytes.
    pub size: u64,
}

impl<'a> DriveCamera<'a> {
    /// Every camera of these segments, by letter; the newest comes first.
    pub fn all(segments: impl Iterator<Item = &'a Segment>) -> Vec<Self> {
        let mut cameras: BTreeMap<char, Self> = BTreeMap::new();
        for segment in segments {
            let camera = cameras.entry(segment.camera).or_insert(Self {
                letter: segment.camera,
                name: None,
                segments: 0,
                size: 0,
            });
            camera.segments += 1;
            camera.size = camera.size.saturating_add(segment.size);
            camera.name = camera.name.or(segment.camera_name.as_deref());
        }
        cameras.into_values().collect()
    }
}

/// A drive.
#[derive(Debug, Clone, PartialEq)]
pub struct Drive {
    /// The boot that recorded it.
    pub boot_id: [u8; 16],
    /// Its start by the clock of that boot.
    pub start: BootNs,
    /// From the first picture to the last.
    pub length: Duration,
    /// Its segments by their starts, those of one moment by their cameras' letters. Never empty.
    parts: Vec<Part>,
}

impl Drive {
    /// Its segments by their starts.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The segment that it is shown and named by: the first of the camera whose letter comes first. Every segment of a
    /// drive leads to it ([`find`]), this one for the longest time.
    pub fn face(&self) -> Option<&Segment> {
        let first = self.parts.iter().min_by_key(|part| part.segment.camera);
        first.map(|part| part.segment.as_ref())
    }

    /// When it began, as far as any of its segments knows what time it was.
    pub fn start_utc(&self) -> Option<Timestamp> {
        self.parts.iter().find_map(|part| {
            let span = SignedDuration::try_from(part.at).ok()?;
            part.segment.start?.checked_sub(span).ok()
        })
    }

    /// When it began, from boot on.
    pub fn boot(&self) -> Option<SinceBoot> {
        let number = self.parts.iter().find_map(|part| part.segment.boot)?.number;
        let seconds = self.start.as_secs_f64();
        Some(SinceBoot { number, seconds })
    }

    /// What each camera recorded of it, by letter.
    pub fn cameras(&self) -> Vec<DriveCamera<'_>> {
        DriveCamera::all(self.parts.iter().rev().map(|part| &*part.segment))
    }

    /// How many segments of a class it has.
    pub fn count(&self, class: Class) -> usize {
        let of_class = |part: &&Part| part.segment.class == class;
        self.parts.iter().filter(of_class).count()
    }

    /// Whether one of these segments, which are being recorded, is of it.
    pub fn is_going_on(&self, recorded: &[String]) -> bool {
        let mut parts = self.parts.iter().rev();
        parts.any(|part| {
            part.segment.state == State::Recording && recorded.contains(&part.segment.id)
        })
    }

    fn has(&self, id: &str) -> bool {
        self.parts.iter().any(|part| part.segment.id == id)
    }
}

/// Puts segments together to drives, the newest first. Of a segment whose header is damaged nobody knows when it was:
/// it is in none.
///
/// `length` says how long those are that do not say so themselves, as they are still being recorded.
pub fn drives(segments: &[Arc<Segment>], length: impl Fn(&Segment) -> Duration) -> Vec<Drive> {
    // Each camera of each volume counts on its own.
    let mut lists: HashMap<(Volume, char), Vec<Arc<Segment>>> = HashMap::new();
    for segment in segments.iter().filter(|segment| segment.boot_id.is_some()) {
        let list = lists.entry((segment.volume, segment.camera)).or_default();
        list.push(Arc::clone(segment));
    }
    let mut lists: Vec<_> = lists.into_iter().collect();
    lists.sort_by_key(|&((volume, camera), _)| (volume == Volume::Usb, camera));
    let mut ordered = Vec::with_capacity(lists.len());
    for (_, mut list) in lists {
        list.sort_by_key(|segment| std::cmp::Reverse(segment.sequence));
        ordered.push(list);
    }
    let whole = whole_boots(segments);
    // The newest segment of a boot says where that stands among the others.
    let mut boots: Vec<([u8; 16], Vec<Arc<Segment>>)> = Vec::new();
    let mut places: HashMap<[u8; 16], usize> = HashMap::new();
    for segment in newest_first(ordered, |segment| moment(segment)) {
        let Some(boot) = segment.boot_id else {
            continue;
        };
        let boot = whole.get(&boot).copied().unwrap_or(boot);
        let place = *places.entry(boot).or_insert_with(|| {
            boots.push((boot, Vec::new()));
            boots.len() - 1
        });
        if let Some((_, own)) = boots.get_mut(place) {
            own.push(segment);
        }
    }
    let mut all = Vec::new();
    for (boot, mut own) in boots {
        own.sort_by_key(|segment| (segment.start_boot, segment.camera, segment.sequence));
        let mut of_boot = split(boot, own, &length);
        of_boot.reverse();
        all.append(&mut of_boot);
    }
    all
}

/// A header that was made anew knows the first four bytes of its boot's id alone: which boots those are of, as far as
/// another segment knows.
fn whole_boots(segments: &[Arc<Segment>]) -> HashMap<[u8; 16], [u8; 16]> {
    let known = segments.iter().filter_map(|segment| segment.boot_id);
    let (parts, whole): (HashSet<_>, HashSet<_>) = known.partition(|boot| {
        let [_, _, _, _, rest @ ..] = boot;
        rest.iter().all(|byte| *byte == 0)
    });
    let of = |part: [u8; 16]| {
        let mut named = whole
            .iter()
            .filter(|boot| boot.first_chunk::<4>() == part.first_chunk::<4>());
        named.next().map(|boot| (part, *boot))
    };
    parts.into_iter().filter_map(of).collect()
}

/// The drives of a boot, the oldest first, of its segments in the order of their starts.
fn split(
    boot_id: [u8; 16],
    own: Vec<Arc<Segment>>,
    length: &impl Fn(&Segment) -> Duration,
) -> Vec<Drive> {
    let mut drives: Vec<Drive> = Vec::new();
    for segment in own {
        let own = segment.duration_s.map(Duration::try_from_secs_f64);
        let length = own.and_then(Result::ok).unwrap_or_else(|| length(&segment));
        let goes_on = drives.last_mut().filter(|drive| {
            let end = drive.start + drive.length;
            segment.start_boot.since(end) <= PAUSE
        });
        let part = |start: BootNs, segment: Arc<Segment>| Part {
            at: segment.start_boot.since(start),
            length,
            segment,
        };
        match goes_on {
            Some(drive) => {
                let part = part(drive.start, segment);
                drive.length = drive.length.max(part.end());
                drive.parts.push(part);
            }
            None => drives.push(Drive {
                boot_id,
                start: segment.start_boot,
                length,
                parts: vec![part(segment.start_boot, segment)],
            }),
        }
    }
    drives
}

/// The drive that a segment is of.
pub fn find<'a>(drives: &'a [Drive], id: &str) -> Option<&'a Drive> {
    drives.iter().find(|drive| drive.has(id))
}
