//! Times of damaged fragments: kept where they can be, else as the neighbours leave room.

use super::*;
use crate::recover::moof::Part;
use crate::recover::times::settle;
use crate::recover::walk::Piece;
use crate::tables::TableSample;

/// Ten seconds on the clock of the pictures.
const LONGEST: u32 = 900_000;

/// Whether it is intact, when it begins, and duration and composition offset of each picture.
type Times = (bool, u64, [(u32, u32); 4]);

fn pieces(times: &[Times], track: usize) -> Vec<Piece> {
    let piece = |&(intact, base_dts, samples): &Times| Piece {
        at: 0,
        end: 0,
        index: 0,
        count: 1,
        record: None,
        intact,
        parts: Some(vec![Part {
            track,
            offset: 0,
            base_dts,
            samples: samples
                .map(|(duration, composition_offset)| TableSample {
                    size: 1,
                    duration,
                    composition_offset,
                    key: false,
                })
                .to_vec(),
        }]),
    };
    times.iter().map(piece).collect()
}

fn settled(times: &[Times], track: usize, zero: u64) -> Vec<Times> {
    let mut pieces = pieces(times, track);
    let tracks = vec![TrackConfig::video(Vec::new(), 64, 48); 2];
    settle(&mut pieces, &tracks, zero);
    let times = |piece: &Piece| {
        let part = &piece.parts.as_ref().unwrap()[0];
        let samples = part.samples.iter();
        let samples: Vec<_> = samples
            .map(|s| (s.duration, s.composition_offset))
            .collect();
        (piece.intact, part.base_dts, samples.try_into().unwrap())
    };
    pieces.iter().map(times).collect()
}

const fn each(duration: u32) -> [(u32, u32); 4] {
    [(duration, 0); 4]
}

const fn last(duration: u32) -> [(u32, u32); 4] {
    [(3000, 0), (3000, 0), (3000, 0), (duration, 0)]
}

#[test]
fn between_its_neighbours_a_damaged_fragment_finds_its_place() {
    let (before, after) = ((true, 0, each(3000)), (true, 24_000, each(3000)));
    for (said, is) in [
        ((12_000, each(3000)), (12_000, each(3000))),
        ((11_999, each(3000)), (12_000, each(3000))),
        ((13_000, each(2500)), (13_000, each(2500))),
        // The last picture begins with the next fragment, or after it.
        ((15_000, each(3000)), (15_000, each(3000))),
        ((15_001, each(3000)), (15_001, each(2249))),
        ((18_000, each(4000)), (18_000, each(1500))),
        ((24_000, each(3000)), (24_000, each(0))),
        ((24_001, each(3000)), (12_000, each(3000))),
        ((12_000, last(LONGEST)), (12_000, last(LONGEST))),
        ((12_000, last(LONGEST + 1)), (12_000, each(3000))),
    ] {
        let times = [before, (false, said.0, said.1), after];
        let expected = [before, (false, is.0, is.1), after];
        assert_eq!(settled(&times, 0, 0), expected, "{said:?}");
    }
    // No picture is shown for longer than the one before only because there is room.
    let after = (true, 48_000, each(3000));
    let times = [before, (false, 12_000, last(LONGEST + 1)), after];
    assert_eq!(settled(&times, 0, 0)[1], (false, 12_000, each(3000)));
}

#[test]
fn the_last_fragment_follows_the_one_before_it() {
    let before = (true, 0, each(3000));
    let longest = u64::from(LONGEST);
    for (said, is) in [
        (
            (12_000 + longest, each(3000)),
            (12_000 + longest, each(3000)),
        ),
        ((12_001 + longest, each(3000)), (12_000, each(3000))),
        ((12_000, each(LONGEST)), (12_000, each(LONGEST))),
        ((12_000, each(LONGEST + 1)), (12_000, each(3000))),
    ] {
        let times = [before, (false, said.0, said.1)];
        let expected = [before, (false, is.0, is.1)];
        assert_eq!(settled(&times, 0, 0), expected, "{said:?}");
    }
    // Alone, it has 30 pictures a second.
    let alone = settled(&[(false, 0, each(LONGEST + 1))], 0, 0);
    assert_eq!(alone, [(false, 0, each(3000))]);
}

#[test]
fn pictures_of_a_damaged_fragment_are_shown_and_not_too_late() {
    let with = |offsets: [u32; 4]| offsets.map(|offset| (3000, offset));
    let shown = |offsets, track, zero| settled(&[(false, 0, with(offsets))], track, zero)[0].2;
    // None before the presentation begins.
    assert_eq!(shown([0; 4], 0, 6000), with([6000, 3000, 0, 0]));
    assert_eq!(shown([9000; 4], 0, 6000), with([9000; 4]));
    assert_eq!(shown([LONGEST; 4], 0, 6000), with([LONGEST; 4]));
    assert_eq!(shown([LONGEST + 1; 4], 0, 6000), with([6000; 4]));
    // Other tracks have no such beginning; what is intact stays as it is.
    assert_eq!(shown([0; 4], 1, 6000), with([0; 4]));
    let intact = [(true, 0, with([0; 4])), (true, 5, with([LONGEST + 1; 4]))];
    assert_eq!(settled(&intact, 0, 6000), intact);
}
