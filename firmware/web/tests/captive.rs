//! The answers to phones that ask whether there is an internet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::process::{Command, Stdio};

use common::{Reply, Server};
use picam_web::{Access, Limits, hash_password, probe_hosts, probe_routes};

/// A server that lets nobody in without a password, as on a hotspot.
fn locked() -> Server {
    let hash = hash_password("correct horse").unwrap();
    Server::start(Access::Password(hash), Limits::default())
}

fn ask(server: &Server, method: &str, host: &str, path: &str) -> Reply {
    server.send(&format!("{method} {path}\r\nHost: {host}"), "")
}

#[test]
fn each_asks_for_its_own_and_gets_it_to_the_byte() {
    let server = locked();
    let apple = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
    let firefox = "<meta http-equiv=\"refresh\" \
                   content=\"0;url=https://support.mozilla.org/kb/captive-portal\"/>";
    let manager = "NetworkManager is online\n";
    for (host, path, status, kind, body) in [
        (
            "captive.apple.com",
            "/hotspot-detect.html",
            200,
            "text/html",
            apple,
        ),
        (
            "captive.apple.com",
            "/library/test/success.html",
            200,
            "text/html",
            apple,
        ),
        (
            "connectivitycheck.gstatic.com",
            "/generate_204",
            204,
            "",
            "",
        ),
        ("play.googleapis.com", "/generate_204", 204, "", ""),
        ("clients3.google.com", "/gen_204", 204, "", ""),
        ("connect.rom.miui.com", "/generate_204", 204, "", ""),
        (
            "www.msftconnecttest.com",
            "/connecttest.txt",
            200,
            "text/plain",
            "Microsoft Connect Test",
        ),
        (
            "www.msftncsi.com",
            "/ncsi.txt",
            200,
            "text/plain",
            "Microsoft NCSI",
        ),
        (
            "detectportal.firefox.com",
            "/success.txt?ipv4",
            200,
            "text/plain",
            "success\n",
        ),
        (
            "detectportal.firefox.com",
            "/canonical.html",
            200,
            "text/html",
            firefox,
        ),
        (
            "nmcheck.gnome.org",
            "/check_network_status.txt",
            200,
            "text/plain",
            manager,
        ),
        ("network-test.debian.org", "/nm", 200, "text/plain", manager),
        (
            "ping.archlinux.org",
            "/nm-check.txt",
            200,
            "text/plain",
            manager,
        ),
        ("connectivity-check.ubuntu.com", "/", 204, "", ""),
    ] {
        let reply = ask(&server, "GET", host, path);
        assert_eq!(reply.status, status, "{host}{path}");
        assert_eq!(
            reply.header("content-type").unwrap_or(""),
            kind,
            "{host}{path}"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("set-cookie"), None);
        assert_eq!(reply.text(), body, "{host}{path}");
        // Small: there is nothing in it of the page.
        assert!(reply.head.len() + reply.body.len() < 400, "{}", reply.head);
    }
    let kindle = ask(
        &server,
        "GET",
        "spectrum.s3.amazonaws.com",
        "/kindle-wifi/wifistub.html",
    );
    assert!(
        kindle
            .text()
            .contains("81ce4465-7167-4dcb-835b-dcc9e44c112a")
    );
    // As NetworkManager asks, with the header that it looks for first.
    let ubuntu = ask(&server, "GET", "connectivity-check.ubuntu.com", "/");
    assert_eq!(ubuntu.header("x-networkmanager-status"), Some("online"));
}

#[test]
fn every_probe_is_answered_and_head_is_without_body() {
    let server = locked();
    for (host, path) in probe_routes() {
        let reply = ask(&server, "GET", host, path);
        assert!(matches!(reply.status, 200 | 204), "{host}{path}");
        let head = ask(&server, "HEAD", host, path);
        assert_eq!(
            (head.status, head.body.len()),
            (reply.status, 0),
            "{host}{path}"
        );
    }
}

