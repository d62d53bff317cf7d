//! From units that are the same for all cameras to a control's own numbers, and back.
//!
//! What V4L2 calls brightness goes from 0 to 255 on one camera and from -64 to 64 on the next, with a default anywhere in
//! between: numbers that mean nothing on another. A level is counted from the device's default towards its ends.

use crate::v4l2::Control;

/// The nearest value that the control takes.
pub(super) fn nearest(control: &Control, value: i64) -> i64 {
    let step = control.step.max(1);
    let from_least = value
        .clamp(control.least, control.most)
        .saturating_sub(control.least);
    let steps = from_least.saturating_add(step / 2) / step;
    let near = control.least.saturating_add(steps.saturating_mul(step));
    match near > control.most {
        true => near - step,
        false => near,
    }
}

/// -100 is the least, 0 the default, 100 the greatest value.
pub(super) fn of_level(control: &Control, level: i16) -> i64 {
    let end = match level < 0 {
        true => control.least,
        false => control.most,
    };
    let way = end.saturating_sub(control.default);
    let part = way.saturating_mul(i64::from(level.unsigned_abs()));
    nearest(control, control.default.saturating_add(rounded(part, 100)))
}

pub(super) fn level(control: &Control, value: i64) -> i16 {
    let from_default = value.saturating_sub(control.default);
    let way = match from_default < 0 {
        true => control.default.saturating_sub(control.least),
        false => control.most.saturating_sub(control.default),
    };
    let level = rounded(from_default.saturating_mul(100), way.max(1));
    level.clamp(-100, 100) as i16
}

/// 0 is the least, 100 the greatest value.
pub(super) fn of_share(control: &Control, share: u8) -> i64 {
    let way = control.most.saturating_sub(control.least);
    let part = rounded(way.saturating_mul(share.into()), 100);
    nearest(control, control.least.saturating_add(part))
}

pub(super) fn share(control: &Control, value: i64) -> u8 {
    let way = control.most.saturating_sub(control.least).max(1);
    let share = rounded(value.saturating_sub(control.least).saturating_mul(100), way);
    share.clamp(0, 100) as u8
}

/// Halves go away from zero.
fn rounded(value: i64, by: i64) -> i64 {
    let half = by / 2;
    match value < 0 {
        true => value.saturating_sub(half) / by,
        false => value.saturating_add(half) / by,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn control(least: i64, default: i64, most: i64, step: i64) -> Control {
        Control {
            least,
            default,
            most,
            step,
            ..Control::default()
        }
    }

    #[test]
    fn a_level_is_counted_from_the_default() {
        let usual = control(0, 128, 255, 1);
        for (level, value) in [(-100, 0), (-50, 64), (0, 128), (50, 192), (100, 255)] {
            assert_eq!(of_level(&usual, level), value);
        }
        let askew = control(-10, 60, 100, 5);
        for (level, value) in [(-100, -10), (-50, 25), (0, 60), (50, 80), (100, 100)] {
            assert_eq!(of_level(&askew, level), value);
        }
        assert_eq!((of_share(&askew, 0), of_share(&askew, 50)), (-10, 45));
        // The last step does not fit.
        assert_eq!(of_level(&control(0, 0, 9, 4), 100), 8);
    }

    proptest! {
        #[test]
        fn what_is_set_lies_in_range_and_reads_back(
            least in -70_000i64..70_000,
            up in 0i64..70_000,
            further in 0i64..70_000,
            step in 0i64..300,
            wanted in -100i16..=100,
        ) {
            let control = control(least, least + up, least + up + further, step);
            let value = of_level(&control, wanted);
            prop_assert!((control.least..=control.most).contains(&value));
            prop_assert_eq!((value - control.least) % step.max(1), 0);
            let (again, shared) = (level(&control, value), share(&control, value));
            prop_assert!((-100..=100).contains(&again) && shared <= 100);
            if step <= 1 && up.min(further) >= 200 {
                prop_assert_eq!(again, wanted);
            }
        }

        #[test]
        fn nothing_that_a_driver_says_ends_it(
            least: i64, default: i64, most: i64, step: i64, value: i64, wanted in -100i16..=100,
        ) {
            let (least, most) = (least.min(most), least.max(most));
            let control = control(least, default, most, step);
            let _ = (of_level(&control, wanted), of_share(&control, wanted.unsigned_abs() as u8));
            let _ = (level(&control, value), share(&control, value));
        }
    }
}
