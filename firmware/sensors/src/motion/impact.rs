//! Impacts: which of all that shakes a car is a collision.
//!
//! Whatever hits a car changes its speed, within a tenth of a second or two, and the speed stays changed. A pothole pushes
//! harder, but up, for less time, and the springs take it back; a door rings and moves nothing; brakes and bends are never
//! stronger than their tyres, a g and a bit. So an impact is
//!
//! 1. a **velocity change** within [`WINDOW`] of at least [`Sensitivity::velocity`], against what was felt before it; what
//!    lies along the weight counts a quarter, as roads push up and down, and what is weaker than [`PUSHED`] not at all,
//! 2. a **push** of at least [`Sensitivity::push`] along it, as a mean over [`PUSH_OVER`],
//! 3. a **length** of at least [`SHORTEST`], and no single sample that makes more than [`ONE_SAMPLE`] of it all,
//! 4. and no **after-ringing**: until [`CONFIRM`] later, what pushed back is less than [`TAKEN_BACK`] of what pushed.
//!
//! The first three are a suspicion, upon which whoever records makes haste; the fourth confirms it. Where the measurements
//! end between the two, so did the power: then it was one.
//!
//! Gravity is a slow mean, so the sensor may be mounted in any way. Nothing here knows a clock: moments come with samples.

use std::collections::VecDeque;
use std::time::Duration;

use picam_time::BootNs;

use super::{STANDARD_GRAVITY, Sample};

/// Within this a collision does most of what it does: event data recorders look at as much (49 CFR 563.5).
const WINDOW: Duration = Duration::from_millis(150);
/// A push is a mean over this, and over two samples at least: a spike of one is none.
const PUSH_OVER: Duration = Duration::from_millis(30);
/// A collision lasts at least so long. Doors and knocks do not.
const SHORTEST: Duration = Duration::from_millis(30);
/// It lasts, and changes the speed, while more than this is felt, g: less is a brake let go, a bend, a bad road.
const PUSHED: f32 = 1.0;
/// No sample makes more than this part of the change: a knock on the camera is over within one.
const ONE_SAMPLE: f32 = 0.75;
/// The samples beside these are its edges, and it lasts while they are above this, g.
const EDGE: f32 = 0.5;
/// So long after it was suspected an impact is known to be one.
const CONFIRM: Duration = Duration::from_millis(150);
/// Part of what pushed that pushes back where nothing is hit and something rings. Of that, tyres that slide, or do not brake
/// any more, are taken off: [`PUSHED`].
const TAKEN_BACK: f32 = 0.3;
/// What was felt for so long before the window is what the window is compared to.
const BEFORE: Duration = Duration::from_millis(400);
/// With less of it, the weight is, and a push has to be stronger than tyres make, g.
const BEFORE_AT_LEAST: Duration = Duration::from_millis(200);
/// See there.
const UNCOMPARED: f32 = 2.0;
/// Pushes along the weight count so much.
const UPWARD: f32 = 0.25;
/// The weight is a mean over this, seconds: brakes and bends are over sooner.
const WEIGHT_OVER: f32 = 20.0;
/// A sample moves it by no more than this, g.
const WEIGHT_STEP: f32 = 0.5;
/// Before so much was felt, nothing is known.
const SETTLES: Duration = Duration::from_millis(500);
/// Two samples farther apart are not added up.
const GAP: Duration = Duration::from_millis(100);
/// A sample stands for no longer than this.
const LONGEST_STEP: Duration = Duration::from_millis(25);
/// What follows an impact so soon belongs to it.
const SAME: Duration = Duration::from_secs(2);
/// Samples that are remembered at most: what is looked back at, at 400 Hz.
const MOST: usize = 256;

/// How weak an impact may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Collisions alone.
    #[default]
    Low,
    /// Also bumps of some 3 g.
    Medium,
    /// Also bumps of some 2 g; a bad road may lock footage, too.
    High,
}

impl Sensitivity {
    /// Every one, from the least.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Least velocity change, metres a second.
    pub const fn velocity(self) -> f32 {
        match self {
            Self::Low => 0.75,
            Self::Medium => 0.60,
            Self::High => 0.50,
        }
    }

    /// Least push, g.
    pub const fn push(self) -> f32 {
        match self {
            Self::Low => 1.75,
            Self::Medium => 1.6,
            Self::High => 1.45,
        }
    }

    /// As in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Something hit the car.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Impact {
    /// When it began.
    pub at: BootNs,
    /// The most that was felt, without the weight, g.
    pub peak_g: f32,
    /// By how much it changed the speed, metres a second.
    pub velocity_change: f32,
}

/// What a sample leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Finding {
    /// This may be an impact: what waits to be written should not.
    Suspected,
    /// It was one.
    Impact(Impact),
}

type Vector = [f32; 3];

#[derive(Debug, Clone, Copy)]
struct Moment {
    at: BootNs,
    /// How long it stands for, seconds.
    step: f32,
    felt: Vector,
    /// The mean push up to it, against what was felt before.
    push: Vector,
}

