//! A real phone's view: a DHCP client and resolvers in another network namespace, on the other end of
//! a cable where the radio would be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{Running, access_point, client, extras};
use picam_hotspot::wifi::Configuration;
use picam_hotspot::{Extras, Files, Radio, render};
use picam_testkit::netns::{Namespace, find, output};

/// Hotspot on `ap0`, station on `wlan0`, both ends of cables.
fn files(run_dir: &str) -> Files {
    let ap = access_point("picam-1a2b", "correct horse");
    let configuration = Configuration::Mixed(client("home", Some("12345678")), ap);
    let extras = Extras {
        radio: Radio {
            interface: "wlan0",
            second: "ap0",
            ..extras().radio
        },
        run_dir,
        ..extras()
    };
    render(&configuration, &extras).unwrap()
}

/// The camera, with two interfaces, and a phone on the other end of both.
fn cabled(what: &str) -> Option<(Namespace, Namespace)> {
    let camera = Namespace::new(&format!("{what}-camera"))?;
    let phone = Namespace::new(&format!("{what}-phone"))?;
    camera.cable("ap0", &phone, "to-ap0");
    camera.cable("wlan0", &phone, "to-wlan0");
    Some((camera, phone))
}

#[test]
fn dnsmasq_takes_every_line() {
    let Some(dnsmasq) = find("dnsmasq", "dnsmasq-base") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dnsmasq.conf");
    let text = files(dir.path().to_str().unwrap()).dnsmasq.unwrap();
    let test = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let mut command = Command::new(&dnsmasq);
        command.arg("--test").arg("-C").arg(&path);
        command.output().unwrap().status.success()
    };
    assert!(test(&text), "{text}");
    assert!(!test(&format!("{text}nonsense=1\n")));
}

/// Runs a DHCP client once, and says what it was given: `None` if nobody answered.
fn lease(phone: &Namespace, udhcpc: &Path, dir: &Path, interface: &str) -> Option<String> {
    let script = dir.join("udhcpc");
    let given = dir.join("given");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\n\
         echo \"ip=$ip mask=$subnet router=$router dns=$dns lease=$lease\" >{}\n",
        given.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let _ = std::fs::remove_file(&given);
    let mut command = phone.command(udhcpc);
    command.args([
        "-f", "-n", "-q", "-t", "3", "-T", "1", "-i", interface, "-s",
    ]);
    let log = Running::start(command.arg(&script)).all();
    let given = std::fs::read_to_string(&given).ok();
    assert_eq!(given.is_some(), log.contains("obtained"), "{log}");
    given
}

