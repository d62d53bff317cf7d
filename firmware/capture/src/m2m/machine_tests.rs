//! The machine beside an encoder of which it is known what became of every picture, and which does whatever the kernel's
//! documentation allows, and some that it does not.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const INPUTS: u32 = 4;
const MS: Duration = Duration::from_millis(1);

/// Numbers that look like chance (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// What became of a picture, by the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Pending,
    Coded,
    Dropped,
    Damaged,
    Lost,
}

/// A driver, its hardware, and who uses it.
struct Model {
    chance: Chance,
    machine: Machine,
    now: Duration,
    micros: u64,
    fates: BTreeMap<u64, Fate>,
    refused: u64,
    /// Buffers for pictures that the driver has.
    with_driver: Vec<u32>,
    /// What the hardware has taken and not given.
    in_hardware: VecDeque<u64>,
    key_forced: bool,
    stopped: bool,
    hangs: bool,
    /// The next picture refers to nothing.
    fresh: bool,
    /// What the units that came out have told of pictures that never will.
    told_lost: u64,
    transitions: u64,
    drains: u64,
    rebuilds: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        Self {
            chance: Chance(seed | 1),
            machine: Machine::new(INPUTS, 30),
            now: Duration::ZERO,
            micros: 0,
            fates: BTreeMap::new(),
            refused: 0,
            with_driver: Vec::new(),
            in_hardware: VecDeque::new(),
            key_forced: false,
            stopped: false,
            hangs: false,
            fresh: true,
            told_lost: 0,
            transitions: 0,
            drains: 0,
            rebuilds: 0,
        }
    }

    fn settle(&mut self, of: Fate, becomes: Fate) {
        for fate in self.fates.values_mut().filter(|fate| **fate == of) {
            *fate = becomes;
        }
    }

    fn count(&self, fate: Fate) -> u64 {
        self.fates.values().filter(|&&other| other == fate).count() as u64
    }

    /// One thing happens.
    fn step(&mut self) {
        self.transitions += 1;
        self.now += MS * (self.chance.below(20) as u32);
        match self.chance.below(16) {
            0..=4 => self.picture(),
            5..=7 => self.give_back_input(),
            8..=12 => self.give_output(),
            13 => self.machine.look(self.now),
            14 => self.machine.want_key(),
            _ => self.trouble(),
        }
        if let Phase::Broken(_) = self.machine.phase() {
            self.rebuild();
        }
    }

    fn picture(&mut self) {
        self.micros += self.chance.next() % 3 * 33_000;
        if self.machine.phase() == Phase::Drained {
            self.rebuild();
        }
        let Some(slot) = self.machine.free_input() else {
            self.machine.refused();
            self.refused += 1;
            return;
        };
        assert!(
            !self.with_driver.contains(&slot),
            "a buffer was queued twice"
        );
        assert!(!self.stopped);
        let stamp = self.machine.stamp(self.micros);
        if self.machine.is_key_wanted() {
            // The request gets lost now and then.
            self.key_forced = !self.chance.one_in(3);
            self.machine.key_asked(stamp);
        }
        self.machine.queued(slot, stamp, self.now);
        assert_eq!(
            self.fates.insert(stamp, Fate::Pending),
            None,
            "a stamp came twice"
        );
        self.with_driver.push(slot);
        self.in_hardware.push_back(stamp);
    }

    fn give_back_input(&mut self) {
        if !self.with_driver.is_empty() {
            // In whatever order.
            let at = self.chance.below(self.with_driver.len());
            self.machine
                .input_returned(self.with_driver.swap_remove(at));
        }
    }

    fn give_output(&mut self) {
        if self.hangs || self.machine.phase() == Phase::Drained {
            return;
        }
        // Silently left out: at once, or with all that waits.
        while !self.in_hardware.is_empty() && self.chance.one_in(12) {
            self.in_hardware.pop_front();
        }
        if self.in_hardware.is_empty() {
            return self.give_nothing();
        }
        let stamp = self.in_hardware[0];
        let content = match self.chance.below(40) {
            0 => Content::Empty,
            1 => Content::Headers,
            2 => return self.give_stray(),
            _ => {
                self.in_hardware.pop_front();
                let is_start = self.fresh || self.key_forced || self.chance.one_in(30);
                self.key_forced = false;
                self.fresh = false;
                Content::Picture { is_start }
            }
        };
        let is_picture = matches!(content, Content::Picture { .. });
        let is_damaged = is_picture && self.chance.one_in(25);
        // The last may hold a picture.
        let is_last = self.stopped && self.in_hardware.is_empty() && self.chance.one_in(2);
        let fate = match is_damaged {
            true => Fate::Damaged,
            false => Fate::Coded,
        };
        let coded = Coded {
            stamp,
            content,
            is_damaged,
            is_last,
        };
        let start_missed =
            self.machine.needs_start && !matches!(content, Content::Picture { is_start: true });
        let verdict = self.machine.output(&coded, self.now);
        if is_picture {
            // Whatever went in before it and has not come, never will.
            for (_, fate) in self.fates.range_mut(..stamp) {
                if *fate == Fate::Pending {
                    *fate = Fate::Dropped;
                }
            }
            let fate = if start_missed { Fate::Damaged } else { fate };
            self.fates.insert(stamp, fate);
            match verdict {
                Verdict::Picture { lost_before } => {
                    assert_eq!(fate, Fate::Coded);
                    self.told_lost += u64::from(lost_before);
                    assert_eq!(self.told_lost, self.gone());
                }
                Verdict::Nothing => assert_eq!(fate, Fate::Damaged),
            }
        } else {
            assert_eq!(verdict, Verdict::Nothing);
        }
        if is_last {
            self.drained();
        }
    }

    /// All pictures that were handed in and never came, by the model.
    fn gone(&self) -> u64 {
        self.count(Fate::Dropped)
            + self.count(Fate::Damaged)
            + self.count(Fate::Lost)
            + self.refused
    }

    fn give_nothing(&mut self) {
        if self.stopped {
            // EPIPE, or an empty buffer that is the last.
            if self.chance.one_in(2) {
                self.machine.end();
            } else {
                let last = Coded {
                    stamp: 0,
                    content: Content::Empty,
                    is_damaged: self.chance.one_in(2),
                    is_last: true,
                };
                assert_eq!(self.machine.output(&last, self.now), Verdict::Nothing);
            }
            self.drained();
        }
    }

    /// A stamp that no picture has, or one that has come.
    fn give_stray(&mut self) {
        let stamp = match self.fates.first_key_value() {
            Some((&stamp, Fate::Coded)) if self.chance.one_in(2) => stamp,
            _ => u64::MAX,
        };
        let stray = Coded {
            stamp,
            content: Content::Picture { is_start: true },
            is_damaged: false,
            is_last: false,
        };
        assert_eq!(self.machine.output(&stray, self.now), Verdict::Nothing);
    }

    fn drained(&mut self) {
        assert_eq!(self.machine.phase(), Phase::Drained);
        self.settle(Fate::Pending, Fate::Dropped);
        self.drains += 1;
    }

    /// What happens seldom.
    fn trouble(&mut self) {
        match self.chance.below(40) {
            0 => self.machine.fault(Fault::SourceChanged),
            1 => self.machine.fault(Fault::Driver),
            // EPIPE that nobody asked for.
            2 => self.machine.end(),
            // A buffer given back that the driver does not have.
            3 => self.machine.input_returned(INPUTS + 3),
            4 => self.hangs = true,
            5..=7 => self.stopped |= self.machine.drain(),
            _ => {}
        }
        if self.hangs {
            self.now += STALL;
            self.machine.look(self.now);
            self.now += STALL;
            self.machine.look(self.now);
            self.hangs = matches!(self.machine.phase(), Phase::Broken(_));
        }
        // An end that was not asked for is a fault, one that was is the end.
        if self.machine.phase() == Phase::Drained && self.count(Fate::Pending) > 0 {
            self.drained();
        }
    }

    fn rebuild(&mut self) {
        self.settle(Fate::Pending, Fate::Lost);
        self.with_driver.clear();
        self.in_hardware.clear();
        (self.hangs, self.stopped, self.key_forced, self.fresh) = (false, false, false, true);
        self.machine.rebuilt(INPUTS, self.now);
        self.rebuilds += 1;
    }

    /// What the machine counts is what became of the pictures.
    fn check(&mut self) {
        let counts = self.machine.counts();
        assert!(counts.is_complete(), "{counts:?}");
        assert_eq!(counts.coded, self.count(Fate::Coded));
        assert_eq!(counts.dropped, self.count(Fate::Dropped));
        assert_eq!(counts.damaged, self.count(Fate::Damaged));
        assert_eq!(counts.lost, self.count(Fate::Lost));
        assert_eq!(counts.pending, self.count(Fate::Pending));
        assert_eq!(counts.refused, self.refused);
        assert_eq!(counts.rebuilt, self.rebuilds);
    }
}

