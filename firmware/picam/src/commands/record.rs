//! `picam record` and `picam run`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use picam_control::{ControlThread, Peers};
use picam_recorder::{Recording, Reread, start};
use picam_web::{Limits, WebConfig};

use super::failure::Failure;
use crate::cli::{RecordOptions, RunOptions};
use crate::config::Config;
use crate::service::session_key::access_and_sessions;
use crate::service::web::{Listen, WebThread};
use crate::service::{log, notify, signals};
use crate::settings::Settings;

/// Records until stopped, or until every source has ended.
pub(crate) fn record(options: &RecordOptions) -> Result<(), Failure> {
    let settings = Settings::gather(options, None)?;
    begin(options, &settings, None)?.wait();
    tracing::info!("stopped");
    Ok(())
}

/// The same, with the page beside it.
pub(crate) fn run(options: &RunOptions) -> Result<(), Failure> {
    let settings = Settings::gather(&options.record, options.listen)?;
    let recording = begin(&options.record, &settings, options.listen)?;
    let web = match settings.config.web.enabled {
        true => start_page(options, &settings.config, &recording)
            .inspect_err(|error| tracing::error!("there is no page: {error}; recording goes on"))
            .ok(),
        false => None,
    };
    recording.wait();
    if let Some(web) = web {
        web.stop();
    }
    tracing::info!("stopped");
    Ok(())
}

fn start_page(
    options: &RunOptions,
    config: &Config,
    recording: &Recording,
) -> io::Result<WebThread> {
    let file = options.record.files.config.as_deref();
    let (access, sessions) = access_and_sessions(&config.web, file).map_err(io::Error::other)?;
    let page = WebConfig {
        access,
        token: config.web.token_hash,
        sessions,
        footage: config.footage.clone(),
        disk: config.disk_wanted().cloned(),
        status: recording.status(),
        orders: recording.orders(),
        live: recording.live(),
        pictures: recording.pictures(),
        power: None,
        settings: None,
        limits: Limits::default(),
    };
    WebThread::start(Listen::On(config.web.listen), page)
}

fn begin(
    options: &RecordOptions,
    settings: &Settings,
    listen: Option<SocketAddr>,
) -> Result<Recording, Failure> {
    log::init(settings.config.log);
    let cannot = |error| Failure::new(format!("signals cannot be caught: {error}"));
    let signals = signals::catch_with_reload().map_err(cannot)?;
    for warning in &settings.warnings {
        tracing::error!("{warning}");
    }
    let recording = start(settings.plan()).map_err(Failure::new)?;
    let stopper = recording.stopper();
    let stop = move || {
        tracing::info!("stopping: the last segments are being finished");
        notify::stopping();
        stopper.stop();
    };
    let reload = recording.reload(reread(options.clone(), listen));
    let on_hangup = reload.clone();
    let on_hangup = move || {
        if let Err(reason) = on_hangup.begin() {
            tracing::error!("{reason}; the cameras record on as before");
        }
    };
    signals.hand_on(on_hangup, stop).map_err(cannot)?;
    notify::start(recording.status());
    if let Some(socket) = &options.control {
        let peers = Peers::of(&options.commanders, &options.page_users);
        let started = ControlThread::start(socket.clone(), recording.answers(reload), peers);
        if let Err(error) = started {
            tracing::error!("nobody can ask this recorder anything: {error}; recording goes on");
        }
    }
    tracing::info!(
        "recording {} into {}",
        settings.camera_names(),
        settings.config.footage.display()
    );
    Ok(recording)
}

/// What the options and the configuration say by the time this is called.
fn reread(options: RecordOptions, listen: Option<SocketAddr>) -> Reread {
    Arc::new(move || {
        let settings = Settings::gather(&options, listen).map_err(|error| error.to_string())?;
        for warning in &settings.warnings {
            tracing::error!("{warning}");
        }
        Ok(settings.plan())
    })
}
