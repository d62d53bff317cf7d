//! What surrounds the recorder in its process.

pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod program;
pub(crate) mod session_key;
pub(crate) mod signals;
pub(crate) mod web;
