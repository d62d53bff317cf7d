//! The programs that a real card is prepared with: `partx`, `mkfs.exfat`, `fsck.exfat`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{Advice, OFlags, fadvise};

use super::device::{BlockDevice, number, partition_of};
use super::geometry::Layout;
use super::mbr::Entry;
use super::run::Tools;

/// How long a device node may take to appear; devtmpfs makes it at once.
const NODE_TIMEOUT: Duration = Duration::from_secs(5);
/// What the volume is called on a PC.
const LABEL: &str = "FOOTAGE";

impl BlockDevice {
    /// The footage partition's node.
    pub fn partition(&self) -> PathBuf {
        partition_of(self.node(), self.partition_number())
    }

    /// Whether the kernel's footage partition is `entry`, as far as the disk reaches.
    fn is_attached(&self, entry: &Entry) -> bool {
        let sysfs = partition_of(self.sysfs(), self.partition_number());
        let sysfs = self.sysfs().join(sysfs.file_name().unwrap_or_default());
        let is = |name, expected| number(&sysfs.join(name)).is_ok_and(|number| number == expected);
        let start = u64::from(entry.start);
        let on_disk = entry.end().min(self.card().sectors).saturating_sub(start);
        is("start", start) && is("size", on_disk)
    }
}

impl BlockDevice {
    /// The disk is in use, so the kernel does not read the table again; it takes single partitions.
    fn tell_kernel(&self, entry: &Entry) -> io::Result<()> {
        let partx = |how: &str| {
            let mut partx = Command::new("partx");
            let number = self.partition_number().to_string();
            run(partx.args([how, "--nr", &number]).arg(self.node()))
        };
        let updated = partx("--update");
        if !self.is_attached(entry) {
            partx("--add").map_err(|error| updated.err().unwrap_or(error))?;
        }
        match self.is_attached(entry) {
            true => Ok(()),
            false => Err(io::Error::other(
                "partx did not change the footage partition",
            )),
        }
    }
}

impl Tools for BlockDevice {
    fn attach(&mut self, entry: &Entry) -> io::Result<()> {
        if !self.is_attached(entry) {
            // Keeps udev from having a look at the same time, which would keep the old one busy.
            self.locked()?;
            let start = Instant::now();
            while let Err(error) = self.tell_kernel(entry) {
                if start.elapsed() > NODE_TIMEOUT {
                    return Err(error);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let (partition, start) = (self.partition(), Instant::now());
        while !partition.exists() {
            if start.elapsed() > NODE_TIMEOUT {
                let missing = format!("{} does not appear", partition.display());
                return Err(io::Error::new(io::ErrorKind::TimedOut, missing));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn is_in_use(&mut self) -> io::Result<bool> {
        // A formatting that outlived whoever began it uses the partition until it ends.
        self.locked()?;
        // Without O_CREAT, O_EXCL asks for a block device that nobody has mounted (open(2)).
        let exclusive = OFlags::EXCL.bits().cast_signed();
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(exclusive)
            .open(self.partition());
        match opened {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn format(&mut self, layout: &Layout) -> io::Result<()> {
        let mut mkfs = Command::new("mkfs.exfat");
        mkfs.args(["-L", LABEL])
            .args(["-c", &layout.cluster.to_string()])
            .args(["-b", &layout.boundary.to_string()])
            .arg(self.partition());
        // It holds the lock until it ends, even if we do not live to see that.
        mkfs.stdin(Stdio::from(self.locked()?.try_clone()?));
        run(&mut mkfs)
    }

    fn sync(&mut self) -> io::Result<()> {
        let partition = File::open(self.partition())?;
        partition.sync_all()?;
        // What is checked next shall come from the card.
        Ok(fadvise(&partition, 0, None, Advice::DontNeed)?)
    }

    fn check(&mut self) -> io::Result<()> {
        run(Command::new("fsck.exfat").arg("-n").arg(self.partition()))
    }
}

/// Runs a program that must succeed; what it complained about is in the error.
fn run(command: &mut Command) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::new(error.kind(), format!("{program} is not installed"))
        }
        kind => io::Error::new(kind, format!("{program}: {error}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stderr, output.stdout].concat();
    let printed = String::from_utf8_lossy(&printed);
    let line = printed.lines().rfind(|line| !line.trim().is_empty());
    let line = line.unwrap_or_default().trim();
    Err(io::Error::other(format!(
        "{program}, {}: {line}",
        output.status
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_quoted() {
        let error = run(Command::new("sh").args(["-c", "echo first; echo bad sector >&2; exit 3"]));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("sh, exit status: 3"), "{error}");
        let error = run(&mut Command::new("/no/such/mkfs.exfat")).unwrap_err();
        assert!(error.to_string().contains("is not installed"));
    }
}
