//! The kernel's own database says whether a channel is free in a country.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use std::path::Path;

use picam_hotspot::{Channel, Country};

const PLACES: [&str; 2] = [
    "/lib/firmware/regulatory.db",
    "/lib/firmware/regulatory.db-upstream",
];

// Flags of a rule (net/wireless/reg.c, enum fwdb_flags).
const NO_OUTDOOR: u8 = 1 << 1;
const DFS: u8 = 1 << 2;
const NO_IR: u8 = 1 << 3;

struct Rule {
    khz: std::ops::RangeInclusive<u32>,
    flags: u8,
}

/// Reads version 20 of the format (net/wireless/reg.c, struct fwdb_header and following): big-endian,
/// pointers in units of four bytes.
fn read(db: &[u8]) -> BTreeMap<String, Vec<Rule>> {
    let u16_at = |at: usize| usize::from(u16::from_be_bytes([db[at], db[at + 1]]));
    let u32_at = |at: usize| u32::from_be_bytes(db[at..at + 4].try_into().unwrap());
    assert_eq!((&db[..4], u32_at(4)), (&b"RGDB"[..], 20));
    let mut countries = BTreeMap::new();
    for entry in (8..).step_by(4) {
        let collection = 4 * u16_at(entry + 2);
        if collection == 0 {
            return countries;
        }
        let (length, count) = (usize::from(db[collection]), usize::from(db[collection + 1]));
        let pointers = collection + length.next_multiple_of(2);
        let rules = (0..count).map(|index| {
            let rule = 4 * u16_at(pointers + 2 * index);
            Rule {
                khz: u32_at(rule + 4)..=u32_at(rule + 8),
                flags: db[rule + 1],
            }
        });
        let code = String::from_utf8(db[entry..entry + 2].to_vec()).unwrap();
        countries.insert(code, rules.collect());
    }
    countries
}

fn is_free(rules: &[Rule], channel: Channel) -> bool {
    let khz = 1000 * u32::from(channel.frequency());
    let (low, high) = (khz - 10_000, khz + 10_000);
    let bad = match channel.is_5_ghz() {
        true => NO_OUTDOOR | DFS | NO_IR,
        false => DFS | NO_IR,
    };
    let rule = rules
        .iter()
        .find(|rule| rule.khz.contains(&low) && rule.khz.contains(&high));
    rule.is_some_and(|rule| rule.flags & bad == 0)
}

#[test]
fn what_we_allow_the_kernel_allows() {
    let Some(path) = PLACES.iter().find(|place| Path::new(place).exists()) else {
        picam_testkit::judges::skip(
            "the kernel's regulatory database is not installed",
            "apt-get install wireless-regdb",
        );
        return;
    };
    let database = read(&std::fs::read(path).unwrap());
    let (mut allowed, mut missed) = (0, Vec::new());
    let countries = Country::all().map(Some).chain([None]);
    for country in countries {
        let code = country.map_or("00".to_owned(), |country| country.code());
        let rules = database
            .get(&code)
            .unwrap_or_else(|| panic!("{path} has no rules for {code}"));
        for channel in Channel::all() {
            let free = is_free(rules, channel);
            if Country::allows(country, channel) {
                assert!(free, "{path}: channel {channel} is not free in {code}");
                allowed += 1;
            } else if free {
                missed.push(format!("{code} {channel}"));
            }
        }
    }
    assert!(allowed > 180 * 11);
    // A newer database may free more than we know of.
    eprintln!("free, but not offered: {missed:?}");
}
