//! `picam settings`: the owner's settings, for the page.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use listenfd::ListenFd;
use picam_control::Peers;
use picam_control::settings::SettingsChange;
use picam_firstboot::settings::{ChangeError, Files, Paths, RealFiles, change, lay_support, view};
use picam_web::settings::SupportFile;

use super::copies::Copies;
use super::failure::Failure;
use super::firstboot::{Device, device_defaults};
use crate::config::{Config, card_keys, interrupts_page, parse_over};
use crate::service::log;
use crate::settings_service::{Place, Reply, Request, serve};
use crate::support::{self, Sources};

/// Options of the command.
#[derive(Debug, Args)]
pub(crate) struct SettingsServiceOptions {
    /// Directory that holds picam.toml
    #[arg(long, value_name = "DIR")]
    boot: PathBuf,
    /// Directory that outlives a start
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    #[command(flatten)]
    copies: Copies,
    /// Configuration file with the device's own defaults
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/share/picam/device.toml"
    )]
    defaults: PathBuf,
    /// The recorder's --control socket, for its status in a support file
    #[arg(long, value_name = "SOCKET")]
    recorder: Option<PathBuf>,
    /// The --status file of `picam guard`, likewise
    #[arg(long, value_name = "FILE")]
    guard: Option<PathBuf>,
    /// User that may ask, by name or number, as root may; may be repeated
    #[arg(long = "client", value_name = "USER")]
    clients: Vec<String>,
    /// Unit that is restarted after a new password of the page, for it has the old one
    #[arg(long, value_name = "UNIT")]
    restart: Option<String>,
    /// Socket to make, where systemd hands none over
    #[arg(long, value_name = "SOCKET")]
    socket: Option<PathBuf>,
}

/// Answers until stopped.
pub(crate) fn run(options: &SettingsServiceOptions) -> Result<(), Failure> {
    log::init(Config::default().log);
    let base = device_defaults(&options.defaults);
    let cannot = |error: std::io::Error| Failure::new(format!("there is no socket: {error}"));
    let inherited = ListenFd::from_env().take_unix_listener(0).map_err(cannot)?;
    let listener = match (inherited, &options.socket) {
        (Some(listener), _) => listener,
        (None, Some(path)) => UnixListener::bind(path).map_err(cannot)?,
        (None, None) => {
            return Err(Failure::usage(
                "systemd hands over no socket; name one with --socket",
            ));
        }
    };
    listener.set_nonblocking(false).map_err(cannot)?;
    let mut service = Service {
        options,
        host: Device::new(base.clone()),
        base,
    };
    let clients = Peers::only(&options.clients);
    serve(&listener, &clients, |request| service.answer(request))
        .map_err(|error| Failure::new(format!("the socket fails: {error}")))
}

struct Service<'a> {
    options: &'a SettingsServiceOptions,
    base: Config,
    host: Device,
}

impl Service<'_> {
    fn answer(&mut self, request: Request) -> Reply {
        let done = match request {
            Request::Settings {} => self.settings(),
            Request::Change { change } => {
                let interrupts = change.set.keys().any(|key| interrupts_page(key));
                self.change(&change).map(|()| {
                    self.tell(interrupts);
                    Reply::Done
                })
            }
            Request::Support { to } => return self.support(to),
        };
        done.unwrap_or_else(|error| Reply::Refused {
            key: error.key().map(str::to_owned),
            reason: error.to_string(),
            remedy: "correct it and try again, or edit picam.toml on the card".into(),
        })
    }

    fn support(&mut self, to: Option<Place>) -> Reply {
        let file = support::write(&Sources {
            boot: &self.options.boot,
            state: &self.options.state,
            recorder: self.options.recorder.as_deref(),
            guard: self.options.guard.as_deref(),
            base: &self.base,
        });
        let Some(Place::Card) = to else {
            return Reply::Support(file);
        };
        let SupportFile { text, .. } = file;
        let paths = self.paths();
        match lay_support(&mut RealFiles, &mut self.host, &paths, &text) {
            Ok(()) => {
                tracing::info!("picam-support.txt was written onto the boot partition");
                Reply::Done
            }
            Err(error) => Reply::Refused {
                reason: error.to_string(),
                remedy: "download the support file instead".into(),
                key: None,
            },
        }
    }

    fn settings(&self) -> Result<Reply, ChangeError> {
        match RealFiles.read(&self.options.boot.join("picam.toml")) {
            Ok(Some(bytes)) => Ok(Reply::Settings(view(&bytes, &card_keys()))),
            Ok(None) => Err(ChangeError::NoFile),
            Err(error) => Err(ChangeError::Card(error.to_string())),
        }
    }

    fn paths(&self) -> Paths {
        let nowhere = PathBuf::from("/nonexistent");
        Paths {
            boot: self.options.boot.clone(),
            state: self.options.state.clone(),
            run: nowhere.clone(),
            host_name: nowhere.clone(),
            template: nowhere,
        }
    }

    fn change(&mut self, requested: &SettingsChange) -> Result<(), ChangeError> {
        let paths = self.paths();
        let base = &self.base;
        let wrong = |text: &str| {
            let problems = parse_over(base.clone(), text).problems;
            problems
                .iter()
                .map(|problem| format!("{}; {}", problem.what, problem.remedy))
                .collect()
        };
        change(
            &mut RealFiles,
            &mut self.host,
            &paths,
            requested,
            &card_keys(),
            wrong,
        )?;
        tracing::info!("settings were changed from the page");
        Ok(())
    }

    /// Gives services what they may know of it, and the page its new password.
    fn tell(&self, interrupts_page: bool) {
        self.options.copies.lay(&self.options.boot);
        let unit = self.options.restart.as_ref().filter(|_| interrupts_page);
        let Some(unit) = unit else { return };
        let asked = Command::new("systemctl")
            .args(["--no-block", "try-restart", unit])
            .status();
        if !asked.as_ref().is_ok_and(std::process::ExitStatus::success) {
            tracing::warn!(
                "{unit} is not restarted ({asked:?}): the new password holds from the next start on"
            );
        }
    }
}