/// Runs so many transitions, a new encoder every 2,000, that the model stays quick.
fn run(seed: u64, transitions: u64) -> (u64, u64, u64) {
    let mut sums = (0, 0, 0);
    for part in 0..transitions.div_ceil(2_000) {
        let mut model = Model::new(seed.wrapping_add(part).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for n in 0..2_000 {
            model.step();
            if n % 50 == 0 {
                model.check();
            }
        }
        model.check();
        sums.0 += model.transitions;
        sums.1 += model.drains;
        sums.2 += model.machine.counts().coded;
    }
    sums
}

#[test]
fn every_picture_is_accounted_for_whatever_the_driver_does() {
    let long = std::env::var_os("PICAM_GUEST_LONG").is_some();
    let (transitions, drains, coded) = run(1, if long { 10_000_000 } else { 1_000_000 });
    assert!(transitions >= 1_000_000);
    assert!(
        drains > 1_000 && coded > 100_000,
        "{drains} drains, {coded} pictures"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn from_any_seed(seed: u64) {
        run(seed, 2_000);
    }
}

fn picture(stamp: u64, is_start: bool) -> Coded {
    Coded {
        stamp,
        content: Content::Picture { is_start },
        is_damaged: false,
        is_last: false,
    }
}

#[test]
fn a_hang_is_noticed_after_a_second_and_a_slow_camera_is_none() {
    let mut machine = Machine::new(INPUTS, 30);
    machine.queued(0, 1, MS * 5_000);
    machine.look(MS * 5_999);
    assert_eq!(machine.phase(), Phase::Running);
    machine.look(MS * 6_000);
    assert_eq!(machine.phase(), Phase::Broken(Fault::Stalled));
    // One picture a second.
    let mut machine = Machine::new(INPUTS, 1);
    machine.queued(0, 1, Duration::ZERO);
    machine.look(MS * 3_900);
    assert_eq!(machine.phase(), Phase::Running);
    // Nothing is owed.
    let mut machine = Machine::new(INPUTS, 30);
    machine.look(MS * 60_000);
    assert_eq!(machine.phase(), Phase::Running);
}

#[test]
fn a_lost_request_for_a_key_frame_is_made_again_and_given_up_in_the_end() {
    let mut machine = Machine::new(INPUTS, 30);
    machine.queued(0, 0, Duration::ZERO);
    machine.output(&picture(0, true), Duration::ZERO);
    machine.input_returned(0);
    machine.want_key();
    let mut asked = Vec::new();
    for stamp in 1..200 {
        if machine.is_key_wanted() {
            machine.key_asked(stamp);
            asked.push(stamp);
        }
        machine.queued(0, stamp, Duration::ZERO);
        machine.input_returned(0);
        machine.output(&picture(stamp, false), Duration::ZERO);
    }
    assert_eq!(asked, [1, 10, 19, 28, 37]);
    assert_eq!(machine.counts().keys_asked_again, 4);
    machine.want_key();
    machine.key_asked(200);
    machine.queued(0, 200, Duration::ZERO);
    machine.output(&picture(200, true), Duration::ZERO);
    assert!(!machine.is_key_wanted());
}

#[test]
fn pictures_of_one_moment_get_stamps_of_their_own() {
    let mut machine = Machine::new(INPUTS, 30);
    for (slot, wanted) in [(0, 7), (1, 8), (2, 9)] {
        let stamp = machine.stamp(7);
        assert_eq!(stamp, wanted);
        machine.queued(slot, stamp, Duration::ZERO);
    }
    assert_eq!(machine.stamp(5_000), 5_000);
}
