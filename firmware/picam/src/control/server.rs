//! The recorder's end of the socket, on a thread of its own.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::message::{MAX_REQUEST, Reply, Request, parse};
use super::peer::{Peers, user_of};
use crate::orders::Origin;
use crate::record::{Desk, Status};
use picam_time::{Offer, TimeAnchor};
use picam_web::orders::Order;
use picam_web::status::StatusSource;

/// Time for a client to say what it wants, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause before a socket that cannot be made is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// The card is looked at for a status no more often than this, whoever asks.
const FRESH: Duration = Duration::from_millis(200);

/// Answers until the process ends.
pub(crate) struct ControlThread;

impl ControlThread {
    /// Starts it. Whatever goes wrong with the socket is logged and tried again; recording goes on.
    pub(crate) fn start(
        socket: PathBuf,
        status: Arc<Status>,
        desk: Arc<Desk>,
        peers: Peers,
    ) -> io::Result<()> {
        let door = Door {
            status,
            desk,
            peers,
            last: None,
        };
        thread::Builder::new()
            .name("control".into())
            .spawn(move || door.keep_open(&socket))?;
        Ok(())
    }
}

struct Door {
    status: Arc<Status>,
    desk: Arc<Desk>,
    peers: Peers,
    last: Option<(Instant, Reply)>,
}

impl Door {
    fn keep_open(mut self, socket: &Path) {
        let mut said = false;
        loop {
            match listen(socket) {
                Ok(listener) => {
                    said = false;
                    for stream in listener.incoming() {
                        match stream {
                            // What becomes of one client is that client's affair.
                            Ok(stream) => drop(self.answer(&stream)),
                            Err(error) => {
                                tracing::warn!("{}: {error}", socket.display());
                                break;
                            }
                        }
                    }
                }
                Err(error) if !said => {
                    said = true;
                    let again = RETRY.as_secs();
                    tracing::error!(
                        "{} cannot be made: {error}; recording goes on without a page, and this \
                         is tried every {again} s",
                        socket.display()
                    );
                }
                Err(_) => {}
            }
            thread::sleep(RETRY);
        }
    }

    fn answer(&mut self, stream: &UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let user = user_of(stream)?;
        let mut line = Vec::new();
        BufReader::new(stream)
            .take(MAX_REQUEST)
            .read_until(b'\n', &mut line)?;
        let reply = match parse(&line, self.status.now()) {
            Ok(request) if !self.peers.allow(user, request.needs()) => Reply::refused(
                "this user may not do that",
                "do it as root, or name the user to the recorder with --commander or --page-user",
            ),
            Ok(request) => self.obey(request, user),
            Err(refusal) => refusal,
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        let mut stream = stream;
        stream.write_all(&text)
    }

    fn obey(&mut self, request: Request, user: u32) -> Reply {
        match request {
            Request::Status {} => self.status(),
            Request::Lock {
                id,
                span,
                reason,
                origin: Origin::Page,
            } => self
                .desk
                .order_of_page(Order::Lock { id, span, reason })
                .into(),
            Request::Lock {
                id,
                span,
                reason,
                origin,
            } => self.desk.lock(id, &span, reason, origin).into(),
            Request::Unlock { segment } => self.desk.unlock(&segment).into(),
            Request::Locks {} => Reply::Locks(self.desk.locks()),
            Request::Page { order } => self.desk.order_of_page(order).into(),
            Request::SetTime { source, boot, utc } => {
                match TimeAnchor::new(boot, utc, source.into()) {
                    Ok(anchor) => self.set_time(anchor.told_by(user)),
                    Err(error) => {
                        Reply::refused(error.to_string(), "set the clock before telling it")
                    }
                }
            }
        }
    }

    fn set_time(&self, anchor: TimeAnchor) -> Reply {
        let offer = self.status.set_time(anchor);
        if offer != Offer::Ignored {
            tracing::info!("the time was told: {offer:?}");
        }
        // A source that is not believed and says the same is as welcome as any.
        match self.status.contradicts(&anchor) {
            Some(better) => Reply::refused(
                format!("{better} has said another time, and is believed"),
                "set the clock right before telling it",
            ),
            None => Reply::Done,
        }
    }

    fn status(&mut self) -> Reply {
        match &self.last {
            Some((asked, reply)) if asked.elapsed() < FRESH => reply.clone(),
            _ => {
                let reply = match self.status.status() {
                    Ok(status) => Reply::Status(Box::new(status)),
                    Err(error) => Reply::refused(error.reason, error.remedy),
                };
                self.last = Some((Instant::now(), reply.clone()));
                reply
            }
        }
    }
}

/// Makes the socket, in place of one that an earlier process left. Its group may ask, too.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(socket).is_ok() {
        let reason = "another recorder listens there; give this one another --control";
        return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
    }
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, Permissions::from_mode(0o660))?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use picam_time::UtcUs;

    use super::super::message::Source;
    use super::*;
    use crate::record::tests::idle;

    const NOON: UtcUs = UtcUs(1_795_172_880_000_000);

    fn door(directory: &Path) -> Door {
        let (status, desk) = idle(directory);
        Door {
            status,
            desk,
            peers: Peers::default(),
            last: None,
        }
    }

    fn is_done(reply: &Reply) -> bool {
        match reply {
            Reply::Done => true,
            Reply::Refused { reason, .. } if reason.contains("has said another time") => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_user_is_one_voice_whatever_it_calls_itself() {
        for (users, are_two) in [([7, 7], false), ([7, 8], true)] {
            let directory = tempfile::tempdir().unwrap();
            let mut door = door(directory.path());
            let boot = door.status.now();
            let wrong = NOON + Duration::from_secs(9 * 3600);
            let mut say = |source, utc, user| {
                let reply = door.obey(Request::SetTime { source, boot, utc }, user);
                is_done(&reply)
            };
            assert!(say(Source::Gps, wrong, 0));
            assert!(!say(Source::Phone, NOON, users[0]));
            // Two that agree overrule a better one; one that says it twice does not.
            assert_eq!(say(Source::Ntp, NOON, users[1]), are_two);
            assert_eq!(say(Source::Gps, wrong, 0), !are_two);
        }
    }

    #[test]
    fn whose_process_tells_the_time_is_noted() {
        let directory = tempfile::tempdir().unwrap();
        let mut door = door(directory.path());
        for (source, utc, done) in [
            ("gps", NOON.0 - 7_200_000_000, true),
            ("phone", NOON.0, false),
            ("ntp", NOON.0, false),
        ] {
            let (mut here, there) = UnixStream::pair().unwrap();
            let request =
                format!(r#"{{"ask":"set-time","source":"{source}","boot_ns":1,"utc_us":{utc}}}"#);
            writeln!(here, "{request}").unwrap();
            door.answer(&there).unwrap();
            drop(there);
            let mut reply = String::new();
            here.read_to_string(&mut reply).unwrap();
            let reply = serde_json::from_str(&reply).unwrap();
            assert_eq!(is_done(&reply), done, "{source}");
        }
    }
}
