//! One NUTS transition, iterative: a trajectory doubles by subtrees whose leaves are visited one evaluation at a time.
//!
//! The sampler is multinomial NUTS with biased progressive sampling (Betancourt 2017, appendix A) and the generalised
//! U-turn criterion with the two extra checks between subtrees. A subtree's leaves are numbered from 0 in the order of
//! time; after leaf i, one merge is due per trailing one-bit of i, as in a binary counter. What a merge needs of earlier
//! leaves stands in checkpoints, O(depth) of them:
//!
//! * the momentum at the first leaf of every open subtree (even leaves; slot = number of one-bits of i, as in Phan,
//!   Pradhan and Jankowiak 2019),
//! * of every completed left half, the momentum at its last leaf (odd leaves; slot = number of trailing ones) and, from
//!   four leaves on, the sum of its momenta.
//!
//! Merges of two leaves need one product only, taken in the leapfrog pass: all three checks coincide there. Within a
//! subtree the proposal is drawn by reservoir sampling with the leaves' weights, which gives each leaf the probability
//! that Stan's merge-by-merge draw gives it.

use super::{Step, Trajectory};
use crate::hmc::exp::exp;
use crate::hmc::kernels::{HalfSums, Leap, LeapSums, Turn};
use crate::hmc::metric::Metric;
use crate::hmc::slots::Slot;
use crate::random::{MomentumLanes, Stream};
use pulp::{Simd, WithSimd};

/// Log weights this far above the reference are rescaled before they can overflow (exp(709) is the largest finite).
const RESCALE_ABOVE: f64 = 300.0;

impl Trajectory {
    /// Starts a transition from the current draw with step size `stepsize`.
    pub fn start(&mut self, stepsize: f64, metric: &Metric, lanes: &mut MomentumLanes, stream: &mut Stream) -> Step {
        self.refresh(metric, lanes);
        self.step = stepsize;
        self.reference = 0.0;
        self.tree_weight = 1.0;
        self.accept_sum = 0.0;
        self.outcome = super::Outcome::default();
        self.aim(stream);
        self.arch().dispatch(super::Start { trajectory: self, metric });
        Step::Evaluate
    }

    /// Chooses the direction of the subtree that doubles the trajectory.
    fn aim(&mut self, stream: &mut Stream) {
        self.forward = stream.uniform() > 0.5;
        self.leaf = 0;
        self.leaves = 1 << self.outcome.depth;
        self.subtree_weight = 0.0;
        if self.forward != (self.step > 0.0) {
            self.step = -self.step;
        }
    }

    /// Takes the log density at the pending point (`None`: refused) and goes on.
    #[inline]
    pub fn resume(&mut self, log_density: Option<f64>, metric: &Metric, stream: &mut Stream) -> Step {
        self.arch().dispatch(Resume { trajectory: self, log_density, metric, stream })
    }

