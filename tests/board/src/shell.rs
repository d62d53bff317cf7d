//! The root shell on the board's second serial line.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::{BoardError, Result};

/// The terminal takes no longer lines.
const LINE: usize = 4000;

const STALLS: &str = "while :; do a=${EPOCHREALTIME/./}; read -t 0.1 -u 9; b=${EPOCHREALTIME/./}; \
    d=$(( (b - a) / 1000 - 100 )); (( d >= 50 )) && echo \"STALL $d\"; done";

/// A look at the board's clock that needs no better one.
const GOOD_LOOK: Duration = Duration::from_millis(25);

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code.
    pub code: i32,
    /// What it printed, errors too.
    pub text: String,
}

/// The clock of the board beside that of the host.
#[derive(Debug, Clone, Copy)]
pub struct BoardClock {
    /// `CLOCK_BOOTTIME` of the board at `host`, at the latest.
    boot: Duration,
    host: Instant,
    /// How much earlier it may have been.
    pub doubt: Duration,
}

impl BoardClock {
    /// What the board's `CLOCK_BOOTTIME` was at a moment of the host, at the latest.
    pub fn at(&self, host: Instant) -> Duration {
        self.boot + host.saturating_duration_since(self.host)
    }
}

/// A root shell.
pub struct Shell {
    console: Console,
    count: u32,
}

impl Shell {
    /// Waits for the prompt.
    pub fn open(mut console: Console, patience: Duration) -> Result<Self> {
        console.expect(&["# "], patience)?;
        // A kernel's warning in the middle of an answer would tear it; dmesg has it all the same. Panics and the
        // watchdog's last words are shown.
        console
            .send(b"\nstty -echo cols 200; PS1=''; PS2=''; unset PROMPT_COMMAND; dmesg -n 3\n")?;
        std::thread::sleep(Duration::from_millis(500));
        let mut shell = Self { console, count: 0 };
        shell.ok("true")?;
        Ok(shell)
    }

    /// Runs a command. It may take minutes: a board that is starting on a busy host answers late.
    pub fn run(&mut self, command: &str) -> Result<Output> {
        self.run_for(command, Duration::from_secs(300))
    }

    /// Runs a command.
    pub fn run_for(&mut self, command: &str, patience: Duration) -> Result<Output> {
        self.count += 1;
        let mark = format!("@@{}@@ ", self.count);
        let line = format!(
            "{{ {command}\n}} 2>&1 </dev/null; echo '@@'{}'@@' $?\n",
            self.count
        );
        if command.lines().any(|line| line.len() > LINE) {
            return Err(BoardError::Unexpected(format!(
                "the terminal takes no line of {} bytes: {command}",
                command.len()
            )));
        }
        self.console.send(line.as_bytes())?;
        let text = self.console.expect(&[&mark], patience)?;
        let code = self.console.expect(&["\n"], patience)?;
        let code = code.trim();
        let code = code.parse().map_err(|_| {
            BoardError::Unexpected(format!("'{command}' ended with '{code}', which is no code"))
        })?;
        let text = text.trim_end_matches(&mark).replace('\r', "");
        // The watcher for stalls speaks when it must, on the same line.
        let said = text.split_inclusive('\n');
        let text = said.filter(|line| !line.starts_with("STALL ")).collect();
        Ok(Output { code, text })
    }

    /// Runs a command that must succeed; what it printed.
    pub fn ok(&mut self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        if output.code == 0 {
            return Ok(output.text);
        }
        Err(BoardError::Command {
            command: command.to_owned(),
            code: output.code,
            said: output.text,
        })
    }

    /// Runs a command again and again until it succeeds; what it printed then.
    pub fn until(&mut self, what: &str, command: &str, patience: Duration) -> Result<String> {
        let start = Instant::now();
        loop {
            let output = self.run(command)?;
            if output.code == 0 {
                return Ok(output.text);
            }
            if start.elapsed() > patience {
                return Err(BoardError::Late {
                    what: what.to_owned(),
                    patience,
                    last: output.text,
                });
            }
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    /// A file of the board, over the serial line.
    pub fn fetch(&mut self, path: &str) -> Result<Vec<u8>> {
        let text = self.ok(&format!("busybox gzip -c {path} | base64"))?;
        unpack(text.as_bytes())
    }

    /// Lets the board say, from now on, when its emulated processor had no time even for what comes before the recorder:
    /// a sleep of 100 ms, at a higher priority, that took longer by 50 ms or more.
    pub fn watch_for_stalls(&mut self) -> Result<()> {
        self.ok("mkfifo /run/stalls; exec 9<>/run/stalls")?;
        self.ok(&format!("chrt -r 20 bash -c '{STALLS}' >/dev/ttyS1 & true"))
            .map(drop)
    }

    /// The longest of those stalls until now.
    pub fn longest_stall(&self) -> Duration {
        let seen = self.console.all();
        let stalls = seen
            .lines()
            .filter_map(|line| line.trim().strip_prefix("STALL "));
        let longest = stalls.filter_map(|ms| ms.trim().parse().ok()).max();
        Duration::from_millis(longest.unwrap_or(0))
    }

    /// Types a line and waits for nothing.
    pub fn throw(&mut self, command: &str) -> Result<()> {
        self.console.send(format!("{command}\n").as_bytes())
    }

    /// The board's clock beside the host's: the best of thirty looks, or the first good one.
    pub fn clock(&mut self) -> Result<BoardClock> {
        let mut best: Option<BoardClock> = None;
        for _ in 0..30 {
            let asked = Instant::now();
            let text = self.ok("read -r up rest </proc/uptime; echo $up")?;
            let uptime = text.split_whitespace().next().unwrap_or_default();
            let seconds: f64 = uptime.parse().map_err(|_| {
                BoardError::Unexpected(format!("/proc/uptime begins with '{uptime}'"))
            })?;
            let doubt = asked.elapsed();
            if best.is_none_or(|best| doubt < best.doubt) {
                best = Some(BoardClock {
                    // It counts hundredths and rounds down.
                    boot: Duration::from_secs_f64(seconds + 0.01),
                    // It was read after the question, so that at the question it was less.
                    host: asked,
                    doubt,
                });
            }
            if doubt < GOOD_LOOK {
                break;
            }
        }
        best.ok_or_else(|| BoardError::Unexpected("no look at the clock".into()))
    }

    /// The serial line, for whoever expects another start on it.
    pub fn into_console(self) -> Console {
        self.console
    }

    /// The serial line itself.
    pub fn console(&mut self) -> &mut Console {
        &mut self.console
    }
}

/// What `base64 -d | gzip -d` makes of it.
fn unpack(text: &[u8]) -> Result<Vec<u8>> {
    let mut child = Command::new("sh")
        .args(["-c", "base64 -d | gzip -d"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(BoardError::io("base64"))?;
    let input = child.stdin.take();
    let text = text.to_vec();
    // From a thread of its own, or both would wait once a pipe is full.
    let writer = std::thread::spawn(move || input.map(|mut to| to.write_all(&text)));
    let output = child.wait_with_output().map_err(BoardError::io("base64"))?;
    let _ = writer.join();
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(BoardError::Unexpected(
            "a file was torn on the serial line".into(),
        )),
    }
}
