//! From what devices deliver to samples of 16 bits.

/// A sample of 32 bits, rounded.
pub(super) const fn of_i32(sample: i32) -> i16 {
    (sample.saturating_add(1 << 15) >> 16) as i16
}

/// A sample between -1 and 1. What is beyond is clipped; what is no number is silence.
pub(super) fn of_f32(sample: f32) -> i16 {
    // Saturates, and makes 0 of NaN.
    (sample * 32_768.0).round() as i16
}

/// Appends interleaved samples with `from` channels to those with `to`: one is the mean of all, two are the first two.
pub(super) fn mix(samples: impl Iterator<Item = i16>, from: u16, to: u16, out: &mut Vec<i16>) {
    if from == to {
        out.extend(samples);
        return;
    }
    let (mut sum, mut n) = (0i32, 0u16);
    for sample in samples {
        n += 1;
        sum += i32::from(sample);
        if to == 2 && n <= 2 {
            out.push(sample);
        }
        if n < from {
            continue;
        }
        match (to, from) {
            (2, 1) => out.push(sample),
            (2, _) => {}
            // The mean of numbers of 16 bits has 16 bits.
            _ => out.push((sum / i32::from(from.max(1))) as i16),
        }
        (sum, n) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_keep_their_sign_and_never_wrap() {
        let of_32 = [
            0,
            1 << 16,
            0x7fff_8000,
            i32::MAX,
            i32::MIN,
            -(1 << 16),
            0x7fff,
        ];
        assert_eq!(of_32.map(of_i32), [0, 1, 32_767, 32_767, -32_768, -1, 0]);
        let of_float = [
            0.0,
            0.5,
            1.0,
            7.0,
            -1.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            -1e-30,
        ];
        assert_eq!(
            of_float.map(of_f32),
            [0, 16_384, 32_767, 32_767, -32_768, 0, 32_767, -32_768, 0]
        );
    }

    #[test]
    fn channels_are_mixed_or_left_out() {
        let mixed = |samples: &[i16], from, to| {
            let mut out = vec![9];
            mix(samples.iter().copied(), from, to, &mut out);
            out[1..].to_vec()
        };
        assert_eq!(mixed(&[1, 2, 3, 4], 2, 2), [1, 2, 3, 4]);
        assert_eq!(mixed(&[100, 0, i16::MIN, i16::MIN], 2, 1), [50, i16::MIN]);
        assert_eq!(mixed(&[1, 2], 1, 2), [1, 1, 2, 2]);
        assert_eq!(mixed(&[1, 2, 3, 4, 5, 6], 3, 2), [1, 2, 4, 5]);
        assert_eq!(mixed(&[1, 2, 3, 4, 5], 3, 1), [2]);
    }
}
