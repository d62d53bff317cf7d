//! Fifty boots in a row of a camera without a clock of its own, told by receivers, phones and servers that are often wrong:
//! order and names never err, and a right clock gives up nothing early.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use picam_ring::{
    AgeingClock, Catalog, Class, Entry, NameTime, SegmentName, SegmentStart, ageing_clock,
    corrections, has_aged, name_time, newest_footage,
};
use picam_testkit::sim_disk::Rng;
use picam_time::{AGREEMENT, BootNs, BootTime, Offer, TimeAnchor, TimeSource, UtcUs};

const BOOTS: u32 = 50;
const SEEDS: u64 = 200;
/// 2026-11-20 11:08:00 UTC.
const BEGUN: UtcUs = UtcUs(1_795_172_880_000_000);
const DAY: u64 = 86_400;
const MAX_AGE: Duration = Duration::from_secs(30 * DAY);
const SEGMENT: u64 = 60;

/// What tells the time in a boot besides a system clock that was never set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nobody.
    Nothing,
    /// A receiver, right.
    Gps,
    /// A receiver, and a time server that says the same.
    GpsAndNtp,
    /// A phone that was never set, or set ahead; a receiver and a server contradict it later.
    WrongPhoneThenBoth,
    /// A receiver that is wrong at first, and corrects itself.
    GpsCorrected,
    /// A phone that is wrong, and nobody else.
    WrongPhone,
}

struct Card {
    segments: Vec<SegmentStart>,
    /// When each was truly recorded, by sequence.
    truth: Vec<UtcUs>,
    /// Of each boot: whether what it was told in the end was true.
    was_told: Vec<bool>,
}

impl Card {
    /// What the housekeeper does once something new was said.
    fn put_in_order(&mut self, time: &mut BootTime, offer: Offer, boot_id: [u8; 16], now: BootNs) {
        if time
            .note_footage(newest_footage(boot_id, &self.segments), now)
            .is_some_and(Offer::moves_segments)
        {
            return self.correct(time, Offer::Better, boot_id);
        }
        self.correct(time, offer, boot_id);
    }

    fn correct(&mut self, time: &BootTime, offer: Offer, boot_id: [u8; 16]) {
        for correction in corrections(time, offer, boot_id, &self.segments) {
            let named = |segment: &&mut SegmentStart| segment.name == correction.from;
            let segment = self.segments.iter_mut().find(named).unwrap();
            segment.name = correction.to;
            segment.start_utc = Some(correction.start_utc);
        }
    }
}

/// Wrong by years, back or ahead; never twice by the same.
fn wrong(rng: &mut Rng, utc: UtcUs) -> UtcUs {
    let off = Duration::from_secs(DAY * (2 + rng.below(1500)) + rng.below(DAY));
    match rng.below(2) {
        0 => utc - off,
        _ => utc + off,
    }
}

fn drive(seed: u64) -> Card {
    let mut rng = Rng(seed);
    let mut card = Card {
        segments: Vec::new(),
        truth: Vec::new(),
        was_told: Vec::new(),
    };
    let mut now = BEGUN;
    for number in 0..BOOTS {
        let boot_id = [u8::try_from(number + 1).unwrap(); 16];
        let booted = now;
        let told = match rng.below(8) {
            // A card whose first footage is of years to come is beyond help: nothing on it tells. And three starts in a row
            // that are told a time ahead, each a later one, count as agreeing.
            _ if number % 3 == 0 => Told::Gps,
            0 => Told::Nothing,
            1 | 2 => Told::Gps,
            3 | 4 => Told::GpsAndNtp,
            5 => Told::WrongPhoneThenBoth,
            6 => Told::GpsCorrected,
            _ => Told::WrongPhone,
        };
        let mut time = BootTime::new();
        let off = wrong(&mut rng, booted);
        let segments = 2 + rng.below(4);
        for n in 0..segments {
            let start = BootNs::from_secs(10 + n * SEGMENT);
            let start_utc = time.utc(start);
            card.truth.push(booted.after_boot(start));
            card.segments.push(SegmentStart {
                name: SegmentName {
                    time: name_time(start_utc, number, start),
                    camera: b'F',
                    class: Class::Normal,
                    sequence: card.segments.len() as u32,
                },
                boot_id,
                boot_number: number,
                start_boot: start,
                start_utc,
            });
            // Said in the midst of a segment.
            let moment = start + Duration::from_secs(SEGMENT / 2);
            let true_utc = booted.after_boot(moment);
            let false_utc = off.after_boot(moment);
            let is_first = n == 0;
            let said: &[(TimeSource, UtcUs)] = match told {
                Told::Nothing => &[],
                Told::Gps => &[(TimeSource::Gps, true_utc)],
                Told::GpsAndNtp => &[(TimeSource::Ntp, true_utc), (TimeSource::Gps, true_utc)],
                Told::WrongPhoneThenBoth if is_first => &[(TimeSource::Phone, false_utc)],
                Told::WrongPhoneThenBoth => {
                    &[(TimeSource::Gps, true_utc), (TimeSource::Ntp, true_utc)]
                }
                Told::GpsCorrected if is_first => &[(TimeSource::Gps, false_utc)],
                Told::GpsCorrected => &[(TimeSource::Gps, true_utc)],
                Told::WrongPhone => &[(TimeSource::Phone, false_utc)],
            };
            for (source, utc) in said {
                // A date that cannot be is refused here.
                let Ok(anchor) = TimeAnchor::new(moment, *utc, *source) else {
                    continue;
                };
                let offer = time.offer(anchor, moment);
                card.put_in_order(&mut time, offer, boot_id, moment);
            }
            retained(&card, &time, moment, boot_id, true_utc);
        }
        card.was_told
            .push(!matches!(told, Told::Nothing | Told::WrongPhone));
        // Driven daily: a clock that is a day ahead of all footage is doubted, right or not, and three in a row are believed.
        now = booted + Duration::from_secs(600 + rng.below(DAY - 3600));
    }
    card
}

