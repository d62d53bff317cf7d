//! The laboratory's program: see `scripts/power-lab --help`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand, ValueEnum};
use picam_lab::guest::Kit;
use picam_lab::guest_side;
use picam_lab::recorders::{Peer, Ring};
use picam_lab::report::Report;
use picam_lab::session::{Bench, Trial};
use picam_lab::writes::{self, Stretch, Written};

/// The most footage that a cut may cost, in seconds.
const MOST_LOST_S: f64 = 1.0;

/// Bytes that picam may write for a byte of coded video.
const MOST_WRITTEN: f64 = 1.03;
/// Sectors of the filesystem's own structures that it may write in a minute.
const MOST_METADATA_A_MINUTE: f64 = 10.0;

#[derive(Parser)]
#[command(about = "The power-cut laboratory")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Cuts picam's power.
    Picam {
        /// Different disks to look at.
        #[arg(long, default_value_t = 10_000)]
        states: usize,
        /// Decides which.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The program.
        #[arg(long)]
        picam: PathBuf,
    },
    /// Cuts other recorders' power.
    Peers {
        /// Different disks of each to look at.
        #[arg(long, default_value_t = 500)]
        states: usize,
        /// Only this one.
        #[arg(long)]
        only: Option<Peer>,
    },
    /// Measures what reaches the disk.
    Writes {
        /// picam, if it is to be measured.
        #[arg(long)]
        picam: Option<PathBuf>,
        /// Of the others only this one.
        #[arg(long)]
        only: Option<Peer>,
    },
    /// What runs inside the guest.
    #[command(hide = true)]
    Guest {
        #[command(subcommand)]
        command: InGuest,
    },
}

