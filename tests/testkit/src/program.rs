//! The program under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary: what `PICAM_BIN` names, else built here and now in the profile of the tests.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("PICAM_BIN") {
            return path.into();
        }
        // Tests run as target/PROFILE/deps/NAME.
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "--package", "picam"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        let target = profile.parent().unwrap();
        build.arg("--target-dir").arg(target);
        build.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(build.status().unwrap().success(), "picam does not build");
        profile.join("picam")
    })
}
