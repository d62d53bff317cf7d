//! Every short stream, cut everywhere: what is stored can be decoded, and nothing is lost that need not be.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use picam_media::{
    Codec, Joint, JointPolicy, Leading, ParameterSets, Place, Rotation, Start, UnitFacts,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Idr,
    /// Shown as soon as it is decoded.
    BareCra,
    /// Shown later: others may lead it.
    Cra,
    Rasl,
    Radl,
    Trail,
}
use Kind::{BareCra, Cra, Idr, Radl, Rasl, Trail};

const KINDS: [Kind; 6] = [Idr, BareCra, Cra, Rasl, Radl, Trail];
const WISHES: [Rotation; 3] = [Rotation::Stay, Rotation::Soon, Rotation::Now];

impl Kind {
    fn start(self) -> Start {
        match self {
            Idr => Start::Idr,
            BareCra | Cra => Start::Cra,
            _ => Start::None,
        }
    }

    fn leading(self) -> Leading {
        match self {
            Rasl => Leading::Skipped,
            Radl => Leading::Decodable,
            _ => Leading::No,
        }
    }
}

/// Whether an encoder may send this: leading pictures right behind their start, and a start first.
fn is_valid(stream: &[Kind]) -> bool {
    stream[0].start().is_start()
        && stream.windows(2).all(|w| match w[1] {
            Rasl => matches!(w[0], Cra | Rasl | Radl),
            Radl => matches!(w[0], Idr | Cra | Rasl | Radl),
            _ => true,
        })
        // Idr Radl Rasl would be none.
        && (0..stream.len()).all(|n| stream[n] != Rasl || stream[start_of(stream, n)] == Cra)
}

fn start_of(stream: &[Kind], n: usize) -> usize {
    (0..=n)
        .rev()
        .find(|&m| stream[m].start().is_start())
        .unwrap()
}

/// What unit `n` refers to.
fn references(stream: &[Kind], n: usize) -> Vec<usize> {
    let start = start_of(stream, n);
    let shown_in_order =
        |from: usize, to: usize| (from..to).filter(|&m| stream[m].leading() == Leading::No);
    match stream[n] {
        Idr | BareCra | Cra => vec![],
        Radl => vec![start],
        Trail => shown_in_order(start, n).collect(),
        Rasl => {
            let before = start.checked_sub(1).map(|before| start_of(stream, before));
            shown_in_order(before.unwrap_or(start), start + 1).collect()
        }
    }
}

/// Units of a segment that can be decoded from it alone.
fn decodable(stream: &[Kind], segment: &[usize]) -> Vec<usize> {
    let mut decoded = Vec::new();
    for &n in segment {
        if references(stream, n).iter().all(|m| decoded.contains(m)) {
            decoded.push(n);
        }
    }
    decoded
}

/// What became of a stream.
#[derive(Default)]
struct Card {
    segments: Vec<Vec<usize>>,
    lost: Vec<usize>,
    copy: Option<usize>,
    open: bool,
}

impl Card {
    fn follow(&mut self, n: usize, place: Place) {
        if place == Place::AppendAndCopy {
            self.copy = Some(n);
        }
        match place {
            Place::Append | Place::AppendAndCopy => self.segments.last_mut().unwrap().push(n),
            Place::Begin => self.segments.push(vec![n]),
            Place::BeginWithCopy => self.segments.push(vec![self.copy.take().unwrap(), n]),
            Place::Undecodable => self.lost.push(n),
        }
        if place != Place::Undecodable {
            self.open = true;
        }
    }
}

fn facts<'a>(stream: &[Kind], n: usize, sets: &'a Arc<ParameterSets>) -> UnitFacts<'a> {
    let dts = n as i64 * 3000;
    UnitFacts {
        start: stream[n].start(),
        leading: stream[n].leading(),
        dts,
        pts: if stream[n] == BareCra {
            dts
        } else {
            dts + 9000
        },
        epoch: 0,
        len: 100,
        sets,
        lost_before: false,
    }
}