    /// See [`Trajectory::resume`].
    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, log_density: Option<f64>, metric: &Metric, stream: &mut Stream) -> Step {
        let current = self.pending;
        self.outcome.n_leapfrog += 1;
        let Some(log_density) = log_density.filter(|l| l.is_finite()) else { return self.diverge() };
        self.slots.map_from_model(current, metric, self.arch());
        let last = self.leaf + 1 == self.leaves;
        let sums = self.leap(simd, current, last, metric);
        let energy = 0.5 * sums.square - log_density;
        let gain = self.initial_energy - energy;
        if gain.is_nan() || -gain > self.max_energy_error {
            self.accept_sum += if gain.is_nan() { 0.0 } else { exp(gain) };
            return self.diverge();
        }
        self.slots.log_density[current] = log_density;
        self.slots.energy[current] = energy;
        self.weigh(current, gain, last, stream);
        if !self.merges_go_on(simd, &sums, metric) {
            return self.complete();
        }
        if !last {
            self.last_square = sums.square;
            self.leaf += 1;
            self.slots.map_to_model(self.pending, metric, self.arch());
            return Step::Evaluate;
        }
        self.join(simd, current, &sums, metric, stream)
    }

    /// Finishes the step at `current` and begins the next one unless the subtree is complete.
    #[inline(always)]
    fn leap<S: Simd>(&mut self, simd: S, current: Slot, last: bool, metric: &Metric) -> LeapSums {
        let inv_metric = metric.inverse_row();
        let leaf = self.leaf;
        let next = self.free_slot(current);
        let single = self.leaves == 1;
        let (momentum, previous) = if single {
            let (previous, momentum) =
                self.end_momenta.pair(self.end_rows[usize::from(self.forward)], self.end_rows[2]);
            (momentum, Some(previous))
        } else if leaf.is_multiple_of(2) {
            (self.first_momenta.row_mut(first_slot(leaf)), None)
        } else {
            let previous = self.first_momenta.row(first_slot(leaf - 1));
            let momentum = if last {
                self.end_momenta.row_mut(self.end_rows[2])
            } else {
                self.last_momenta.row_mut(last_slot(leaf))
            };
            (momentum, Some(previous))
        };
        // A subtree of one leaf joins the tree by the product taken in this pass, so its sum goes there at once.
        let sum = single.then(|| self.tree_sum.row_mut(0));
        let (drift, gradient) = if last {
            (None, self.slots.gradient(current))
        } else {
            let (position, next_position, gradient) = self.slots.drift(current, next);
            (Some((position, next_position)), gradient)
        };
        let sums =
            Leap { step: self.step, inv_metric, half: self.half.row_mut(0), gradient, sum, momentum, previous, drift }
                .with_simd(simd);
        if !last {
            self.pending = next;
        }
        sums
    }

    /// Adds the leaf's weight and lets it replace the subtree's proposal.
    #[inline(always)]
    fn weigh(&mut self, current: Slot, gain: f64, last: bool, stream: &mut Stream) {
        let mut weight = exp(gain - self.reference);
        self.accept_sum += if self.reference == 0.0 { weight.min(1.0) } else { exp(gain.min(0.0)) };
        if gain - self.reference > RESCALE_ABOVE {
            let factor = exp(self.reference - gain);
            self.tree_weight *= factor;
            self.subtree_weight *= factor;
            self.reference = gain;
            weight = 1.0;
        }
        self.subtree_weight += weight;
        let accept = self.leaf == 0 || stream.uniform() * self.subtree_weight < weight;
        // Chosen without a branch: it would be mispredicted often.
        self.proposal = [self.proposal, current][usize::from(accept)];
        if self.kept_momenta.is_some() && accept {
            self.keep_momentum(last);
        }
    }

    /// Keeps the leaf's momentum as the proposal's.
    fn keep_momentum(&mut self, last: bool) {
        let momentum = if last {
            self.end_momenta.row(self.end_rows[2])
        } else if self.leaf.is_multiple_of(2) {
            self.first_momenta.row(first_slot(self.leaf))
        } else {
            self.last_momenta.row(last_slot(self.leaf))
        };
        if let Some(kept) = &mut self.kept_momenta {
            kept.row_mut(self.kept_rows[1]).copy_from_slice(momentum);
        }
    }

    /// The U-turn checks of all merges within the subtree that end at this leaf.
    #[inline(always)]
    fn merges_go_on<S: Simd>(&mut self, simd: S, sums: &LeapSums, metric: &Metric) -> bool {
        let leaf = self.leaf;
        if leaf.is_multiple_of(2) {
            return true;
        }
        if !pair_goes_on(self.last_square, sums) {
            return false;
        }
        let levels = leaf.trailing_ones();
        (2..=levels).all(|level| self.merge_goes_on(simd, level, levels, metric))
    }

    /// Merges the two halves of 2^(level - 1) leaves each that end here; this leaf completes `levels` levels.
    #[inline(always)]
    fn merge_goes_on<S: Simd>(&mut self, simd: S, level: u32, levels: u32, metric: &Metric) -> bool {
        let leaf = self.leaf;
        let right_first = leaf + 1 - (1 << (level - 1));
        let left_first = leaf + 1 - (1 << level);
        let left_last = right_first - 1;
        let now = if leaf + 1 == self.leaves {
            self.end_momenta.row(self.end_rows[2])
        } else {
            self.last_momenta.row(last_slot(leaf))
        };
        // The sum of all levels but the last goes on as a right half; the last one's waits as a left half.
        let (to, from) = (level as usize % 2, (level as usize + 1) % 2);
        let sums = match (level == 2, level == levels) {
            (true, true) => HalfSums::Pairs { total: self.sums.row_mut(sum_slot(level)) },
            (true, false) => HalfSums::Pairs { total: self.passing_sums.row_mut(to) },
            (false, true) => {
                let (left, total) = self.sums.pair(sum_slot(level - 1), sum_slot(level));
                HalfSums::Stored { left, right: self.passing_sums.row(from), total }
            }
            (false, false) => {
                let (right, total) = self.passing_sums.pair(from, to);
                HalfSums::Stored { left: self.sums.row(sum_slot(level - 1)), right, total }
            }
        };
        Turn {
            inv_metric: metric.inverse_row(),
            left: [self.first_momenta.row(first_slot(left_first)), self.last_momenta.row(last_slot(left_last))],
            right: [self.first_momenta.row(first_slot(right_first)), now],
            sums,
        }
        .run(simd)
    }

    /// Joins the complete subtree to the tree: biased progressive sampling, then the checks over both.
    #[inline(always)]
    fn join<S: Simd>(&mut self, simd: S, current: Slot, sums: &LeapSums, metric: &Metric, stream: &mut Stream) -> Step {
        let end = self.end();
        let accept =
            self.subtree_weight > self.tree_weight || stream.uniform() * self.tree_weight < self.subtree_weight;
        if accept {
            self.draw = self.proposal;
            self.kept_rows.swap(0, 1);
        }
        self.tree_weight += self.subtree_weight;
        let goes_on = if self.leaves == 1 {
            pair_goes_on(self.initial_square, sums)
        } else {
            let left = self.tree_sum.row_mut(0);
            let halves = match self.outcome.depth {
                1 => HalfSums::LeftAndPair { left },
                depth => HalfSums::LeftAndStored { left, right: self.sums.row(sum_slot(depth)) },
            };
            Turn {
                inv_metric: metric.inverse_row(),
                left: [self.end_momenta.row(self.end_rows[1 - end]), self.end_momenta.row(self.end_rows[end])],
                right: [self.first_momenta.row(0), self.end_momenta.row(self.end_rows[2])],
                sums: halves,
            }
            .run(simd)
        };
        self.end_rows.swap(end, 2);
        self.ends[end] = current;
        self.proposal = self.draw;
        self.outcome.depth += 1;
        if !goes_on || self.outcome.depth >= self.max_depth {
            return self.complete();
        }
        self.aim(stream);
        self.begin(simd, metric);
        Step::Evaluate
    }

    #[cold]
    fn diverge(&mut self) -> Step {
        self.outcome.divergent = true;
        self.complete()
    }

    /// Closes the transition with the mean acceptance probability over its steps.
    fn complete(&mut self) -> Step {
        self.outcome.accept_stat = self.accept_sum / self.outcome.n_leapfrog as f64;
        Step::Complete
    }
}

