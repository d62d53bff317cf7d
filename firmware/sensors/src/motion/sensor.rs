//! An accelerometer on a bus that may fail at any moment: found, set up, read, lost, found again.

use std::path::PathBuf;
use std::time::Duration;

use embedded_hal::i2c::I2c;
use linux_embedded_hal::I2cdev;
use picam_time::BootNs;

use super::chip::{Chip, Read};
use super::sim::SimSensor;
use super::spec::MotionSpec;

/// One that says nothing new for so long has lost its settings, as after a dip of its supply.
const SILENT: Duration = Duration::from_millis(500);

/// Why there is nothing to be felt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MotionError {
    /// Nobody answered, or the bus is stuck.
    #[error("the accelerometer does not answer: {0}")]
    Bus(String),
    /// Somebody else is at that address.
    #[error("what answers is no {}: it says {said:#04x}", .chip.word())]
    Other {
        /// What was looked for.
        chip: Chip,
        /// What it says instead.
        said: u8,
    },
    /// It says what no such chip can say.
    #[error("the accelerometer says what it cannot have measured")]
    Garbage,
    /// It has stopped measuring.
    #[error("the accelerometer has stopped measuring")]
    Silent,
    /// The bus cannot be opened.
    #[error(
        "the I2C bus {path} of the accelerometer cannot be opened: {reason}; is I2C switched on (dtparam=i2c_arm=on in \
         config.txt) and i2c-dev loaded, and may this user open it (group i2c)?"
    )]
    Unopened {
        /// The bus.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// Measures how it is moved. One that fails may be asked again, and begins anew then.
pub trait Accelerometer: Send {
    /// Takes what was measured since the last call, the oldest first, in g; `now` is the boot clock's time.
    fn read(&mut self, now: BootNs, into: &mut Vec<[f32; 3]>) -> Result<Read, MotionError>;
}

/// A chip on a bus.
#[derive(Debug)]
pub(super) struct OnBus<B> {
    bus: B,
    chip: Chip,
    address: u8,
    /// When it last said something; none while it is not set up.
    heard: Option<BootNs>,
}

impl<B: I2c> OnBus<B> {
    pub(super) const fn new(bus: B, chip: Chip, address: u8) -> Self {
        Self {
            bus,
            chip,
            address,
            heard: None,
        }
    }

    #[cfg(test)]
    pub(super) fn into_bus(self) -> B {
        self.bus
    }

    fn try_read(&mut self, now: BootNs, into: &mut Vec<[f32; 3]>) -> Result<Read, MotionError> {
        let Some(heard) = self.heard else {
            self.chip.begin(&mut self.bus, self.address)?;
            self.heard = Some(now);
            return Ok(Read::default());
        };
        let read = self.chip.read(&mut self.bus, self.address, into)?;
        match read.count {
            0 if !read.overrun && now.since(heard) >= SILENT => return Err(MotionError::Silent),
            0 => {}
            _ => self.heard = Some(now),
        }
        Ok(read)
    }
}

impl<B: I2c + Send> Accelerometer for OnBus<B> {
    fn read(&mut self, now: BootNs, into: &mut Vec<[f32; 3]>) -> Result<Read, MotionError> {
        let read = self.try_read(now, into);
        if read.is_err() {
            // Whatever it is by then: it is identified and set up again.
            self.heard = None;
        }
        read
    }
}

/// The accelerometer that the configuration names; `None` if there is none. Whether it answers shows when it is read.
pub fn open(spec: &MotionSpec, now: BootNs) -> Result<Option<Box<dyn Accelerometer>>, MotionError> {
    Ok(Some(match spec {
        MotionSpec::Off => return Ok(None),
        MotionSpec::Sim { impacts } => Box::new(SimSensor::new(now, *impacts)),
        MotionSpec::Chip { chip, bus, address } => {
            let opened = I2cdev::new(bus).map_err(|error| MotionError::Unopened {
                path: bus.clone(),
                reason: error.to_string(),
            })?;
            Box::new(OnBus::new(opened, *chip, *address))
        }
    }))
}
