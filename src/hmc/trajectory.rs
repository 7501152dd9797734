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

use super::exp::exp;
use super::kernels::{Begin, HalfSums, Leap, LeapSums, Refresh, Turn};
use super::metric::Metric;
use super::rows::Rows;
use super::slots::{SLOTS, Slot, Slots};
use crate::random::{MomentumLanes, Stream};
use pulp::Arch;
use serde::{Deserialize, Serialize};

/// Log weights this far above the reference are rescaled before they can overflow (exp(709) is the largest finite).
const RESCALE_ABOVE: f64 = 300.0;

/// What a finished transition reports.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Mean of min(1, exp(H0 - H)) over the leapfrog steps.
    pub accept_stat: f64,
    /// Completed doublings.
    pub depth: u32,
    pub n_leapfrog: u64,
    pub divergent: bool,
}

/// What a transition wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Evaluate the point in [`Trajectory::pending`].
    Evaluate,
    /// The transition is over; the draw is in [`Trajectory::draw`].
    Complete,
}

/// The vectors and scalars of a transition. Made once per chain; nothing is allocated afterwards.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Trajectory {
    #[serde(skip, default = "Arch::new")]
    arch: Arch,
    max_depth: u32,
    max_energy_error: f64,
    pub slots: Slots,
    ends: [Slot; 2],
    draw: Slot,
    proposal: Slot,
    pending: Slot,
    /// Half-kicked momentum of the step under way.
    half: Rows,
    /// Sum of momenta of the tree.
    tree_sum: Rows,
    /// Momenta at both ends and a free row; which is which is in `end_rows`.
    end_momenta: Rows,
    end_rows: [usize; 3],
    first_momenta: Rows,
    last_momenta: Rows,
    /// Sums of momenta of completed left halves, and of the subtree once it is complete; see [`sum_slot`].
    sums: Rows,
    /// Sums of right halves on their way up.
    passing_sums: Rows,
    /// Momenta of the draw and the proposal, kept only for the diagnostic output.
    kept_momenta: Option<Rows>,
    kept_rows: [usize; 2],
    step: f64,
    forward: bool,
    leaf: u64,
    leaves: u64,
    initial_energy: f64,
    /// Twice the kinetic energy of the previous leaf (of the initial point before the first).
    last_square: f64,
    initial_square: f64,
    /// Weights are exp(H0 - H - reference).
    reference: f64,
    tree_weight: f64,
    subtree_weight: f64,
    accept_sum: f64,
    outcome: Outcome,
}

impl Trajectory {
    pub fn new(dim: usize, dense: bool, max_depth: u32, max_energy_error: f64, keep_momentum: bool) -> Self {
        // The largest subtree has 2^(max_depth - 1) leaves.
        let levels = max_depth as usize;
        Self {
            arch: Arch::new(),
            max_depth,
            max_energy_error,
            slots: Slots::new(dim, dense),
            ends: [0, 0],
            draw: 0,
            proposal: 0,
            pending: 0,
            half: Rows::new(1, dim),
            tree_sum: Rows::new(1, dim),
            end_momenta: Rows::new(3, dim),
            end_rows: [0, 1, 2],
            first_momenta: Rows::new(levels.saturating_sub(1).max(1), dim),
            last_momenta: Rows::new(levels.saturating_sub(2), dim),
            sums: Rows::new(levels.saturating_sub(2), dim),
            passing_sums: Rows::new(2, dim),
            kept_momenta: keep_momentum.then(|| Rows::new(2, dim)),
            kept_rows: [0, 1],
            step: 0.0,
            forward: true,
            leaf: 0,
            leaves: 1,
            initial_energy: 0.0,
            last_square: 0.0,
            initial_square: 0.0,
            reference: 0.0,
            tree_weight: 1.0,
            subtree_weight: 0.0,
            accept_sum: 0.0,
            outcome: Outcome::default(),
        }
    }

    /// The slot of the current draw.
    pub fn draw(&self) -> Slot {
        self.draw
    }

    /// The slot to be evaluated.
    #[inline]
    pub fn pending(&self) -> Slot {
        self.pending
    }

    /// Makes `slot` the current draw (an initial point).
    pub fn set_draw(&mut self, slot: Slot) {
        self.draw = slot;
        self.ends = [slot; 2];
        self.proposal = slot;
    }