#[derive(Subcommand)]
enum InGuest {
    Clock,
    Mark,
    Keep {
        files: usize,
        #[arg(long)]
        synced: bool,
    },
    Feed {
        stream: PathBuf,
        begins: PathBuf,
        rate: u32,
        rounds: u32,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Picam {
            states,
            seed,
            picam,
        } => cut_picam(states, seed, picam),
        Command::Peers { states, only } => cut_peers(states, only),
        Command::Writes { picam, only } => measure(picam, only),
        Command::Guest { command } => return in_guest(&command),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn in_guest(command: &InGuest) -> ExitCode {
    let done = match command {
        InGuest::Clock => guest_side::tell_time(),
        InGuest::Mark => {
            guest_side::mark();
            Ok(())
        }
        InGuest::Keep { files, synced } => guest_side::keep(Path::new("/footage"), *files, *synced),
        InGuest::Feed {
            stream,
            begins,
            rate,
            rounds,
        } => guest_side::feed(stream, begins, *rate, *rounds),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("in the guest: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(picam: PathBuf) -> Result<Bench, String> {
    let kit = Kit::find()
        .ok_or("QEMU or the guest's kernel are not there; run: scripts/power-lab --fetch")?;
    Ok(Bench {
        kit,
        program: std::env::current_exe().map_err(|error| error.to_string())?,
        picam: picam.canonicalize().unwrap_or(picam),
    })
}

fn cut_picam(states: usize, seed: u64, picam: PathBuf) -> Result<bool, String> {
    let bench = bench(picam)?;
    println!("kernel {}", bench.kit.kernel_version());
    let trials = [Trial::one_camera(20), Trial::two_cameras(25)];
    let mut report = Report::default();
    for (number, trial) in trials.iter().enumerate() {
        let started = Instant::now();
        let recorded = bench.record(trial)?;
        let scratch = tempfile::tempdir().unwrap();
        let part = states / trials.len() + usize::from(number < states % trials.len());
        let (results, judged) = recorded.judge(part, seed + number as u64, 10, scratch.path());
        let mut own = Report::default();
        own.add(&results.outcomes);
        report.add(&results.outcomes);
        println!("{}: {own}", trial.name);
        println!(
            "  {} different files; ffprobe judged {}, ffmpeg decoded {}; fsck.exfat ran {} times; {} disks mounted; {:.0} s",
            results.files,
            judged.probed,
            judged.decoded,
            results.checks,
            results.mounted,
            started.elapsed().as_secs_f64()
        );
        if own.good < own.states {
            keep(scratch, &recorded.recording.console);
        }
    }
    println!("{}\n{}", Report::HEADING, report.row("picam"));
    Ok(
        report.good == report.states
            && report.most_of_begun.is_some_and(|most| most <= MOST_LOST_S),
    )
}

/// Keeps what there is to look at.
fn keep(scratch: tempfile::TempDir, console: &str) {
    let kept = scratch.keep();
    let _ = std::fs::write(kept.join("console"), console);
    println!(
        "  the first bad disk is {}/bad.img, beside it what the guest said",
        kept.display()
    );
}

/// The ring of other recorders: longer than the kernel keeps what it was not told to write.
const PEERS_RING: Ring = Ring {
    segment_s: 5,
    files: 12,
    slot_mib: 0,
};
const PEERS_S: u32 = 90;
/// Where a recorder reads so many seconds too late, losses are the machine's more than its own.
const MOST_LATE_S: f64 = 5.0;

fn name_of(peer: Peer, synced: bool) -> String {
    let sync = if synced { ", `sync` every second" } else { "" };
    format!("{}{sync}", peer.name())
}

fn skip_peer(name: &str, error: &str) {
    let (line, rest) = error.split_once('\n').unwrap_or((error, ""));
    eprintln!("{rest}");
    picam_testkit::judges::skip(
        &format!("{name}: {line}"),
        "scripts/power-lab --fetch peers",
    );
}

/// Each in both ways, or one of them.
fn peers(only: Option<Peer>) -> impl Iterator<Item = (Peer, bool)> {
    let peers = Peer::value_variants().iter().copied();
    peers
        .filter(move |peer| only.is_none_or(|only| only == *peer))
        .flat_map(|peer| [(peer, false), (peer, true)])
}

fn cut_peers(states: usize, only: Option<Peer>) -> Result<bool, String> {
    let bench = bench(PathBuf::new())?;
    let mut rows = Vec::new();
    for (peer, synced) in peers(only) {
        let name = name_of(peer, synced);
        let recorded = match bench.record_peer(peer, PEERS_S, PEERS_RING, synced) {
            Ok(recorded) => recorded,
            Err(error) => {
                skip_peer(&name, &error);
                continue;
            }
        };
        let late = recorded.recording.late as f64 / 1e9;
        if late > MOST_LATE_S {
            skip_peer(&name, &format!("{TOO_BUSY}, it read {late:.1} s too late"));
            continue;
        }
        let scratch = tempfile::tempdir().unwrap();
        let results = recorded.judge_peer(states, 1, scratch.path());
        let mut report = Report::default();
        report.add(&results.outcomes);
        println!("{name}: {report}\n  it read at most {late:.1} s late");
        rows.push(report.row(&name));
    }
    println!("{}\n{}", Report::HEADING, rows.join("\n"));
    Ok(true)
}

const TOO_BUSY: &str = "this machine is too busy: the guest could not keep up with its camera";

fn measure(picam: Option<PathBuf>, only: Option<Peer>) -> Result<bool, String> {
    let bench = bench(picam.clone().unwrap_or_default())?;
    let source = writes::source();
    let bytes = writes::bytes_a_second(&source);
    println!("{}", Written::HEADING);
    let good = picam.is_none() || {
        let nominal = bench.writes(&source, Stretch::MINUTES)?;
        let shorter = bench.writes(&source, Stretch::HALF_MINUTES_OF_PICAM)?;
        if !(nominal.kept_up(bytes) && shorter.kept_up(bytes)) {
            return Err(TOO_BUSY.to_owned());
        }
        println!("{}", nominal.row("picam, segments of a minute", bytes));
        println!("{}", shorter.row("picam", bytes));
        nominal.ratio(bytes) <= MOST_WRITTEN
            && nominal.a_minute(nominal.metadata) <= MOST_METADATA_A_MINUTE
    };
    for (peer, synced) in peers(only) {
        let name = name_of(peer, synced);
        match bench.writes_of_peer(peer, &source, Stretch::HALF_MINUTES, synced) {
            Ok(written) if !written.kept_up(bytes) => skip_peer(&name, TOO_BUSY),
            Ok(written) => println!("{}", written.row(&name, bytes)),
            Err(error) => skip_peer(&name, &error),
        }
    }
    Ok(good)
}
