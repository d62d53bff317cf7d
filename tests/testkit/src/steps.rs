//! Things to show on one machine that takes long to start.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Steps of one test: if one does not hold, the others are still looked at.
#[derive(Debug, Default)]
pub struct Steps {
    failed: Vec<String>,
}

impl Steps {
    /// Takes one, and says how it went.
    pub fn step(&mut self, name: &str, step: impl FnOnce()) {
        let start = Instant::now();
        let held = catch_unwind(AssertUnwindSafe(step)).is_ok();
        let seconds = start.elapsed().as_secs();
        println!(
            "-- {name}: {} ({seconds} s)",
            if held { "holds" } else { "DOES NOT HOLD" }
        );
        if !held {
            self.failed.push(name.to_owned());
        }
    }

    /// Fails if one did not hold.
    ///
    /// # Panics
    /// Then.
    pub fn end(self) {
        assert!(
            self.failed.is_empty(),
            "does not hold: {}",
            self.failed.join(", ")
        );
    }
}
