//! The settings of the simulated camera: brightness, and mirrored either way.

use picam_media::Yuv420;

use crate::picture::{Flips, Key, Picture, PictureReport, Shown, Takes, Value};

/// Steps of luma from the default to the end of the range.
const BRIGHTEST: i16 = 64;

/// How its pictures look.
pub(super) struct Look {
    wanted: Picture,
    flips: Flips,
    level: i16,
    /// The picture, if it is not shown as it was drawn.
    shown: Option<Yuv420>,
}

impl Look {
    pub(super) fn of(wanted: Picture) -> Self {
        let level = match wanted.get(Key::Brightness) {
            Some((Value::Level(level), _)) => level,
            _ => 0,
        };
        Self {
            flips: wanted.flips(),
            level,
            shown: None,
            wanted,
        }
    }

    /// The picture as it shall look.
    pub(super) fn show<'a>(&'a mut self, drawn: &'a mut Yuv420) -> &'a mut Yuv420 {
        if self.flips == Flips::default() && self.level == 0 {
            return drawn;
        }
        let shown = self.shown.get_or_insert_with(|| drawn.clone());
        shown.clone_from(drawn);
        let by = self.level * BRIGHTEST / 100;
        for luma in &mut shown.y {
            *luma = (i16::from(*luma) + by).clamp(16, 235) as u8;
        }
        self.flips.apply(shown);
        shown
    }

    pub(super) fn report(&self) -> PictureReport {
        let mut report = PictureReport::without(
            &self.wanted,
            "the simulated camera has brightness, hflip, vflip and rotation alone",
        );
        for shown in &mut report.settings {
            *shown = match shown.key {
                key @ (Key::Hflip | Key::Vflip | Key::Rotation) => {
                    Shown::flipped(key, &self.wanted, self.flips)
                }
                Key::Brightness => Shown {
                    key: Key::Brightness,
                    wanted: self.wanted.get(Key::Brightness),
                    now: Some(Value::Level(self.level)),
                    default: Some(Value::Level(0)),
                    takes: Takes::range(Value::Level(-100), Value::Level(100)),
                    controls: Vec::new(),
                    problem: None,
                },
                _ => continue,
            };
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_what_is_wanted_and_says_what_it_has() {
        let mut drawn = Yuv420::new(64, 64);
        drawn.y[0] = 200;
        let mut wanted = Picture::default();
        let mut look = Look::of(wanted.clone());
        let plain = drawn.clone();
        assert_eq!(*look.show(&mut drawn), plain);
        wanted.set_text("brightness", "50").unwrap();
        wanted.set_text("hflip", "on").unwrap();
        wanted.set_text("gain", "20%").unwrap();
        look = Look::of(wanted);
        let shown = look.show(&mut drawn);
        assert_eq!((shown.y[0], shown.y[63]), (48, 232));
        let problems = look.report().problems();
        let [problem] = &problems[..] else {
            panic!("{problems:?}")
        };
        assert!(problem.starts_with("gain=20%"), "{problem}");
        let line = look.report().line();
        assert!(
            line.contains("brightness 50") && line.contains("hflip on"),
            "{line}"
        );
    }
}
