//! Hamiltonian Monte Carlo: all points of a block take their leapfrog steps side by side, one block of evaluations each
//! (Duane, Kennedy, Pendleton and Roweth 1987; in sequential Monte Carlo: Buchholz, Chopin and Jacob 2021).
//!
//! Momenta are kept in the coordinates in which they are standard normal, v = Lᵀ p, for the particles' spread L Lᵀ. Each
//! point has a step size of its own within [`JITTER`] of the nominal one, so that no direction comes back to where it was.

use super::Mover;

/// Half the width of the range of step sizes, as a share of the nominal one.
const JITTER: f64 = 0.2;

impl Mover {
    /// Draws momenta and step sizes, and takes the first step up to its evaluation.
    pub(super) fn set_out(&mut self, log_step: f64) {
        let dim = self.plan.dim;
        self.normals();
        let step = libm::exp(log_step);
        for row in 0..self.points.len() {
            self.steps[row] = step * (1.0 + JITTER * (2.0 * self.stream.uniform_open() - 1.0));
            let v = &self.momenta[row * dim..][..dim];
            let square: f64 = v.iter().map(|v| v * v).sum();
            self.energies[row] = 0.5 * square - self.values[row];
        }
        self.proposed.copy_from_slice(&self.points.x);
        self.leapfrog = 0;
        self.refused.fill(false);
        for row in 0..self.points.len() {
            self.kick(row, 0.5, false);
            self.drift(row);
        }
    }

    /// v += share step Lᵀ g, with the gradient where the trajectory began or that of the block's answer.
    #[inline]
    fn kick(&mut self, row: usize, share: f64, answered: bool) {
        let dim = self.plan.dim;
        let at = row * dim..(row + 1) * dim;
        let g = if answered { &self.block.gradient(row)[..dim] } else { &self.gradients[at.clone()] };
        self.normal.scale().add_transposed(share * self.steps[row], g, &mut self.momenta[at]);
    }

    /// q += step L v.
    #[inline]
    fn drift(&mut self, row: usize) {
        let at = row * self.plan.dim..(row + 1) * self.plan.dim;
        self.normal.scale().add_product(self.steps[row], &self.momenta[at.clone()], &mut self.proposed[at]);
    }

    /// Takes the answers of a step and goes on to the next one; false when the trajectories have come to their ends.
    pub(super) fn step(&mut self) -> bool {
        self.leapfrog += 1;
        let last = self.leapfrog == self.plan.leapfrogs;
        for row in 0..self.points.len() {
            let goes_on = !self.refused[row] && self.answer(row).is_some_and(|answer| answer.value.is_finite());
            if !goes_on {
                // Rejected whatever follows; meanwhile it waits where it began.
                if !std::mem::replace(&mut self.refused[row], true) {
                    self.refuse();
                }
                let at = row * self.plan.dim..(row + 1) * self.plan.dim;
                self.proposed[at].copy_from_slice(self.points.at(row));
                continue;
            }
            self.kick(row, if last { 0.5 } else { 1.0 }, true);
            if !last {
                self.drift(row);
            }
        }
        if last {
            self.arrive();
        }
        !last
    }

    /// Accepts or rejects the ends.
    fn arrive(&mut self) {
        let dim = self.plan.dim;
        for row in 0..self.points.len() {
            if self.refused[row] {
                continue;
            }
            let answer = self.answer(row).expect("no row that was refused");
            let v = &self.momenta[row * dim..][..dim];
            let square: f64 = v.iter().map(|v| v * v).sum();
            let gain = self.energies[row] - (0.5 * square - answer.value);
            self.decide(row, gain, answer);
        }
    }
}
