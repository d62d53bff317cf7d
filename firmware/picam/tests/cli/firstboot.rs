//! What services get to know of picam.toml.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::support::picam;

#[test]
fn services_get_the_settings_without_what_opens_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for name in ["boot", "state", "run", "card"] {
        fs::create_dir(path(name)).unwrap();
    }
    // As systemd makes it: files in it get its group.
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(path("card"), None, Some(800)).unwrap();
    }
    fs::set_permissions(path("card"), Permissions::from_mode(0o2750)).unwrap();
    let toml = "segment = \"10s\"\n[wifi]\npassphrase = \"xyzzy plugh\"\n[web]\npassword = \"xyzzy page\"\n";
    fs::write(path("boot/picam.toml"), toml).unwrap();
    let public = path("card/picam.toml");
    let shown = || fs::read_to_string(&public).unwrap();
    let cameras = path("card/cameras.toml");
    let hotspot = path("card/hotspot.toml");
    // Passphrases are in this one, the page's password is not; root alone reads it.
    let for_hotspot = |passphrase: &str| {
        let text = fs::read_to_string(&hotspot).unwrap();
        assert!(
            text.contains(passphrase) && !text.contains("xyzzy page") && !text.contains("argon2"),
            "{text}"
        );
        assert_eq!(fs::metadata(&hotspot).unwrap().mode() & 0o7777, 0o600);
    };

    // The recorder alone reads the cameras' passwords.
    let owner = if is_root {
        800
    } else {
        rustix::process::geteuid().as_raw()
    }
    .to_string();
    let for_recorder = || {
        let text = fs::read_to_string(&cameras).unwrap();
        assert!(
            text.contains("password = \"xyzzy gate\"") && !text.contains("plugh"),
            "{text}"
        );
        let metadata = fs::metadata(&cameras).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o600);
        assert_eq!(metadata.uid().to_string(), owner);
    };

    // Before the recorder: there is no card here, and it is told all the same.
    let boot = path("boot");
    let card = [
        "firstboot",
        "card",
        "--disk",
        "/dev/null",
        "--boot",
        &boot,
        "--public",
        &public,
        "--hotspot",
        &hotspot,
        "--cameras",
        &cameras,
        "--cameras-user",
        &owner,
    ];
    picam(&card).expect(1, &[]);
    assert!(
        shown().contains("segment = \"10s\"") && !shown().contains("xyzzy"),
        "{}",
        shown()
    );
    let metadata = fs::metadata(&public).unwrap();
    assert_eq!(metadata.mode() & 0o7777, 0o640);
    assert!(!is_root || metadata.gid() == 800, "{}", metadata.gid());

    for_hotspot("passphrase = \"xyzzy plugh\"");

    // After it: the page's password has become a hash, which the page is to know.
    let settings = picam(&[
        "firstboot",
        "settings",
        "--boot",
        &boot,
        "--state",
        &path("state"),
        "--run",
        &path("run"),
        "--public",
        &public,
        "--hotspot",
        &hotspot,
        "--cameras",
        &cameras,
        "--cameras-user",
        &owner,
        "--host-name",
        &path("host-name"),
        "--net",
        &path("net"),
        "--disk",
        "/dev/null",
        "--defaults",
        &path("none"),
    ]);
    settings.expect(0, &[]);
    assert!(
        shown().contains("password-hash = \"$argon2id$"),
        "{}",
        shown()
    );
    assert!(!shown().contains("xyzzy"), "{}", shown());
    assert_eq!(fs::metadata(&public).unwrap().mode() & 0o7777, 0o640);
    for_hotspot("passphrase = \"xyzzy plugh\"");
    // And picam itself takes what is left.
    picam(&["config", "check", &public]).expect(0, &[]);
    picam(&["config", "check", &hotspot]).expect(0, &[]);

    // A network camera.
    let gate =
        "[[camera]]\nname = \"gate\"\nsource = \"rtsp://me@h/x\"\npassword = \"xyzzy gate\"\n";
    fs::write(path("boot/picam.toml"), format!("{toml}{gate}")).unwrap();
    picam(&card).expect(1, &[]);
    for_recorder();
    assert!(!shown().contains("xyzzy"), "{}", shown());
    for copy in [&public, &cameras] {
        picam(&["config", "check", copy]).expect(0, &[]);
    }

    // Without a picam.toml nothing of an older one stays.
    fs::remove_file(path("boot/picam.toml")).unwrap();
    let without = ["services go without picam.toml", "the hotspot goes without"];
    picam(&card).expect(1, &without);
    for copy in [&public, &hotspot, &cameras] {
        assert!(!fs::exists(copy).unwrap());
    }
}
