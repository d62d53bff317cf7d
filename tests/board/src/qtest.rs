//! The board's bus, from outside: QEMU's `-qtest` socket, which works beside the emulated processor. Each access
//! is whole; a driver on the board may come between two.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::console::connect;
use crate::{BoardError, Result};

/// A connection.
pub struct Qtest {
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl Qtest {
    /// Connects, as soon as the socket is there.
    pub fn connect(socket: &Path) -> Result<Self> {
        let to = connect(socket)?;
        to.set_read_timeout(Some(Duration::from_secs(60)))
            .map_err(BoardError::io("qtest"))?;
        let from = BufReader::new(to.try_clone().map_err(BoardError::io("qtest"))?);
        Ok(Self { to, from })
    }

    fn ask(&mut self, request: &str) -> Result<String> {
        writeln!(self.to, "{request}").map_err(BoardError::io("qtest"))?;
        let mut line = String::new();
        let read = self.from.read_line(&mut line);
        read.map_err(BoardError::io("an answer of qtest"))?;
        match line.trim().strip_prefix("OK") {
            Some(value) => Ok(value.trim().to_owned()),
            None => Err(BoardError::Unexpected(format!(
                "qtest answers '{line}' to '{request}'"
            ))),
        }
    }

    /// Reads 32 bits at a physical address.
    pub fn read(&mut self, address: u64) -> Result<u32> {
        let value = self.ask(&format!("readl {address:#x}"))?;
        let digits = value.trim_start_matches("0x");
        // It prints 64 bits, of which the lower are what was read.
        u64::from_str_radix(digits, 16)
            .map(|value| (value & 0xffff_ffff) as u32)
            .map_err(|_| BoardError::Unexpected(format!("qtest reads '{value}'")))
    }

    /// Writes 32 bits to a physical address.
    pub fn write(&mut self, address: u64, value: u32) -> Result<()> {
        self.ask(&format!("writel {address:#x} {value:#x}"))
            .map(drop)
    }
}
