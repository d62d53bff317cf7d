//! A web server that knows byte ranges and nothing else, on the loopback interface.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

/// Serves the files of `dir` until the process ends; gives the address.
pub(crate) fn serve(dir: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let dir = dir.to_path_buf();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let dir = dir.clone();
            // A player that hangs up is none of our business.
            std::thread::spawn(move || answer(&stream.unwrap(), &dir));
        }
    });
    address
}

fn answer(mut stream: &TcpStream, dir: &Path) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let request = lines.next()?.ok()?;
        let mut range = None;
        loop {
            let line = lines.next()?.ok()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("range: bytes=") {
                let (start, end) = value.split_once('-')?;
                range = Some((start.parse::<usize>().ok()?, end.parse::<usize>().ok()));
            }
        }
        let name = request
            .split(' ')
            .nth(1)?
            .trim_start_matches('/')
            .replace("%20", " ");
        let Ok(bytes) = std::fs::read(dir.join(name)) else {
            stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                .ok()?;
            continue;
        };
        let (start, end) = range.unwrap_or((0, None));
        let end = end.map_or(bytes.len(), |end| bytes.len().min(end + 1));
        let status = match range {
            Some(_) => format!(
                "206 Partial\r\nContent-Range: bytes {start}-{}/{}",
                end - 1,
                bytes.len()
            ),
            None => "200 OK".to_string(),
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            end - start
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(&bytes[start..end]).ok()?;
    }
}
