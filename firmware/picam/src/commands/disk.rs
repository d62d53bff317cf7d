//! `picam firstboot disk`: whether a USB disk takes the footage.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use clap::Args;
use picam_firstboot::disk::{DiskError, Identity, Refused, UsbDevice, Verdict, examine, format};
use picam_recorder::DiskNote;

use super::copies::{self, remove};
use super::failure::Failure;
use crate::cli::ConfigFiles;
use crate::config::Config;

/// Options of `firstboot disk`.
#[derive(Debug, Args)]
pub(crate) struct DiskOptions {
    /// The disk, as /dev/sda
    #[arg(long, value_name = "DEVICE")]
    device: PathBuf,
    #[command(flatten)]
    files: ConfigFiles,
    /// Link that is laid to the partition with the footage
    #[arg(long, value_name = "LINK")]
    link: PathBuf,
    /// File that gets what is said of a disk that is not taken, for the recorder's status
    #[arg(long, value_name = "FILE")]
    note: PathBuf,
}

pub(crate) fn run(options: &DiskOptions) -> Result<(), Failure> {
    let config = options.files.load().config;
    if config.disk_wanted().is_none() {
        return Err(Failure::silent());
    }
    // It leads to a disk that is there.
    if options.link.exists() {
        tracing::info!("another USB disk has the footage; this one is left alone");
        return Err(Failure::silent());
    }
    let node = &options.device;
    let Some(mut usb) = UsbDevice::open(node).map_err(Failure::new)? else {
        return Err(Failure::silent());
    };
    match prepare(&mut usb, &config) {
        Ok(Prepared::Use(partition)) => {
            // A note on what it was before.
            let _ = fs::remove_file(&options.note);
            lay(&options.link, &partition)
                .map_err(|error| Failure::new(format!("{}: {error}", options.link.display())))?;
            tracing::info!("{} takes the footage", partition.display());
            Ok(())
        }
        Ok(Prepared::Leave(why)) => {
            tracing::warn!("{}: {why}; {}", node.display(), why.remedy());
            write_note(options, why.to_string(), why.remedy());
            Err(Failure::silent())
        }
        Err(error) => {
            let remedy = "put it back, or use another disk";
            write_note(options, error.to_string(), remedy.into());
            Err(Failure::new(format!("{}: {error}", node.display())))
        }
    }
}

enum Prepared {
    Use(PathBuf),
    Leave(Refused),
}

fn prepare(usb: &mut UsbDevice, config: &Config) -> Result<Prepared, DiskError> {
    let partitions = usb.partitions();
    let partitions = partitions.map_err(|error| DiskError::Failed("asked", error))?;
    let card = usb.disk.card();
    let asked = config.device.format_disk.as_deref();
    let verdict = examine(&mut usb.disk, &card, &usb.identity, &partitions, asked)?;
    Ok(match verdict {
        Verdict::Use(Some(name)) => Prepared::Use(usb.disk.node().with_file_name(name)),
        Verdict::Use(None) => Prepared::Use(usb.disk.node().to_owned()),
        Verdict::Leave(why) => Prepared::Leave(why),
        Verdict::Format => {
            let Identity { name, .. } = &usb.identity;
            tracing::warn!("{name} is erased and formatted, as format-disk in picam.toml asks");
            format(&mut usb.disk, &card)?;
            Prepared::Use(usb.disk.partition())
        }
    })
}

fn lay(link: &Path, to: &Path) -> io::Result<()> {
    remove(link)?;
    symlink(to, link)
}

fn write_note(options: &DiskOptions, message: String, remedy: String) {
    let note = DiskNote {
        device: options.device.display().to_string(),
        message,
        remedy,
    };
    if let Err(error) = copies::lay(
        &options.note,
        note.to_text().as_bytes(),
        copies::FOR_GROUP,
        None,
    ) {
        tracing::warn!("{}: {error}", options.note.display());
    }
}
