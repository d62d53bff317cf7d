//! What is said of a segment, and recovery that is cut off.

use super::*;

#[test]
fn recovery_can_be_cut_off_anywhere_and_begun_again() {
    let damages: [fn(&mut Slot); 6] = [
        |_| {},
        |slot| slot.zero(0, 512),
        |slot| slot.zero(u64::from(HEAD_LEN) + 4096, 4096),
        |slot| slot.flip(u64::from(HEAD_LEN) + 300),
        |slot| slot.zero(32, 4),
        |slot| slot.zero(600, 2000),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        for good in [finished(), cut_off()] {
            let mut damaged = good.clone();
            damage(&mut damaged);
            let before = damaged.pictures();
            let mut done = damaged.clone();
            mend(&mut done, &Help::NONE).unwrap();
            for most in 0..done.steps.len() {
                let mut slot = damaged.clone();
                slot.most = most;
                let _ = mend(&mut slot, &Help::NONE);
                slot.most = usize::MAX;
                mend(&mut slot, &Help::NONE).unwrap();
                assert!(
                    slot.pictures() >= before.max(done.pictures()),
                    "damage {n}, cut at {most}"
                );
            }
        }
    }
}

#[test]
fn what_a_player_would_be_shown_ends_with_the_first_fragment_that_is_not_the_segments_next() {
    let slot = cut_off();
    let (record, _) = read_record(&slot).unwrap();
    let places = slot.fragments();
    let end = |n: usize| places[n].0 + u64::from(places[n].1);
    let first = (places[0].0, 0);
    let frames = |n: u32| n * PER_FRAGMENT as u32;
    for known in [None, Some(first), Some((end(4), 5)), Some((end(11), 12))] {
        assert_eq!(shown_end(&slot, &record, known).unwrap(), (end(11), 12));
    }
    let shown = crate::shown(&slot, &record).unwrap();
    assert_eq!((shown.fragments, shown.counters.frames), (12, frames(12)));
    // Gone, of another segment, of another boot, one too many, and longer than the file.
    let damages: [fn(&mut Slot, u64); 5] = [
        |slot, at| slot.zero(at, 8),
        |slot, at| slot.flip(at + 71),
        |slot, at| slot.flip(at + 75),
        |slot, at| slot.flip(at + 63),
        |slot, at| slot.zero(at, 4096),
    ];
    for damage in damages {
        let mut slot = slot.clone();
        damage(&mut slot, places[7].0);
        assert_eq!(shown_end(&slot, &record, None).unwrap(), (places[7].0, 7));
        let shown = crate::shown(&slot, &record).unwrap();
        assert_eq!((shown.fragments, shown.counters.frames), (7, frames(7)));
    }
    let cut = Slot {
        bytes: slot.bytes[..end(7) as usize - 512].to_vec(),
        ..Slot::blank()
    };
    assert_eq!(shown_end(&cut, &record, None).unwrap(), (places[7].0, 7));
    let other = header(42, 7);
    let nothing = crate::Shown::default();
    assert_eq!(crate::shown(&slot, &other).unwrap(), nothing);
}

#[test]
fn what_is_damaged_is_said_with_its_place_and_time() {
    let mut damaged = DamagedFragment {
        index: 3,
        count: 1,
        at: 81_920,
        seconds: (0.5, 0.768),
        pictures: 4,
    };
    let one = "fragment 3 at byte 81920 is damaged (CRC mismatch), 0.50 s to 0.77 s";
    assert_eq!(damaged.to_string(), one);
    damaged.pictures = 0;
    assert_eq!(
        damaged.to_string(),
        format!("{one}, nothing of it can be shown")
    );
    damaged.count = 3;
    let several = "fragments 3 to 5 at byte 81920 are damaged, 0.50 s to 0.77 s";
    assert_eq!(
        damaged.to_string(),
        format!("{several}, nothing of it can be shown")
    );
}

#[test]
fn whatever_was_mended_is_a_change() {
    let none = mend(&mut finished(), &Help::NONE).unwrap();
    let with = |change: fn(&mut Mended)| {
        let mut mended = none.clone();
        change(&mut mended);
        mended.changed()
    };
    assert!(!with(|_| {}) && !with(|mended| mended.damaged = 3));
    assert!(with(|mended| mended.header = true) && with(|mended| mended.init = true));
    assert!(with(|mended| mended.index = true) && with(|mended| mended.tail = true));
}
