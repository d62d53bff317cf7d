//! The command line.

mod options;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::clip::ClipArgs;
use crate::commands::failure::Failure;
use crate::commands::firstboot::FirstbootCommand;
use crate::commands::guard::GuardOptions;
use crate::commands::hotspot::HotspotOptions;
use crate::commands::lock::LockArgs;
use crate::commands::picture::PictureArgs;
use crate::commands::salvage::SalvageArgs;
use crate::commands::settings::SettingsServiceOptions;
use crate::commands::still::StillArgs;
use crate::commands::support::SupportArgs;
use crate::commands::track::TrackArgs;
use crate::commands::{
    check, clip, config, firstboot, guard, hotspot, inspect, lock, password, picture, probe,
    record, recover, salvage, settings, still, support, tell, token, track, web,
};

use crate::service::log;

pub(crate) use options::{ConfigFiles, RecordOptions, RunOptions, WebOptions};

const EXIT_CODES: &str = "\
Exit codes:
  0  done; run and record: stopped by SIGTERM or SIGINT, or every file source played to its end
  1  something is broken, or could not be done
  2  the command line or the configuration cannot be used
  128 + signal: stopped by a second signal, before the last segment was finished";

/// A dashcam: records cameras into a ring of MP4 files that survive a power cut at any moment.
#[derive(Debug, Parser)]
#[command(name = "picam", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Record, and show the footage on a web page
    ///
    /// Without a configuration: whatever camera is there (front=auto), into ./footage, in 16 slots of 32MiB,
    /// segments of 60s, with the page on http://127.0.0.1:8080.
    #[command(after_help = EXIT_CODES)]
    Run(RunOptions),
    /// Record only, in as little memory as possible
    ///
    /// Without a configuration: whatever camera is there (front=auto), into ./footage, in 16 slots of 32MiB,
    /// segments of 60s.
    #[command(after_help = EXIT_CODES)]
    Record(RecordOptions),
    /// List cameras and encoders, with the lines for picam.toml
    ///
    /// Exits with 1 if there is no camera that can be recorded, and says what was looked for.
    Probe {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what there is to know about an MP4, picam's own or any other
    Inspect {
        /// The file
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check every segment of a directory or several; exits with 1 if one is broken
    ///
    /// Changes nothing, and may run while a recorder does. Segments being recorded, or cut off, are
    /// not broken.
    Check {
        /// Directory that holds the segments; several if there is footage on a card and on a disk
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Finish the segments that a power cut left unfinished, and mend damaged ones
    ///
    /// They play as they are; afterwards they are ordinary MP4 files. The recorder does this by itself
    /// when it starts. What the card damaged of header, init and index is mended, from the fragments or
    /// another segment of the directory; damaged footage is kept as far as it can be shown. Nothing is
    /// ever less playable afterwards.
    Recover {
        /// Directory that holds the segments
        dir: PathBuf,
    },
    /// Carve the footage out of a card whose filesystem is gone
    ///
    /// Looks through a whole device or an image of it for fragments whose checksum holds, and makes an MP4
    /// of every segment. The card is only read. If it is interrupted, start it again: it goes on.
    Salvage(SalvageArgs),
    /// Cut a clip out of the footage of one camera, without re-encoding
    Clip(ClipArgs),
    /// Print where the car was, as GPX, GeoJSON or CSV
    ///
    /// Out of the positions in the segments, finished or not. Every camera has the same ones; each is printed once. Where
    /// there was no fix for ten seconds, or power was cut, another piece begins.
    Track(TrackArgs),
    /// Show the page for a recorder in another process
    ///
    /// Takes its listening socket from systemd if that hands one over (sd_listen_fds). The footage is
    /// only read; the status comes from the recorder's --control socket.
    Web(WebOptions),
    /// Show and change the owner's settings for a page in another process
    ///
    /// Takes its listening Unix socket from systemd. Of secrets it tells only whether they are set; it changes only what cannot
    /// shrink what is kept or take a camera away.
    Settings(SettingsServiceOptions),
    /// Print what whoever helps the owner wants to know: versions, logs, settings without secrets
    ///
    /// The settings service on the camera makes it. It holds no footage, no passphrase and no password, is no longer than 1 MB,
    /// and takes some seconds.
    Support(SupportArgs),
    /// Tell a recorder in another process that the system's clock is right now
    ///
    /// What it recorded since boot gets its true time.
    Time {
        /// The recorder's --control socket
        #[arg(long, value_name = "SOCKET")]
        recorder: PathBuf,
        /// What set the clock
        #[arg(long, value_enum, default_value_t)]
        source: tell::By,
    },
    /// Have a recorder in another process read the cameras of its configuration anew
    ///
    /// Cameras that were added are recorded, those that were changed in their new way, those that are gone no more; the
    /// others record on. The log says what has become of them. Only for root and the recorder's own user. SIGHUP does the
    /// same to a recorder that was not started from a terminal.
    Reload {
        /// The recorder's --control socket
        #[arg(long, value_name = "SOCKET")]
        recorder: PathBuf,
    },
    /// Switch the microphone of a recorder in another process on or off
    ///
    /// It must be configured; then it is on from the recorder's start. Off: nothing is heard any more, and the file being
    /// recorded goes on without sound. On: a new file with sound begins at the next key frame. Only for root and the
    /// recorder's own user.
    Microphone {
        /// What it shall be
        #[arg(value_enum)]
        what: tell::Switch,
        /// The recorder's --control socket
        #[arg(long, value_name = "SOCKET")]
        recorder: PathBuf,
    },
    /// Show how the pictures of a recorder's cameras look, and change that while it records
    ///
    /// Brightness, exposure, gain, white balance, focus, HDR, anti-flicker, mirroring and more, each with what the camera is set
    /// to, its real range and the device's own controls. What is changed is seen from the next pictures on, none is lost, and
    /// it holds until the recorder is started anew; picam.toml makes it last. Everybody who can open the socket may look;
    /// changing is for root and the recorder's own user.
    Picture(PictureArgs),
    /// Take a still of a camera that a recorder in another process records
    ///
    /// A JPEG of all that the camera delivers, with time and place in it, in the folder DCIM beside the footage. The recording
    /// goes on without losing a picture. Only for root, the recorder's own user and the page's.
    Still(StillArgs),
    /// Keep footage: a recorder in another process does not overwrite it until its share is full
    ///
    /// Of every camera, every segment between two moments, those still to come included. It is on the card before
    /// this returns. Only for root and the recorder's own user.
    Lock(LockArgs),
    /// Keep segments no longer
    ///
    /// They are given up when their turn comes. Only for root and the recorder's own user.
    Unlock {
        /// The recorder's --control socket
        #[arg(long, value_name = "SOCKET")]
        recorder: PathBuf,
        /// Segments, such as F000123
        #[arg(required = true, value_name = "SEGMENT")]
        segments: Vec<String>,
    },
    /// List the locks that a recorder in another process is still carrying out
    ///
    /// What is locked already is told by the names of the files: E and M.
    Locks {
        /// The recorder's --control socket
        #[arg(long, value_name = "SOCKET")]
        recorder: PathBuf,
    },
    /// Watch the battery, show by an LED whether it records, have footage kept by a button
    ///
    /// Warns at 3.6 V a cell or 15 %, has the camera switched off at 3.4 V or 5 %, each held for some seconds. A gauge that
    /// does not answer switches nothing off. Which gauge and lines there are stands in the configuration.
    Guard(GuardOptions),
    /// Write what hostapd, dnsmasq, wpa_supplicant and systemd-networkd are told
    ///
    /// What cannot be used of the configuration is logged, and the rest written. There is never an open
    /// hotspot: without wifi.passphrase this fails, and removes the files of an earlier one.
    Hotspot(HotspotOptions),
    /// Prepare a camera's card; runs at every start
    #[command(subcommand)]
    Firstboot(FirstbootCommand),
    /// Work on the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Hash a password for the page, and print the line for picam.toml
    ///
    /// Asks twice on a terminal; otherwise reads one line from standard input.
    Password,
    /// Make a token for a program that reads the API, and print it with the line for picam.toml
    ///
    /// The program sends it as "Authorization: Bearer TOKEN". The token is shown once; only its hash is kept.
    Token {
        /// It may do what the owner may: keep, delete, change settings; otherwise only look and download
        #[arg(long)]
        owner: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// List everything that is wrong with a configuration file; exits with 2 if anything is
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print a configuration file that explains every key and shows its default
    Example {
        /// Configuration file with a device's own defaults; every key is switched off then
        #[arg(long, value_name = "FILE")]
        defaults: Option<PathBuf>,
    },
}

/// The command line, for whoever writes pages and completions of it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// The whole program: runs the command that its arguments name.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(options) => record::run(&options),
        Command::Record(options) => record::record(&options),
        Command::Probe { json } => probe::run(json),
        Command::Inspect { file, json } => inspect::run(&file, json),
        Command::Check { dirs, json } => check::run(&dirs, json),
        Command::Recover { dir } => recover::run(&dir),
        Command::Salvage(args) => salvage::run(&args),
        Command::Clip(args) => clip::run(&args),
        Command::Track(args) => track::run(&args),
        Command::Web(options) => web::run(&options),
        Command::Settings(options) => settings::run(&options),
        Command::Support(args) => support::run(&args),
        Command::Time { recorder, source } => tell::time(&recorder, source),
        Command::Reload { recorder } => tell::reload(&recorder),
        Command::Microphone { what, recorder } => tell::microphone(&recorder, what),
        Command::Picture(args) => picture::run(&args),
        Command::Still(args) => still::run(&args),
        Command::Lock(args) => lock::lock(&args),
        Command::Unlock { recorder, segments } => lock::unlock(&recorder, &segments),
        Command::Locks { recorder } => lock::list(&recorder),
        Command::Guard(options) => guard::run(&options),
        Command::Hotspot(options) => hotspot::run(&options),
        Command::Firstboot(command) => firstboot::run(&command),
        Command::Config(ConfigCommand::Check { file }) => config::check(&file),
        Command::Config(ConfigCommand::Example { defaults }) => {
            config::print_example(defaults.as_deref())
        }
        Command::Password => password::run(),
        Command::Token { owner } => token::run(owner),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure);
            failure.code()
        }
    }
}

