//! The battery's fuel gauge: memory at address 0x36 of I²C 1, laid out as a MAX17048's registers (its data sheet,
//! "Register summary").
//!
//! The harness writes it as another master of the bus would, through the board's own controller (BSC1; BCM2835 ARM
//! Peripherals, section 3.2): not while the board uses it.

use crate::qtest::Qtest;
use crate::{BoardError, Result};

/// QEMU's options for it.
pub const DEVICE: &str = "at24c-eeprom,bus=i2c-bus.1,address=0x36,rom-size=256";

/// Cell voltage, in steps of 78.125 µV.
const VCELL: u8 = 0x02;
/// State of charge, in steps of 1/256 %.
const SOC: u8 = 0x04;

const BSC1: u64 = 0x3f80_4000;
const CONTROL: u64 = BSC1;
const STATUS: u64 = BSC1 + 0x04;
const LENGTH: u64 = BSC1 + 0x08;
const ADDRESS: u64 = BSC1 + 0x0c;
const FIFO: u64 = BSC1 + 0x10;
const ENABLE: u32 = 0x8000;
const START: u32 = 0x80;
const CLEAR_FIFO: u32 = 0x30;
/// Done, no acknowledge, clock stretched too long: written back to clear them.
const DONE: u32 = 0x02;
const NO_ACKNOWLEDGE: u32 = 0x100;
const ALL_FLAGS: u32 = 0x302;

fn write(bus: &mut Qtest, register: u8, value: u16) -> Result<()> {
    let [high, low] = value.to_be_bytes();
    bus.write(STATUS, ALL_FLAGS)?;
    bus.write(CONTROL, ENABLE | CLEAR_FIFO)?;
    bus.write(ADDRESS, 0x36)?;
    bus.write(LENGTH, 3)?;
    bus.write(CONTROL, ENABLE | START)?;
    for byte in [register, high, low] {
        bus.write(FIFO, byte.into())?;
    }
    let status = bus.read(STATUS)?;
    bus.write(STATUS, ALL_FLAGS)?;
    bus.write(CONTROL, 0)?;
    if status & DONE == 0 || status & NO_ACKNOWLEDGE != 0 {
        return Err(BoardError::Unexpected(format!(
            "the gauge does not take a write: status {status:#x}"
        )));
    }
    Ok(())
}

/// Sets what the gauge measures.
pub fn set(bus: &mut Qtest, millivolts: u32, percent: u8) -> Result<()> {
    // 1 mV = 12.8 steps
    let steps = millivolts.saturating_mul(128) / 10;
    let steps = u16::try_from(steps).unwrap_or(u16::MAX);
    write(bus, VCELL, steps)?;
    write(bus, SOC, u16::from(percent) << 8)
}

/// Millivolts of what `i2cget -w` reads, which takes the first byte for the lower one.
pub fn millivolts(word: u16) -> u32 {
    u32::from(word.swap_bytes()) * 10 / 128
}