#[test]
fn phones_get_an_address_and_the_names_they_ask_for() {
    let (Some(dnsmasq), Some(udhcpc), Some(dig)) = (
        find("dnsmasq", "dnsmasq-base"),
        find("udhcpc", "udhcpc"),
        find("dig", "bind9-dnsutils"),
    ) else {
        return;
    };
    let Some((camera, phone)) = cabled("dhcp") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("dnsmasq.conf");
    let text = files(dir.path().to_str().unwrap()).dnsmasq.unwrap();
    std::fs::write(&config, text).unwrap();
    camera.ip("addr add 192.168.66.1/24 dev ap0");
    camera.ip("addr add 10.9.8.7/24 dev wlan0");
    camera.ip("link set wlan0 up");
    let mut command = camera.command(&dnsmasq);
    let mut running = Running::start(command.args(["-k", "--log-facility=-", "-C"]).arg(&config));
    assert!(
        running.prints(&["DHCP, sockets bound", "started, version"]),
        "{}",
        running.log()
    );
    // The interface comes up after dnsmasq, as a radio's does.
    camera.ip("link set ap0 up");

    let given = lease(&phone, &udhcpc, dir.path(), "to-ap0").expect("an address");
    let ip = given["ip=".len()..].split(' ').next().unwrap();
    let last: u8 = ip.strip_prefix("192.168.66.").unwrap().parse().unwrap();
    assert!((10..=200).contains(&last), "{given}");
    assert_eq!(
        given.trim_end(),
        format!("ip={ip} mask=255.255.255.0 router= dns=192.168.66.1 lease=43200")
    );
    let leases = std::fs::read_to_string(dir.path().join("dnsmasq.leases")).unwrap();
    assert!(leases.contains(ip), "{leases}");
    // The station's network has a DHCP server of its own.
    assert_eq!(lease(&phone, &udhcpc, dir.path(), "to-wlan0"), None);

    phone.ip(&format!("addr add {ip}/24 dev to-ap0"));
    phone.ip("addr add 10.9.8.8/24 dev to-wlan0");
    let ask = |server: &str, name: &str, kind: &str| {
        let mut command = phone.command(&dig);
        let server = format!("@{server}");
        command.args([&server, name, kind, "+tries=1", "+time=2"]);
        let text = command.output().unwrap().stdout;
        let text = String::from_utf8_lossy(&text).into_owned();
        let status = text.split("status: ").nth(1).unwrap_or("none,");
        let status = status.split(',').next().unwrap().to_owned();
        let told = text
            .lines()
            .filter(|line| line.starts_with(name))
            .map(|line| line.split_whitespace().last().unwrap().to_owned());
        (status, told.collect::<Vec<_>>().join(" "))
    };
    let told = |status: &str, address: &str| (status.to_owned(), address.to_owned());
    for (name, kind, answer) in [
        ("picam.local", "A", told("NOERROR", "192.168.66.1")),
        ("captive.apple.com", "A", told("NOERROR", "192.168.66.1")),
        (
            "connectivitycheck.gstatic.com",
            "A",
            told("NOERROR", "192.168.66.1"),
        ),
        ("dns.msftncsi.com", "A", told("NOERROR", "131.107.255.255")),
        // There is no IPv6 in the hotspot, and that is an answer, not a failure.
        ("captive.apple.com", "AAAA", told("NOERROR", "")),
        ("picam.local", "AAAA", told("NOERROR", "")),
        // Nobody else is the camera, and nobody is asked.
        ("example.com", "A", told("REFUSED", "")),
        ("apple.com", "A", told("REFUSED", "")),
        ("www.captive.apple.com", "A", told("NXDOMAIN", "")),
        ("localhost", "A", told("REFUSED", "")),
    ] {
        assert_eq!(ask("192.168.66.1", name, kind), answer, "{name} {kind}");
    }
    assert_eq!(ask("10.9.8.7", "picam.local", "A"), told("none", ""));

    // The way of a program that knows no server but that of the system.
    let resolv = dir.path().join("resolv.conf");
    std::fs::write(&resolv, "nameserver 192.168.66.1\n").unwrap();
    let script = format!(
        "mount --bind {} /etc/resolv.conf && getent ahostsv4 captive.apple.com",
        resolv.display()
    );
    let found = output(phone.command(Path::new("sh")).args(["-c", &script]));
    assert!(found.starts_with("192.168.66.1 "), "{found}");
}

#[test]
fn networkd_gives_the_hotspot_its_address_before_hostapd_runs() {
    let Some(networkd) = find("systemd-networkd", "systemd") else {
        return;
    };
    let Some((camera, phone)) = cabled("networkd") else {
        return;
    };
    // A radio without hostapd has no carrier.
    phone.ip("link set to-ap0 down");
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files("/run/picam-hotspot").networkd {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    // In mounts of its own: none of the machine's configuration, no udevd, no bus.
    let script = format!(
        "set -e
         mount -o remount,ro /sys
         mount -t tmpfs tmpfs /run
         mount -t tmpfs tmpfs /etc/systemd/network
         mkdir -p /run/systemd/network /run/systemd/netif
         chown systemd-network:systemd-network /run/systemd/netif
         cp {}/* /run/systemd/network/
         exec {}",
        dir.path().display(),
        networkd.display()
    );
    let mut command = camera.command(Path::new("sh"));
    command
        .args(["-c", &script])
        .env("SYSTEMD_LOG_LEVEL", "debug")
        .env("SYSTEMD_LOG_TARGET", "console");
    let mut running = Running::start(&mut command);
    if !running.prints(&["Enumeration completed"]) {
        eprintln!("{}", running.log());
        picam_testkit::judges::skip(
            "systemd-networkd does not run here",
            "cargo test -p picam-hotspot, as root",
        );
        return;
    }
    let done = running.prints(&["ap0: State changed: configuring -> configured"]);
    assert!(done, "{}", running.log());
    let addresses = camera.ip("addr show ap0");
    assert!(
        addresses.contains("inet 192.168.66.1/24 brd 192.168.66.255"),
        "{addresses}"
    );
    assert!(!addresses.contains("inet6"), "{addresses}");
    let log = running.log();
    for complaint in [
        "Unknown",
        "Failed to parse",
        "Invalid",
        "ignoring assignment",
    ] {
        let found = log
            .lines()
            .find(|line| line.contains("50-picam") && line.contains(complaint));
        assert_eq!(found, None);
    }
    assert!(
        log.contains(
            "wlan0: found matching network '/run/systemd/network/50-picam-station.network'"
        ),
        "{log}"
    );
}
