//! Cameras that are none.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::camera::{SDP, answer, request, serve, until_play};
use crate::reader::{open, read};

/// What all of them together may make this process grow by, in KiB.
const MOST_MEMORY: u64 = 256 << 10;

/// The most memory that this process ever had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Sends the same for ever.
fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    let many = bytes.repeat((1 << 20) / bytes.len() + 1);
    while stream.write_all(&many).is_ok() {}
}

fn after_describe(mut stream: TcpStream, head: &str, then: &[u8]) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let request = request(&mut reader).unwrap();
    let cseq = request
        .iter()
        .find(|line| line.starts_with("CSeq:"))
        .unwrap();
    let _ = stream.write_all(head.replace("CSEQ", cseq).as_bytes());
    if !then.is_empty() {
        pour(&mut stream, then);
    }
    let mut rest = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut rest);
}

/// Opens it and reads until it fails; says how.
fn failure(source: &str) -> String {
    let begun = Instant::now();
    let error = match open(source, None) {
        Err(error) => error.to_string(),
        Ok(mut source) => read(&mut *source, usize::MAX).error.unwrap(),
    };
    assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
    assert!(error.lines().count() == 1 && error.len() < 400, "{error}");
    assert!(!error.contains("stream?key"), "{error}");
    error
}

#[test]
fn what_never_ends_is_given_up_before_memory_is_full() {
    let before = peak();
    let endless = [
        ("RTSP/1.0 200 OK\r\nCSEQ\r\nX: ", &b"a"[..]),
        ("RTSP/1.0 200 OK\r\nCSEQ\r\n", b"X-Header: value\r\n"),
        (
            "RTSP/1.0 200 OK\r\nCSEQ\r\nContent-Type: application/sdp\r\nContent-Length: 4000000000\r\n\r\n",
            b"a=x\r\n",
        ),
        ("", b"a"),
    ];
    for (head, then) in endless {
        let source = serve(move |stream| after_describe(stream, head, then));
        let error = failure(&source);
        assert!(
            error.contains("is no camera") || head.is_empty(),
            "{head:?}: {error}"
        );
    }
    // A picture in fragments, of which none is the last; and the same over UDP.
    for transport in ["tcp", "udp"] {
        let source = serve(|stream| {
            let mut player = until_play(stream, SDP);
            let mut fragment = vec![0x41; 60_000];
            fragment[..2].copy_from_slice(&[0x7c, 0x85]);
            player.packet(0, false, &fragment);
            fragment[1] = 0x05;
            while player.packet(0, false, &fragment) {}
        });
        let error = failure(&format!("{source}?key=1#transport={transport}"));
        // Built to stop at overflows, the library stops where it counts what was lost over UDP; its thread ends with it.
        let said = ["is no camera", "no picture came", "connection failed"];
        assert!(
            said.iter().any(|part| error.contains(part)),
            "{transport}: {error}"
        );
    }
    let grown = peak() - before;
    assert!(grown < MOST_MEMORY, "grown by {grown} KiB");
}

#[test]
fn nonsense_is_one_clear_line() {
    let no_video = SDP.replace("H264", "JPEG").replace(" 96", " 26");
    let texts = [
        "RTSP/1.0 200 OK\r\nCSEQ\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 400 Bad Request\r\n\r\n<html>\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\u{3}\r\n\r\n".to_owned(),
        "RTSP/1.0 404 Not Found\r\nCSEQ\r\n\r\n".to_owned(),
        "RTSP/1.0 401 Unauthorized\r\nCSEQ\r\nWWW-Authenticate: Magic\r\n\r\n".to_owned(),
        sdp("v=0\r\nm=\u{1b}[31mvideo\r\na=\r\n"),
        sdp(&"m=video 0 RTP/AVP 96\r\n".repeat(50_000)),
        sdp(&"=\r\n".repeat(1000)),
        sdp(&no_video),
    ];
    for text in texts {
        let own = text.clone();
        let source = serve(move |stream| after_describe(stream, &own, b""));
        let error = failure(&source);
        assert!(error.starts_with("rtsp://127.0.0.1:"), "{error}");
        assert!(!error.contains('\u{1b}'), "{error}");
        for (part, expected) in [
            ("404", "no such stream"),
            ("401", "password"),
            ("JPEG", "neither H.264"),
        ] {
            assert!(!text.contains(part) || error.contains(expected), "{error}");
        }
    }
}

fn sdp(body: &str) -> String {
    let length = body.len();
    format!(
        "RTSP/1.0 200 OK\r\nCSEQ\r\nContent-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn packets_of_noise_end_the_session_and_nothing_else() {
    let source = serve(|stream| {
        let mut player = until_play(stream, SDP);
        let mut noise: Vec<u8> = (0..1000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for n in 0..10_000u32 {
            noise[0] = n as u8;
            noise[1] = (n >> 8) as u8;
            if !player.packet(n * 3600, n % 3 == 0, &noise) {
                return;
            }
        }
        player.freeze();
    });
    failure(&source);
    // One that forgets what it was asked.
    let source = serve(|mut stream| {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = request(&mut reader) {
            answer(
                &mut stream,
                &request,
                "Content-Type: application/sdp\r\n",
                SDP,
            );
        }
    });
    failure(&source);
}
