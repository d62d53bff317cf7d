//! The recorder's end of the socket, on a thread of its own.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use picam_time::BootNs;

use crate::live::{Follow, PROTOCOL};
use crate::message::{MAX_REQUEST, Reply, Request, parse};
use crate::orders::Denied;
use crate::peer::{Peers, user_of};

/// Time for a client to say what it wants, and to take the answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before a socket that cannot be made is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Who answers what is asked through the socket.
pub trait Answer: Send + 'static {
    /// Now: nobody can tell of a moment after that.
    fn now(&self) -> BootNs;
    /// The answer to what a process of this user asks, who may. The next one waits meanwhile. Never asked for
    /// [`Request::Live`].
    fn answer(&mut self, request: Request, user: u32) -> Reply;
    /// Begins what takes a while, or says why not. What it gives is called once, on a thread of its own, and its answer sent
    /// then. Asked for [`Request::Still`] alone.
    fn begin(&mut self, request: Request) -> Result<Later, Denied>;
    /// Lets somebody follow a camera, or says why not. What it gives is called once with the client's stream, and must
    /// not wait for the client: the next request waits meanwhile.
    fn follow(&mut self, camera: char) -> Result<Follow, Denied>;
}

/// The answer to something that takes a while.
pub type Later = Box<dyn FnOnce() -> Reply + Send>;

/// Answers until the process ends.
pub struct ControlThread;

impl ControlThread {
    /// Starts it. Whatever goes wrong with the socket is logged and tried again; recording goes on.
    pub fn start(socket: PathBuf, recorder: impl Answer, peers: Peers) -> io::Result<()> {
        let door = Door { recorder, peers };
        thread::Builder::new()
            .name("control".into())
            .spawn(move || door.keep_open(&socket))?;
        Ok(())
    }
}

struct Door<A> {
    recorder: A,
    peers: Peers,
}

