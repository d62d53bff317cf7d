//! Clients in bad faith, hundreds of connections of them, from several addresses of loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

/// What each of them does with its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Silent,
    /// Half a header.
    HalfHeader,
    /// A header, one byte a time.
    DrippedHeader,
    /// A login whose body comes one byte a time.
    TrickledLogin,
    /// Logins with a wrong password.
    WrongPassword,
    /// One question that needs no login, and then nothing.
    Idle,
    /// Question after question that needs no login.
    Restless,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Silent,
        Self::HalfHeader,
        Self::DrippedHeader,
        Self::TrickledLogin,
        Self::WrongPassword,
        Self::Idle,
        Self::Restless,
    ];
}

/// Running clients; they stop when this is dropped.
pub struct Crowd {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    connected: Arc<AtomicUsize>,
}

/// How long one that was thrown out stays away.
const PAUSE: Duration = Duration::from_secs(1);

impl Crowd {
    /// `count` clients that keep a connection each, from `addresses` addresses.
    pub fn gather(to: SocketAddr, kind: Kind, count: usize, addresses: u8) -> Self {
        lift_descriptor_limit();
        let (stop, stopped) = watch::channel(false);
        let connected = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connected);
        let crowd = async move {
            let mut stop = stopped.clone();
            for n in 0..count {
                let from = Ipv4Addr::new(127, 0, 1, (n % usize::from(addresses)) as u8 + 1);
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    loop {
                        // Thrown out: that is what it is for.
                        let _ = one(to, from, kind, &counter).await;
                        tokio::time::sleep(PAUSE).await;
                    }
                });
            }
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let thread = thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(crowd);
        });
        Self {
            stop,
            thread: Some(thread),
            connected,
        }
    }

    /// How many connections have come to be so far.
    pub fn connected(&self) -> usize {
        self.connected.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn one(
    to: SocketAddr,
    from: Ipv4Addr,
    kind: Kind,
    connected: &AtomicUsize,
) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let mut stream = socket.connect(to).await?;
    connected.fetch_add(1, Ordering::Relaxed);
    let host = format!("Host: {to}\r\n");
    let login = format!("POST /api/login HTTP/1.1\r\n{host}Content-Type: application/json\r\n");
    let health = format!("GET /api/health HTTP/1.1\r\n{host}\r\n");
    match kind {
        Kind::Silent => {}
        Kind::HalfHeader => stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await?,
        Kind::DrippedHeader => {
            drip(
                &mut stream,
                &format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(9999)),
            )
            .await?
        }
        Kind::TrickledLogin => {
            stream
                .write_all(format!("{login}Content-Length: 9999\r\n\r\n").as_bytes())
                .await?;
            drip(&mut stream, &" ".repeat(9999)).await?;
        }
        Kind::WrongPassword => {
            let body = "{\"password\": \"not the password\"}";
            let request = format!("{login}Content-Length: {}\r\n\r\n{body}", body.len());
            stream.write_all(request.as_bytes()).await?;
        }
        Kind::Idle => stream.write_all(health.as_bytes()).await?,
        Kind::Restless => loop {
            stream.write_all(health.as_bytes()).await?;
            if stream.read(&mut [0; 4096]).await? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        },
    }
    // Until it is closed.
    while stream.read(&mut [0; 4096]).await? > 0 {}
    Ok(())
}

async fn drip(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    for byte in text.as_bytes() {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}

fn lift_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let lifted = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, lifted).unwrap();
}
