//! Metropolis moves: a random walk, or independent proposals from a normal fitted to the particles.

use super::Mover;
use crate::particles::plan::Kernel;

/// The step of a random walk that is best for a normal of many dimensions, times the root of the dimension (Roberts and
/// Rosenthal 2001).
pub const BEST_STEP: f64 = 2.38;

impl Mover {
    /// Writes proposals for all points.
    pub(super) fn propose(&mut self, log_step: f64) {
        let dim = self.plan.dim;
        self.normals();
        let step = BEST_STEP / (dim as f64).sqrt() * libm::exp(log_step);
        for row in 0..self.points.len() {
            let z = &self.momenta[row * dim..][..dim];
            let x = &mut self.proposed[row * dim..][..dim];
            if self.plan.kernel == Kernel::RandomWalk {
                x.copy_from_slice(self.points.at(row));
                self.normal.scale().add_product(step, z, x);
            } else {
                x.copy_from_slice(self.normal.mean());
                self.normal.scale().add_product(1.0, z, x);
            }
        }
    }

    /// Accepts or rejects the proposals, whose answers are in the block.
    pub(super) fn judge(&mut self) {
        let dim = self.plan.dim;
        let mut apart = vec![0.0; dim];
        for row in 0..self.points.len() {
            // Log densities of the proposal's own law, there less here; that of a random walk is symmetric.
            let odds = if self.plan.kernel == Kernel::Independent {
                let z = &self.momenta[row * dim..][..dim];
                let there: f64 = z.iter().map(|z| z * z).sum();
                for ((apart, x), mean) in apart.iter_mut().zip(self.points.at(row)).zip(self.normal.mean()) {
                    *apart = x - mean;
                }
                self.normal.scale().solve(&mut apart);
                let here: f64 = apart.iter().map(|z| z * z).sum();
                -0.5 * (there - here)
            } else {
                0.0
            };
            let Some(answer) = self.answer(row) else {
                self.refuse();
                continue;
            };
            let gain = answer.value - self.values[row] - odds;
            self.decide(row, gain, answer);
        }
    }
}
