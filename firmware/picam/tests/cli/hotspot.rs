//! `picam hotspot`: what it writes, what it says, and a phone that joins what came of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use picam_testkit::netns::{Namespace, find};
use tempfile::TempDir;

use crate::support::{Done, picam, wait_for};

const PASSPHRASE: &str = "passphrase = \"correct horse\"\n";

/// A camera whose radio is the end of a cable.
struct Camera {
    namespace: Namespace,
    dir: TempDir,
}

impl Camera {
    fn new(what: &str) -> Option<Self> {
        let namespace = Namespace::new(what)?;
        namespace.ip("link add wlan0 address dc:a6:32:01:1a:2b type veth peer name radio");
        let dir = tempfile::tempdir().unwrap();
        Some(Self { namespace, dir })
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the command on a configuration.
    fn hotspot(&self, config: &str, more: &[&str]) -> Done {
        fs::write(self.path("picam.toml"), config).unwrap();
        let mut command = self
            .namespace
            .command(Path::new(env!("CARGO_BIN_EXE_picam")));
        command
            .args(["hotspot", "--config", &self.path("picam.toml")])
            .args(["--out", &self.path("out"), "--networkd", &self.path("net")])
            .args(more)
            .stdin(Stdio::null());
        command.output().unwrap().into()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names and modes of what is in a directory.
    fn list(&self, dir: &str) -> Vec<(String, u32)> {
        let mut files: Vec<_> = fs::read_dir(self.path(dir))
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        files.sort();
        files
    }
}

fn files(list: &[(&str, u32)]) -> Vec<(String, u32)> {
    list.iter()
        .map(|(name, mode)| ((*name).to_owned(), *mode))
        .collect()
}

#[test]
fn without_a_radio_it_says_where_to_look() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    picam(&["hotspot", "--out", out, "--interface", "nosuchradio0"]).expect(
        1,
        &["picam: no Wi-Fi on nosuchradio0: there is none here; "],
    );
    picam(&["hotspot"]).expect(2, &["--out"]);
    picam(&["hotspot", "--help"]).expect(0, &["--scan", "--networkd", "[default: wlan0]"]);
}

#[test]
fn each_use_of_the_radio_has_its_files_and_no_others() {
    let Some(camera) = Camera::new("cli-files") else {
        return;
    };
    let both = format!(
        "[device]\nname = \"van\"\n[wifi]\nmode = \"hotspot+station\"\ncountry = \"DE\"\n\
         channel = 13\n{PASSPHRASE}[[wifi.network]]\nssid = \"home \\\"1\\\"\"\n\
         passphrase = \"12345678\"\n"
    );
    let done = camera.hotspot(&both, &[]);
    done.expect(0, &[]);
    assert_eq!(
        done.out,
        format!(
            "hotspot \"van-1a2b\" on channel 13, station of \"home \\\"1\\\"\", rules of DE ({})\n",
            camera.path("out")
        )
    );
    assert_eq!(done.err, "");
    assert_eq!(
        camera.list("out"),
        files(&[
            ("dnsmasq.conf", 0o600),
            ("hostapd.conf", 0o600),
            ("hotspot.env", 0o600),
            ("wpa_supplicant.conf", 0o600),
        ])
    );
    assert_eq!(
        camera.list("net"),
        files(&[
            ("50-picam-hotspot.link", 0o644),
            ("50-picam-hotspot.network", 0o644),
            ("50-picam-station.network", 0o644),
        ])
    );
    assert!(camera.read("out/hostapd.conf").contains("\nwpa_psk="));
    assert!(camera.read("out/wpa_supplicant.conf").contains("\n\tpsk="));
    let dnsmasq = camera.read("out/dnsmasq.conf");
    for host in ["van.local", "picam.local", "captive.apple.com"] {
        assert!(dnsmasq.contains(&format!("\nhost-record={host},192.168.66.1\n")));
    }
    assert!(
        camera
            .read("out/hotspot.env")
            .contains("\nAP_MAC=de:a6:32:01:1a:2b\n")
    );

    // Another use later: what is not wanted any more is gone.
    let hotspot = format!("[wifi]\n{PASSPHRASE}");
    camera.hotspot(&hotspot, &[]).expect(
        0,
        &["hotspot \"picam-1a2b\" on channel 6, rules of the world"],
    );
    assert_eq!(
        camera.list("out"),
        files(&[
            ("dnsmasq.conf", 0o600),
            ("hostapd.conf", 0o600),
            ("hotspot.env", 0o600),
        ])
    );
    assert_eq!(
        camera.list("net"),
        files(&[("50-picam-hotspot.network", 0o644)])
    );
    camera
        .hotspot("[wifi]\nmode = \"off\"\n", &[])
        .expect(0, &["Wi-Fi is off"]);
    assert_eq!(camera.list("out"), files(&[("hotspot.env", 0o600)]));
    assert_eq!(camera.list("net"), []);
}

#[test]
fn an_open_hotspot_is_never_written() {
    let Some(camera) = Camera::new("cli-open") else {
        return;
    };
    let good = format!("[wifi]\n{PASSPHRASE}");
    camera.hotspot(&good, &[]).expect(0, &[]);
    for config in ["", "[wifi]\npassphrase = \"short\"\n"] {
        let done = camera.hotspot(config, &[]);
        done.expect(
            1,
            &[
                "there is no hotspot without a passphrase",
                "`picam firstboot settings`",
            ],
        );
        assert_eq!(camera.list("out"), files(&[("hotspot.env", 0o600)]));
        assert!(camera.read("out/hotspot.env").contains("\nMODE=off\n"));
        camera.hotspot(&good, &[]).expect(0, &[]);
    }
    // No message repeats it.
    let done = camera.hotspot("[wifi]\npassphrase = \"sh0rt\"\n", &["--scan"]);
    assert!(
        !done.err.contains("sh0rt") && !done.out.contains("sh0rt"),
        "{done:?}"
    );
    assert!(!camera.hotspot(&good, &[]).out.contains("correct"));
}

#[test]
fn slips_cost_no_more_than_they_must() {
    let Some(camera) = Camera::new("cli-slips") else {
        return;
    };
    let config = format!(
        "[wifi]\nmode = \"hotspot+station\"\ncountry = \"XX\"\nchannel = 149\n{PASSPHRASE}\
         [[wifi.network]]\nssid = \"home\"\npassphrase = \"short\"\n"
    );
    let done = camera.hotspot(&config, &["--scan"]);
    done.expect(
        0,
        &[
            "hotspot \"picam-1a2b\" on channel 6",
            "this is no WPA2 passphrase",
            "wifi.country are not known",
            "wifi.channel 149 needs wifi.country",
            "there is no network to join",
            // A cable hears nothing.
            "nothing was heard on wlan0",
        ],
    );
    // The device's own file stands behind the owner's.
    fs::write(camera.path("device.toml"), "[wifi]\ncountry = \"DE\"\n").unwrap();
    let defaults = ["--defaults", &camera.path("device.toml")];
    let config = format!("[wifi]\ncountry = \"Germany\"\n{PASSPHRASE}");
    let done = camera.hotspot(&config, &defaults);
    done.expect(0, &["rules of DE", "'Germany'"]);

    let spaced = camera.path("a b");
    let done = camera.hotspot(&config, &["--networkd", &spaced]);
    done.expect(2, &["--networkd"]);
}

/// Ends with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(command: &mut Command) -> Daemon {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
    Daemon(quiet.stderr(Stdio::null()).spawn().unwrap())
}

