//! `picam web`: the page alone, beside a recorder in another process.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use listenfd::ListenFd;
use picam_control::RemoteRecorder;
use picam_web::settings::SettingsSource;
use picam_web::{Limits, WebConfig};

use super::failure::Failure;
use crate::cli::WebOptions;
use crate::config::{Config, Loaded};
use crate::service::session_key::access_and_sessions;
use crate::service::web::{Listen, WebThread};
use crate::service::{log, signals};
use crate::settings_service::RemoteSettings;

/// Serves the page until stopped.
pub(crate) fn run(options: &WebOptions) -> Result<(), Failure> {
    let Loaded {
        mut config,
        problems,
    } = options.files.load();
    config.footage = options.footage.clone().unwrap_or(config.footage);
    log::init(config.log);
    let cannot = |error: io::Error| Failure::new(format!("signals cannot be caught: {error}"));
    let signals = signals::catch().map_err(cannot)?;
    for problem in &problems {
        tracing::warn!("{problem}");
    }
    let listen = listen(options, &config)?;
    if !config.web.enabled {
        tracing::info!("there is no page, as web.enabled is false");
        if let Listen::Inherited(listener, _) = listen {
            turn_away(listener).map_err(cannot)?;
            signals.wait();
        }
        return Ok(());
    }
    let (access, sessions) = access_and_sessions(&config.web, options.files.config.as_deref())
        .map_err(Failure::usage)?;
    let address = listen.address();
    if !access.is_safe_on(address.ip()) {
        return Err(Failure::usage(format!(
            "{address} is open to others, and there is no password: set web.password or \
             web.password-hash in the configuration, or listen on 127.0.0.1"
        )));
    }
    let recorder = RemoteRecorder {
        socket: options.recorder.clone(),
    };
    let page = WebConfig {
        access,
        token: config.web.token_hash,
        sessions,
        disk: config.disk_wanted().cloned(),
        footage: config.footage,
        status: Arc::new(recorder.clone()),
        orders: Arc::new(recorder.clone()),
        live: Arc::new(recorder.clone()),
        pictures: Arc::new(recorder),
        power: options.guard.clone(),
        settings: options
            .settings
            .clone()
            .map(|socket| -> Arc<dyn SettingsSource> { Arc::new(RemoteSettings { socket }) }),
        limits: Limits::default(),
    };
    let web = WebThread::start(listen, page)
        .map_err(|error| Failure::new(format!("there is no page: {error}")))?;
    signals.wait();
    web.stop();
    Ok(())
}

/// The socket that systemd made for us, if it did; else the address as told.
fn listen(options: &WebOptions, config: &Config) -> Result<Listen, Failure> {
    let cannot =
        |error: io::Error| Failure::new(format!("the socket from systemd cannot be used: {error}"));
    if let Some(listener) = ListenFd::from_env().take_tcp_listener(0).map_err(cannot)? {
        return inherited(listener).map_err(cannot);
    }
    Ok(Listen::On(options.listen.unwrap_or(config.web.listen)))
}

/// Closes what connects: left alone, systemd would start us again for each connection that waits.
fn turn_away(listener: Arc<TcpListener>) -> io::Result<()> {
    listener.set_nonblocking(false)?;
    let close_all = move || listener.incoming().for_each(drop);
    thread::Builder::new()
        .name("closed".into())
        .spawn(close_all)
        .map(drop)
}

fn inherited(listener: TcpListener) -> io::Result<Listen> {
    listener.set_nonblocking(true)?;
    let address: SocketAddr = listener.local_addr()?;
    Ok(Listen::Inherited(Arc::new(listener), address))
}
