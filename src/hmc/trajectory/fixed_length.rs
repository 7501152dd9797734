//! One transition of static HMC: a trajectory of a fixed number of leapfrog steps whose end is accepted or rejected as a
//! whole (Neal 2011, section 5.3.2; Stan's `base_static_hmc`).
//!
//! The gradient at the start is the one kept from the last transition, and after a rejection it is kept again. A
//! trajectory ends early only where the model refuses a point or a value is not finite, and is rejected then: a
//! trajectory from its end would meet the same point, so that leaves the chain's distribution alone. A large energy
//! error on the way does not end it, because the error may come down again.

use super::{Outcome, Step, Trajectory};
use crate::hmc::exp::exp;
use crate::hmc::kernels::Leap;
use crate::hmc::metric::Metric;
use crate::random::{MomentumLanes, Stream};

impl Trajectory {
    /// Starts a transition of `steps` leapfrog steps, at least 1, of size `stepsize` from the current draw.
    pub fn start_fixed(&mut self, stepsize: f64, steps: u64, metric: &Metric, lanes: &mut MomentumLanes) -> Step {
        self.refresh(metric, lanes);
        self.step = stepsize;
        self.forward = true;
        self.leaf = 0;
        self.leaves = steps;
        self.outcome = Outcome::default();
        self.arch().dispatch(super::Start { trajectory: self, metric });
        Step::Evaluate
    }

    /// Takes the log density at the pending point (`None`: refused) and goes on.
    pub fn resume_fixed(&mut self, log_density: Option<f64>, metric: &Metric, stream: &mut Stream) -> Step {
        let current = self.pending;
        self.outcome.n_leapfrog += 1;
        let Some(log_density) = log_density.filter(|l| l.is_finite()) else { return self.refuse() };
        let arch = self.arch();
        self.slots.map_from_model(current, metric, arch);
        let last = self.leaf + 1 == self.leaves;
        let next = self.free_slot(current);
        let (drift, gradient) = if last {
            (None, self.slots.gradient(current))
        } else {
            let (position, next_position, gradient) = self.slots.drift(current, next);
            (Some((position, next_position)), gradient)
        };
        let pass = Leap {
            step: self.step,
            inv_metric: metric.inverse_row(),
            half: self.half.row_mut(0),
            gradient,
            sum: None,
            momentum: self.end_momenta.row_mut(2),
            previous: None,
            drift,
        };
        let sums = arch.dispatch(pass);
        let energy = 0.5 * sums.square - log_density;
        let gain = self.initial_energy - energy;
        if gain.is_nan() {
            return self.refuse();
        }
        if !last {
            self.leaf += 1;
            self.pending = next;
            self.slots.map_to_model(next, metric, arch);
            return Step::Evaluate;
        }
        let probability = exp(gain.min(0.0));
        self.outcome.accept_stat = probability;
        self.outcome.divergent = -gain > self.max_energy_error;
        if gain >= 0.0 || stream.uniform() < probability {
            self.slots.log_density[current] = log_density;
            self.slots.energy[current] = energy;
            self.draw = current;
            if let Some(kept) = &mut self.kept_momenta {
                kept.row_mut(self.kept_rows[0]).copy_from_slice(self.end_momenta.row(2));
            }
        }
        Step::Complete
    }

    /// The draw stays where it was; a refused point counts as a divergence.
    #[cold]
    fn refuse(&mut self) -> Step {
        self.outcome.divergent = true;
        self.outcome.accept_stat = 0.0;
        Step::Complete
    }
}
