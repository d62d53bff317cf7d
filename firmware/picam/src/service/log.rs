//! Messages on stderr.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, fmt};

use crate::config::{Log, LogFormat};

/// Sends messages to stderr from now on: ours down to the level asked for, of others only warnings.
pub(crate) fn init(log: Log) {
    let lines = fmt::layer().with_writer(io::stderr);
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

fn filter(level: Level) -> Targets {
    // All our crates begin with it.
    Targets::new()
        .with_default(LevelFilter::from(level.min(Level::WARN)))
        // It warns of every box that it leaves to us.
        .with_target("mp4_atom", LevelFilter::OFF)
        .with_target("picam", level)
}
