//! MAX17043 and MAX17048, gauges of one cell at address 0x36: on Geekworm's X7xx and X12xx and on many other boards.
//!
//! The older one has 12 bits of 1.25 mV above four that are 0, the newer one 16 bits of 78.125 µV (data sheets, VCELL):
//! both are read alike. The charge has 1/256 % in both.

use embedded_hal::i2c::I2c;
use max170xx::Max17048;

use super::{Gauge, GaugeError, Reading, reading};

/// Such a gauge on a bus.
pub(super) struct OneCell<I2C>(Max17048<I2C>);

impl<I2C: I2c> OneCell<I2C> {
    pub(super) fn new(bus: I2C) -> Self {
        Self(Max17048::new(bus))
    }

    #[cfg(test)]
    pub(super) fn into_bus(self) -> I2C {
        self.0.destroy()
    }
}

impl<I2C: I2c + Send> Gauge for OneCell<I2C> {
    fn read(&mut self) -> Result<Reading, GaugeError> {
        let silent = |error| GaugeError::Bus(format!("{error:?}"));
        let volts = self.0.voltage().map_err(silent)?;
        let charge = self.0.soc().map_err(silent)?;
        // At most 5.12 V.
        reading((volts * 1000.0).round() as u32, Some(charge))
    }
}
