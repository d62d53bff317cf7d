//! The detector among collisions and roads that it was not made for: it was tuned with other seeds.

use picam_sensors::motion::{Detector, Finding, Impact, Sensitivity};
use picam_testkit::pulse::{Pulse, Shape};

use crate::chance::Chance;
use crate::crashes::{Crash, published};
use crate::mount::Mount;
use crate::road::Road;

/// When the pulse begins: the sensor has had time to find out what is down.
const BEGINS: f64 = 6.0;

/// Of each sensitivity.
type Each<T> = [T; 3];

/// Which sensitivities find a crash on some road with some sensor, and how many seconds after its beginning at the latest it
/// was suspected and known.
fn found(crash: &Crash, chance: &mut Chance) -> (Each<bool>, [f64; 2]) {
    let mut mount = Mount::any(chance);
    let mut road = Road::new((chance.part() * 1e15) as u64);
    road.smooth();
    let mut detectors = Sensitivity::ALL.map(Detector::new);
    let mut all = [false; 3];
    let mut latest = [0.0; 2];
    let late = chance.part() * mount.period;
    for n in 1.. {
        let t = late + f64::from(n) * mount.period;
        if t > BEGINS + 2.5 {
            break;
        }
        let felt = |t: f64| {
            let (felt, more) = (road.at(t), crash.at(t - BEGINS));
            [0, 1, 2].map(|axis| felt[axis] + more[axis])
        };
        let Some(sample) = mount.measure(t, 0.0025, felt) else {
            continue;
        };
        for (detector, found) in detectors.iter_mut().zip(&mut all) {
            match detector.feel(&sample) {
                Some(Finding::Impact(_)) if !*found => {
                    *found = true;
                    latest[1] = f64::max(latest[1], t - BEGINS);
                }
                Some(Finding::Suspected) if !*found => latest[0] = f64::max(latest[0], t - BEGINS),
                _ => {}
            }
        }
    }
    (all, latest)
}

/// What is found in hours of driving: impacts and suspicions.
fn driven(seed: u64, hours: f64) -> Each<(Vec<Impact>, u32)> {
    let mut chance = Chance::new(seed);
    let rate = if seed.is_multiple_of(2) { 100.0 } else { 50.0 };
    let mut mount = Mount::with(&mut chance, rate).with_gaps();
    let mut road = Road::new(seed);
    let mut detectors =
        Sensitivity::ALL.map(|sensitivity| (Detector::new(sensitivity), Vec::new(), 0));
    let steps = (hours * 3600.0 / mount.period) as u32;
    for n in 1..=steps {
        let t = f64::from(n) * mount.period;
        let Some(sample) = mount.measure(t, road.grain(), |t| road.at(t)) else {
            continue;
        };
        for (detector, impacts, suspected) in &mut detectors {
            match detector.feel(&sample) {
                Some(Finding::Impact(impact)) => impacts.push(impact),
                Some(Finding::Suspected) => *suspected += 1,
                None => {}
            }
        }
    }
    detectors.map(|(_, impacts, suspected)| (impacts, suspected))
}

#[test]
fn every_pulse_of_4_g_and_60_ms_is_found_whatever_the_sensitivity() {
    let mut missed = Vec::new();
    let mut latest: Each<f64> = [0.0; 3];
    for seed in 0..2_000 {
        let mut chance = Chance::new(5_000_000 + seed);
        let crash = Crash::any(&mut chance);
        let (all, [suspected, known]) = found(&crash, &mut chance);
        if all != [true; 3] {
            missed.push((all, crash));
        }
        latest[0] = latest[0].max(suspected);
        latest[1] = latest[1].max(known);
    }
    println!(
        "at the latest suspected after {:.3} s, known after {:.3} s",
        latest[0], latest[1]
    );
    assert!(missed.is_empty(), "{} of 2000: {missed:#?}", missed.len());
    assert!(latest[0] < 0.25 && latest[1] < 0.42, "{latest:?}");
}

#[test]
fn at_most_one_false_impact_in_ten_hours() {
    for seed in 0..2 {
        for (found, sensitivity) in driven(31_000 + seed, 10.0).iter().zip(Sensitivity::ALL) {
            let (impacts, suspected) = found;
            println!(
                "{sensitivity:?} {seed}: {} impacts, {suspected} suspicions: {impacts:?}",
                impacts.len()
            );
            assert!(
                impacts.len() <= 1,
                "{sensitivity:?}, seed {seed}: {impacts:?}"
            );
        }
    }
}

/// `cargo test -p picam-sensors --test motion table -- --ignored --nocapture` prints the table of docs/motion.md.
#[test]
#[ignore = "prints a table for docs/motion.md"]
fn table() {
    println!("| | low | medium | high |\n|---|---|---|---|");
    let row = |name: &str, pulse: Pulse| {
        let mut hits = [0; 3];
        for seed in 0..100 {
            let mut chance = Chance::new(50_000 + seed);
            let crash = Crash::with(pulse, &mut chance);
            let (all, _) = found(&crash, &mut chance);
            hits = [0, 1, 2].map(|n| hits[n] + u32::from(all[n]));
        }
        println!(
            "| {name} | {} |",
            hits.map(|hits| hits.to_string()).join(" | ")
        );
    };
    for (name, pulse) in published() {
        row(name, pulse);
    }
    for peak_g in [1.5, 2.0, 3.0, 4.0, 6.0] {
        for ms in [30.0, 60.0, 100.0, 150.0] {
            let pulse = Pulse {
                shape: Shape::Haversine,
                peak_g,
                length_s: ms / 1000.0,
            };
            row(&format!("haversine, {peak_g} g, {ms} ms"), pulse);
        }
    }
    for (rate, seed) in [(100, 90_000), (50, 90_001)] {
        let all = driven(seed, 40.0);
        let cells = all.map(|(impacts, suspected)| format!("{} of {suspected}", impacts.len()));
        println!(
            "| false in 40 h of roads at {rate} Hz, of so many suspicions | {} |",
            cells.join(" | ")
        );
    }
}