    /// A slot that holds no point of interest, to be evaluated next.
    pub fn free_pending(&mut self) -> Slot {
        self.ends = [self.draw; 2];
        self.proposal = self.draw;
        self.pending = self.free_slot(self.draw);
        self.pending
    }

    /// Computes the draw's sampling coordinates after the metric changed.
    pub fn settle(&mut self, metric: &Metric) {
        self.slots.settle(self.draw, metric, self.arch);
    }

    /// Report of the transition just completed.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The draw's momentum in the model's coordinates, when it is kept.
    pub fn draw_momentum(&self, metric: &Metric, out: &mut [f64]) -> bool {
        let Some(kept) = &self.kept_momenta else { return false };
        out.copy_from_slice(kept.values(self.kept_rows[0]));
        metric.momentum_to_model(out);
        true
    }

    /// Draws a fresh momentum at the current draw, which becomes the only point of the trajectory.
    fn refresh(&mut self, metric: &Metric, lanes: &mut MomentumLanes) {
        self.end_rows = [0, 1, 2];
        let dim = self.half.dim();
        let normals = self.half.row_mut(0);
        lanes.fill_normals(normals.as_chunks_mut().0);
        normals[dim..].fill(0.0);
        let ends = self.end_momenta.pair_mut(0, 1);
        let pass = Refresh { scale: metric.momentum_scale(), normals, ends, sum: self.tree_sum.row_mut(0) };
        self.initial_square = self.arch.dispatch(pass);
        self.initial_energy = 0.5 * self.initial_square - self.slots.log_density[self.draw];
        self.slots.energy[self.draw] = self.initial_energy;
        self.ends = [self.draw; 2];
        self.proposal = self.draw;
        if let Some(kept) = &mut self.kept_momenta {
            kept.row_mut(self.kept_rows[0]).copy_from_slice(self.end_momenta.row(0));
        }
    }

    /// Starts a transition from the current draw with step size `stepsize`.
    pub fn start(&mut self, stepsize: f64, metric: &Metric, lanes: &mut MomentumLanes, stream: &mut Stream) -> Step {
        self.refresh(metric, lanes);
        self.step = stepsize;
        self.reference = 0.0;
        self.tree_weight = 1.0;
        self.accept_sum = 0.0;
        self.outcome = Outcome::default();
        self.extend(metric, stream)
    }

    /// Takes one leapfrog step forward from the current draw with a fresh momentum, to try a step size.
    pub fn probe(&mut self, stepsize: f64, metric: &Metric, lanes: &mut MomentumLanes) -> Step {
        self.refresh(metric, lanes);
        self.step = stepsize;
        self.forward = true;
        self.begin(metric);
        Step::Evaluate
    }

    /// True when the probe's step was too small to change any coordinate.
    pub fn probe_stands_still(&self) -> bool {
        self.slots.model_position(self.pending) == self.slots.model_position(self.draw)
    }

    /// H0 - H of the probe just evaluated; -inf where the log density was refused or is not finite.
    pub fn probe_energy_gain(&mut self, log_density: Option<f64>, metric: &Metric) -> f64 {
        let Some(log_density) = log_density.filter(|l| l.is_finite()) else { return f64::NEG_INFINITY };
        self.slots.map_from_model(self.pending, metric, self.arch);
        let sums = Leap {
            step: self.step,
            inv_metric: metric.inverse_row(),
            half: self.half.row_mut(0),
            gradient: self.slots.gradient(self.pending),
            sum: None,
            momentum: self.end_momenta.row_mut(2),
            previous: None,
            drift: None,
        }
        .run(self.arch);
        let gain = self.initial_energy - (0.5 * sums.square - log_density);
        if gain.is_nan() { f64::NEG_INFINITY } else { gain }
    }

    /// Chooses a direction and begins the subtree that doubles the trajectory.
    fn extend(&mut self, metric: &Metric, stream: &mut Stream) -> Step {
        self.forward = stream.uniform() > 0.5;
        self.leaf = 0;
        self.leaves = 1 << self.outcome.depth;
        self.subtree_weight = 0.0;
        if self.forward != (self.step > 0.0) {
            self.step = -self.step;
        }
        self.begin(metric);
        Step::Evaluate
    }

    fn end(&self) -> usize {
        usize::from(self.forward)
    }

