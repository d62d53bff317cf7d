//! hostapd, wpa_supplicant and wpa_passphrase say what they understood of names and passphrases.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Running, access_point, client, extras, hotspot};
use picam_hotspot::wifi::Configuration;
use picam_hotspot::{Country, Extras, Radio, render};
use picam_testkit::netns::{find, output};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// Any name of 1 to 32 bytes, most of them full of what files and shells take for their own.
fn ssid() -> impl Strategy<Value = String> {
    let odd = "[\"'#=\\\\ \n\r\t{}$;%x0a-f]{1,32}";
    prop_oneof![odd, "\\PC{1,8}", "[a-zA-Z0-9 ]{1,32}"]
        .prop_filter("at most 32 bytes", |name| (1..=32).contains(&name.len()))
}

/// Any passphrase.
fn passphrase() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{8,63}",
        "[\"'#=\\\\ {}$;P]{8,20}",
        " {1,5}[a-z]{8}\" {1,5}",
        "\"[ -~]{6,10}\"",
    ]
}

fn write(dir: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The key of a network, as wpa_passphrase has it.
fn key(program: &Path, ssid: &str, passphrase: &str) -> String {
    let text = output(Command::new(program).args([ssid, passphrase]));
    let key = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("\tpsk="));
    key.unwrap().to_owned()
}

/// Digits behind the last `label` that was printed, without spaces.
fn dumped(log: &[String], label: &str) -> String {
    let line = log.iter().rev().find(|line| line.contains(label)).unwrap();
    line.split_once(": ").unwrap().1.replace(' ', "")
}

#[test]
fn hostapd_takes_every_line() {
    let Some(hostapd) = find("hostapd", "hostapd") else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio {
        interface: "nosuchradio0",
        ..extras().radio
    };
    let errors = |text: &str| {
        let path = write(dir.path(), "hostapd.conf", text);
        let log = Running::start(Command::new(&hostapd).arg(path)).all();
        (log.contains("errors found in configuration file"), log)
    };
    for (country, channel, hidden) in [
        (None, 1, false),
        (Some("DE"), 13, true),
        (Some("US"), 36, false),
    ] {
        let mut ap = access_point("Caf\u{e9}\n\0\"#", "  \"pass\" phrase #1\\ ");
        ap.channel = channel;
        ap.ssid_hidden = hidden;
        let extras = Extras {
            country: country.and_then(Country::find),
            radio,
            ..extras()
        };
        let files = render(&Configuration::AccessPoint(ap), &extras).unwrap();
        let text = files.hostapd.unwrap();
        let (wrong, log) = errors(&text);
        assert!(!wrong, "{text}\n{log}");
        // It gets as far as the radio that is not there.
        assert!(
            log.contains("nl80211") || log.contains("Could not read interface"),
            "{log}"
        );
        // And it would have said so.
        assert!(errors(&format!("{text}ssid3=x\n")).0);
        assert!(errors(&text.replace("wpa_psk=", "wpa_psk=x")).0);
    }
    picam_testkit::judges::skip(
        "no radio for hostapd to bring up: this kernel has no mac80211_hwsim",
        "modprobe mac80211_hwsim radios=2 && cargo test -p picam-hotspot (or the emulated board)",
    );
}

#[test]
fn hostapd_understands_names_and_passphrases() {
    let (Some(hostapd), Some(wpa_passphrase)) = (
        find("hostapd", "hostapd"),
        find("wpa_passphrase", "wpasupplicant"),
    ) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::new(Config::with_cases(24));
    let judge = |(ssid, passphrase): (String, String)| {
        let text = hotspot(&ssid, &passphrase).hostapd.unwrap();
        let made = format!("\nwpa_psk={}\n", key(&wpa_passphrase, &ssid, &passphrase));
        assert!(text.contains(&made), "{text}");
        // hostapd shows the name when it makes a key of it and a passphrase. Without a radio, it is run
        // with the driver that has none, which does not know countries.
        let text = text
            .replace(&made, "\nwpa_passphrase=correct horse\n")
            .replace("driver=nl80211", "driver=none")
            .replace("country_code=DE\nieee80211d=1\n", "")
            .replace("interface=wlan0", "interface=lo")
            .replace("ctrl_interface=/run/picam-hotspot/hostapd\n", "");
        let path = write(dir.path(), "hostapd.conf", &text);
        let mut running = Running::start(Command::new(&hostapd).args(["-dd", "-K"]).arg(path));
        assert!(running.prints(&["AP-ENABLED"]), "{text}\n{}", running.log());
        assert_eq!(
            dumps(&running.seen, "SSID - hexdump_ascii("),
            [ssid.as_bytes()],
            "{text}"
        );
        let made = dumped(&running.seen, "PSK (from passphrase) - hexdump");
        assert_eq!(made, key(&wpa_passphrase, &ssid, "correct horse"), "{text}");
        Ok(())
    };
    runner.run(&(ssid(), passphrase()), judge).unwrap();
}