impl<A: Answer> Door<A> {
    fn keep_open(mut self, socket: &Path) {
        let mut said = false;
        loop {
            match listen(socket) {
                Ok(listener) => {
                    said = false;
                    for stream in listener.incoming() {
                        match stream {
                            // What becomes of one client is that client's affair.
                            Ok(stream) => drop(self.answer(stream)),
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

    fn answer(&mut self, mut stream: UnixStream) -> io::Result<()> {
        stream.set_read_timeout(Some(CLIENT_TIMEOUT))?;
        stream.set_write_timeout(Some(CLIENT_TIMEOUT))?;
        let user = user_of(&stream)?;
        let mut line = Vec::new();
        BufReader::new(&stream)
            .take(MAX_REQUEST)
            .read_until(b'\n', &mut line)?;
        let (reply, follow) = match parse(&line, self.recorder.now()) {
            Ok(request) if !self.peers.allow(user, request.needs()) => {
                let refusal = Reply::refused(
                    "this user may not do that",
                    "do it as root, or name the user to the recorder with --commander or --page-user",
                );
                (refusal, None)
            }
            Ok(Request::Live { camera }) => match self.recorder.follow(camera) {
                Ok(follow) => (Reply::Live { protocol: PROTOCOL }, Some(follow)),
                Err(denied) => (Err::<(), _>(denied).into(), None),
            },
            Ok(request @ Request::Still { .. }) => match self.recorder.begin(request) {
                Ok(later) => return answer_later(stream, later),
                Err(denied) => (Err::<(), _>(denied).into(), None),
            },
            Ok(request) => (self.recorder.answer(request, user), None),
            Err(refusal) => (refusal, None),
        };
        send(&mut stream, &reply)?;
        if let Some(follow) = follow {
            follow(stream);
        }
        Ok(())
    }
}

fn send(stream: &mut UnixStream, reply: &Reply) -> io::Result<()> {
    let mut text = serde_json::to_vec(reply)?;
    text.push(b'\n');
    stream.write_all(&text)
}

/// Answers once it is done; others are answered meanwhile. How many are under way is bounded by whoever begins them.
fn answer_later(mut stream: UnixStream, later: Later) -> io::Result<()> {
    let answer = move || {
        // Whoever asked may have gone.
        let _ = send(&mut stream, &later());
    };
    thread::Builder::new()
        .name("answer".into())
        .spawn(answer)
        .map(drop)
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
    use std::net::Shutdown;
    use std::time::Instant;

    use super::*;
    use crate::client::{RemoteRecorder, ask};
    use crate::live::LiveSource;
    use crate::orders::Why;

    /// Refuses all but locks, of which it has none.
    #[derive(Default)]
    struct Nobody(Option<std::sync::mpsc::Sender<()>>);

    impl Answer for Nobody {
        fn now(&self) -> BootNs {
            BootNs(1)
        }

        fn answer(&mut self, request: Request, user: u32) -> Reply {
            match request {
                Request::Locks {} => Reply::Locks(Vec::new()),
                // Who asked, as the kernel has it.
                Request::Unlock { .. } => Reply::refused(user.to_string(), ""),
                other => Reply::refused(format!("{other:?}"), ""),
            }
        }

        /// Takes until another one is asked for.
        fn begin(&mut self, request: Request) -> Result<Later, Denied> {
            let (done, next) = std::sync::mpsc::channel();
            if let Some(last) = self.0.replace(done) {
                last.send(()).unwrap();
                return Err(Denied::new(Why::TooFast, "one is under way", ""));
            }
            Ok(Box::new(move || {
                next.recv().unwrap();
                Reply::refused(format!("{request:?}"), "")
            }))
        }

        /// One camera, which says three bytes and is silent.
        fn follow(&mut self, camera: char) -> Result<Follow, Denied> {
            if camera != 'F' {
                return Err(Denied::new(Why::NoCamera, "there is none", ""));
            }
            Ok(Box::new(|mut stream| {
                thread::spawn(move || {
                    stream.write_all(b"abc").unwrap();
                    thread::sleep(Duration::from_secs(60));
                });
            }))
        }
    }

    fn asked_until_there(socket: &Path) -> Reply {
        let began = Instant::now();
        loop {
            match ask(socket, Request::Locks {}) {
                Ok(reply) => return reply,
                Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error}"),
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn whoever_may_is_answered_after_nonsense_too() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("recorder.sock");
        // An earlier process left it.
        drop(UnixListener::bind(&socket).unwrap());
        ControlThread::start(socket.clone(), Nobody::default(), Peers::default()).unwrap();
        assert_eq!(asked_until_there(&socket), Reply::Locks(Vec::new()));
        let mode = fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        for bytes in [&b"\n"[..], b"{\"ask\":\"secrets\"}\n", b"", &[0xff; 40_000]] {
            let mut stream = UnixStream::connect(&socket).unwrap();
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(Shutdown::Write);
            let mut reply = String::new();
            let _ = stream.read_to_string(&mut reply);
            assert!(reply.is_empty() || reply.contains("no request"), "{reply}");
        }
        assert_eq!(asked_until_there(&socket), Reply::Locks(Vec::new()));
        let Reply::Refused { reason, .. } = ask(&socket, Request::Status {}).unwrap() else {
            panic!("it answers for the recorder");
        };
        assert!(reason.contains("Status"), "{reason}");
        let segment = "F000001".to_owned();
        let asked = ask(&socket, Request::Unlock { segment }).unwrap();
        let own = rustix::process::geteuid().as_raw().to_string();
        assert!(matches!(asked, Reply::Refused { reason, .. } if reason == own));
    }

    #[test]
    fn whoever_follows_a_camera_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("recorder.sock");
        ControlThread::start(socket.clone(), Nobody::default(), Peers::default()).unwrap();
        asked_until_there(&socket);
        let recorder = RemoteRecorder {
            socket: socket.clone(),
        };
        let denied = recorder.follow('R').unwrap_err();
        assert_eq!(denied.why, Why::NoCamera);
        let mut followed: Vec<_> = (0..5).map(|_| recorder.follow('F').unwrap()).collect();
        assert_eq!(
            ask(&socket, Request::Locks {}).unwrap(),
            Reply::Locks(Vec::new())
        );
        for stream in &mut followed {
            let mut said = [0; 3];
            stream.read_exact(&mut said).unwrap();
            assert_eq!(&said, b"abc");
        }
    }

    #[test]
    fn whoever_waits_for_a_still_keeps_nobody_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("recorder.sock");
        ControlThread::start(socket.clone(), Nobody::default(), Peers::default()).unwrap();
        asked_until_there(&socket);
        let still = Request::Still { camera: "F".into() };
        let mut waiting = crate::exchange::send(&socket, &still, CLIENT_TIMEOUT).unwrap();
        assert_eq!(
            ask(&socket, Request::Locks {}).unwrap(),
            Reply::Locks(Vec::new())
        );
        // Only now it is done.
        let Reply::Refused { why, .. } = ask(&socket, still).unwrap() else {
            panic!("it is under way")
        };
        assert_eq!(why, Why::TooFast);
        let mut said = String::new();
        waiting.read_to_string(&mut said).unwrap();
        assert!(said.contains("Still"), "{said}");
    }
}
