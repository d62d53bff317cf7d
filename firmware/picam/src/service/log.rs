//! Messages on stderr.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, fmt};

use crate::config::{Log, LogFormat};

/// Sends messages to stderr from now on: ours down to the level asked for, of others only warnings.
pub(crate) fn init(log: Log) {
    let lines = fmt::layer().with_writer(Stderr {
        is_journal: is_journal(),
    });
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Text => {
            let lines = lines.with_ansi(io::stderr().is_terminal());
            Box::new(lines.with_target(false).with_filter(filter(log.level)))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true);
            Box::new(lines.with_filter(filter(log.level)))
        }
    };
    let subscriber = Registry::default().with(layer);
    // Fails only where somebody else has taken the messages: fine as well.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Says on stderr why picam ends, as an error of the journal where that is what stderr is.
pub(crate) fn last_words(message: &str) {
    let line = format!("picam: {message}\n");
    let bytes = match is_journal() {
        true => with_priority(&Level::ERROR, line.as_bytes()),
        false => line.into_bytes(),
    };
    // There is nobody left to tell.
    let _ = io::stderr().write_all(&bytes);
}

fn filter(level: Level) -> Targets {
    // All our crates begin with it.
    Targets::new()
        .with_default(LevelFilter::from(level.min(Level::WARN)))
        // It warns of every box that it leaves to us.
        .with_target("mp4_atom", LevelFilter::OFF)
        .with_target("picam", level)
}

/// Whether stderr is systemd's journal, and not a file or a terminal that was put in its place:
/// systemd.exec(5), `$JOURNAL_STREAM`.
fn is_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    rustix::fs::fstat(io::stderr().as_fd())
        .is_ok_and(|stderr| stream == format!("{}:{}", stderr.st_dev, stderr.st_ino))
}

/// Where messages go.
struct Stderr {
    is_journal: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Lines;

    fn make_writer(&'a self) -> Lines {
        Lines { priority: None }
    }

    fn make_writer_for(&'a self, message: &Metadata<'_>) -> Lines {
        Lines {
            priority: self.is_journal.then_some(*message.level()),
        }
    }
}

/// One message.
struct Lines {
    priority: Option<Level>,
}

impl Write for Lines {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        match &self.priority {
            // In one piece: another process may write to the same journal.
            Some(level) => io::stderr().write_all(&with_priority(level, message))?,
            None => io::stderr().write_all(message)?,
        }
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// The journal takes each line for a message, and its priority from the line's beginning (sd-daemon(3)).
fn with_priority(level: &Level, message: &[u8]) -> Vec<u8> {
    let prefix: &[u8] = match *level {
        Level::ERROR => b"<3>",
        Level::WARN => b"<4>",
        Level::INFO => b"<6>",
        Level::DEBUG | Level::TRACE => b"<7>",
    };
    message
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| [prefix, line].concat())
        .collect()
}