/// What a push is measured against.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// What was felt before.
    before: Vector,
    /// Whether that is not known, and the weight stands for it.
    uncompared: bool,
    up: Vector,
}

/// What may be an impact.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    /// The beginning of the window in which it was suspected, and the end.
    since: BootNs,
    suspected: BootNs,
    frame: Frame,
}

/// What is felt in a stretch of time.
#[derive(Debug, Clone, Copy, Default)]
struct Felt {
    /// When the first push came.
    begun: Option<BootNs>,
    /// How long there were pushes, seconds.
    lasted: f32,
    /// The change of speed as it counts, metres a second.
    change: Vector,
    /// The most that it was changed by, with what is upward in full.
    fastest: f32,
    /// The most that was felt, g.
    peak: f32,
    /// The most that one sample changed the speed by, metres a second.
    most: f32,
}

/// Looks for impacts among samples that come in order, 50 to 100 a second.
#[derive(Debug, Clone)]
pub struct Detector {
    sensitivity: Sensitivity,
    last: Option<BootNs>,
    recent: VecDeque<Moment>,
    weight: Vector,
    weighed: Duration,
    suspect: Option<Suspect>,
    quiet_until: BootNs,
}

impl Detector {
    /// One that has felt nothing yet.
    pub fn new(sensitivity: Sensitivity) -> Self {
        Self {
            sensitivity,
            last: None,
            recent: VecDeque::with_capacity(MOST),
            weight: [0.0; 3],
            weighed: Duration::ZERO,
            suspect: None,
            quiet_until: BootNs::ZERO,
        }
    }

    /// Takes the next sample. One that is not later than the one before, or no number, is left out.
    pub fn feel(&mut self, sample: &Sample) -> Option<Finding> {
        let apart = match self.last {
            Some(last) if sample.at <= last => return None,
            Some(last) => sample.at.since(last),
            None => Duration::ZERO,
        };
        if !sample.g.iter().all(|g| g.is_finite()) {
            return None;
        }
        self.last = Some(sample.at);
        let mut found = None;
        if apart > GAP {
            // A sensor that is torn off while something hits the car says no more.
            found = self.end().map(Finding::Impact);
            self.recent.clear();
        }
        let step = apart.min(LONGEST_STEP);
        self.weigh(sample.g, step);
        self.look_at(sample.at, sample.g, step.as_secs_f32());
        found.or_else(|| self.judge(sample.at))
    }

    /// The measurements end here: what is still suspected was an impact.
    pub fn end(&mut self) -> Option<Impact> {
        let suspect = self.suspect.take()?;
        Some(self.settle(&suspect))
    }

    fn settle(&mut self, suspect: &Suspect) -> Impact {
        self.quiet_until = suspect.suspected + SAME;
        let felt = self.felt(suspect.since, &suspect.frame);
        Impact {
            at: felt.begun.unwrap_or(suspect.since),
            peak_g: felt.peak,
            velocity_change: felt.fastest,
        }
    }

    fn weigh(&mut self, felt: Vector, step: Duration) {
        let settling = self.weighed < SETTLES;
        self.weighed = self.weighed.saturating_add(step);
        // A mean at first, then one that follows slowly.
        let over = WEIGHT_OVER.min(self.weighed.as_secs_f32().max(f32::EPSILON));
        let part = (step.as_secs_f32() / over).min(1.0);
        let part = if self.last.is_some() && self.weighed.is_zero() {
            1.0
        } else {
            part
        };
        let most = if settling { f32::INFINITY } else { WEIGHT_STEP };
        let apart = less(felt, self.weight);
        let size = length(apart);
        let bounded = if size > most { most / size } else { 1.0 };
        self.weight = plus(self.weight, times(apart, part * bounded));
    }

    fn look_at(&mut self, at: BootNs, felt: Vector, step: f32) {
        while self.recent.len() >= MOST
            || self
                .recent
                .front()
                .is_some_and(|first| at.since(first.at) > WINDOW + BEFORE)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(Moment {
            at,
            step,
            felt,
            push: [0.0; 3],
        });
        let frame = self.frame(at);
        let within = self
            .recent
            .iter()
            .rev()
            .take_while(|moment| at.since(moment.at) < PUSH_OVER);
        let (mut sum, mut count) = ([0.0; 3], 0.0_f32);
        for moment in within {
            sum = plus(sum, frame.counted(moment.felt));
            count += 1.0;
        }
        // A spike of one sample is no push, however far the others are apart.
        let push = times(sum, 1.0 / count.max(2.0));
        if let Some(newest) = self.recent.back_mut() {
            newest.push = push;
        }
    }

