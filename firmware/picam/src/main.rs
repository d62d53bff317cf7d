//! The one binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    picam::cli::main()
}
