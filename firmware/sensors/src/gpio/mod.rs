//! Single lines of a board's header: an LED, a push button, a contact.

mod kernel;
mod sim;
mod spec;
#[cfg(test)]
mod tests;

pub use spec::{LineError as LineSpecError, LineSpec};

/// Why a line cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{line} cannot be used: {reason}")]
pub struct LineError {
    line: String,
    reason: String,
}

impl LineError {
    /// What is wrong with which line.
    pub fn new(line: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            line: line.into(),
            reason: reason.into(),
        }
    }
}

/// A line that is looked at. `true` is active, whichever level that is.
pub trait Input: Send {
    /// Whether it is active now.
    fn is_active(&mut self) -> Result<bool, LineError>;
}

/// A line that is driven. `true` is active, whichever level that is.
pub trait Output: Send {
    /// Makes it active or not.
    fn set(&mut self, active: bool) -> Result<(), LineError>;
}

/// Opens a line to be looked at; `None` if there is none. `user` is shown to whoever lists the lines.
///
/// It is pulled to rest where the chip can do that: whoever wires a push button needs no resistor.
pub fn input(
    spec: &LineSpec,
    active_low: bool,
    user: &str,
) -> Result<Option<Box<dyn Input>>, LineError> {
    Ok(match spec {
        LineSpec::Off => None,
        LineSpec::Sim { path } => Some(Box::new(sim::FileLine::new(path))),
        other => Some(Box::new(kernel::KernelLine::input(
            other, active_low, user,
        )?)),
    })
}

/// Opens a line to be driven, at rest; `None` if there is none.
pub fn output(
    spec: &LineSpec,
    active_low: bool,
    user: &str,
) -> Result<Option<Box<dyn Output>>, LineError> {
    Ok(match spec {
        LineSpec::Off => None,
        LineSpec::Sim { path } => Some(Box::new(sim::FileLine::new(path))),
        other => Some(Box::new(kernel::KernelLine::output(
            other, active_low, user,
        )?)),
    })
}
