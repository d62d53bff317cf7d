//! What the simulated camera hears: a beep at each full second of its time, while the picture flashes.

use std::f64::consts::TAU;

use picam_media::{SoundCodec, SoundFormat, TIMESCALE};
use picam_time::BootNs;

/// Samples a second.
pub(crate) const RATE: u32 = 48_000;
/// What a packet holds.
pub(crate) const FORMAT: SoundFormat = SoundFormat {
    codec: SoundCodec::Pcm16,
    rate: RATE,
    channels: 1,
};
/// Samples in a packet: 20 ms.
const PACKET: u32 = RATE / 50;
/// Ticks that a packet lasts.
const PACKET_TICKS: i64 = (TIMESCALE / 50) as i64;
/// Ticks that a beep and a flash last: 100 ms.
const BEEP_TICKS: i64 = (TIMESCALE / 10) as i64;
/// Waves a second of the beep.
const PITCH: f64 = 1000.0;
/// Of 32767.
const VOLUME: f64 = 16_000.0;

/// Whether it beeps, and flashes, at this time.
pub(crate) const fn beeps(ticks: i64) -> bool {
    ticks.rem_euclid(TIMESCALE as i64) < BEEP_TICKS
}

/// Decode time of packet number `n`.
pub(crate) fn starts(n: u64) -> i64 {
    i64::try_from(n)
        .unwrap_or(i64::MAX)
        .saturating_mul(PACKET_TICKS)
}

/// Appends packet number `n`.
pub(crate) fn write_packet(n: u64, out: &mut Vec<u8>) {
    // A second is a whole number of packets, and of waves.
    let first = (n % u64::from(RATE / PACKET)) as u32 * PACKET;
    for sample in first..first + PACKET {
        let ticks = i64::from(sample) * i64::from(TIMESCALE) / i64::from(RATE);
        let value = match beeps(ticks) {
            true => VOLUME * (TAU * PITCH * f64::from(sample) / f64::from(RATE)).sin(),
            false => 0.0,
        };
        out.extend((value as i16).to_le_bytes());
    }
}

/// What is heard at this moment of the boot clock.
pub(crate) fn sample(now: BootNs) -> i16 {
    let into = now.0 % 1_000_000_000;
    match beeps(BootNs(into).ticks(TIMESCALE).value) {
        true => (VOLUME * (TAU * PITCH * into as f64 / 1e9).sin()) as i16,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_begins_with_a_tenth_of_sound() {
        let mut second = Vec::new();
        for n in 150..200 {
            write_packet(n, &mut second);
        }
        let samples: Vec<i16> = second
            .chunks(2)
            .map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]))
            .collect();
        assert_eq!(samples.len(), RATE as usize);
        // A quarter of the first wave.
        assert_eq!((samples[0], samples[12]), (0, 16_000));
        let loud = |part: &[i16]| part.iter().any(|sample| sample.abs() > 10_000);
        assert!(samples[..4800].chunks(24).all(loud));
        assert!(samples[4800..].iter().all(|&sample| sample == 0));
    }

    #[test]
    fn it_flashes_while_it_beeps() {
        assert!(beeps(0) && beeps(8999) && !beeps(9000) && !beeps(89_999) && beeps(90_000));
    }
}
