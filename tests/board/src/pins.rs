//! The header's pins (BCM2835 ARM Peripherals, section 6.1; on a 3B they begin at 0x3f200000).
//!
//! QEMU keeps one level per line, whatever its direction: writing GPSET or GPCLR from outside changes what the
//! board reads of an input, as a wire would.

use crate::qtest::Qtest;
use crate::{BoardError, Result};

const GPIO: u64 = 0x3f20_0000;
const GPSET0: u64 = GPIO + 0x1c;
const GPCLR0: u64 = GPIO + 0x28;
const GPLEV0: u64 = GPIO + 0x34;

fn bit(line: u8) -> Result<u32> {
    match line {
        0..=27 => Ok(1 << line),
        _ => Err(BoardError::Unexpected(format!(
            "GPIO{line} is not on the header, which has 0 to 27"
        ))),
    }
}

/// Puts a level on a line.
pub fn drive(bus: &mut Qtest, line: u8, high: bool) -> Result<()> {
    bus.write(if high { GPSET0 } else { GPCLR0 }, bit(line)?)
}

/// The level of a line.
pub fn level(bus: &mut Qtest, line: u8) -> Result<bool> {
    Ok(bus.read(GPLEV0)? & bit(line)? != 0)
}
