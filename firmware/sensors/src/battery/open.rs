//! Opens the gauge that the configuration names.

use std::path::{Path, PathBuf};

use linux_embedded_hal::I2cdev;
use picam_time::SystemClock;

use super::drain::Drain;
use super::ina219::Row;
use super::max17048::OneCell;
use super::spec::HEADER_BUS;
use super::{Gauge, GaugeSpec};

/// Why a gauge cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error(
    "the I2C bus {path} of the battery gauge cannot be opened: {reason}; is I2C switched on (dtparam=i2c_arm=on in \
     config.txt) and i2c-dev loaded, and may this user open it (group i2c)?"
)]
pub struct OpenError {
    path: PathBuf,
    reason: String,
}

/// The gauge; `None` if there is none. Whether it answers shows when it is read.
pub fn open(spec: &GaugeSpec) -> Result<Option<Box<dyn Gauge>>, OpenError> {
    Ok(Some(match spec {
        GaugeSpec::Off => return Ok(None),
        GaugeSpec::Auto => Box::new(OneCell::new(open_bus(Path::new(HEADER_BUS))?)),
        GaugeSpec::Max17048 { bus } => Box::new(OneCell::new(open_bus(bus)?)),
        GaugeSpec::Ina219 {
            bus,
            address,
            cells,
        } => {
            let wrong = |_| OpenError {
                path: bus.clone(),
                reason: format!("{address:#x} is no address of an INA219"),
            };
            let address = (*address).try_into().map_err(wrong)?;
            Box::new(Row::new(open_bus(bus)?, address, *cells))
        }
        GaugeSpec::Sim { lasts } => Box::new(Drain::new(SystemClock, *lasts)),
    }))
}

fn open_bus(path: &Path) -> Result<I2cdev, OpenError> {
    I2cdev::new(path).map_err(|error| OpenError {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
