//! A GPS receiver: what it says once a second, on the serial line of the board's header (NMEA 0183).

use std::fmt::Write as _;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::console::connect;
use crate::{BoardError, Result};

/// A sentence with its frame and checksum.
fn sentence(body: &str) -> String {
    let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${body}*{sum:02X}\r\n")
}

/// Year, month, day of a day since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z % 146_097;
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

/// One second of a receiver that has a fix, in the order and the form of a u-blox 8.
pub fn fix(utc: u64) -> String {
    let (year, month, day) = civil(utc / 86_400);
    let of_day = utc % 86_400;
    let time = format!(
        "{:02}{:02}{:02}.00",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    );
    let date = format!("{day:02}{month:02}{:02}", year % 100);
    let mut text = String::new();
    for body in [
        format!("GNRMC,{time},A,4807.03800,N,01131.00000,E,11.524,84.40,{date},,,A"),
        "GNVTG,84.40,T,,M,11.524,N,21.342,K,A".to_owned(),
        format!("GNGGA,{time},4807.03800,N,01131.00000,E,1,08,0.90,545.4,M,46.9,M,,"),
        "GNGSA,A,3,04,05,09,12,24,25,29,31,,,,,1.80,0.90,1.50".to_owned(),
        "GPGSV,2,1,08,04,45,120,38,05,30,210,35,09,60,060,41,12,15,300,30".to_owned(),
        "GPGSV,2,2,08,24,50,180,40,25,20,090,33,29,70,015,43,31,35,250,37".to_owned(),
        format!("GNGLL,4807.03800,N,01131.00000,E,{time},A,A"),
    ] {
        let _ = write!(text, "{}", sentence(&body));
    }
    text
}

/// What a log has of each second: u-blox receivers begin one with RMC.
fn seconds_of(log: &str) -> Vec<String> {
    let mut seconds = vec![String::new()];
    for line in log.lines().filter(|line| line.starts_with('$')) {
        if line.get(3..6) == Some("RMC") {
            seconds.push(String::new());
        }
        if let Some(second) = seconds.last_mut() {
            let _ = write!(second, "{line}\r\n");
        }
    }
    seconds
}

/// A receiver that talks until it is dropped.
pub struct Receiver {
    stop: Arc<AtomicBool>,
}

impl Receiver {
    /// It is on the serial line of `socket` and lives `ahead` of the host's clock.
    ///
    /// The port must be open on the board: QEMU's UART, handed bytes that nobody takes, keeps the board busy.
    pub fn start(socket: &Path, ahead: Duration) -> Result<Self> {
        Self::speak(socket, move |utc| Some(fix(utc + ahead.as_secs())))
    }

    /// A recorded one: says again what `log` holds, a second of it a second. gpsd's logs begin with lines of their own, "#".
    pub fn replay(socket: &Path, log: &str) -> Result<Self> {
        let mut seconds = seconds_of(log).into_iter();
        Self::speak(socket, move |_| seconds.next())
    }

    /// Says once a second what `say` has for it, while it has something.
    fn speak(
        socket: &Path,
        mut say: impl FnMut(u64) -> Option<String> + Send + 'static,
    ) -> Result<Self> {
        let mut line: UnixStream = connect(socket)?;
        line.set_nonblocking(true)
            .map_err(BoardError::io("the receiver's line"))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                // The sentences of a second come just behind its beginning.
                let rest = Duration::from_nanos(1_000_000_000 - u64::from(now.subsec_nanos()));
                std::thread::sleep(rest);
                let Some(text) = say(now.as_secs() + 1) else {
                    return;
                };
                // Bytes that find no room are lost, as on a wire.
                let _ = line.write(text.as_bytes());
            }
        });
        Ok(Self { stop })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_where_a_second_begins() {
        let log = "# Name: x\n$GNGLL,1\n$GNRMC,2\n$GNGGA,2\n$GNRMC,3\n";
        let wanted = ["$GNGLL,1\r\n", "$GNRMC,2\r\n$GNGGA,2\r\n", "$GNRMC,3\r\n"];
        assert_eq!(seconds_of(log), wanted);
    }

    #[test]
    fn sentences_carry_date_time_and_checksum() {
        // 2026-11-20 18:53:22 UTC
        let text = fix(1_795_200_802);
        assert!(text.starts_with("$GNRMC,185322.00,A,"), "{text}");
        assert!(text.contains(",84.40,201126,,,A*"), "{text}");
        // The checksum of a sentence from the NMEA 0183 standard's own example.
        let known = "GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,";
        assert!(sentence(known).ends_with("*47\r\n"));
    }
}
