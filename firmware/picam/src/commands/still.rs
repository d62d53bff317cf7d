//! `picam still`: takes a picture of a camera that is being recorded.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use picam_control::stills::{StillFrom, StillMade};
use picam_control::{Reply, Request};

use super::failure::Failure;
use super::tell::told;

/// What of which camera, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct StillArgs {
    /// The camera's name or letter
    #[arg(value_name = "CAMERA")]
    camera: String,
    /// The recorder's --control socket
    #[arg(long, value_name = "SOCKET")]
    recorder: PathBuf,
    /// Copy it there, too; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Has the recorder take it, and says where it is.
pub(crate) fn run(args: &StillArgs) -> Result<(), Failure> {
    let camera = args.camera.clone();
    let made = match told(&args.recorder, Request::Still { camera })? {
        Reply::Still(made) => *made,
        _ => {
            let error = "the recorder's answer makes no sense; update both to the same version";
            return Err(Failure::new(error));
        }
    };
    match args.output.as_deref() {
        None => println!("{}", line(&made, &made.file)),
        Some(to) if to == Path::new("-") => {
            let jpeg = fs::read(&made.file).map_err(|error| unread(&made.file, &error))?;
            let written = io::stdout().write_all(&jpeg);
            written.map_err(|error| Failure::new(format!("standard output: {error}")))?;
        }
        Some(to) => {
            let jpeg = fs::read(&made.file).map_err(|error| unread(&made.file, &error))?;
            let written = fs::write(to, jpeg);
            written.map_err(|error| Failure::new(format!("{}: {error}", to.display())))?;
            println!("{}", line(&made, to));
        }
    }
    Ok(())
}

fn unread(file: &Path, error: &io::Error) -> Failure {
    let file = file.display();
    Failure::new(format!("it was taken, and cannot be read: {file}: {error}"))
}

fn line(made: &StillMade, at: &Path) -> String {
    let StillMade {
        name,
        width,
        height,
        bytes,
        took_ms,
        ..
    } = made;
    let from = match made.from {
        StillFrom::Raw => "from before it was coded",
        StillFrom::Jpeg => "as the camera coded it",
        StillFrom::KeyFrame => "a key frame",
    };
    let at = at.display();
    format!("{at}: {name}, {width}x{height}, {bytes} bytes, {from}, in {took_ms} ms")
}
