//! What a hostile page may send, with the recorder around it: random orders and random times.

use picam_ring::{Catalog, NameTime, Shares, SlotName, digits_of, lock, next_slot};

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// Lock the stretch in which these segments began.
    Lock {
        newest: u32,
        count: u32,
    },
    Delete(u32),
    Restore(u32),
    Pause(u64),
    Resume,
    /// So much time passes, while which a segment is recorded each minute that recording runs.
    Wait(u64),
    /// The device is started anew; a day by a clock that is believed may have passed.
    Restart {
        days: bool,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u32..40, 1u32..40).prop_map(|(newest, count)| Step::Lock { newest, count }),
        3 => (0u32..40).prop_map(Step::Delete),
        1 => (0u32..40).prop_map(Step::Restore),
        3 => (0u64..2_000).prop_map(Step::Pause),
        1 => Just(Step::Resume),
        6 => (1u64..900).prop_map(Step::Wait),
        1 => (3_000u64..90_000).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(|days| Step::Restart { days }),
    ];
    proptest::collection::vec(step, 1..120)
}

const SLOTS: usize = 30;

/// The recorder's side, as the housekeeper and the control socket put the rules to use, on a ring of [`SLOTS`].
struct Camera {
    catalog: Catalog,
    shares: Shares,
    orders: Orders,
    pauses: Pauses,
    boot: u8,
    now: BootNs,
    /// Time in all, which nobody in here can see but the judge.
    passed: Duration,
    newest: u64,
    /// When each was marked, and not taken back.
    marked: BTreeMap<u32, Duration>,
    /// Whatever was locked over the page at any time.
    page_locked: Vec<u32>,
    stopped_since: Option<BootNs>,
    /// How much was recorded since the last segment.
    recorded: Duration,
}

impl Camera {
    fn new() -> Self {
        let mut camera = Self {
            catalog: Catalog::default(),
            shares: Shares::default(),
            orders: Orders::default(),
            pauses: Pauses::default(),
            boot: 1,
            now: BootNs::ZERO,
            passed: Duration::ZERO,
            newest: 0,
            marked: BTreeMap::new(),
            page_locked: Vec::new(),
            stopped_since: None,
            recorded: Duration::ZERO,
        };
        for n in 0..SLOTS as u32 {
            let class = if n % 7 == 3 {
                Class::Event
            } else {
                Class::Normal
            };
            let name = camera.name(class);
            camera.catalog.added(SlotName::Segment(name), 1);
            camera.newest += 1;
        }
        camera
    }

    fn name(&self, class: Class) -> SegmentName {
        SegmentName {
            time: NameTime::Utc(NOON.seconds() + self.newest as i64),
            camera: b'F',
            class,
            sequence: digits_of(self.newest),
        }
    }

    fn nth(&self, back: u32) -> SegmentName {
        let all = self.catalog.ring(b'F').segments();
        all[all.len() - 1 - back as usize % all.len()].name
    }

    fn believed(&self) -> Option<Since> {
        Some(Since {
            utc: NOON + self.passed,
            boot_id: [self.boot; 16],
        })
    }

    /// A segment begins: what it takes is judged.
    fn turn(&mut self) -> Result<(), TestCaseError> {
        let ring = self.catalog.ring(b'F');
        let choice = next_slot(ring, &self.shares, 1, &[]).unwrap();
        if let SlotName::Segment(gone) = choice.slot {
            if !self.page_locked.contains(&gone.sequence) {
                // Nobody's lock but the page's goes for what the page does, unless its own class is over its share.
                let over = ring.count(gone.class) > self.shares.limit(gone.class, ring.len());
                prop_assert!(!gone.class.is_locked() || over, "{gone} had to go");
                // And what is normal goes in its turn, with its share of newer footage behind it.
                let newer = ring.segments().iter();
                let newer = newer.filter(|s| s.name.sequence > gone.sequence).count();
                let share = self.shares.of(Class::Normal) * SLOTS as f64;
                prop_assert!(
                    gone.class.is_locked() || newer + 1 >= share as usize,
                    "{gone} went after {newer}"
                );
            }
            self.marked.remove(&gone.sequence);
        }
        self.newest += 1;
        let name = self.name(Class::Normal);
        self.catalog.renamed(choice.slot, SlotName::Segment(name));
        Ok(())
    }

