//! The kept corpus of every fuzz target, and mutations of it, on a stable toolchain.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::PathBuf;

use picam_system_tests::fuzz::TARGETS;
use picam_testkit::sim_disk::Rng;

/// Mutations of each file.
const MUTATIONS: u64 = 2000;
/// Values that are often at the edge of something.
const EDGES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

fn corpus(target: &str) -> Vec<PathBuf> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(dir.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(8) {
            0 => bytes.truncate(at + 1),
            1 => bytes.insert(at, rng.next_u64() as u8),
            2 => {
                bytes.remove(at);
            }
            3 => {
                let end = (at + 1 + rng.below(32) as usize).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            4 | 5 => bytes[at] = EDGES[rng.below(EDGES.len() as u64) as usize],
            _ => bytes[at] ^= 1 << rng.below(8),
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn corpus_and_mutations_of_it_are_taken_or_refused() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "fuzz/corpus/{name} is empty");
        for (n, path) in files.iter().enumerate() {
            let seed = fs::read(path).unwrap();
            target(&seed);
            let mut rng = Rng(n as u64);
            for round in 0..MUTATIONS {
                let mut bytes = seed.clone();
                if bytes.is_empty() {
                    break;
                }
                mutate(&mut bytes, &mut rng);
                let shown = format!("{name}: {} mutation {round}", path.display());
                let caught = std::panic::catch_unwind(|| target(&bytes));
                assert!(caught.is_ok(), "{shown}: {bytes:02x?}");
            }
        }
    }
}
