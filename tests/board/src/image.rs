//! What the board starts from: the card of `tests/board/assemble`, made once for what it is made of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use picam_testkit::judges::{have, skip};

use crate::{BoardError, Result, program};

/// An assembled card with its kernel.
#[derive(Debug, Clone)]
pub struct Image {
    dir: PathBuf,
}

const TRIPLE: &str = "aarch64-unknown-linux-gnu";

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Where cargo puts what it builds.
fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace().join(dir),
        None => workspace().join("target"),
    }
}

/// Where runs keep their files.
pub fn runs() -> PathBuf {
    target().join("board-runs")
}

impl Image {
    /// The image of what the working copy is now; `None`, with the skip line, where it cannot be made or started.
    /// `PICAM_BOARD` names a directory that has one already.
    pub fn of_this_tree() -> Result<Option<Self>> {
        if !can_start() {
            return Ok(None);
        }
        if let Some(dir) = std::env::var_os("PICAM_BOARD") {
            return Ok(Some(Self { dir: dir.into() }));
        }
        Self::assembled("board-images", None)
    }

    /// The same with a kernel of `scripts/board-kernel`.
    pub fn with_kernel(kernel: &Path) -> Result<Option<Self>> {
        if !can_start() {
            return Ok(None);
        }
        Self::assembled("board-images-kernel", Some(kernel))
    }

    fn assembled(below: &str, kernel: Option<&Path>) -> Result<Option<Self>> {
        if !can_assemble()? {
            return Ok(None);
        }
        let picam = build()?;
        // Tests of one program may want it at the same time. The lock goes with the file.
        let lock = target().join(format!("{below}.lock"));
        let locking = || fs::File::create(&lock).and_then(|file| file.lock().map(|()| file));
        let _lock = locking().map_err(BoardError::io(lock.display().to_string()))?;
        let below = target().join(below);
        let dir = below.join(inputs(&picam, kernel)?);
        let image = Self { dir };
        if image.file("complete").exists() {
            return Ok(Some(image));
        }
        // Older ones are of no use any more.
        let _ = fs::remove_dir_all(below);
        let mut assemble = Command::new(workspace().join("tests/board/assemble"));
        assemble
            .arg("--out")
            .arg(&image.dir)
            .arg("--picam")
            .arg(&picam)
            .args(["--config", "tests/board/picam.toml"]);
        if let Some(kernel) = kernel {
            assemble.arg("--kernel").arg(kernel);
        }
        program::output(&mut assemble)?;
        let complete = image.file("complete");
        fs::write(&complete, "").map_err(BoardError::io(complete.display().to_string()))?;
        Ok(Some(image))
    }

    /// `card.img`, `kernel`, `dtb`, and `initrd` for Debian's kernel.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The kernel's command line.
    pub fn command_line(&self) -> Result<String> {
        let path = self.file("cmdline");
        let line = fs::read_to_string(&path);
        let line = line.map_err(BoardError::io(path.display().to_string()))?;
        Ok(line.trim().to_owned())
    }
}

/// Whether there is a QEMU that has the board, and what looks into its card; prints the skip line if not.
fn can_start() -> bool {
    let version = program::text(Command::new("qemu-system-aarch64").arg("--version"));
    let major = version.ok().and_then(|text| {
        let digits = text.split("version ").nth(1)?;
        digits.split('.').next()?.parse::<u32>().ok()
    });
    if major.is_none_or(|major| major < 9) {
        skip(
            "the emulated board needs QEMU 9 or newer",
            "scripts/setup emulate",
        );
        return false;
    }
    if !rustix::process::geteuid().is_root() {
        skip(
            "the emulated board's card can only be mounted as root",
            "sudo -E scripts/board-tests",
        );
        return false;
    }
    have("mount.exfat-fuse", "exfat-fuse")
        & have("fsck.exfat", "exfatprogs")
        & have("mcopy", "mtools")
        & have("ffmpeg", "ffmpeg")
        & have("ffprobe", "ffmpeg")
}

fn can_assemble() -> Result<bool> {
    let found = have("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu")
        & have("aarch64-linux-gnu-g++", "g++-aarch64-linux-gnu")
        & have("mksquashfs", "squashfs-tools")
        & have("fdtput", "device-tree-compiler")
        & have("cpio", "cpio");
    let library = program::text(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        TRIPLE,
    ]))?;
    if !Path::new(library.trim()).is_dir() {
        skip(
            "Rust cannot compile for the emulated board's processor",
            "scripts/setup emulate",
        );
        return Ok(false);
    }
    if !Path::new("/usr/lib/aarch64-linux-gnu/libasound.so").exists() {
        skip(
            "ALSA's library is not there for the emulated board's processor",
            "scripts/setup emulate",
        );
        return Ok(false);
    }
    Ok(found)
}

/// `picam` for the board.
fn build() -> Result<PathBuf> {
    let linker = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER";
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--release", "--locked", "-p", "picam"])
        .args(["--target", TRIPLE, "--target-dir"])
        .arg(target())
        .current_dir(workspace())
        .env(linker, "aarch64-linux-gnu-gcc")
        .env("CC_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-gcc")
        .env("CXX_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-g++")
        .env("PKG_CONFIG_ALLOW_CROSS", "1")
        .env(
            "PKG_CONFIG_LIBDIR_aarch64_unknown_linux_gnu",
            "/usr/lib/aarch64-linux-gnu/pkgconfig",
        );
    program::output(&mut cargo)?;
    Ok(target().join(TRIPLE).join("release/picam"))
}

/// A name for what the card is made of: its bytes. A kernel built twice differs in its own, so that these tell its modules too.
fn inputs(picam: &Path, kernel: Option<&Path>) -> Result<String> {
    let script = "{ cat \"$@\"; find board tests/board/assemble tests/board/init tests/board/packages \
        tests/board/picam.toml tests/board/emulated-*.service \\( -type f -o -type l \\) -print0 | sort -z | \
        xargs -0 -I{} sh -c 'printf %s \"{}\"; readlink \"{}\" || cat \"{}\"'; } | sha256sum | cut -c 1-16";
    let picam = fs::canonicalize(picam).map_err(BoardError::io(picam.display().to_string()))?;
    let sum = program::text(
        Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(picam)
            .args(kernel.map(|dir| dir.join("Image.gz")))
            .current_dir(workspace()),
    )?;
    Ok(sum.trim().to_owned())
}