    /// Half kick and drift from the end of the trajectory in the chosen direction.
    fn begin(&mut self, metric: &Metric) {
        let end = self.ends[self.end()];
        let next = self.free_slot(end);
        let momentum = self.end_momenta.row(self.end_rows[self.end()]);
        let (position, next_position, gradient) = self.slots.drift(end, next);
        Begin {
            step: self.step,
            inv_metric: metric.inverse_row(),
            momentum,
            gradient,
            position,
            half: self.half.row_mut(0),
            next: next_position,
        }
        .run(self.arch);
        self.pending = next;
        self.slots.map_to_model(next, metric, self.arch);
    }

    /// A slot without a role. `current` has one too.
    #[inline]
    fn free_slot(&self, current: Slot) -> Slot {
        let taken = 1u32 << self.ends[0] | 1 << self.ends[1] | 1 << self.draw | 1 << self.proposal | 1 << current;
        let free = taken.trailing_ones() as usize;
        debug_assert!(free < SLOTS);
        free
    }

    /// Takes the log density at the pending point (`None`: refused) and goes on.
    #[inline]
    pub fn resume(&mut self, log_density: Option<f64>, metric: &Metric, stream: &mut Stream) -> Step {
        let current = self.pending;
        self.outcome.n_leapfrog += 1;
        let Some(log_density) = log_density.filter(|l| l.is_finite()) else { return self.diverge() };
        self.slots.map_from_model(current, metric, self.arch);
        let last = self.leaf + 1 == self.leaves;
        let sums = self.leap(current, last, metric);
        let energy = 0.5 * sums.square - log_density;
        let gain = self.initial_energy - energy;
        if gain.is_nan() || -gain > self.max_energy_error {
            self.accept_sum += if gain.is_nan() { 0.0 } else { exp(gain) };
            return self.diverge();
        }
        self.slots.log_density[current] = log_density;
        self.slots.energy[current] = energy;
        self.weigh(current, gain, last, stream);
        if !self.merges_go_on(&sums, metric) {
            return self.complete();
        }
        if !last {
            self.last_square = sums.square;
            self.leaf += 1;
            self.slots.map_to_model(self.pending, metric, self.arch);
            return Step::Evaluate;
        }
        self.join(current, &sums, metric, stream)
    }

    /// Finishes the step at `current` and begins the next one unless the subtree is complete.
    #[inline]
    fn leap(&mut self, current: Slot, last: bool, metric: &Metric) -> LeapSums {
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
                .run(self.arch);
        if !last {
            self.pending = next;
        }
        sums
    }

    /// Adds the leaf's weight and lets it replace the subtree's proposal.
    #[inline]
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
    #[inline]
    fn merges_go_on(&mut self, sums: &LeapSums, metric: &Metric) -> bool {
        let leaf = self.leaf;
        if leaf.is_multiple_of(2) {
            return true;
        }
        if !pair_goes_on(self.last_square, sums) {
            return false;
        }
        let levels = leaf.trailing_ones();
        (2..=levels).all(|level| self.merge_goes_on(level, levels, metric))
    }

    /// Merges the two halves of 2^(level - 1) leaves each that end here; this leaf completes `levels` levels.
    fn merge_goes_on(&mut self, level: u32, levels: u32, metric: &Metric) -> bool {
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
        .run(self.arch)
    }

    /// Joins the complete subtree to the tree: biased progressive sampling, then the checks over both.
    fn join(&mut self, current: Slot, sums: &LeapSums, metric: &Metric, stream: &mut Stream) -> Step {
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
            .run(self.arch)
        };
        self.end_rows.swap(end, 2);
        self.ends[end] = current;
        self.proposal = self.draw;
        self.outcome.depth += 1;
        if goes_on && self.outcome.depth < self.max_depth { self.extend(metric, stream) } else { self.complete() }
    }

    #[cold]
    fn diverge(&mut self) -> Step {
        self.outcome.divergent = true;
        self.complete()
    }

    fn complete(&mut self) -> Step {
        self.outcome.accept_stat = self.accept_sum / self.outcome.n_leapfrog as f64;
        Step::Complete
    }

    pub fn bytes(&self) -> usize {
        let rows = [
            &self.half,
            &self.tree_sum,
            &self.end_momenta,
            &self.first_momenta,
            &self.sums,
            &self.passing_sums,
            &self.last_momenta,
        ];
        self.slots.bytes()
            + rows.iter().map(|r| r.bytes()).sum::<usize>()
            + self.kept_momenta.as_ref().map_or(0, |r| r.bytes())
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
