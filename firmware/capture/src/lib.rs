//! Where pictures come from: one trait, one module a kind of source.

mod source;

pub use source::{CaptureError, Next, Source};
