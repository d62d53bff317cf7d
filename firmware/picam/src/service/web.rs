//! The page, on a thread and a runtime of its own. Whatever goes wrong here, recording goes on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use picam_web::{WebConfig, serve};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Time between attempts.
const RETRY: Duration = Duration::from_secs(5);
/// Time that running downloads get when the recorder stops.
const GRACE: Duration = Duration::from_millis(300);
/// Threads that read files. Each has a heap of its own, so that more of them cost memory before they
/// make a card faster.
const BLOCKING_THREADS: usize = 4;

/// Where the page is.
#[derive(Clone)]
pub(crate) enum Listen {
    /// An address of this machine.
    On(SocketAddr),
    /// A socket that whoever started us listens on already, and its address.
    Inherited(Arc<std::net::TcpListener>, SocketAddr),
}

impl Listen {
    /// The address; its port may be 0 if the system shall choose one.
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::On(address) | Self::Inherited(_, address) => *address,
        }
    }

    async fn listener(&self) -> io::Result<TcpListener> {
        match self {
            Self::On(address) => TcpListener::bind(address).await,
            Self::Inherited(listener, _) => TcpListener::from_std(listener.try_clone()?),
        }
    }
}

/// The thread that serves the page.
pub(crate) struct WebThread {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl WebThread {
    /// Starts it.
    pub(crate) fn start(listen: Listen, mut config: WebConfig) -> io::Result<Self> {
        config.limits.shutdown_grace = GRACE;
        let (stop, stopped) = watch::channel(false);
        let thread = thread::Builder::new()
            .name("web".into())
            .spawn(move || keep_serving(&listen, &config, &stopped))?;
        Ok(Self { stop, thread })
    }

    /// Ends it, and returns when it has ended.
    pub(crate) fn stop(self) {
        // Nobody listens any more if the thread has ended before.
        let _ = self.stop.send(true);
        let _ = self.thread.join();
    }
}

fn keep_serving(listen: &Listen, config: &WebConfig, stopped: &watch::Receiver<bool>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("there is no page, as the system gives no means for it: {error}");
            return;
        }
    };
    runtime.block_on(async {
        let mut said = None;
        let mut stop = stopped.clone();
        while !*stop.borrow() {
            let trouble = serve_once(listen, config.clone(), stopped).await;
            if let Some(trouble) = trouble.filter(|trouble| said.as_ref() != Some(trouble)) {
                let again = RETRY.as_secs();
                tracing::error!("{trouble}; recording goes on, and this is tried every {again} s");
                said = Some(trouble);
            }
            // Ends early when told to stop.
            let _ = tokio::time::timeout(RETRY, stop.wait_for(|stop| *stop)).await;
        }
    });
    runtime.shutdown_timeout(GRACE);
}

/// Serves until told to stop, or until something goes wrong; then says what.
async fn serve_once(
    listen: &Listen,
    config: WebConfig,
    stopped: &watch::Receiver<bool>,
) -> Option<String> {
    let address = listen.address();
    let listener = match listen.listener().await {
        Ok(listener) => listener,
        Err(error) => return Some(bind_trouble(address, &error)),
    };
    let address = listener.local_addr().unwrap_or(address);
    let mut stopped = stopped.clone();
    let until = async move {
        // An error means that nobody can tell any more: the same.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    tracing::info!("the page is at http://{address}");
    // On a task of its own, a panic ends only this attempt.
    match tokio::spawn(serve(listener, config, until)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("the page cannot be shown: {error}")),
        Err(error) => Some(format!("the page's server failed: {error}")),
    }
}

fn bind_trouble(address: SocketAddr, error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; end it, or choose another port with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right of their own; choose one above with --listen"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address; choose another with --listen"
        }
        _ => "choose another address with --listen",
    };
    format!("no page on {address}: {error}; {remedy}")
}
