//! The choice of a channel.

use crate::channel::Channel;
use crate::scan::Bss;

/// Channels of 2.4 GHz lie 5 MHz apart, and a transmission is 20 to 22 MHz wide: this many numbers
/// apart, two of them do not overlap.
const APART: u8 = 5;
/// Signals this weak, in dBm, are noise to us.
const FLOOR: i16 = -95;
/// A stronger signal, in dB above [`FLOOR`], disturbs no more than this.
const STRONGEST: i16 = 65;

/// The least used of the channels 1, 6 and 11: all of them are allowed everywhere.
///
/// Every network heard above -95 dBm weighs on a channel by its signal in dB above that, at most 65,
/// times how far the two overlap: 5 fifths on the same channel, 4 on the next, none five channels
/// away. The lowest sum is taken; 6 before 1 before 11 if they are equal, as they are without a scan.
pub fn choose_channel(heard: &[Bss]) -> Channel {
    let load = |candidate: Channel| -> u64 {
        let weights = heard.iter().map(|bss| weight(bss, candidate));
        weights.map(u64::from).sum()
    };
    // `min_by_key` takes the first of equals.
    let chosen = Channel::APART
        .into_iter()
        .min_by_key(|&channel| load(channel));
    let [first, ..] = Channel::APART;
    chosen.unwrap_or(first)
}

fn weight(bss: &Bss, candidate: Channel) -> u16 {
    let number = candidate.number();
    let apart = bss.channel_2_4().map(|other| other.abs_diff(number));
    let overlap = apart.map_or(0, |apart| APART.saturating_sub(apart));
    let signal = bss.signal_dbm.saturating_sub(FLOOR).clamp(0, STRONGEST);
    u16::from(overlap) * signal.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(list: &[(u16, i16)]) -> Vec<Bss> {
        list.iter()
            .map(|&(frequency, signal_dbm)| Bss {
                frequency,
                signal_dbm,
                ssid: None,
            })
            .collect()
    }

    #[test]
    fn the_least_used_channel_is_chosen() {
        for (list, chosen) in [
            (&[][..], 6),
            (&[(2437, -50)], 1),
            (&[(2437, -50), (2412, -60)], 11),
            // A weak network on each but one.
            (&[(2412, -80), (2462, -80)], 6),
            // All taken: the weakest neighbour.
            (&[(2412, -40), (2437, -41), (2462, -42)], 11),
            // Two weak ones disturb less than a strong one.
            (&[(2412, -45), (2437, -80), (2437, -82), (2462, -45)], 6),
            // Channel 3 overlaps with 1 and 6: two away from the one, three from the other.
            (&[(2422, -50)], 11),
            (&[(2422, -50), (2462, -50)], 6),
            // Channels 9 and 10 reach to 6 and 11.
            (&[(2452, -50), (2457, -50)], 1),
            // Channel 4 reaches to 6 and 1; 7 just reaches to 11, and to 6 nearly whole.
            (&[(2427, -50)], 11),
            (&[(2442, -50)], 1),
            (&[(2442, -50), (2412, -85)], 11),
            // A loud one four channels away disturbs more than a faint one on the same.
            (&[(2457, -30), (2412, -89)], 1),
            // Below the noise, and elsewhere.
            (&[(2437, -96), (5180, -30), (2484, -30)], 6),
        ] {
            assert_eq!(choose_channel(&heard(list)).number(), chosen, "{list:?}");
        }
    }

    #[test]
    fn absurd_signals_overflow_nothing() {
        let list = heard(&[(2437, i16::MAX), (2412, i16::MIN)]);
        assert_eq!(choose_channel(&list).number(), 1);
        assert_eq!(choose_channel(&vec![list[0].clone(); 10_000]).number(), 1);
    }
}
