//! `picam password`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::{process, thread};

use picam_web::hash_password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::failure::Failure;

/// Reads a password, twice where a person types it, and prints its hash as a line of `picam.toml`.
pub(crate) fn run() -> Result<(), Failure> {
    let stdin = io::stdin();
    let password = match stdin.is_terminal() {
        true => {
            let _hidden = Hidden::new(&stdin)?;
            let first = ask("Password: ")?;
            let second = ask("Again: ")?;
            if first != second {
                return Err(Failure::new(
                    "these were two different passwords; try again",
                ));
            }
            first
        }
        false => read_line()?,
    };
    let hash = hash_password(&password).map_err(Failure::new)?;
    writeln!(io::stdout(), "password-hash = \"{hash}\"")?;
    Ok(())
}

fn ask(prompt: &str) -> Result<String, Failure> {
    eprint!("{prompt}");
    let answer = read_line();
    eprintln!();
    answer
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match read {
        Ok(0) => Err(Failure::new(
            "no password was given; write one on standard input",
        )),
        Ok(_) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
        Err(error) => Err(Failure::new(format!(
            "the password cannot be read: {error}"
        ))),
    }
}

/// While this lives, the terminal does not show what is typed.
struct Hidden<'a> {
    stdin: &'a io::Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(stdin: &'a io::Stdin) -> Result<Self, Failure> {
        let cannot = |error| Failure::new(format!("the terminal cannot be silenced: {error}"));
        let before = tcgetattr(stdin).map_err(cannot)?;
        restore_when_stopped(before.clone())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin, OptionalActions::Flush, &hidden).map_err(cannot)?;
        Ok(Self { stdin, before })
    }
}

/// Ctrl-C must not leave a terminal behind that shows nothing.
fn restore_when_stopped(before: Termios) -> Result<(), Failure> {
    let cannot = |error| Failure::new(format!("signals cannot be caught: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
            eprintln!();
            process::exit(128 + signal);
        }
    });
    Ok(())
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that has gone away.
        let _ = tcsetattr(self.stdin, OptionalActions::Flush, &self.before);
    }
}
