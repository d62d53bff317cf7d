//! Access units: what a camera delivers and a segment stores.

mod access_unit;

pub use access_unit::{AccessUnit, Codec, ParameterSets, TIMESCALE};
