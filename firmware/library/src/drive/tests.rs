//! Drives of made-up lists of segments.

use std::collections::{BTreeMap, HashMap};

use picam_ring::SegmentName;
use picam_time::UtcUs;
use proptest::prelude::*;

use super::book::{Key, key, make_room};
use super::covered::{Said, covering, track, travelled};
use super::positions::{Positions, Way};
use super::*;
use crate::track::TrackPoint;

/// `date -u -d '2026-11-20 11:08:00' +%s`
const NOON: i64 = 1_795_172_880;

/// A finished segment: camera, sequence, boot, start in seconds since that, length.
fn segment(camera: char, sequence: u32, boot: u8, start: f64, length: f64) -> Segment {
    let name = format!("boot00{boot:02}_000000_{camera}N_{sequence:06}.mp4");
    let start_boot = BootNs::ZERO + Duration::from_secs_f64(start);
    Segment {
        boot_id: Some([boot; 16]),
        start_boot,
        boot: Some(SinceBoot {
            number: boot.into(),
            seconds: start,
        }),
        camera_name: Some(camera.to_string()),
        duration_s: Some(length),
        state: State::Finished,
        size: 1000,
        ..Segment::damaged(&SegmentName::parse(&name).unwrap(), 0)
    }
}

fn timed(segment: Segment, seconds: i64) -> Segment {
    Segment {
        start: Timestamp::from_second(NOON + seconds).ok(),
        ..segment
    }
}

/// Minutes of one camera, one behind the other.
fn minutes(camera: char, first: u32, boot: u8, starts: &[f64]) -> Vec<Segment> {
    let numbered = starts.iter().zip(first..);
    numbered
        .map(|(start, n)| segment(camera, n, boot, *start, 60.0))
        .collect()
}

fn all(segments: Vec<Segment>) -> Vec<Drive> {
    let segments: Vec<_> = segments.into_iter().map(Arc::new).collect();
    drives(&segments, |_| Duration::ZERO)
}

/// The ids of each drive's segments, the newest drive first.
fn ids(drives: &[Drive]) -> Vec<Vec<&str>> {
    drives
        .iter()
        .map(|drive| drive.parts.iter().map(|p| p.segment.id.as_str()).collect())
        .collect()
}

#[test]
fn cameras_that_record_side_by_side_are_one_drive() {
    let mut segments = minutes('F', 1, 1, &[10.0, 70.0, 130.0]);
    // It began later, and counts for itself.
    segments.extend(minutes('R', 70, 1, &[40.0, 100.0]));
    let drives = all(segments);
    assert_eq!(
        ids(&drives),
        [["F000001", "R000070", "F000002", "R000071", "F000003"]]
    );
    let drive = &drives[0];
    assert_eq!(drive.length, Duration::from_secs(180));
    assert_eq!(drive.start, BootNs::from_secs(10));
    let at: Vec<_> = drive.parts.iter().map(|part| part.at.as_secs()).collect();
    assert_eq!(at, [0, 30, 60, 90, 120]);
    let cameras: Vec<_> = drive
        .cameras()
        .iter()
        .map(|c| (c.letter, c.name.unwrap().to_owned(), c.segments, c.size))
        .collect();
    assert_eq!(
        cameras,
        [
            ('F', "F".to_owned(), 3, 3000),
            ('R', "R".to_owned(), 2, 2000)
        ]
    );
    assert_eq!(drive.face().unwrap().id, "F000001");
}

#[test]
fn the_face_is_of_the_first_letter_even_if_another_began_before() {
    let mut segments = minutes('F', 5, 1, &[12.0]);
    segments.extend(minutes('R', 5, 1, &[10.0]));
    assert_eq!(all(segments)[0].face().unwrap().id, "F000005");
}

#[test]
fn a_pause_of_more_than_five_minutes_begins_another_drive() {
    for (start, count) in [
        (60.0 + 299.9, 1),
        (60.0 + 300.0, 1),
        (60.0 + 300.1, 2),
        (7200.0, 2),
    ] {
        let drives = all(minutes('F', 1, 1, &[0.0, start]));
        assert_eq!(drives.len(), count, "{start}");
    }
    // As long as any camera records, it is none.
    let mut segments = minutes('F', 1, 1, &[0.0, 600.0]);
    segments.push(segment('R', 1, 1, 0.0, 500.0));
    assert_eq!(all(segments).len(), 1);
    // Also where the long one began first, and another ended within it.
    let segments = vec![
        segment('R', 1, 1, 0.0, 1000.0),
        segment('F', 1, 1, 10.0, 60.0),
        segment('F', 2, 1, 1250.0, 60.0),
    ];
    assert_eq!(all(segments).len(), 1);
}