fn some_sets(pps: u8, sps: u8) -> Arc<ParameterSets> {
    Arc::new(ParameterSets {
        codec: Codec::H265,
        vps: vec![],
        sps: vec![vec![sps]],
        pps: vec![vec![pps]],
        width: 16,
        height: 16,
        frame_ticks: None,
    })
}

/// Calls `test` with every valid stream of `len` units and every row of `len` choices below `choices`.
fn every(len: u32, choices: usize, mut test: impl FnMut(&[Kind], &[usize])) -> usize {
    let digits = |mut number: usize, base: usize| -> Vec<usize> {
        let mut out = Vec::new();
        for _ in 0..len {
            out.push(number % base);
            number /= base;
        }
        out
    };
    let mut streams = 0;
    for stream in 0..KINDS.len().pow(len) {
        let stream: Vec<_> = digits(stream, KINDS.len())
            .iter()
            .map(|&k| KINDS[k])
            .collect();
        if !is_valid(&stream) {
            continue;
        }
        streams += 1;
        for row in 0..choices.pow(len) {
            test(&stream, &digits(row, choices));
        }
    }
    streams
}

#[test]
fn a_stream_that_begins_with_a_start_loses_nothing_wherever_it_is_cut() {
    let sets = some_sets(0, 0);
    for len in 1..=5 {
        let streams = every(len, WISHES.len(), |stream, wishes| {
            let mut policy = JointPolicy::default();
            let mut card = Card::default();
            for n in 0..stream.len() {
                let rotation = if card.open {
                    WISHES[wishes[n]]
                } else {
                    Rotation::First
                };
                let joint = policy.next(&facts(stream, n, &sets), rotation);
                assert!(!joint.sets_in_band, "{stream:?} {wishes:?}");
                card.follow(n, joint.place);
            }
            let context = || format!("{stream:?} {wishes:?} {:?} {:?}", card.segments, card.lost);
            // What leads the very first start refers to what came before the stream.
            let first = start_of(stream, 0);
            let leads_first = |n: usize| stream[n] == Rasl && start_of(stream, n) == first;
            for segment in &card.segments {
                assert_eq!(&decodable(stream, segment), segment, "{}", context());
                assert!(stream[segment[0]].start().is_start(), "{}", context());
            }
            for n in 0..stream.len() {
                let stored = card.segments.iter().flatten().any(|&m| m == n);
                assert_eq!(stored, !leads_first(n), "{n}: {}", context());
                assert_eq!(card.lost.contains(&n), leads_first(n), "{n}: {}", context());
            }
            // Only a start before a joint is stored twice.
            let stored: usize = card.segments.iter().map(Vec::len).sum();
            let twice = stored + card.lost.len() - stream.len();
            assert!(twice < card.segments.len().max(1), "{}", context());
        });
        assert!(streams > 0);
    }
}

#[test]
fn a_wish_for_now_is_granted_at_every_start() {
    let sets = some_sets(0, 0);
    every(5, 1, |stream, _| {
        let mut policy = JointPolicy::default();
        let mut card = Card::default();
        for n in 0..stream.len() {
            let rotation = if card.open {
                Rotation::Now
            } else {
                Rotation::First
            };
            card.follow(n, policy.next(&facts(stream, n, &sets), rotation).place);
        }
        let starts: Vec<_> = (0..stream.len())
            .filter(|&n| stream[n].start().is_start())
            .collect();
        // A start that others may lead begins its segment once a picture that does not lead has come.
        let settled = starts.iter().filter(|&&n| {
            let follows = stream[n + 1..].iter().find(|k| k.leading() == Leading::No);
            n == starts[0] || stream[n] != Cra || follows == Some(&Trail)
        });
        assert_eq!(
            card.segments.len(),
            settled.count(),
            "{stream:?} {:?}",
            card.segments
        );
    });
}

