//! LED, button, trigger and ignition of a camera, with their lines.
//!
//! Lines are looked at every [`TICK`] instead of waiting for interrupts: a contact that flutters costs no more than one that
//! rests, and every chip can do it.

use std::time::Duration;

use picam_control::power::Cause;
use picam_sensors::gpio::{Input, Output};
use picam_time::BootNs;

use crate::button::{Button, LONG, Press, Trigger};
use crate::ignition::{Ignition, Turn};
use crate::keep::{By, Wish};
use crate::led::{Known, Led, News};
use crate::line::Line;

/// How often the lines are looked at.
pub(crate) const TICK: Duration = Duration::from_millis(20);

/// The lines that there are.
#[derive(Default)]
pub struct Lines {
    /// The LED.
    pub led: Option<Line<dyn Output>>,
    /// The push button.
    pub button: Option<Line<dyn Input>>,
    /// What else has footage kept.
    pub trigger: Option<Line<dyn Input>>,
    /// Whether the car is on, and how long the camera goes on after it is off.
    pub ignition: Option<(Line<dyn Input>, Duration)>,
}

impl Lines {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.led.is_none()
            && self.button.is_none()
            && self.trigger.is_none()
            && self.ignition.is_none()
    }
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Footage kept.
    Keep(Wish),
    /// The hotspot on, or off if it is on.
    Hotspot,
    /// The camera off, for that reason.
    PowerOff(Cause),
}

/// All of it.
pub(crate) struct Panel {
    lines: Lines,
    led: Led,
    lit: Option<bool>,
    button: Button,
    trigger: Trigger,
    ignition: Option<(Line<dyn Input>, Ignition)>,
    was_long: bool,
}

impl Panel {
    /// Of these lines. With `stealth`, the LED shows faults alone.
    pub(crate) fn new(now: BootNs, mut lines: Lines, stealth: bool) -> Self {
        let ignition = lines.ignition.take();
        Self {
            ignition: ignition.map(|(line, stay)| (line, Ignition::new(now, stay))),
            lines,
            led: Led::new(now, stealth),
            lit: None,
            button: Button::default(),
            trigger: Trigger::default(),
            was_long: false,
        }
    }

    /// Looks at the lines, and drives the LED. At most one thing is wanted of each line.
    pub(crate) fn look(
        &mut self,
        now: BootNs,
        known: &Known,
        news: Option<News>,
    ) -> impl Iterator<Item = Act> + use<> {
        let pressed = level(&mut self.lines.button, now);
        let press = pressed.and_then(|pressed| self.button.look(now, pressed));
        let active = level(&mut self.lines.trigger, now);
        let triggered = active.is_some_and(|active| self.trigger.look(now, active));

        let turn = self.ignition.as_mut().and_then(|(line, ignition)| {
            let on = line.with(now, |line| line.is_active());
            ignition.look(now, on)
        });
        match turn {
            Some(Turn::On) => tracing::info!("the ignition is on"),
            Some(Turn::Off) => tracing::info!("the ignition is off"),
            Some(Turn::SwitchOff) | None => {}
        }

        let is_long = self.button.held(now).is_some_and(|held| held >= LONG);
        if is_long && !self.was_long {
            self.led.tell(now, News::HeldLong);
        }
        self.was_long = is_long;
        if let Some(news) = news {
            self.led.tell(now, news);
        }
        let lit = self.led.is_lit(now, known);
        if let Some(led) = &mut self.lines.led
            && self.lit != Some(lit)
        {
            // One that could not be used begins dark.
            self.lit = led.with(now, |led| led.set(lit)).map(|()| lit);
        }

        let of_button = press.map(|press| match press {
            Press::Short => Act::Keep(Wish {
                by: By::Button,
                at: now,
            }),
            Press::Long => Act::Hotspot,
            Press::VeryLong => Act::PowerOff(Cause::Button),
        });
        let of_trigger = triggered.then_some(Act::Keep(Wish {
            by: By::Trigger,
            at: now,
        }));
        let of_ignition = (turn == Some(Turn::SwitchOff)).then_some(Act::PowerOff(Cause::Ignition));
        of_button.into_iter().chain(of_trigger).chain(of_ignition)
    }

    /// What the LED says.
    pub(crate) fn led(&self) -> &Led {
        &self.led
    }
}

impl Drop for Panel {
    /// Dark: nobody knows any more.
    fn drop(&mut self) {
        if let Some(led) = self.lines.led.as_mut().and_then(Line::opened) {
            let _ = led.set(false);
        }
    }
}