#[test]
fn another_boot_begins_another_drive_however_soon() {
    let mut segments = minutes('F', 1, 1, &[0.0, 60.0]);
    segments.extend(minutes('F', 3, 2, &[5.0]));
    segments.extend(minutes('R', 1, 1, &[1.0]));
    assert_eq!(
        ids(&all(segments)),
        [vec!["F000003"], vec!["F000001", "R000001", "F000002"]]
    );
}

/// Cameras count for themselves: a new one's numbers say nothing about the boots of another's.
#[test]
fn drives_stand_in_the_order_of_their_boots() {
    let mut segments = minutes('F', 100, 1, &[0.0]);
    segments.extend(minutes('F', 101, 2, &[0.0, 1000.0]));
    segments.extend(minutes('F', 103, 3, &[0.0]));
    segments.extend(minutes('R', 1, 2, &[1.0]));
    segments.extend(minutes('R', 2, 3, &[1.0]));
    assert_eq!(
        ids(&all(segments)),
        [
            vec!["F000103", "R000002"],
            vec!["F000102"],
            vec!["F000101", "R000001"],
            vec!["F000100"],
        ]
    );
}

#[test]
fn card_and_disk_are_one_drive_and_each_counts_on_its_own() {
    let on_disk = |segment: Segment| segment.on(Volume::Usb);
    let mut segments = minutes('F', 900, 1, &[0.0]);
    segments.extend(minutes('F', 1, 1, &[60.0, 120.0]).into_iter().map(on_disk));
    assert_eq!(ids(&all(segments)), [["F000900", "F000001u", "F000002u"]]);
}

#[test]
fn the_time_is_known_as_soon_as_one_segment_knows_it() {
    let mut segments = minutes('F', 1, 1, &[0.0, 60.0, 120.0]);
    let unknown = all(segments.clone());
    assert_eq!(unknown[0].start_utc(), None);
    let boot = unknown[0].boot().unwrap();
    assert_eq!((boot.number, boot.seconds), (1, 0.0));
    segments[2] = timed(segments[2].clone(), 120);
    let start = all(segments)[0].start_utc().unwrap();
    assert_eq!(start.as_second(), NOON);
}

/// The ring has taken the beginning, and all but what was kept of the middle.
#[test]
fn of_a_drive_longer_than_the_ring_what_is_left_is_shown() {
    let kept = Segment {
        class: Class::Event,
        locked: true,
        ..segment('F', 3, 1, 120.0, 60.0)
    };
    let mut segments = vec![kept];
    segments.extend(minutes('F', 60, 1, &[3540.0, 3600.0]));
    let drives = all(segments);
    assert_eq!(ids(&drives), [vec!["F000060", "F000061"], vec!["F000003"]]);
    assert_eq!(drives[0].start, BootNs::from_secs(3540));
    assert_eq!(
        (
            drives[1].count(Class::Event),
            drives[1].count(Class::Normal)
        ),
        (1, 0)
    );
    // Every segment that is left leads to its drive, and one that is gone to none.
    for (id, start) in [
        ("F000061", Some(3540)),
        ("F000003", Some(120)),
        ("F000004", None),
    ] {
        let found = find(&drives, id).map(|drive| drive.start.seconds());
        assert_eq!(found, start, "{id}");
    }
}

#[test]
fn what_is_being_recorded_goes_on_as_far_as_it_is_shown() {
    let growing = |n, boot| Segment {
        state: State::Recording,
        duration_s: None,
        ..segment('F', n, boot, 60.0, 0.0)
    };
    let segments: Vec<_> = [segment('F', 1, 1, 0.0, 60.0), growing(2, 1)]
        .into_iter()
        .map(Arc::new)
        .collect();
    let drives = drives(&segments, |segment| {
        assert_eq!(segment.id, "F000002");
        Duration::from_secs(7)
    });
    assert_eq!(drives[0].length, Duration::from_secs(67));
    assert!(drives[0].is_going_on(&["R000009".into(), "F000002".into()]));
    // Cut off, and not mended yet; or the recorder is silent.
    assert!(!drives[0].is_going_on(&["F000003".into()]));
    assert!(!drives[0].is_going_on(&[]));
    // The recorder is a moment ahead of what was read: what is finished does not go on.
    assert!(!drives[0].is_going_on(&["F000001".into()]));
}