/// What may befall a unit besides.
const FATES: [&str; 4] = ["stay", "now", "full", "lost before"];

#[test]
fn whatever_is_lost_on_the_way_nothing_undecodable_is_stored_and_all_the_rest_is() {
    let sets = some_sets(0, 0);
    every(5, FATES.len(), |stream, fates| {
        let mut policy = JointPolicy::default();
        let mut card = Card::default();
        for n in 0..stream.len() {
            let fate = FATES[fates[n]];
            // A queue that lost something loses all up to the next start.
            if fate == "lost before" && !stream[n].start().is_start() {
                return;
            }
            let rotation = match fate {
                _ if !card.open => Rotation::First,
                "now" => Rotation::Now,
                _ => Rotation::Stay,
            };
            let mut unit = facts(stream, n, &sets);
            unit.lost_before = fate == "lost before";
            let Joint { place, .. } = policy.next(&unit, rotation);
            let appends = matches!(place, Place::Append | Place::AppendAndCopy);
            if fate == "full" && appends {
                if place == Place::AppendAndCopy {
                    card.copy = Some(n);
                }
                card.lost.push(n);
                card.open = false;
                policy.full();
            } else {
                card.follow(n, place);
            }
        }
        let context = || format!("{stream:?} {fates:?} {:?} {:?}", card.segments, card.lost);
        for segment in &card.segments {
            assert_eq!(&decodable(stream, segment), segment, "{}", context());
        }
        for n in 0..stream.len() {
            let stored = card.segments.iter().flatten().any(|&m| m == n);
            // A start may be lost to the old segment and begin the new one.
            assert!(stored || card.lost.contains(&n), "{n}: {}", context());
        }
    });
}

fn next(
    policy: &mut JointPolicy,
    kind: Kind,
    n: i64,
    sets: &Arc<ParameterSets>,
    rotation: Rotation,
) -> Joint {
    let unit = UnitFacts {
        dts: n * 3000,
        pts: n * 3000 + 9000,
        ..facts(&[kind], 0, sets)
    };
    policy.next(&unit, rotation)
}

#[test]
fn sets_that_change_go_in_band_until_the_next_start_begins_a_segment_with_them() {
    let (a, b) = (some_sets(0, 0), some_sets(1, 0));
    let mut policy = JointPolicy::default();
    let mut step = |kind, n, sets, rotation| {
        let joint = next(&mut policy, kind, n, sets, rotation);
        (joint.place, joint.sets_in_band)
    };
    assert_eq!(step(Idr, 0, &a, Rotation::First), (Place::Begin, false));
    assert_eq!(step(Trail, 1, &a, Rotation::Stay), (Place::Append, false));
    assert_eq!(step(Trail, 2, &b, Rotation::Stay), (Place::Append, true));
    assert_eq!(step(Trail, 3, &b, Rotation::Stay), (Place::Append, false));
    // There and back again.
    assert_eq!(step(Trail, 4, &a, Rotation::Stay), (Place::Append, true));
    assert_eq!(step(Idr, 5, &a, Rotation::Stay), (Place::Append, false));
    assert_eq!(step(Trail, 6, &b, Rotation::Stay), (Place::Append, true));
    assert_eq!(step(Idr, 7, &b, Rotation::Stay), (Place::Begin, false));
    // Other picture parameters at an open start: what leads it needs them in the old segment.
    assert_eq!(
        step(Cra, 8, &a, Rotation::Stay),
        (Place::AppendAndCopy, true)
    );
    assert_eq!(step(Rasl, 9, &a, Rotation::Stay), (Place::Append, false));
    assert_eq!(
        step(Trail, 10, &b, Rotation::Stay),
        (Place::BeginWithCopy, true)
    );
    assert_eq!(step(Trail, 11, &b, Rotation::Stay), (Place::Append, false));
    // Another sequence refers to nothing before.
    let c = some_sets(0, 1);
    assert_eq!(step(Cra, 12, &c, Rotation::Stay), (Place::Begin, false));
    assert_eq!(
        step(Rasl, 13, &c, Rotation::Stay),
        (Place::Undecodable, false)
    );
}

