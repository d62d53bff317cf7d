//! INA219, which measures a voltage and knows nothing of charge: on Waveshare's UPS HATs (0x41 to 0x43) and many boards.

use embedded_hal::i2c::I2c;
use ina219::SyncIna219;
use ina219::address::Address;
use ina219::calibration::UnCalibrated;

use super::{Gauge, GaugeError, Reading, reading};

/// An INA219 across a number of cells in a row.
pub(super) struct Row<I2C> {
    chip: SyncIna219<I2C, UnCalibrated>,
    cells: u8,
}

impl<I2C: I2c> Row<I2C> {
    /// It is read as it is after power-on: 32 V, 12 bits, continuously (data sheet, configuration register).
    pub(super) fn new(bus: I2C, address: Address, cells: u8) -> Self {
        let chip = SyncIna219::new_unchecked(bus, address, UnCalibrated);
        Self { chip, cells }
    }

    #[cfg(test)]
    pub(super) fn into_bus(self) -> I2C {
        self.chip.destroy()
    }
}

impl<I2C: I2c + Send> Gauge for Row<I2C>
where
    I2C::Error: Send,
{
    fn read(&mut self) -> Result<Reading, GaugeError> {
        let voltage = self.chip.bus_voltage();
        let voltage = voltage.map_err(|error| GaugeError::Bus(format!("{error:?}")))?;
        reading(
            u32::from(voltage.voltage_mv()) / u32::from(self.cells.max(1)),
            None,
        )
    }
}