#[test]
fn what_has_no_header_is_in_no_drive() {
    let damaged = |n| {
        let name = format!("20261120_110800_FN_{n:06}.mp4");
        Segment::damaged(&SegmentName::parse(&name).unwrap(), 5)
    };
    assert!(all(vec![damaged(1), damaged(2)]).is_empty());
    let mut segments = minutes('F', 1, 1, &[0.0, 120.0]);
    segments.push(damaged(9));
    assert_eq!(ids(&all(segments)), [["F000001", "F000002"]]);
    assert!(all(Vec::new()).is_empty());
}

#[test]
fn a_header_that_was_made_anew_is_of_the_boot_that_it_knows_the_beginning_of() {
    let anew = |segment: Segment| {
        let mut boot_id = [0; 16];
        boot_id[..4].fill(segment.boot_id.unwrap()[0]);
        Segment {
            boot_id: Some(boot_id),
            camera_name: Some(String::new()),
            ..segment
        }
    };
    let mut segments = minutes('F', 1, 1, &[0.0, 60.0, 120.0]);
    segments[1] = anew(segments[1].clone());
    segments.push(anew(segment('F', 4, 2, 5.0, 60.0)));
    assert_eq!(
        ids(&all(segments)),
        [vec!["F000004"], vec!["F000001", "F000002", "F000003"]]
    );
}

#[test]
fn numbers_that_make_no_sense_are_borne() {
    for length in [f64::NAN, f64::INFINITY, -1.0, 1e300, 0.0] {
        let drives = all(vec![
            segment('F', 1, 1, 0.0, length),
            segment('F', 2, 1, 30.0, 60.0),
        ]);
        assert_eq!(drives.len(), 1, "{length}");
    }
    let late = Segment {
        start_boot: BootNs::MAX,
        ..timed(segment('F', 2, 1, 0.0, 1e9), 0)
    };
    let drives = all(vec![segment('F', 1, 1, 0.0, 60.0), late]);
    assert_eq!(drives.len(), 2);
    assert!(drives[0].start_utc().is_some());
}

/// A fix each second along a meridian, at a speed.
fn along(start: f64, seconds: std::ops::Range<u32>, speed: f64) -> Said {
    let points = seconds.map(|second| {
        let at = BootNs::ZERO + Duration::from_secs(second.into());
        let metres = speed * f64::from(second);
        (at, point(48.0 + metres / 111_194.93, 11.0, Some(speed)))
    });
    let start = BootNs::ZERO + Duration::from_secs_f64(start);
    Said::new(Positions::new(start, points))
}

fn point(latitude: f64, longitude: f64, speed: Option<f64>) -> TrackPoint {
    TrackPoint {
        utc: Some(UtcUs::from_secs(NOON)),
        latitude,
        longitude,
        altitude: None,
        motion: speed.map(|speed| (speed, 0.0)),
        accuracy: None,
    }
}

type Told<'a> = Vec<(&'a str, Said)>;

fn told(drive: &Drive, told: Told<'_>) -> (Travelled, Vec<f64>) {
    let told: HashMap<_, _> = told.into_iter().collect();
    let said = |part: &Part| told.get(part.segment.id.as_str());
    let at = track(drive, said, 1000)
        .into_iter()
        .map(|fix| fix.at.as_secs_f64());
    (travelled(drive, said), at.collect())
}

#[test]
fn one_camera_tells_the_way_and_others_only_what_it_did_not_see() {
    let mut segments = minutes('F', 1, 1, &[0.0, 60.0, 180.0]);
    segments.extend(minutes('R', 1, 1, &[1.0, 61.0, 121.0, 181.0]));
    // The rear camera has more; the front one only what came before it.
    let drives = all(segments);
    let read: Vec<_> = covering(&drives[0]);
    let read: Vec<_> = read
        .iter()
        .map(|(part, _)| part.segment.id.as_str())
        .collect();
    assert_eq!(read, ["R000001", "R000002", "R000003", "R000004"]);
    // Two of the same length: the first letter, and the other in its gap.
    let mut segments = minutes('F', 1, 1, &[0.0, 60.0, 180.0]);
    segments.extend(minutes('R', 1, 1, &[1.0, 61.0, 121.0]));
    let drives = all(segments);
    let read: Vec<_> = covering(&drives[0])
        .iter()
        .map(|(part, from)| (part.segment.id.clone(), from.seconds()))
        .collect();
    assert_eq!(
        read,
        [
            ("F000001", 0),
            ("F000002", 60),
            ("R000003", 121),
            ("F000003", 181)
        ]
        .map(|(id, from)| (id.to_owned(), from))
    );
}