#[test]
fn a_long_segment_waits_for_an_idr_that_comes_in_time_and_for_no_other() {
    let sets = some_sets(0, 0);
    for (interval, waits) in [(30, true), (290, true), (310, false)] {
        let mut policy = JointPolicy::default();
        next(&mut policy, Idr, 0, &sets, Rotation::First);
        next(&mut policy, Idr, interval, &sets, Rotation::Stay);
        let cra = next(&mut policy, Cra, interval + 5, &sets, Rotation::Soon);
        let expected = if waits {
            Place::Append
        } else {
            Place::AppendAndCopy
        };
        assert_eq!(cra.place, expected, "{interval}");
    }
    // One that does not come is not waited for again and again.
    let mut policy = JointPolicy::default();
    next(&mut policy, Idr, 0, &sets, Rotation::First);
    next(&mut policy, Idr, 30, &sets, Rotation::Stay);
    assert_eq!(
        next(&mut policy, Cra, 59, &sets, Rotation::Soon).place,
        Place::Append
    );
    assert_eq!(
        next(&mut policy, Cra, 60, &sets, Rotation::Soon).place,
        Place::AppendAndCopy
    );
    // And where the segment is full, none is.
    let mut policy = JointPolicy::default();
    next(&mut policy, Idr, 0, &sets, Rotation::First);
    next(&mut policy, Idr, 30, &sets, Rotation::Stay);
    assert_eq!(
        next(&mut policy, Cra, 35, &sets, Rotation::Now).place,
        Place::AppendAndCopy
    );
}

#[test]
fn a_new_epoch_goes_on_in_the_segment_and_what_leads_it_is_lost() {
    let sets = some_sets(0, 0);
    let mut policy = JointPolicy::default();
    let mut step = |kind, epoch| {
        let unit = UnitFacts {
            epoch,
            ..facts(&[kind], 0, &sets)
        };
        policy
            .next(
                &unit,
                if epoch == 0 {
                    Rotation::First
                } else {
                    Rotation::Stay
                },
            )
            .place
    };
    assert_eq!(step(Idr, 0), Place::Begin);
    assert_eq!(step(Cra, 1), Place::Append);
    assert_eq!(step(Rasl, 1), Place::Undecodable);
    assert_eq!(step(Radl, 1), Place::Append);
    assert_eq!(step(Trail, 1), Place::Append);
    // An epoch that does not begin with a start has nothing to refer to.
    assert_eq!(step(Trail, 2), Place::Undecodable);
    assert_eq!(step(Trail, 2), Place::Undecodable);
    assert_eq!(step(Idr, 2), Place::Append);
}

#[test]
fn a_key_frame_is_asked_for_once_a_second_while_one_is_wanted() {
    let sets = some_sets(0, 0);
    let mut policy = JointPolicy::default();
    let mut asked = Vec::new();
    for n in 0..100 {
        let (kind, rotation) = match n {
            0 => (Idr, Rotation::First),
            1..=10 => (Trail, Rotation::Stay),
            _ => (Trail, Rotation::Soon),
        };
        if next(&mut policy, kind, n, &sets, rotation).ask_key_frame {
            asked.push(n);
        }
    }
    assert_eq!(asked, [11, 41, 71]);
    let begins = next(&mut policy, Idr, 100, &sets, Rotation::Soon);
    assert_eq!((begins.place, begins.ask_key_frame), (Place::Begin, false));
    // Lost on the way to the card: the next start is needed at once.
    policy.lost();
    let after = next(&mut policy, Trail, 101, &sets, Rotation::Stay);
    assert_eq!(
        (after.place, after.ask_key_frame),
        (Place::Undecodable, true)
    );
}
