//! What some hundred receivers once said, and what gpsd made of it: the logs of gpsd's own tests (`test/daemon` in its
//! source, which `scripts/lib/gpsd-logs` fetches), read as NMEA and by way of a real gpsd.
//!
//! gpsd through all logs takes some minutes: PICAM_GPSD_LOGS=all does that, else a few are run through it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use picam_sensors::gps::{Fix, Report, gpsd, nmea};
use picam_testkit::judges;
use picam_time::{BootNs, UtcUs};
use serde_json::Value;

/// Degrees.
const EQUAL: f64 = 1e-6;
/// Run through gpsd unless all are: u-blox, Quectel, MediaTek, SiRF, one with several constellations, one that moves.
const FEW: [&str; 6] = [
    "neo-m8n",
    "quectel",
    "mt3339",
    "bu353s4",
    "beidou-gb",
    "bu303-moving",
];
/// Where gpsd and we make different fixes of the same sentences.
const DIFFERENT: [(&str, &str); 1] = [(
    "bundg_zeus_9",
    "its compass speaks between the sentences of a moment, ten times a second, and gpsd repeats the last place each time",
)];

fn logs() -> Option<Vec<PathBuf>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gpsd-logs");
    let Ok(entries) = fs::read_dir(directory) else {
        judges::skip(
            "gpsd's logs of receivers are not here",
            "scripts/lib/gpsd-logs",
        );
        return None;
    };
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    all.sort();
    Some(all)
}

fn name(log: &Path) -> &str {
    log.file_stem().unwrap().to_str().unwrap()
}

/// Latitude and longitude of every report of a position in a list of gpsd's.
fn expected(text: &str) -> Vec<(f64, f64)> {
    let reports = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    reports
        .filter(|report: &Value| report["class"] == "TPV" && report["mode"].as_u64() >= Some(2))
        .filter_map(|report| Some((report["lat"].as_f64()?, report["lon"].as_f64()?)))
        .collect()
}

fn checked(log: &Path) -> Vec<(f64, f64)> {
    let list = log.with_extension("log.chk");
    let bytes = fs::read(list).unwrap_or_default();
    expected(&String::from_utf8_lossy(&bytes))
}

fn is_near(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() <= EQUAL && (a.1 - b.1).abs() <= EQUAL
}

/// The log read as NMEA, a line every 20 ms.
fn by_nmea(log: &Path) -> (Vec<Fix>, nmea::Counts) {
    let mut decoder = nmea::Decoder::default();
    let mut fixes = Vec::new();
    let mut now = BootNs::from_secs(1);
    let mut take = |report| {
        if let Report::Fix(fix) = report {
            fixes.push(fix);
        }
    };
    let bytes = fs::read(log).unwrap();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        now += Duration::from_millis(20);
        // gpsd's own remarks.
        if !line.starts_with(b"#") {
            decoder.push(line, now, &mut take);
        }
    }
    decoder.pass(now + Duration::from_secs(1), &mut take);
    let counts = decoder.counts();
    (fixes, counts)
}

#[test]
fn nmea_says_what_gpsd_makes_of_it() {
    let Some(logs) = logs() else { return };
    let mut read = 0;
    let mut wrong = Vec::new();
    for log in &logs {
        let wanted = checked(log);
        let (fixes, counts) = by_nmea(log);
        if wanted.is_empty() || counts.understood < 4 || fixes.is_empty() {
            continue;
        }
        let found: Vec<(f64, f64)> = fixes.iter().map(|f| (f.latitude, f.longitude)).collect();
        // Logs begin and end in the midst of a moment: of the first and the last, gpsd waits for more.
        let whole = found.iter().skip(1).rev().skip(1);
        let strange = whole.filter(|fix| !wanted.iter().any(|other| is_near(**fix, *other)));
        let missed = wanted
            .iter()
            .filter(|fix| !found.iter().any(|other| is_near(**fix, *other)));
        let (strange, missed) = (strange.count(), missed.count());
        println!(
            "{:32} {:4} fixes, gpsd {:4}; {strange} not in its list, {missed} of it not found; {counts:?}",
            name(log),
            found.len(),
            wanted.len()
        );
        read += 1;
        // While it finds out which sentence ends a moment, gpsd leaves one out.
        let excused = DIFFERENT.iter().any(|(excused, _)| *excused == name(log));
        if (strange > 2 || missed * 5 > wanted.len()) && !excused {
            wrong.push(name(log));
        }
    }
    println!("{read} logs");
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(read >= 30, "{read} logs are few");
}

/// What a real gpsd says of a log: gpsfake plays it to it over a pseudo-terminal, and prints all it says.
fn through_gpsd(log: &Path) -> Vec<u8> {
    let output = Command::new("gpsfake")
        .args(["-1", "-p", "-q", "-s", "38400"])
        .arg(log)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    output.stdout
}

#[test]
fn gpsd_is_understood() {
    if !judges::have("gpsfake", "gpsd gpsd-tools") || !judges::have("gpsd", "gpsd") {
        return;
    }
    let Some(mut logs) = logs() else { return };
    let all = std::env::var("PICAM_GPSD_LOGS").is_ok_and(|which| which == "all");
    logs.retain(|log| all || FEW.contains(&name(log)));
    let next = Mutex::new(logs.iter());
    let (read, wrong) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(log) = next.lock().unwrap().next() else {
                        return;
                    };
                    let wanted = checked(log);
                    if wanted.is_empty() {
                        continue;
                    }
                    let said = through_gpsd(log);
                    let mut decoder = gpsd::Decoder::default();
                    let mut found = Vec::new();
                    let now = gpsd::Now {
                        boot: BootNs::from_secs(1),
                        system: UtcUs(0),
                    };
                    for piece in said.chunks(1000) {
                        decoder.push(piece, now, |report| {
                            if let Report::Fix(fix) = report {
                                found.push((fix.latitude, fix.longitude));
                            }
                        });
                    }
                    let said = expected(&String::from_utf8_lossy(&said));
                    let same = |a: &[(f64, f64)], b: &[(f64, f64)]| {
                        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_near(*a, *b))
                    };
                    println!(
                        "{:32} {:4} fixes, gpsd {:4}, its list {:4}",
                        name(log),
                        found.len(),
                        said.len(),
                        wanted.len()
                    );
                    *read.lock().unwrap() += 1;
                    let listed = |fix: &(f64, f64)| wanted.iter().any(|w| is_near(*fix, *w));
                    // On a busy machine gpsd itself makes one report of two.
                    let is_whole = found.len() + 1 >= wanted.len() && found.iter().all(listed);
                    if !same(&found, &said) || !is_whole {
                        wrong.lock().unwrap().push(name(log).to_owned());
                    }
                }
            });
        }
    });
    let (read, wrong) = (read.into_inner().unwrap(), wrong.into_inner().unwrap());
    println!("{read} logs");
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(read >= if all { 30 } else { FEW.len() }, "{read}");
}