#[test]
fn anything_else_under_these_names_leads_to_the_page() {
    let server = locked();
    let page = format!("http://{}/", server.addr);
    for host in probe_hosts() {
        for path in ["/redirect", "/index.html", "/api/segments", "/login"] {
            let reply = ask(&server, "GET", host, path);
            assert_eq!(reply.status, 302, "{host}{path}");
            assert_eq!(reply.header("location"), Some(page.as_str()));
            assert_eq!(reply.body, b"");
        }
    }
    // One name's path is nothing under another's, nor is it there to be written to.
    for (method, host, path) in [
        ("GET", "captive.apple.com", "/generate_204"),
        ("GET", "www.msftncsi.com", "/hotspot-detect.html"),
        ("GET", "captive.apple.com", "/hotspot-detect.html/"),
        ("POST", "captive.apple.com", "/hotspot-detect.html"),
        ("POST", "captive.apple.com", "/api/login"),
    ] {
        assert_eq!(ask(&server, method, host, path).status, 302, "{host}{path}");
    }
}

#[test]
fn under_its_own_names_the_page_is_as_it_was() {
    let server = locked();
    let own = server.addr.to_string();
    for host in [own.as_str(), "picam.local", "192.168.66.1"] {
        for path in [
            "/hotspot-detect.html",
            "/generate_204",
            "/connecttest.txt",
            "/",
        ] {
            let reply = ask(&server, "GET", host, path);
            assert_eq!(reply.header("location"), Some("/login"), "{host}{path}");
        }
        assert_eq!(ask(&server, "GET", host, "/api/status").status, 401);
    }
    for host in ["example.com", "captive.apple.com.evil.example"] {
        for path in ["/hotspot-detect.html", "/", "/api/status"] {
            assert_eq!(ask(&server, "GET", host, path).status, 403, "{host}{path}");
        }
    }
    // A name of somebody else's opens nothing, whatever else a request claims.
    let forged = server.send(
        "GET /api/segments\r\nHost: picam.local\r\nX-Forwarded-Host: captive.apple.com",
        "",
    );
    assert_eq!(forged.status, 401);
    let twice = server.send(
        "GET /api/segments\r\nHost: captive.apple.com\r\nHost: captive.apple.com",
        "",
    );
    assert!(matches!(twice.status, 400 | 403), "{}", twice.status);
}

#[test]
fn without_a_password_other_names_are_still_turned_away() {
    let server = Server::open();
    assert_eq!(ask(&server, "GET", "evil.example", "/").status, 403);
    let reply = ask(&server, "GET", "captive.apple.com", "/hotspot-detect.html");
    assert_eq!(reply.status, 200);
    assert_eq!(
        ask(&server, "GET", "captive.apple.com", "/api/status").status,
        302
    );
}

#[test]
fn curl_asks_as_phones_do() {
    let server = locked();
    let curl = |host: &str, path: &str, more: &[&str]| {
        let mut command = Command::new("curl");
        let way = format!("{host}:80:{}", server.addr);
        let url = format!("http://{host}{path}");
        command
            .args(["-s", "-i", "--max-time", "10", "--noproxy", "*"])
            .args(["--connect-to", &way, &url])
            .args(more)
            .stdin(Stdio::null());
        command
            .output()
            .ok()
            .map(|output| String::from_utf8(output.stdout).unwrap())
    };
    let agent = ["-A", "CaptiveNetworkSupport-390.60.1 wispr"];
    let Some(reply) = curl("captive.apple.com", "/hotspot-detect.html", &agent) else {
        picam_testkit::judges::skip("curl is not installed", "apt-get install curl");
        return;
    };
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(
        reply.ends_with(
            "\r\n\r\n<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
        ),
        "{reply}"
    );
    // HTTP/1.0 names the host, too, nowadays.
    let reply = curl("www.msftncsi.com", "/ncsi.txt", &["-0"]).unwrap();
    assert!(reply.ends_with("\r\n\r\nMicrosoft NCSI"), "{reply}");
    let reply = curl("connectivitycheck.gstatic.com", "/generate_204", &[]).unwrap();
    assert!(reply.starts_with("HTTP/1.1 204 No Content\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n"), "{reply}");
}
