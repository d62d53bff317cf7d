//! The process that speaks with libcamera.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

use crate::CaptureError;

/// Names another program, for tests and for whoever builds it elsewhere.
const VARIABLE: &str = "PICAM_CSI";
/// The program, where nobody names another.
const PROGRAM: &str = "picam-csi";
/// A process that was killed is waited for so long; one that hangs in a driver ends when that does.
const ENDS_WITHIN: Duration = Duration::from_secs(1);
/// What it says is kept up to so many bytes.
const LONGEST_LINE: usize = 1000;

/// What to start.
pub(crate) fn program() -> OsString {
    std::env::var_os(VARIABLE).unwrap_or_else(|| PROGRAM.into())
}

/// Whether somebody named another program.
pub(super) fn is_named() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// A process. It is killed, by its descriptor, when this is dropped: libcamera's own way out may hang.
pub(super) struct Process {
    descriptor: Arc<OwnedFd>,
    /// The last line that it said.
    said: Arc<Mutex<String>>,
}

impl Process {
    /// Starts `program` with these arguments and these two as its input and output.
    ///
    /// The kernel kills it as soon as the *thread* that started it has ended (`PR_SET_PDEATHSIG`). That one stays as long as
    /// the process: it hears what is said and buries it.
    ///
    /// # Errors
    /// What to do about it.
    pub(super) fn start(
        program: OsString,
        arguments: Vec<OsString>,
        (input, output): (Stdio, Stdio),
    ) -> Result<Self, CaptureError> {
        let shown = program.display().to_string();
        let failed = move |source: io::Error| CaptureError::Io {
            context: match source.kind() {
                io::ErrorKind::NotFound => format!(
                    "cameras on the ribbon cable need the program {shown}, which is not installed (docs/cameras.md)"
                ),
                _ => format!("starting {shown}"),
            },
            source,
        };
        let said = Arc::new(Mutex::new(String::new()));
        let hears = said.clone();
        let (tell, told) = sync_channel(1);
        let thread = std::thread::Builder::new().name("csi".to_owned());
        let staying = thread.spawn(move || {
            let spawned = Command::new(program)
                .args(arguments)
                .stdin(input)
                .stdout(output)
                .stderr(Stdio::piped())
                // What ends the recorder from its terminal is not for it, and whom it starts dies with it.
                .process_group(0)
                .spawn();
            let mut child = match spawned {
                Ok(child) => child,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let opened = Pid::from_raw(child.id().cast_signed())
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
                .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
            match opened {
                Ok(descriptor) => {
                    let descriptor = Arc::new(descriptor);
                    let _ = tell.send(Ok(descriptor.clone()));
                    stay(&mut child, &descriptor, &hears);
                }
                Err(error) => {
                    let _ = child.kill();
                    let _ = tell.send(Err(error));
                }
            }
            bury(&mut child);
        });
        staying.map_err(failed.clone())?;
        let descriptor = told
            .recv()
            .map_err(|_| failed(io::Error::other("its thread has ended")))?
            .map_err(failed)?;
        Ok(Self { descriptor, said })
    }

    /// The last line that it said; empty if it has said nothing.
    pub(super) fn last_words(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone()
    }

    /// Whether it has ended by then.
    pub(super) fn ends_within(&self, timeout: Duration) -> bool {
        ready(self.descriptor.as_fd(), timeout)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = pidfd_send_signal(&*self.descriptor, Signal::KILL);
        if !self.ends_within(ENDS_WITHIN) {
            tracing::warn!("picam-csi was killed and has not ended: it hangs in a driver");
        }
    }
}

fn ready(descriptor: impl AsFd, timeout: Duration) -> bool {
    let timeout = Timespec::try_from(timeout).ok();
    let mut fds = [PollFd::new(&descriptor, PollFlags::IN)];
    matches!(poll(&mut fds, timeout.as_ref()), Ok(1..))
}

/// Hears what it says until it has ended.
fn stay(child: &mut Child, ended: &OwnedFd, said: &Mutex<String>) {
    let Some(mut stderr) = child.stderr.take() else {
        return;
    };
    let mut line = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&stderr, PollFlags::IN),
            PollFd::new(ended, PollFlags::IN),
        ];
        if poll(&mut fds, None).is_err() {
            continue;
        }
        let [hears, ends] = fds;
        if hears.revents().is_empty() && !ends.revents().is_empty() {
            return;
        }
        let count = stderr.read(&mut bytes).unwrap_or(0);
        if count == 0 {
            // It has closed this, and lives.
            let _ = poll(&mut [PollFd::new(ended, PollFlags::IN)], None);
            return;
        }
        for &byte in bytes.iter().take(count) {
            match byte {
                b'\n' => say(&mut line, said),
                byte if line.len() < LONGEST_LINE => line.push(byte),
                _ => {}
            }
        }
    }
}

fn say(line: &mut Vec<u8>, said: &Mutex<String>) {
    let text = String::from_utf8_lossy(line);
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    line.clear();
    tracing::debug!("picam-csi: {text}");
    *said.lock().unwrap_or_else(PoisonError::into_inner) = text;
}

/// Ends whom it has started, too, and takes what the kernel keeps of it.
fn bury(child: &mut Child) {
    if let Some(group) = Pid::from_raw(child.id().cast_signed()) {
        // Nobody else can have this number yet: it is taken until the call after this.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}
