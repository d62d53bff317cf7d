//! `docs/api/openapi.yaml` lists exactly the routes and probes there are.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::Server;

const OPENAPI: &str = include_str!("../../../docs/api/openapi.yaml");

/// Method and path of each operation, by the file's indentation.
fn documented() -> Vec<(String, String)> {
    let (_, paths) = OPENAPI.split_once("\npaths:\n").unwrap();
    let (paths, _) = paths.split_once("\ncomponents:\n").unwrap();
    let mut path = String::new();
    let mut operations = Vec::new();
    for line in paths.lines() {
        let key = line.trim().trim_end_matches(':');
        match line.len() - line.trim_start().len() {
            2 => path = key.to_string(),
            4 if ["get", "post", "put", "delete", "patch"].contains(&key) => {
                operations.push((key.to_string(), path.clone()));
            }
            _ => {}
        }
    }
    operations.sort();
    operations
}

#[test]
fn documented_and_built_routes_are_the_same() {
    let mut built: Vec<_> = picam_web::api_routes()
        .into_iter()
        .map(|(method, path)| (method.to_string(), path.to_string()))
        .collect();
    let probes = picam_web::probe_routes().into_iter();
    built.extend(probes.map(|(_, path)| ("get".to_string(), path.to_string())));
    built.sort();
    built.dedup();
    assert_eq!(documented(), built);
}

/// The names that the file gives for each probe.
#[test]
fn probes_are_documented_with_their_names() {
    let (_, paths) = OPENAPI.split_once("\npaths:\n").unwrap();
    for (host, path) in picam_web::probe_routes() {
        let key = format!("\n  {path}:\n");
        let (_, operation) = paths.split_once(&key).expect(path);
        let (servers, _) = operation.split_once("\n    get:\n").unwrap();
        let server = format!("- url: http://{host}");
        assert!(
            servers.lines().any(|line| line.trim() == server),
            "{host} {path}"
        );
    }
}

#[test]
fn documented_routes_answer() {
    let server = Server::open();
    for (method, path) in documented() {
        // A camera that is not there: of one that is there would be no end.
        let path = path.replace("{id}", "F000001").replace("{letter}", "R");
        let reply = server.send(&format!("{} {path}", method.to_uppercase()), "");
        assert_ne!(reply.status, 405, "{method} {path}");
        let text = reply.text();
        assert!(
            !text.contains("nothing at this address"),
            "{method} {path}: {text}"
        );
    }
}