#[test]
fn distance_and_top_speed_go_over_the_joints() {
    let drives = all(minutes('F', 1, 1, &[0.0, 60.0, 120.0]));
    let segments = || {
        vec![
            ("F000001", along(0.0, 0..60, 10.0)),
            ("F000002", along(60.0, 60..120, 20.0)),
        ]
    };
    let (way, _) = told(&drives[0], segments());
    // The last has not been read yet.
    assert!(!way.complete);
    assert_eq!(way.top_speed, Some(20.0));
    // 590 m, then a leap from 590 to 1200 m in a second, and 1180 m.
    assert!(
        (way.distance_m.unwrap() - (590.0 + 610.0 + 1180.0)).abs() < 6.0,
        "{way:?}"
    );
    let mut all_of_it = segments();
    all_of_it.push(("F000003", Said::default()));
    let (way, at) = told(&drives[0], all_of_it);
    assert!(way.complete && way.distance_m.is_some());
    assert_eq!(at.len(), 120);
    assert!(at.is_sorted());
}

#[test]
fn without_positions_there_is_no_distance_and_nothing_to_wait_for() {
    let drives = all(minutes('F', 1, 1, &[0.0]));
    let (way, at) = told(&drives[0], vec![("F000001", Said::default())]);
    assert_eq!(
        (way.distance_m, way.top_speed, way.complete),
        (None, None, true)
    );
    assert!(at.is_empty());
    let (way, _) = told(&drives[0], vec![]);
    assert_eq!((way.distance_m, way.complete), (None, false));
}

#[test]
fn overlapping_segments_of_two_cameras_tell_their_way_once() {
    // The front camera went away at 60 s, the rear one's segment began at 30 s.
    let segments = vec![
        segment('F', 1, 1, 0.0, 60.0),
        segment('R', 1, 1, 30.0, 60.0),
    ];
    let drives = all(segments);
    let (way, at) = told(
        &drives[0],
        vec![
            ("F000001", along(0.0, 0..60, 10.0)),
            ("R000001", along(30.0, 30..90, 10.0)),
        ],
    );
    assert!((way.distance_m.unwrap() - 890.0).abs() < 6.0, "{way:?}");
    assert_eq!(at.len(), 90);
}

#[test]
fn a_gap_in_the_fixes_is_not_driven_across() {
    let drives = all(minutes('F', 1, 1, &[0.0, 60.0]));
    let (way, _) = told(
        &drives[0],
        vec![
            ("F000001", along(0.0, 0..20, 10.0)),
            ("F000002", along(60.0, 100..120, 10.0)),
        ],
    );
    assert!((way.distance_m.unwrap() - 380.0).abs() < 6.0, "{way:?}");
}

#[test]
fn a_car_that_stands_goes_nowhere_and_one_wild_speed_is_no_top_speed() {
    let wander = (0..600_u32).map(|n| {
        let off = f64::from(n % 3) * 1e-5;
        let speed = if n == 300 { 70.0 } else { 0.2 };
        let at = BootNs::ZERO + Duration::from_secs(n.into());
        (at, point(48.0 + off, 11.0, Some(speed)))
    });
    let said = Said::new(Positions::new(BootNs::ZERO, wander));
    assert!(said.way.metres < 10.0, "{:?}", said.way);
    assert_eq!(said.way.top, Some(0.2));
}

