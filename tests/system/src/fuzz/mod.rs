//! The bodies of the fuzz targets: one function a target, fed with arbitrary bytes.
//!
//! `fuzz/fuzz_targets` hands them what libFuzzer makes up; `tests/fuzz_corpus.rs` hands them the
//! kept corpus and mutations of it, on a stable toolchain.

mod annexb;
mod boxes;
mod config;
mod gps;
mod gpsd;
mod nmea;
mod range;
mod recover;
mod slot;

pub use annexb::annexb;
pub use boxes::boxes;
pub use config::config;
pub use gpsd::gpsd;
pub use nmea::nmea;
pub use range::range;
pub use recover::recover;

/// Takes any bytes and panics if something is wrong.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const TARGETS: [(&str, Target); 7] = [
    ("annexb", annexb),
    ("boxes", boxes),
    ("config", config),
    ("gpsd", gpsd),
    ("nmea", nmea),
    ("range", range),
    ("recover", recover),
];
