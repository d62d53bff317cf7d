//! The end of the socket that has the settings. One client after the other: what they ask for is rare, and a password's hash
//! shall not take more than one processor.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use picam_control::{Peers, Right, user_of};

use super::message::{MAX_REQUEST, Reply, Request};

/// Time for a client to say what it wants, and to take the answer.
const IO_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers whoever is among `clients`, until the listener fails.
pub(crate) fn serve(
    listener: &UnixListener,
    clients: &Peers,
    mut carry_out: impl FnMut(Request) -> Reply,
) -> io::Result<()> {
    for stream in listener.incoming() {
        // What becomes of one client is that client's affair.
        if let Err(error) = answer(&stream?, clients, &mut carry_out) {
            tracing::debug!("a client went: {error}");
        }
    }
    Ok(())
}

fn answer(
    stream: &UnixStream,
    clients: &Peers,
    carry_out: &mut impl FnMut(Request) -> Reply,
) -> io::Result<()> {
    stream.set_read_timeout(Some(IO_TIMEOUT))?;
    stream.set_write_timeout(Some(IO_TIMEOUT))?;
    let refused = |reason: String, remedy: &str| Reply::Refused {
        reason,
        remedy: remedy.into(),
        key: None,
    };
    // The kernel says who it is, before a byte of it is read.
    let reply = if clients.allow(user_of(stream)?, Right::Page) {
        let mut line = Vec::new();
        BufReader::new(stream)
            .take(MAX_REQUEST)
            .read_until(b'\n', &mut line)?;
        match serde_json::from_slice(&line) {
            Ok(request) => carry_out(request),
            Err(error) => refused(
                format!("this is no request: {error}"),
                "send one line of JSON, such as {\"ask\":\"settings\"}",
            ),
        }
    } else {
        refused(
            "this user may not see the settings".into(),
            "ask as the page's user, or as root",
        )
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    let mut stream = stream;
    stream.write_all(&text)
}

#[cfg(test)]
mod tests {
    use picam_web::settings::{SettingsError, SettingsSource};

    use super::super::RemoteSettings;
    use super::*;

    fn behind(users: &[String]) -> (tempfile::TempDir, RemoteSettings) {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("settings.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let clients = Peers::only(users);
        std::thread::spawn(move || {
            serve(&listener, &clients, |request| match request {
                Request::Settings {} => Reply::Settings(Default::default()),
                Request::Change { .. } | Request::Support { .. } => Reply::Done,
            })
        });
        (dir, RemoteSettings { socket })
    }

    #[test]
    fn whoever_is_named_is_answered_and_nobody_else() {
        let own = rustix::process::geteuid().as_raw().to_string();
        let (_dir, known) = behind(&[own]);
        assert_eq!(known.settings(), Ok(Default::default()));
        assert_eq!(known.change(Default::default()), Ok(()));
        if rustix::process::geteuid().is_root() {
            // Root always may; who else is told apart in [`Peers`].
            return;
        }
        let (_dir, stranger) = behind(&["64123".to_owned()]);
        let refused = stranger.settings();
        assert!(
            matches!(&refused, Err(SettingsError::Refused { reason, .. }) if reason.contains("may not")),
            "{refused:?}"
        );
    }

    #[test]
    fn nonsense_is_refused_and_the_next_one_answered() {
        let own = rustix::process::geteuid().as_raw().to_string();
        let (_dir, known) = behind(&[own]);
        for bytes in [&b"\n"[..], b"{\"ask\":\"secrets\"}\n", &[0xff; 40_000]] {
            let mut stream = UnixStream::connect(&known.socket).unwrap();
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut reply = String::new();
            let _ = stream.read_to_string(&mut reply);
            assert!(reply.is_empty() || reply.contains("no request"), "{reply}");
        }
        assert_eq!(known.settings(), Ok(Default::default()));
    }
}
