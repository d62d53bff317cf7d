//! See `picam_system_tests::fuzz::nmea`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| picam_system_tests::fuzz::nmea(input));