/// Whether a line is active; `None` if there is none, or it cannot be told.
fn level(line: &mut Option<Line<dyn Input>>, now: BootNs) -> Option<bool> {
    line.as_mut()?.with(now, |line| line.is_active())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use picam_sensors::gpio::LineError;

    use super::*;

    /// A line in memory; `None` fails.
    #[derive(Clone, Default)]
    struct Wire(Arc<Mutex<Option<bool>>>);

    impl Wire {
        fn put(&self, level: Option<bool>) {
            *self.0.lock().unwrap() = level;
        }

        fn get(&self) -> Option<bool> {
            *self.0.lock().unwrap()
        }
    }

    impl Input for Wire {
        fn is_active(&mut self) -> Result<bool, LineError> {
            self.get()
                .ok_or_else(|| LineError::new("GPIO5", "no such device"))
        }
    }

    impl Output for Wire {
        fn set(&mut self, active: bool) -> Result<(), LineError> {
            self.put(Some(active));
            Ok(())
        }
    }

    /// A line that is there.
    fn seen(wire: &Wire) -> Line<dyn Input> {
        let wire = wire.clone();
        Line::new("line", move || Ok(Box::new(wire.clone()) as Box<dyn Input>))
    }

    fn driven(wire: &Wire) -> Line<dyn Output> {
        let wire = wire.clone();
        Line::new(
            "line",
            move || Ok(Box::new(wire.clone()) as Box<dyn Output>),
        )
    }

    struct Bench {
        led: Wire,
        button: Wire,
        trigger: Wire,
        ignition: Wire,
        panel: Panel,
        now: BootNs,
    }

    impl Bench {
        fn new() -> Self {
            let [led, button, trigger, ignition] = [(); 4].map(|()| Wire::default());
            let lines = Lines {
                led: Some(driven(&led)),
                button: Some(seen(&button)),
                trigger: Some(seen(&trigger)),
                ignition: Some((seen(&ignition), Duration::from_secs(300))),
            };
            let now = BootNs::from_secs(100);
            Self {
                led,
                button,
                trigger,
                ignition,
                panel: Panel::new(now, lines, false),
                now,
            }
        }

        fn run(&mut self, ms: u64, button: Option<bool>, trigger: Option<bool>) -> Vec<Act> {
            self.button.put(button);
            self.trigger.put(trigger);
            let mut acts = Vec::new();
            for _ in 0..ms / 20 {
                acts.extend(self.panel.look(self.now, &Known::default(), None));
                self.now += TICK;
            }
            acts
        }
    }

    const REST: Option<bool> = Some(false);
    const ACTIVE: Option<bool> = Some(true);

    #[test]
    fn button_and_trigger_each_want_their_own() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(1_000, REST, REST), []);
        assert_eq!(bench.run(200, ACTIVE, REST), []);
        let kept = bench.run(200, REST, REST);
        assert!(
            matches!(kept[..], [Act::Keep(Wish { by: By::Button, .. })]),
            "{kept:?}"
        );
        let kept = bench.run(200, REST, ACTIVE);
        assert!(
            matches!(
                kept[..],
                [Act::Keep(Wish {
                    by: By::Trigger,
                    ..
                })]
            ),
            "{kept:?}"
        );
        bench.run(4_000, ACTIVE, REST);
        assert_eq!(bench.run(200, REST, REST), [Act::Hotspot]);
        assert_eq!(
            bench.run(60_000, ACTIVE, REST),
            [Act::PowerOff(Cause::Button)]
        );
        assert_eq!(bench.run(1_000, REST, REST), []);
    }

    #[test]
    fn a_line_that_fails_wants_nothing() {
        let mut bench = Bench::new();
        assert_eq!(bench.run(20_000, None, None), []);
        bench.run(1_000, REST, REST);
        bench.run(500, ACTIVE, REST);
        // Pulled off in mid-press: whatever it says then, eight seconds have to be seen.
        assert_eq!(bench.run(20_000, None, REST), []);
        assert_eq!(bench.run(7_900, ACTIVE, REST), []);
        // It is tried again every two seconds.
        assert_eq!(
            bench.run(2_400, ACTIVE, REST),
            [Act::PowerOff(Cause::Button)]
        );
    }

    #[test]
    fn a_car_that_is_off_switches_off_once() {
        let mut bench = Bench::new();
        bench.ignition.put(ACTIVE);
        assert_eq!(bench.run(600_000, REST, REST), []);
        bench.ignition.put(REST);
        assert_eq!(bench.run(299_000, REST, REST), []);
        let off = bench.run(600_000, REST, REST);
        assert_eq!(off, [Act::PowerOff(Cause::Ignition)]);
    }

    #[test]
    fn an_led_that_comes_later_says_what_holds_then() {
        let (led, there) = (Wire::default(), Wire::default());
        let (wire, device) = (led.clone(), there.clone());
        let open = move || match device.get() {
            Some(_) => Ok(Box::new(wire.clone()) as Box<dyn Output>),
            None => Err(LineError::new("GPIO17", "permission denied")),
        };
        let lines = Lines {
            led: Some(Line::new("LED", open)),
            ..Lines::default()
        };
        let start = BootNs::from_secs(100);
        let mut panel = Panel::new(start, lines, false);
        let known = Known {
            switching_off: true,
            ..Known::default()
        };
        // Lit all the time, as far as it can be.
        for ms in (0..4_000).step_by(20) {
            there.put((ms >= 1_000).then_some(true));
            drop(panel.look(start + Duration::from_millis(ms), &known, None));
        }
        assert_eq!(led.get(), ACTIVE);
    }

    #[test]
    fn the_led_is_dark_once_nobody_drives_it() {
        let mut bench = Bench::new();
        bench.run(20, REST, REST);
        assert_eq!(
            bench.led.get(),
            ACTIVE,
            "it blinks evenly as nobody answers"
        );
        drop(bench.panel);
        assert_eq!(bench.led.get(), REST);
    }
}
