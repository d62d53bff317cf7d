//! What other programs print.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// No honest output is longer, in bytes.
const MAX_OUTPUT: u64 = 4 << 20;

/// What a program prints, if it succeeds within `limit`; else it is ended.
pub(crate) fn output(command: &mut Command, limit: Duration) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let cannot = |error: io::Error| format!("{program}: {error}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot)?;
    let pipe = child.stdout.take();
    let (sender, received) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = pipe.map(|pipe| pipe.take(MAX_OUTPUT).read_to_end(&mut text));
        // Nobody waits any more after the limit.
        let _ = sender.send(read.map(|_| text));
    });
    let text = received.recv_timeout(limit);
    if text.is_err() {
        // It may have ended in this moment.
        let _ = child.kill();
    }
    let status = child.wait().map_err(cannot)?;
    match text {
        Ok(Some(text)) if status.success() => Ok(String::from_utf8_lossy(&text).into_owned()),
        Ok(_) => Err(format!("{program}: {status}")),
        Err(_) => Err(format!("{program} took more than {} s", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// Time enough.
    const ASK: Duration = Duration::from_secs(2);

    fn sh(script: &str, limit: Duration) -> Result<String, String> {
        output(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn a_program_has_its_time_and_no_more() {
        assert_eq!(sh("echo heard", ASK), Ok("heard\n".to_owned()));
        let failed = sh("echo half; exit 3", ASK).unwrap_err();
        assert!(failed.contains('3'), "{failed}");
        let start = Instant::now();
        let late = sh("exec sleep 60", Duration::from_millis(100)).unwrap_err();
        assert!(late.contains("took more"), "{late}");
        assert!(start.elapsed() < Duration::from_secs(10));
        let none = output(&mut Command::new("/no/such/iw"), ASK).unwrap_err();
        assert!(none.contains("/no/such/iw: "), "{none}");
    }
}
