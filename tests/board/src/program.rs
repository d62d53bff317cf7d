//! Programs of the host.

use std::process::{Command, Stdio};

use crate::{BoardError, Result};

/// What a program prints that must succeed.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let program = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(BoardError::io(program.clone()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stdout, output.stderr].concat();
    Err(BoardError::Program {
        program,
        said: String::from_utf8_lossy(&said).into_owned(),
    })
}

/// Its output as text.
pub fn text(command: &mut Command) -> Result<String> {
    output(command).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