#[test]
fn a_phone_joins_and_is_content_and_finds_the_page() {
    let (Some(dnsmasq), Some(udhcpc), Some(curl)) = (
        find("dnsmasq", "dnsmasq-base"),
        find("udhcpc", "udhcpc"),
        find("curl", "curl"),
    ) else {
        return;
    };
    let (Some(camera), Some(phone)) = (Camera::new("cli-camera"), Namespace::new("cli-phone"))
    else {
        return;
    };
    camera
        .namespace
        .ip(&format!("link set radio name air netns {}", phone.name));
    phone.ip("link set air up");
    let config = format!("[wifi]\n{PASSPHRASE}[web]\npassword = \"battery staple\"\n");
    camera.hotspot(&config, &[]).expect(0, &[]);
    // As systemd-networkd does by its file.
    camera.namespace.ip("addr add 192.168.66.1/24 dev wlan0");
    camera.namespace.ip("link set wlan0 up");
    let mut command = camera.namespace.command(&dnsmasq);
    let _names = start(command.args(["-k", "-C", &camera.path("out/dnsmasq.conf")]));
    fs::create_dir(camera.path("footage")).unwrap();
    let mut command = camera
        .namespace
        .command(Path::new(env!("CARGO_BIN_EXE_picam")));
    command
        .args([
            "web",
            "--config",
            &camera.path("picam.toml"),
            "--listen",
            "192.168.66.1:80",
        ])
        .args([
            "--footage",
            &camera.path("footage"),
            "--recorder",
            &camera.path("recorder"),
        ]);
    let _page = start(&mut command);

    let script = camera.path("bound");
    let text = "#!/bin/sh\n[ \"$1\" = bound ] && ip addr add \"$ip/24\" dev air\nexit 0\n";
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let mut join = phone.command(&udhcpc);
    join.args([
        "-f", "-n", "-q", "-t", "10", "-T", "1", "-i", "air", "-s", &script,
    ]);
    let joined: Done = join.stdin(Stdio::null()).output().unwrap().into();
    joined.expect(0, &["obtained"]);
    assert!(phone.ip("route").contains("192.168.66.0/24 dev air"));
    assert!(
        !phone.ip("route").contains("default"),
        "phones keep their own way out"
    );

    // What a phone does: it asks the name server that it was given, then the name's address.
    fs::write(camera.path("resolv.conf"), "nameserver 192.168.66.1\n").unwrap();
    fs::write(camera.path("nsswitch.conf"), "hosts: dns\n").unwrap();
    let script = format!(
        "mount --bind {} /etc/resolv.conf && mount --bind {} /etc/nsswitch.conf && exec \"$@\"",
        camera.path("resolv.conf"),
        camera.path("nsswitch.conf")
    );
    let get = |url: &str| -> Done {
        let mut command = phone.command(Path::new("sh"));
        command.args(["-c", &script, "sh"]).arg(&curl);
        command.args(["-s", "-i", "--noproxy", "*", "--max-time", "10", url]);
        command.stdin(Stdio::null()).output().unwrap().into()
    };
    wait_for("the page", || get("http://picam.local/").code == Some(0));
    let apple = get("http://captive.apple.com/hotspot-detect.html");
    assert!(
        apple.out.ends_with(
            "\r\n\r\n<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
        ),
        "{apple:?}"
    );
    get("http://connectivitycheck.gstatic.com/generate_204").expect(0, &["HTTP/1.1 204"]);
    get("http://www.msftconnecttest.com/connecttest.txt").expect(0, &["Microsoft Connect Test"]);
    get("http://www.msftconnecttest.com/redirect")
        .expect(0, &["HTTP/1.1 302", "location: http://192.168.66.1/\r\n"]);
    get("http://picam.local/").expect(0, &["location: /login"]);
    get("http://192.168.66.1/login").expect(0, &["HTTP/1.1 200", "name=\"password\""]);
    // Nobody is there to be asked for other names: curl's exit code 6.
    get("http://example.com/").expect(6, &[]);
}
