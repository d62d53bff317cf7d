//! What gpsd says.

use picam_sensors::gps::gpsd::{Decoder, Now};
use picam_time::{BootNs, UtcUs};

use super::gps::believed;

/// The first byte says how long the pieces are in which the others come.
pub fn gpsd(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else {
        return;
    };
    let mut decoder = Decoder::default();
    let mut filter = believed();
    for (n, bytes) in bytes.chunks(usize::from(*piece).max(1)).enumerate() {
        let now = Now {
            boot: BootNs(n as u64 * 50_000_000),
            system: UtcUs(1_795_172_880_000_000),
        };
        decoder.push(bytes, now, |report| filter(&report));
    }
}
