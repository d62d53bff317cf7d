//! The camera's own battery: what a gauge on the I²C bus says of it.
//!
//! A gauge that does not answer, or says what no cell can have, says nothing: unknown is not empty.

mod drain;
mod ina219;
mod max17048;
mod open;
mod spec;
#[cfg(test)]
mod tests;

pub use open::{OpenError, open};
pub use spec::{GaugeSpec, SpecError};

/// What a gauge measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Voltage of one cell, in millivolts; the mean where several are in a row.
    pub cell_mv: u16,
    /// Charge that is left, 0 to 100 %, where the gauge reckons it.
    pub charge: Option<f32>,
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub enum GaugeError {
    /// Nobody answered, or the bus is stuck.
    #[error("the battery gauge does not answer: {0}")]
    Bus(String),
    /// It could not be asked.
    #[error("{0}")]
    Unopened(String),
    /// A number came, but not from a cell.
    #[error("the battery gauge says {0} mV, which no lithium cell has")]
    Implausible(u32),
}

/// Measures a battery. Each call asks anew; one that fails may be followed by one that works.
pub trait Gauge: Send {
    /// What it measures now.
    fn read(&mut self) -> Result<Reading, GaugeError>;
}

/// Voltages of one cell that are believed, in millivolts. Below, its protection has cut it off; above, it would burn
/// (a cell is charged to 4.2 V, some to 4.35 V). A bus without anybody reads all ones, a dead gauge zeros.
const PLAUSIBLE_MV: std::ops::RangeInclusive<u32> = 2_000..=4_600;

/// The reading of a cell's voltage, if a cell can have it.
fn reading(cell_mv: u32, charge: Option<f32>) -> Result<Reading, GaugeError> {
    let plausible = PLAUSIBLE_MV.contains(&cell_mv);
    let cell_mv = u16::try_from(cell_mv)
        .ok()
        .filter(|_| plausible)
        .ok_or(GaugeError::Implausible(cell_mv))?;
    Ok(Reading {
        cell_mv,
        charge: charge.map(|charge| charge.clamp(0.0, 100.0)),
    })
}