#[test]
fn a_fix_a_second_is_kept_to_a_centimetre() {
    let points = (0..100_u32).map(|n| {
        let at = BootNs::from_secs(5) + Duration::from_millis(u64::from(n) * 100);
        (at, point(-33.123_456_7, 179.999_999_9, None))
    });
    let kept = Positions::new(BootNs::from_secs(5), points);
    let fixes: Vec<_> = kept.fixes().collect();
    assert!((10..=12).contains(&fixes.len()), "{}", fixes.len());
    assert!((fixes[0].latitude + 33.123_456_7).abs() < 1e-7);
    assert!((fixes[0].longitude - 179.999_999_9).abs() < 1e-7);
    assert_eq!(fixes[0].speed, None);
    // Over the line where the date changes it is no way around the world.
    let over = [179.9999, -179.9999].map(|longitude| (0.0, longitude));
    assert!((crate::track::metres(over[0], over[1]) - 22.24).abs() < 0.1);
    // And no speed is too high to be kept.
    let fast = Positions::new(BootNs::ZERO, [(BootNs::ZERO, point(0.0, 0.0, Some(1e9)))]);
    assert_eq!(fast.fixes().next().unwrap().speed, Some(655.34));
}

#[test]
fn what_is_known_of_drives_that_nobody_looks_at_makes_room_for_those_that_are() {
    let drives = all([
        minutes('F', 1, 1, &[0.0, 60.0]),
        minutes('F', 3, 2, &[0.0, 60.0]),
    ]
    .concat());
    let keys = |drive: &Drive| {
        let parts = drive.parts().iter();
        parts
            .map(|part| key(&part.segment).unwrap())
            .collect::<Vec<_>>()
    };
    let mut said: HashMap<Key, Arc<Said>> = HashMap::new();
    let [new, old] = &drives[..] else { panic!() };
    for key in [keys(new), keys(old)[..1].to_vec()].concat() {
        said.insert(key, Arc::new(along(0.0, 0..2, 1.0)));
    }
    assert!(make_room(&mut said, &[new], 4));
    assert_eq!(said.len(), 3);
    // Full: the other drive's go.
    assert!(make_room(&mut said, &[old], 3));
    assert_eq!(said.keys().collect::<Vec<_>>(), [&keys(old)[0]]);
    // What is looked at is never given up for itself.
    assert!(!make_room(&mut said, &[new, old], 1));
    assert_eq!(said.len(), 1);
}

#[test]
fn a_long_track_is_thinned_and_keeps_its_ends() {
    let drives = all(vec![segment('F', 1, 1, 0.0, 600.0)]);
    let said = along(0.0, 0..600, 10.0);
    let thinned = track(&drives[0], |_| Some(&said), 100);
    assert!((100..=101).contains(&thinned.len()), "{}", thinned.len());
    assert_eq!(thinned[0].at.seconds(), 0);
    assert_eq!(thinned.last().unwrap().at.seconds(), 599);
    assert!(Way::of(thinned).metres > 5900.0);
}

proptest! {
    /// Every readable segment is in one drive; no pause within one is longer than it may be, and between two of a boot
    /// every one is.
    #[test]
    fn every_segment_is_in_one_drive(
        made in proptest::collection::vec((0_u8..3, 1_u8..4, 0_u32..4000, 0_u32..400), 0..60),
    ) {
        let mut sequences = BTreeMap::new();
        let segments: Vec<_> = made
            .iter()
            .map(|&(camera, boot, start, length)| {
                let camera = char::from(b'A' + camera);
                let sequence = sequences.entry(camera).or_insert(0_u32);
                *sequence += 1;
                Arc::new(segment(camera, *sequence, boot, start.into(), length.into()))
            })
            .collect();
        let drives = drives(&segments, |_| Duration::ZERO);
        let mut found: Vec<_> = ids(&drives).concat();
        let mut given: Vec<_> = segments.iter().map(|s| s.id.as_str()).collect();
        found.sort_unstable();
        given.sort_unstable();
        prop_assert_eq!(found, given);
        let mut last_end: HashMap<[u8; 16], BootNs> = HashMap::new();
        for drive in drives.iter().rev() {
            if let Some(end) = last_end.insert(drive.boot_id, drive.start + drive.length) {
                prop_assert!(drive.start.since(end) > PAUSE);
            }
            let mut end = Duration::ZERO;
            for part in drive.parts() {
                prop_assert_eq!(part.segment.boot_id, Some(drive.boot_id));
                prop_assert!(part.at.saturating_sub(end) <= PAUSE);
                end = end.max(part.end());
            }
            prop_assert_eq!(end, drive.length);
            prop_assert_eq!(find(&drives, &drive.face().unwrap().id), Some(drive));
            // What is read to know the way is in order, and each of it is needed.
            let covering = covering(drive);
            prop_assert!(covering.is_sorted_by_key(|(part, _)| part.at));
        }
    }
}
