//! A phone that comes along.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use picam_board_tests::phone::Phone;
use picam_board_tests::shell::Shell;
use picam_testkit::judges;
use serde_json::Value;

use crate::common::*;
use picam_testkit::steps::Steps;

// Of tests/board/picam.toml; the name is the camera's and the end of its radio's address, which hwsim gives it.
const SSID: &str = "picam-0000";
const SECRET: &str = "emulated board";
const PAGE: &str = "http://192.168.66.1";
/// How often a phone looks for networks before it finds none.
const SCANS: u32 = 10;
/// What a browser sends, and keeps.
const CURL: &str = "curl -sS -m 100 -b /run/phone/jar -c /run/phone/jar";

pub fn all(steps: &mut Steps, shell: &mut Shell, scratch: &Path) {
    let up = "systemctl is-active picam-hostapd picam-dnsmasq picam-web";
    shell.until("the hotspot", up, ALL_UP).unwrap();
    let mut phone = Phone::new(shell).unwrap();
    steps.step("the phone sees the hotspot", || {
        // A scan listens for a moment on each channel; on a busy host the beacon of that moment may come late.
        let mut seen = Vec::new();
        for _ in 0..SCANS {
            seen = phone.networks().unwrap();
            if !seen.is_empty() {
                break;
            }
        }
        assert!(seen.contains(&SSID.to_owned()), "{seen:?}");
    });
    steps.step("a wrong passphrase is refused", || {
        let (in_, said) = phone.join(SSID, "emulated bored").unwrap();
        assert!(!in_ && said.contains("WRONG_KEY"), "{said}");
        phone.leave().unwrap();
    });
    steps.step("the phone joins, gets an address and a name", || {
        let (in_, said) = phone.join(SSID, SECRET).unwrap();
        assert!(in_, "{said}");
        let lease = phone.lease().unwrap();
        let words: Vec<_> = lease.split_whitespace().collect();
        assert!(
            words[0].starts_with("192.168.66.") && words.last() == Some(&"192.168.66.1"),
            "{lease}"
        );
        let found = phone
            .ok("busybox nslookup -type=a picam.local 192.168.66.1")
            .unwrap();
        assert!(found.contains("Address: 192.168.66.1\n"), "{found}");
    });
    steps.step("captive probes", || {
        for (host, path) in [("connectivitycheck.gstatic.com", "/generate_204"), ("captive.apple.com", "/hotspot-detect.html")] {
            // The name server sends it here, as it does a phone.
            let found = phone.ok(&format!("busybox nslookup -type=a {host} 192.168.66.1")).unwrap();
            assert!(found.contains("Address: 192.168.66.1\n"), "{found}");
            let asked = format!("curl -s -m 60 -o /run/phone/body -w '%{{http_code}}' -H 'Host: {host}' {PAGE}{path}; echo; cat /run/phone/body");
            let answer = phone.ok(&asked).unwrap();
            let expected = if host.contains("apple") { "200" } else { "204" };
            assert!(answer.starts_with(expected), "{host}: {answer}");
        }
    });
    steps.step("nothing without the password", || {
        let code = phone
            .ok(&format!(
                "{CURL} -o /dev/null -w '%{{http_code}}' {PAGE}/api/segments"
            ))
            .unwrap();
        assert_eq!(code.trim(), "401");
    });
    steps.step("footage on the phone", || download(&mut phone, scratch));
    steps.step("open ports", || scan(&mut phone));
}

fn json(phone: &mut Phone, path: &str) -> Value {
    let text = phone.ok(&format!("{CURL} {PAGE}{path}")).unwrap();
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

fn download(phone: &mut Phone, scratch: &Path) {
    let login = format!(
        "{CURL} -o /dev/null -w '%{{http_code}}' -H 'content-type: application/json' -d '{{\"password\":\"{SECRET}\"}}' {PAGE}/api/login"
    );
    let code = phone.ok(&login).unwrap();
    assert!(code.trim().starts_with('2'), "login: {code}");
    let list = json(phone, "/api/segments");
    let segments = list["segments"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"));
    let id = |segment: &Value| segment["id"].as_str().unwrap().to_owned();
    let finished = segments
        .iter()
        .find(|s| s["state"] == "finished")
        .unwrap_or_else(|| panic!("{list}"));
    let current = segments
        .iter()
        .find(|s| s["state"] == "recording")
        .unwrap_or_else(|| panic!("{list}"));

    let get = |phone: &mut Phone, id: &str, to: &str| {
        phone
            .ok(&format!(
                "{CURL} -f -o /run/phone/{to} {PAGE}/api/segments/{id}/file"
            ))
            .unwrap();
    };
    let finished = id(finished);
    get(phone, &finished, "finished.mp4");
    // Its sequence number is the end of its name. What comes is the slot up to the end of its video; behind that the card
    // has nothing but free space.
    let digits: String = finished.chars().filter(char::is_ascii_digit).collect();
    let compare = format!(
        "f=/run/phone/finished.mp4; sha256sum <$f; head -c $(stat -c %s $f) /footage/*_{digits}.mp4 | sha256sum; stat -c %s $f"
    );
    let sums = phone.board().ok(&compare).unwrap();
    let sums: Vec<_> = sums.lines().collect();
    assert!(
        sums.len() == 3 && sums[0] == sums[1],
        "segment {finished}: {sums:?}"
    );

    get(phone, &id(current), "current.mp4");
    let bytes = phone.board().fetch("/run/phone/current.mp4").unwrap();
    let file = scratch.join("current.mp4");
    std::fs::write(&file, &bytes).unwrap();
    judges::ffmpeg_decodes(&file).unwrap();
    judges::gstreamer_plays(&file).unwrap();
    println!(
        "one finished segment ({} ...) and {} bytes of the current one",
        &sums[0][..16],
        bytes.len()
    );
}

/// Every TCP port, and the UDP ports that daemons on such a board have, asked from the phone.
fn scan(phone: &mut Phone) {
    let patience = Duration::from_secs(900);
    let tcp = phone
        .run_for(
            "LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas nmap -n -Pn -sS -p- --min-rate 1500 --max-retries 1 -T4 -oG - 192.168.66.1",
            patience,
        )
        .unwrap();
    let open: BTreeSet<&str> = tcp
        .text
        .split([' ', ',', '\t'])
        .filter_map(|word| {
            word.strip_suffix("/open/tcp")
                .or_else(|| word.split_once("/open/tcp").map(|(port, _)| port))
        })
        .collect();
    assert_eq!(open, BTreeSet::from(["53", "80"]), "{}", tcp.text);
    // Who does not answer may be open or filtered. Those that answer: names, addresses.
    let udp = phone
        .run_for("LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas nmap -n -Pn -sU -p 53,67,68,69,111,123,137,161,323,500,514,546,547,1900,2947,5353,5355 --max-retries 2 -oG - 192.168.66.1", patience)
        .unwrap();
    let open: BTreeSet<&str> = udp
        .text
        .split([' ', ',', '\t'])
        .filter_map(|word| word.split_once("/open/udp").map(|(port, _)| port))
        .collect();
    assert_eq!(open, BTreeSet::from(["53", "67"]), "{}", udp.text);
    let sockets = phone.board().ok("ss -H -lntu").unwrap();
    let word = |line: &str, n: usize| {
        line.split_whitespace()
            .nth(n)
            .unwrap_or_default()
            .to_owned()
    };
    let sockets: Vec<_> = sockets
        .lines()
        .map(|line| word(line, 0) + " " + &word(line, 4))
        .collect();
    println!("listening: {}", sockets.join("; "));
}
