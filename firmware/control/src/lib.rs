//! What processes say to the recorder, and what it answers.

pub mod lock;
pub mod orders;
pub mod status;