/// Bytes that follow each `label` in a log, which shows sixteen a line.
fn dumps(log: &[String], label: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut lines = log.iter();
    while let Some(line) = lines.next() {
        let Some((_, length)) = line.split_once(label) else {
            continue;
        };
        let length: usize = length
            .split(['=', ')'])
            .nth(1)
            .and_then(|length| length.parse().ok())
            .unwrap();
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let line = lines.next().unwrap();
            let row = (length - bytes.len()).min(16);
            let digits = line.split_whitespace().take(row);
            bytes.extend(digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()));
        }
        found.push(bytes);
    }
    found
}

#[test]
fn wpa_supplicant_understands_networks() {
    let (Some(supplicant), Some(wpa_passphrase)) = (
        find("wpa_supplicant", "wpasupplicant"),
        find("wpa_passphrase", "wpasupplicant"),
    ) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let run_dir = dir.path().to_str().unwrap().to_owned();
    let understood = |text: &str| {
        let path = write(dir.path(), "wpa_supplicant.conf", text);
        let mut command = Command::new(&supplicant);
        command
            .args(["-D", "none", "-i", "lo", "-dd", "-K", "-c"])
            .arg(path);
        let mut running = Running::start(&mut command);
        let read = running.prints(&["Added interface", "Failed to"]);
        assert!(read, "{text}\n{}", running.log());
        std::mem::take(&mut running.seen)
    };
    let mut runner = TestRunner::new(Config::with_cases(3));
    let networks = proptest::collection::vec((ssid(), proptest::option::of(passphrase())), 2..40);
    let judge = |networks: Vec<(String, Option<String>)>| {
        let clients: Vec<_> = networks
            .iter()
            .map(|(ssid, passphrase)| client(ssid, passphrase.as_deref()))
            .collect();
        let (first, more) = clients.split_first().unwrap();
        let ap = access_point("picam", "correct horse");
        let extras = Extras {
            more_networks: more,
            run_dir: &run_dir,
            ..extras()
        };
        let configuration = Configuration::Mixed(first.clone(), ap);
        let text = render(&configuration, &extras)
            .unwrap()
            .wpa_supplicant
            .unwrap();
        let log = understood(&text);
        let blocks = log
            .iter()
            .filter(|line| line.contains("start of a new network block"));
        assert_eq!(blocks.count(), networks.len(), "{text}");
        let names: Vec<Vec<u8>> = networks
            .iter()
            .map(|(ssid, _)| ssid.as_bytes().to_vec())
            .collect();
        assert_eq!(dumps(&log, "ssid - hexdump_ascii("), names, "{text}");
        let keys: Vec<String> = networks
            .iter()
            .filter_map(|(ssid, passphrase)| Some((ssid, passphrase.as_deref()?)))
            .map(|(ssid, passphrase)| key(&wpa_passphrase, ssid, passphrase))
            .collect();
        let read: Vec<String> = log
            .iter()
            .filter_map(|line| line.strip_prefix("PSK - hexdump(len=32): "))
            .map(|digits| digits.replace(' ', ""))
            .collect();
        assert_eq!(read, keys, "{text}");
        for number in 1..=networks.len() {
            let line = format!("priority={number} (");
            assert!(log.iter().any(|seen| seen.starts_with(&line)), "{line}");
        }
        Ok(())
    };
    runner.run(&networks, judge).unwrap();

    // What it cannot read, it says.
    let log = understood("network={\n\tssid=zz\n}\n").join("\n");
    assert!(
        log.contains("Failed to read or parse configuration"),
        "{log}"
    );
}