/// Nothing that is younger than its owner wants to keep is given up by a clock that is right, whatever earlier boots said.
fn retained(card: &Card, time: &BootTime, now: BootNs, boot_id: [u8; 16], truth: UtcUs) {
    let AgeingClock::Believed(utc) = ageing_clock(time, now, boot_id, &card.segments) else {
        return;
    };
    // A single wrong clock that nothing contradicts is believed at the third start in a row of which each is ahead of the last
    // (`ageing.rs`), and then goes slowly.
    if utc.apart(truth) >= AGREEMENT && !time.is_confirmed() {
        return;
    }
    for segment in &card.segments {
        let age = truth.since(card.truth[segment.name.sequence as usize]);
        // One whose own boot was told wrong may look old: that its time is wrong, nothing on the card tells.
        let is_right = segment.start_utc.is_some_and(|start| {
            start.apart(card.truth[segment.name.sequence as usize]) < AGREEMENT
        });
        let aged = is_right && has_aged(segment, MAX_AGE, utc, now, boot_id);
        assert!(
            !aged || age + AGREEMENT >= MAX_AGE,
            "{segment:?} is given up at an age of {age:?}"
        );
    }
}

#[test]
fn order_and_names_hold_and_a_right_clock_gives_up_nothing_early() {
    let mut right = 0;
    for seed in 0..SEEDS {
        let card = drive(seed);
        // Order is that of recording, whatever the names say.
        let entries: Vec<Entry> = card
            .segments
            .iter()
            .map(|segment| Entry {
                name: segment.name.to_string(),
                size: 1 << 20,
            })
            .collect();
        let catalog = Catalog::from_entries(&entries);
        let order: Vec<u32> = catalog
            .ring(b'F')
            .segments()
            .iter()
            .map(|segment| segment.name.sequence)
            .collect();
        let mut wanted: Vec<u32> = (0..card.segments.len() as u32).collect();
        if order.first() > order.last() {
            wanted.reverse();
        }
        assert_eq!(order, wanted, "seed {seed}");
        // Every name is its own, and says what the header says.
        let names: BTreeSet<String> = entries.into_iter().map(|entry| entry.name).collect();
        assert_eq!(names.len(), card.segments.len(), "seed {seed}");
        for segment in &card.segments {
            let named = match (segment.name.time, segment.start_utc) {
                (NameTime::Utc(seconds), Some(utc)) => seconds == utc.seconds(),
                (NameTime::Boot { .. }, None) => true,
                _ => false,
            };
            assert!(named, "seed {seed}: {segment:?}");
            // Within a boot all follow one clock, so that none is shown before one that it came behind.
            let before = card.segments.iter().filter(|other| {
                other.boot_id == segment.boot_id && other.start_boot < segment.start_boot
            });
            for other in before {
                assert!(
                    other.start_utc <= segment.start_utc,
                    "seed {seed}: {other:?} {segment:?}"
                );
            }
        }
        // Where somebody told the truth in the end, and another spoke for it or none spoke against it, names are true.
        for segment in &card.segments {
            let boot = segment.boot_number as usize;
            let truth = card.truth[segment.name.sequence as usize];
            if card.was_told[boot] {
                let utc = segment.start_utc.unwrap();
                assert!(
                    utc.apart(truth) < AGREEMENT,
                    "seed {seed}: {segment:?} {truth:?}"
                );
                right += 1;
            }
        }
    }
    assert!(right > 10_000, "{right}");
}
