//! One question and its answer through a Unix socket, a line of JSON each.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asks whoever is behind `socket`. Each step may take as long as `timeout`, the answer be as long as `longest` in bytes.
pub fn exchange<T: DeserializeOwned>(
    socket: &Path,
    request: &impl Serialize,
    timeout: Duration,
    longest: u64,
) -> io::Result<T> {
    let stream = send(socket, request, timeout)?;
    let mut line = Vec::new();
    BufReader::new(stream)
        .take(longest)
        .read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

/// Says what is wanted; the answer can be read from the stream.
pub(crate) fn send(
    socket: &Path,
    request: &impl Serialize,
    timeout: Duration,
) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    Ok(stream)
}