/// [`Trajectory::step`] with the instructions that suit the dimension, chosen once for all that a step does.
struct Resume<'a> {
    trajectory: &'a mut Trajectory,
    log_density: Option<f64>,
    metric: &'a Metric,
    stream: &'a mut Stream,
}

impl WithSimd for Resume<'_> {
    type Output = Step;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Step {
        self.trajectory.step(simd, self.log_density, self.metric, self.stream)
    }
}

/// Both ends of a pair of points: v₁·(p₁ + p₂) > 0 and v₂·(p₁ + p₂) > 0, from the squares and the product.
#[inline]
fn pair_goes_on(square_before: f64, sums: &LeapSums) -> bool {
    square_before + sums.cross > 0.0 && sums.square + sums.cross > 0.0
}

/// Where the momentum of even leaf `leaf` stands: open subtrees that start later have more one-bits.
#[inline]
fn first_slot(leaf: u64) -> usize {
    leaf.count_ones() as usize
}

/// Where the momentum of odd leaf `leaf` stands: it ends a left half of as many levels as it has trailing ones.
#[inline]
fn last_slot(leaf: u64) -> usize {
    leaf.trailing_ones() as usize - 1
}

/// Where the sum of a half of 2^level leaves, level at least 2, stands.
#[inline]
fn sum_slot(level: u32) -> usize {
    level as usize - 2
}
