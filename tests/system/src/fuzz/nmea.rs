//! What a GPS receiver says on a serial line.

use picam_sensors::gps::nmea::Decoder;
use picam_time::BootNs;

use super::gps::believed;

/// The first byte says how long the pieces are in which the others come.
pub fn nmea(input: &[u8]) {
    let Some((piece, bytes)) = input.split_first() else {
        return;
    };
    let mut decoder = Decoder::default();
    let mut filter = believed();
    for (n, bytes) in bytes.chunks(usize::from(*piece).max(1)).enumerate() {
        let now = BootNs(n as u64 * 50_000_000);
        decoder.push(bytes, now, |report| filter(&report));
    }
    decoder.pass(BootNs::MAX, |report| filter(&report));
}
