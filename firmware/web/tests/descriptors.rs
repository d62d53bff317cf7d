//! Running out of file descriptors ends nothing. Alone in its process, whose limit it lowers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use std::fs::File;

use common::{Server, put_finished};
use picam_web::{Access, Limits};
use rustix::process::{Resource, Rlimit, setrlimit};

#[test]
fn out_of_descriptors_is_waited_out() {
    let server = Server::start(Access::LocalOpen, Limits::default());
    put_finished(server.dir.path(), "20261120_110800_FN_000123.mp4");
    assert_eq!(server.get("/api/segments").status, 200);
    let limit = Rlimit {
        current: Some(64),
        maximum: Some(64),
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    // Clients' and server's ends are in one process: connect until there is nothing left.
    let mut clients = Vec::new();
    let mut files = Vec::new();
    while let Ok(client) = std::net::TcpStream::connect(server.addr) {
        clients.push(client);
    }
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    assert!(clients.len() > 10);
    std::thread::sleep(std::time::Duration::from_millis(300));
    drop(clients);
    drop(files);
    let reply = server.get("/api/segments/F000123/file");
    assert_eq!(reply.status, 200, "it takes connections again");
}
