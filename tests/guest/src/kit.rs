//! What a guest is made of: a virtual machine, Debian's kernel and busybox, as `scripts/lib/guest.sh` keeps them
//! in the cache, and the initial root filesystem put together from them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cpio::Cpio;

/// Where it all lies.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The directory that `scripts/lib/guest.sh` fills.
    pub at: PathBuf,
    kernel: PathBuf,
    modules: PathBuf,
}

/// The cache of everything that is downloaded or made once.
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    cache.join("picam")
}

fn only(folder: &Path, begins: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    let mut found = entries.filter_map(|entry| Some(entry.ok()?.path()));
    found.find(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(begins))
    })
}

impl Kit {
    /// Finds it; `None` if it was not fetched. It is a PC of 64 bits, that it can run this machine's picam.
    pub fn find() -> Option<Self> {
        if !cfg!(target_arch = "x86_64") {
            return None;
        }
        let at = cache().join("power-lab");
        let kernel = only(&at.join("kernel/boot"), "vmlinuz-")?;
        let modules = only(&at.join("kernel/usr/lib/modules"), "")?;
        let kit = Self {
            at,
            kernel,
            modules,
        };
        (kit.busybox().exists() && kit.qemu_program().exists()).then_some(kit)
    }

    /// The version of the kernel.
    pub fn kernel_version(&self) -> String {
        let name = self.modules.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The kernel's image.
    pub fn kernel(&self) -> &Path {
        &self.kernel
    }

    fn busybox(&self) -> PathBuf {
        self.at.join("busybox/usr/bin/busybox")
    }

    fn qemu_program(&self) -> PathBuf {
        self.at.join("qemu/usr/bin/qemu-system-x86_64")
    }

    /// QEMU, out of the tree it was unpacked to, with the libraries of its own release.
    pub fn qemu(&self) -> Command {
        let tree = self.at.join("qemu");
        let mut qemu = Command::new(tree.join("usr/lib64/ld-linux-x86-64.so.2"));
        qemu.arg("--library-path")
            .arg(tree.join("usr/lib/x86_64-linux-gnu"))
            .arg(self.qemu_program())
            .arg("-L")
            .arg(tree.join("usr/share/qemu"))
            .arg("-L")
            .arg(tree.join("usr/share/seabios"));
        qemu
    }

    /// The root filesystem for other recorders: one of their own where it was fetched (`scripts/power-lab --fetch
    /// peers`), else the host's.
    pub fn peers_root(&self) -> PathBuf {
        let root = self.at.join("peers");
        if root.exists() {
            root
        } else {
            PathBuf::from("/")
        }
    }

    /// Everything that the kernel can load: its own modules, and those built beside it.
    fn all_modules(&self) -> Vec<PathBuf> {
        let mut all = Vec::new();
        let mut folders = vec![self.modules.join("kernel"), self.codec()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    all.push(path);
                }
            }
        }
        all
    }

    /// Where `vicodec` and what it needs lie, which Debian does not build.
    fn codec(&self) -> PathBuf {
        self.at.join("codec").join(self.kernel_version())
    }

    /// Whether `vicodec` was built.
    pub fn has_codec(&self) -> bool {
        self.codec().join("vicodec.ko").exists()
    }

    fn add_module(&self, name: &str, all: &[PathBuf], order: &mut Vec<PathBuf>) {
        let is = |path: &PathBuf| module_name(path) == name;
        // One that is not there is part of the kernel.
        let Some(path) = all.iter().find(|path| is(path)) else {
            return;
        };
        if order.contains(path) {
            return;
        }
        for needed in needs(&unpack(path)) {
            self.add_module(&needed, all, order);
        }
        order.push(path.clone());
    }

    /// The initial root filesystem. It holds busybox, `init`, the text `job` as `/job`, and the kernel's modules
    /// `boot` and `later` with those that they need: all of `boot` are named in `/modules/order`, as they have to be
    /// loaded; all of both lie where busybox's `modprobe` finds them.
    pub fn initramfs(&self, init: &str, job: &str, boot: &[&str], later: &[&str]) -> Vec<u8> {
        let all = self.all_modules();
        let (mut order, mut every) = (Vec::new(), Vec::new());
        for name in boot {
            self.add_module(name, &all, &mut order);
        }
        for name in boot.iter().chain(later) {
            self.add_module(name, &all, &mut every);
        }
        let lib = format!("lib/modules/{}", self.kernel_version());
        let mut archive = Cpio::default();
        for folder in [
            "bin",
            "dev",
            "proc",
            "sys",
            "host",
            "over",
            "root",
            "modules",
            "lib",
            "lib/modules",
            &lib,
        ] {
            archive.directory(folder);
        }
        archive.file("bin/busybox", &fs::read(self.busybox()).unwrap(), true);
        archive.file("init", init.as_bytes(), true);
        archive.file("job", job.as_bytes(), false);
        let file = |path: &PathBuf| format!("{}.ko\n", module_name(path));
        archive.file(
            "modules/order",
            order.iter().map(file).collect::<String>().as_bytes(),
            false,
        );
        let mut depends = String::new();
        for path in &every {
            let (name, content) = (module_name(path), unpack(path));
            archive.file(&format!("{lib}/{name}.ko"), &content, false);
            // All that it needs, and all that those need, the latter behind the former.
            let mut below = Vec::new();
            self.add_module(&name, &every, &mut below);
            below.pop();
            let below = below
                .iter()
                .rev()
                .map(|path| format!(" {}.ko", module_name(path)));
            let below: String = below.collect();
            depends += &format!("{name}.ko:{below}\n");
        }
        archive.file(&format!("{lib}/modules.dep"), depends.as_bytes(), false);
        archive.finish()
    }
}

/// Names of modules may be written with `-` or `_`.
fn module_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().replace('-', "_")
}

fn unpack(module: &Path) -> Vec<u8> {
    if module.extension().is_some_and(|end| end == "xz") {
        let done = Command::new("xz").arg("-dc").arg(module).output().unwrap();
        assert!(done.status.success(), "xz on {}", module.display());
        return done.stdout;
    }
    fs::read(module).unwrap()
}

/// What a module says that it needs: `depends=` in its `.modinfo` section.
fn needs(module: &[u8]) -> Vec<String> {
    let key = b"\0depends=";
    let Some(at) = module.windows(key.len()).position(|bytes| bytes == key) else {
        return Vec::new();
    };
    let list = module[at + key.len()..]
        .split(|&byte| byte == 0)
        .next()
        .unwrap_or_default();
    let names = String::from_utf8_lossy(list).into_owned();
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}
