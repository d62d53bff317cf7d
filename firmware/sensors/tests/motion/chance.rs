//! Numbers by chance, the same for the same seed.

use picam_testkit::sim_disk::Rng;

/// Draws numbers.
pub(crate) struct Chance(Rng);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rng(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1
        ))
    }

    /// Evenly from 0 to 1.
    pub(crate) fn part(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Evenly between two numbers.
    pub(crate) fn between(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.part()
    }

    pub(crate) fn either(&mut self, probability: f64) -> bool {
        self.part() < probability
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.below(all.len() as u64) as usize]
    }

    /// Gaussian, of mean 0 and deviation 1 (a sum of four even ones, which is near enough).
    pub(crate) fn noise(&mut self) -> f64 {
        (0..4).map(|_| self.part() - 0.5).sum::<f64>() * 3.0_f64.sqrt()
    }

    /// A direction in space.
    pub(crate) fn direction(&mut self) -> [f64; 3] {
        let up = self.between(-1.0, 1.0);
        let around = self.between(0.0, std::f64::consts::TAU);
        let level = (1.0 - up * up).sqrt();
        [level * around.cos(), level * around.sin(), up]
    }
}
