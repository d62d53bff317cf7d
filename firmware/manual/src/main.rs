//! Writes the man pages and the shell completions of picam's command line: `picam-manual DIR`.
//!
//! A program of its own, so that what packages want costs a camera's image nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

use clap_complete::Shell;

/// Why the pages could not be written.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("usage: picam-manual DIR; makes DIR/man and DIR/completions")]
    Usage,
    #[error("cannot write to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Shells that Debian has completions of, under the names that it looks for.
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let done = match (arguments.next(), arguments.next()) {
        (Some(dir), None) => write(Path::new(&dir)),
        _ => Err(Problem::Usage),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("picam-manual: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &Path) -> Result<(), Problem> {
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    for path in [&man, &completions] {
        // What a command is no longer called must not stay.
        let _ = fs::remove_dir_all(path);
        fs::create_dir_all(path).map_err(failed(path))?;
    }
    // Its subcommands' pages are beside it: picam-record.1 and so on.
    clap_mangen::generate_to(picam::cli::command(), &man).map_err(failed(&man))?;
    for shell in SHELLS {
        let mut command = picam::cli::command();
        clap_complete::generate_to(shell, &mut command, "picam", &completions)
            .map_err(failed(&completions))?;
    }
    Ok(())
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Problem {
    let path = path.to_owned();
    move |source| Problem::Write { path, source }
}
