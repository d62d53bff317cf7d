//! QEMU's own control socket (QMP: docs/interop/qmp-spec of QEMU).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::console::connect;
use crate::{BoardError, Result};

/// A connection.
pub struct Qmp {
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl Qmp {
    /// Connects, as soon as the socket is there.
    pub fn connect(socket: &Path) -> Result<Self> {
        let to = connect(socket)?;
        to.set_read_timeout(Some(Duration::from_secs(60)))
            .map_err(BoardError::io("QMP"))?;
        let from = BufReader::new(to.try_clone().map_err(BoardError::io("QMP"))?);
        let mut qmp = Self { to, from };
        qmp.line()?;
        qmp.execute("qmp_capabilities", json!({}))?;
        Ok(qmp)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        let read = self.from.read_line(&mut line);
        read.map_err(BoardError::io("an answer of QMP"))?;
        serde_json::from_str(&line)
            .map_err(|error| BoardError::Unexpected(format!("QMP says '{line}': {error}")))
    }

    /// Runs a command; events that come meanwhile are left out.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let request = json!({"execute": command, "arguments": arguments});
        writeln!(self.to, "{request}").map_err(BoardError::io("QMP"))?;
        loop {
            let mut answer = self.line()?;
            if let Some(value) = answer.get_mut("return") {
                return Ok(value.take());
            }
            if let Some(error) = answer.get("error") {
                return Err(BoardError::Unexpected(format!("QMP, {command}: {error}")));
            }
        }
    }

    /// What QEMU's monitor for people prints.
    pub fn human(&mut self, line: &str) -> Result<String> {
        let answer = self.execute("human-monitor-command", json!({"command-line": line}))?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}
