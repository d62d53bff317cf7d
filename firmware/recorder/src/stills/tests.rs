//! When stills are due, and what room they have.

use super::*;

const MB: u64 = 1_000_000;

#[test]
fn they_are_due_until_their_time_is_over_and_none_is_made_up_for() {
    let second = Duration::from_secs(1);
    let plan = StillsPlan {
        every: Some(10 * second),
        lasting: Some(35 * second),
        ..StillsPlan::default()
    };
    let start = Instant::now();
    let at = |seconds: u32| start + seconds * second;
    let next = |due, now| next_due(&plan, Some(at(due)), start, at(now));
    assert_eq!(next(10, 10), Some(at(20)));
    // A card that was slow.
    assert_eq!(next(10, 23), Some(at(33)));
    assert_eq!(next(30, 30), None);
    let for_good = StillsPlan {
        lasting: None,
        ..plan
    };
    assert_eq!(
        next_due(&for_good, Some(at(30)), start, at(30)),
        Some(at(40))
    );
}

#[test]
fn they_take_no_room_of_the_ring() {
    let space = Space {
        total: 1_000 * MB,
        available: 100 * MB,
    };
    // Half of what the ring leaves, and of that what is free.
    let fill = Slots::Fill(Reserve::Percent(4.0));
    let of = |room: StillRoom| (room.most, room.free);
    assert_eq!(of(room(256 * MB, fill, space, 30 * MB)), (20 * MB, 70 * MB));
    let bytes = Slots::Fill(Reserve::Bytes(60 * MB));
    assert_eq!(of(room(256 * MB, bytes, space, 0)), (30 * MB, 100 * MB));
    assert_eq!(of(room(10 * MB, bytes, space, 0)), (10 * MB, 100 * MB));
    // Slots that are counted: as much as is wanted, of what they do not need.
    let free = 100 * MB - 64 * MB - LEFT_FREE;
    assert_eq!(
        of(room(256 * MB, Slots::Count(9), space, 64 * MB)),
        (256 * MB, free)
    );
    assert_eq!(room(256 * MB, Slots::Count(9), space, 99 * MB).free, 0);
}

#[test]
fn the_ring_is_planned_as_if_there_were_none() {
    let dir = tempfile::tempdir().unwrap();
    let space = Space {
        total: 1_000 * MB,
        available: 100 * MB,
    };
    let slots = Slots::Fill(Reserve::Bytes(4_000));
    assert_eq!(lent(dir.path(), slots, space), space);
    let wide = StillRoom { most: MB, free: MB };
    for _ in 0..3 {
        Store::of(dir.path()).add(b'F', &[1; 900], wide).unwrap();
    }
    // Not more than they may take: what somebody else put there under such names is theirs.
    assert_eq!(lent(dir.path(), slots, space).available, 100 * MB + 2_000);
    assert_eq!(
        lent(dir.path(), Slots::Count(9), space).available,
        100 * MB + 2_700
    );
}