    /// Time passes, in steps of ten seconds.
    fn wait(&mut self, seconds: u64) -> Result<(), TestCaseError> {
        for _ in 0..seconds.div_ceil(10) {
            let step = 10 * SECOND;
            self.now += step;
            self.passed += step;
            self.orders.run(step, self.believed());
            match self.pauses.until(self.now) {
                Some(_) => {
                    let since = *self.stopped_since.get_or_insert(self.now);
                    prop_assert!(self.now.since(since) <= 600 * SECOND);
                }
                None => {
                    self.stopped_since = None;
                    self.recorded += step;
                    if self.recorded >= 60 * SECOND {
                        self.recorded = Duration::ZERO;
                        self.turn()?;
                    }
                }
            }
            for due in self.orders.due(self.believed()) {
                let n = due.sequence as u32;
                self.orders.restore(|deletion| *deletion == due);
                let Some(found) = self.catalog.ring(b'F').find(n).copied() else {
                    continue;
                };
                let since = self.marked.remove(&n).unwrap_or(Duration::MAX);
                prop_assert!(self.passed.saturating_sub(since) >= KEPT, "{n}");
                self.catalog.removed(found.slot());
                let sequence = n;
                let spare = SlotName::Spare {
                    camera: b'F',
                    sequence,
                };
                self.catalog.added(spare, 1);
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step, n: usize) -> Result<(), TestCaseError> {
        match step {
            Step::Lock { newest, count } => {
                let (a, b) = (self.nth(newest).sequence, self.nth(newest + count).sequence);
                let wanted: Vec<SegmentName> = {
                    let all = self.catalog.ring(b'F').segments().iter().rev();
                    let range = a.min(b)..=a.max(b);
                    all.filter(|s| range.contains(&s.name.sequence))
                        .map(|s| s.name)
                        .collect()
                };
                let class = Origin::Page.class();
                let most = self.shares.limit(class, SLOTS);
                let events = self.catalog.ring(b'F').count(Class::Event);
                let ring = self.catalog.ring(b'F').clone();
                for rename in lock(&ring, &wanted, class, Some(most)) {
                    let (from, to) = (SlotName::Segment(rename.from), SlotName::Segment(rename.to));
                    self.catalog.renamed(from, to);
                    if to.is_locked() {
                        self.page_locked.push(rename.to.sequence);
                    } else {
                        prop_assert!(self.page_locked.contains(&rename.to.sequence));
                    }
                }
                prop_assert_eq!(self.catalog.ring(b'F').count(Class::Event), events);
                prop_assert!(self.catalog.ring(b'F').count(class) <= most);
                let now = Now {
                    boot_id: [self.boot; 16],
                    ..now(self.now)
                };
                let _ = self.orders.lock(order(&n.to_string(), Origin::Page), &now);
            }
            Step::Delete(back) => {
                let segment = self.nth(back).sequence;
                if self.orders.delete(deletion(segment)) == Ok(Taken::New) {
                    self.marked.insert(segment, self.passed);
                }
            }
            Step::Restore(back) => {
                let segment = self.nth(back).sequence;
                self.orders.restore(|d| d.sequence == u64::from(segment));
                self.marked.remove(&segment);
            }
            Step::Pause(seconds) => {
                let _ = self.pauses.pause(self.now, Duration::from_secs(seconds));
            }
            Step::Resume => self.pauses.resume(self.now),
            Step::Wait(seconds) => self.wait(seconds)?,
            Step::Restart { days } => {
                self.boot += 1;
                self.now = BootNs::ZERO;
                self.passed += u32::from(days) * 26 * HOUR;
                self.pauses = Pauses::default();
                self.stopped_since = None;
            }
        }
        Ok(())
    }
}

/// For the judge above.
trait Locked {
    fn is_locked(&self) -> bool;
}

impl Locked for SlotName {
    fn is_locked(&self) -> bool {
        matches!(self, SlotName::Segment(name) if name.class.is_locked())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a page that was taken over sends: what it did not lock itself is gone after a day at the earliest, or in
    /// its turn; and recording never stops for more than ten minutes.
    #[test]
    fn a_hostile_page_erases_nothing_within_a_day_and_stops_nothing_for_long(steps in steps()) {
        let mut camera = Camera::new();
        for (n, step) in steps.into_iter().enumerate() {
            camera.step(step, n)?;
        }
        camera.wait(600)?;
    }

    /// Nor in an hour, however it is cut up.
    #[test]
    fn no_hour_has_more_than_ten_minutes_of_stops(
        asks in proptest::collection::vec((0u32..900, 0u32..1000, any::<bool>(), 0u32..300), 1..200)
    ) {
        let mut pauses = Pauses::default();
        let (mut now, mut stops) = (BootNs::ZERO, Vec::new());
        for (wait, wanted, cut_short, after) in asks {
            now += wait * SECOND;
            let was = pauses.until(now);
            if let Ok(until) = pauses.pause(now, wanted * SECOND) && was.is_none() {
                stops.push((now, until));
            }
            if cut_short {
                now += after * SECOND;
                pauses.resume(now);
                if let Some((_, end)) = stops.last_mut() {
                    *end = now.min(*end);
                }
            }
        }
        for &(_, end) in &stops {
            let from = end - HOUR;
            let within = |&(a, b): &(BootNs, BootNs)| b.min(end).since(a.max(from));
            let stopped: Duration = stops.iter().map(within).sum();
            prop_assert!(stopped <= 600 * SECOND, "{stopped:?}");
            let count = stops.iter().filter(|stop| !within(stop).is_zero()).count();
            prop_assert!(count <= 4, "{count}");
        }
    }
}
