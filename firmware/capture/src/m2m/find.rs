//! Which node is an encoder: by what it says of itself. Numbers of nodes move between boards.

use std::fs;
use std::path::{Path, PathBuf};

use super::ioctl::Node;
use super::plan::{PI_CARD, Wanted, YU12, refuses};

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Name of its driver.
    pub driver: String,
    /// Name of the device.
    pub card: String,
    /// Whether it is a codec of several planes that streams.
    pub is_multi_planar: bool,
    /// Formats that go in, four characters each.
    pub takes: Vec<[u8; 4]>,
    /// Formats that come out.
    pub gives: Vec<[u8; 4]>,
}

/// An encoder that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its node.
    pub path: PathBuf,
    /// What it says.
    pub facts: Facts,
}

impl Facts {
    /// Whether it makes `coded` of pictures as they are handed to it.
    pub fn encodes(&self, coded: [u8; 4]) -> bool {
        self.is_multi_planar && self.takes.contains(&YU12) && self.gives.contains(&coded)
    }
}

/// All encoders of this machine that make `coded`, the Raspberry Pi's first. Opens every node of Video4Linux, so that it
/// may hang as long as one of their drivers does.
pub fn encoders(coded: [u8; 4]) -> Vec<Found> {
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut nodes: Vec<_> = entries.filter_map(|entry| number(&entry.path())).collect();
    nodes.sort_unstable();
    let facts = |(_, path): (u32, PathBuf)| {
        let facts = Node::open(&path).and_then(|node| node.facts()).ok()?;
        Some(Found { path, facts })
    };
    let mut found: Vec<_> = nodes
        .into_iter()
        .filter_map(facts)
        .filter(|found| found.facts.encodes(coded))
        .collect();
    found.sort_by_key(|found| found.facts.card != PI_CARD);
    found
}

fn number(path: &Path) -> Option<(u32, PathBuf)> {
    let number = path.file_name()?.to_str()?.strip_prefix("video")?;
    Some((number.parse().ok()?, path.to_owned()))
}

/// The first that can take such pictures, or why there is none.
///
/// # Errors
/// In words for people.
pub fn choose(found: Vec<Found>, wanted: &Wanted) -> Result<Found, String> {
    let mut reasons = Vec::new();
    for found in found {
        match refuses(wanted, &found.facts.card) {
            None => return Ok(found),
            Some(why) => reasons.push(format!("{}: {why}", found.facts.card)),
        }
    }
    Err(match reasons.is_empty() {
        true => "this board has no encoder in hardware".to_owned(),
        false => reasons.join("; "),
    })
}

#[cfg(test)]
mod tests {
    use picam_media::Colour;

    use super::super::plan::H264;
    use super::*;

    fn facts(card: &str, takes: &[[u8; 4]], gives: &[[u8; 4]]) -> Facts {
        Facts {
            driver: "bcm2835-codec".to_owned(),
            card: card.to_owned(),
            is_multi_planar: true,
            takes: takes.to_vec(),
            gives: gives.to_vec(),
        }
    }

    #[test]
    fn only_encoders_are_taken_for_encoders() {
        assert!(facts(PI_CARD, &[YU12, *b"NV12"], &[H264]).encodes(H264));
        assert!(!facts("bcm2835-codec-decode", &[H264], &[YU12]).encodes(H264));
        assert!(!facts("bcm2835-codec-isp", &[YU12], &[YU12]).encodes(H264));
        assert!(!facts("bcm2835-codec-encode_image", &[YU12], &[*b"JPEG"]).encodes(H264));
        let camera = Facts {
            is_multi_planar: false,
            ..facts("camera", &[YU12], &[H264])
        };
        assert!(!camera.encodes(H264));
        assert_eq!(number(Path::new("/dev/video11")).unwrap().0, 11);
        assert_eq!(number(Path::new("/dev/videoX")), None);
    }

    #[test]
    fn one_that_cannot_take_the_pictures_is_passed_over_with_its_reason() {
        let wanted = Wanted {
            width: 2304,
            height: 1296,
            fps: 30,
            bitrate: 8_000_000,
            gop: 30,
            coded: H264,
            colour: Colour::Bt709,
        };
        let found = |card: &str| Found {
            path: PathBuf::from("/dev/video11"),
            facts: facts(card, &[YU12], &[H264]),
        };
        let why = choose(vec![found(PI_CARD)], &wanted).unwrap_err();
        assert!(why.contains(PI_CARD) && why.contains("1920"), "{why}");
        let other = choose(vec![found(PI_CARD), found("other")], &wanted).unwrap();
        assert_eq!(other.facts.card, "other");
        assert!(
            choose(Vec::new(), &wanted)
                .unwrap_err()
                .contains("no encoder")
        );
    }
}