fn say(failure: &Failure) {
    let message = failure.to_string();
    if !message.is_empty() {
        log::last_words(&message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn the_help_states_the_defaults_of_the_configuration() {
        let command = command();
        let documented = crate::config::example(None);
        let default_of = |key: &str| {
            let mut lines = documented.lines();
            let found = lines.find_map(|line| line.strip_prefix(&format!("{key} = ")));
            found.unwrap().trim_matches('"').to_owned()
        };
        let camera = format!("{}={}", default_of("name"), default_of("source"));
        assert_eq!(camera, crate::config::DEFAULT_CAMERA);
        let run = command.find_subcommand("run").unwrap();
        let mut stated = 0;
        for option in run.get_arguments() {
            let help = option
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let Some((_, default)) = help.split_once("[default: ") else {
                continue;
            };
            let expected = match option.get_long().unwrap() {
                "camera" => camera.clone(),
                "log" => default_of("format"),
                // Keys of this name are in several sections, or in none.
                "gps" => crate::config::Config::default().gps.source.to_string(),
                "motion" => crate::config::Config::default().motion.sensor.to_string(),
                "microphone" => crate::config::Config::default()
                    .microphone
                    .source
                    .to_string(),
                key => default_of(key),
            };
            assert_eq!(
                default.trim_end_matches(']'),
                expected,
                "{:?}",
                option.get_long()
            );
            stated += 1;
        }
        assert_eq!(stated, 10);
        for name in ["run", "record"] {
            let about = command
                .find_subcommand(name)
                .unwrap()
                .get_long_about()
                .unwrap()
                .to_string();
            for key in ["footage", "slots", "slot-size", "segment"] {
                assert!(about.contains(&default_of(key)), "{name}: {key}");
            }
            assert!(about.contains(&camera), "{name}: {camera}");
        }
    }
}