    /// What pushes are measured against in the window that ends at a moment.
    fn frame(&self, at: BootNs) -> Frame {
        let mut lasted = 0.0;
        let mut sum = [0.0; 3];
        for moment in self
            .recent
            .iter()
            .take_while(|moment| at.since(moment.at) >= WINDOW)
        {
            lasted += moment.step;
            sum = plus(sum, times(moment.felt, moment.step));
        }
        let uncompared = lasted < BEFORE_AT_LEAST.as_secs_f32();
        Frame {
            before: if uncompared {
                self.weight
            } else {
                times(sum, 1.0 / lasted)
            },
            uncompared,
            up: times(self.weight, 1.0 / length(self.weight).max(0.1)),
        }
    }

    fn since(&self, since: BootNs) -> impl Iterator<Item = &Moment> + Clone {
        self.recent
            .iter()
            .skip_while(move |moment| moment.at < since)
    }

    /// Each sample since a moment that is a push or the edge of one, with how much of it counts.
    fn pushes(&self, since: BootNs, frame: &Frame) -> impl Iterator<Item = (&Moment, Vector)> {
        let all = self.since(since);
        let strong = move |moment: &Moment| length(frame.counted(moment.felt)) > PUSHED;
        let mut before = false;
        let mut next = all.clone().skip(1);
        all.filter_map(move |moment| {
            let is_push = strong(moment);
            let beside = std::mem::replace(&mut before, is_push) || next.next().is_some_and(strong);
            (is_push || beside).then(|| (moment, frame.counted(moment.felt)))
        })
    }

    fn felt(&self, since: BootNs, frame: &Frame) -> Felt {
        let mut felt = Felt::default();
        let mut speed = [0.0; 3];
        for (moment, push) in self.pushes(since, frame) {
            let step = moment.step * STANDARD_GRAVITY as f32;
            let dynamic = less(moment.felt, frame.before);
            felt.change = plus(felt.change, times(push, step));
            felt.most = felt.most.max(length(push) * step);
            speed = plus(speed, times(dynamic, step));
            felt.fastest = felt.fastest.max(length(speed));
            felt.peak = felt.peak.max(length(dynamic));
            if length(push) > EDGE {
                felt.lasted += moment.step;
                felt.begun.get_or_insert(moment.at);
            }
        }
        felt
    }

    fn judge(&mut self, at: BootNs) -> Option<Finding> {
        if let Some(suspect) = self.suspect {
            if at.since(suspect.suspected) < CONFIRM {
                return None;
            }
            self.suspect = None;
            return self
                .stays(&suspect)
                .then(|| Finding::Impact(self.settle(&suspect)));
        }
        if self.weighed < SETTLES || at < self.quiet_until {
            return None;
        }
        let suspect = self.suspicion(at)?;
        self.suspect = Some(suspect);
        Some(Finding::Suspected)
    }

    fn suspicion(&self, at: BootNs) -> Option<Suspect> {
        let suspect = Suspect {
            since: at - WINDOW,
            suspected: at,
            frame: self.frame(at),
        };
        let felt = self.felt(suspect.since, &suspect.frame);
        let change = length(felt.change);
        let is_short = felt.lasted < SHORTEST.as_secs_f32() || felt.most > ONE_SAMPLE * change;
        if change < self.sensitivity.velocity() || is_short {
            return None;
        }
        let direction = times(felt.change, 1.0 / change);
        let pushes = self
            .since(suspect.since)
            .map(|moment| dot(moment.push, direction));
        let least = match suspect.frame.uncompared {
            true => UNCOMPARED,
            false => self.sensitivity.push(),
        };
        (pushes.fold(0.0, f32::max) >= least).then_some(suspect)
    }

    /// Whether what pushes back is little.
    fn stays(&self, suspect: &Suspect) -> bool {
        let (since, frame) = (suspect.since, &suspect.frame);
        let within = self
            .pushes(since, frame)
            .filter(|(moment, _)| moment.at <= suspect.suspected);
        let change = within.fold([0.0; 3], |sum, (moment, push)| {
            plus(sum, times(push, moment.step))
        });
        let size = length(change).max(f32::EPSILON);
        let (mut forth, mut back) = (0.0, 0.0);
        for (moment, push) in self.pushes(since, frame) {
            let along = dot(push, change) / size;
            forth += along.max(0.0) * moment.step;
            back += (-along - PUSHED).max(0.0) * moment.step;
        }
        back < TAKEN_BACK * forth
    }
}

impl Frame {
    /// As much of what is felt as counts.
    fn counted(&self, felt: Vector) -> Vector {
        let push = less(felt, self.before);
        less(push, times(self.up, (1.0 - UPWARD) * dot(push, self.up)))
    }
}

fn plus([a, b, c]: Vector, [x, y, z]: Vector) -> Vector {
    [a + x, b + y, c + z]
}

fn less([a, b, c]: Vector, [x, y, z]: Vector) -> Vector {
    [a - x, b - y, c - z]
}

fn times(a: Vector, factor: f32) -> Vector {
    a.map(|value| value * factor)
}

fn dot([a, b, c]: Vector, [x, y, z]: Vector) -> f32 {
    a * x + b * y + c * z
}

fn length(a: Vector) -> f32 {
    dot(a, a).sqrt()
}
