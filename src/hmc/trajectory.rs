//! A transition's vectors and scalars, and the steps that every kind of trajectory is made of: a fresh momentum, the first
//! half of a leapfrog step, a single step to try a step size. [`nuts`] and [`fixed_length`] are the kinds.

mod fixed_length;
mod nuts;

use super::kernels::{Begin, Dot, Leap, Refresh, arch_for};
use super::metric::{Coordinates, Metric};
use super::rows::Rows;
use super::slots::{SLOTS, Slot, Slots};
use crate::random::MomentumLanes;
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

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
    /// Coordinates of the model.
    model_dim: usize,
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
    /// Sums of momenta of completed left halves, and of the subtree once it is complete.
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
    pub fn new(
        model_dim: usize,
        coordinates: Coordinates,
        max_depth: u32,
        max_energy_error: f64,
        keep_momentum: bool,
    ) -> Self {
        let dim = coordinates.count(model_dim);
        // The largest subtree has 2^(max_depth - 1) leaves.
        let levels = max_depth as usize;
        Self {
            max_depth,
            max_energy_error,
            slots: Slots::new(model_dim, coordinates),
            model_dim,
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

    /// One as [`Trajectory::new`] makes, for a metric of other coordinates and trees of `levels` doublings, at the same draw;
    /// [`Trajectory::settle`] must follow.
    pub fn moved_to(&self, coordinates: Coordinates, levels: u32) -> Self {
        let keep_momentum = self.kept_momenta.is_some();
        let mut out = Self::new(self.model_dim, coordinates, levels, self.max_energy_error, keep_momentum);
        out.max_depth = self.max_depth;
        let (position, gradient) = out.slots.start(out.draw);
        position.copy_from_slice(self.slots.model_position(self.draw));
        gradient.copy_from_slice(self.slots.model_gradient(self.draw));
        out.slots.log_density[out.draw] = self.slots.log_density[self.draw];
        out.slots.energy[out.draw] = self.slots.energy[self.draw];
        out
    }

    /// The instructions that the passes are run with.
    #[inline]
    fn arch(&self) -> Arch {
        arch_for(self.half.dim())
    }

    /// Trajectories to come double at most so often, and never more than was planned when this was made.
    pub fn set_max_depth(&mut self, max_depth: u32) {
        self.max_depth = max_depth;
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
        self.slots.settle(self.draw, metric, self.arch());
    }

    /// Report of the transition just completed.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The draw's momentum in the model's coordinates, when it is kept.
    pub fn draw_momentum(&self, metric: &Metric, out: &mut [f64]) -> bool {
        let Some(kept) = &self.kept_momenta else { return false };
        out.copy_from_slice(&kept.values(self.kept_rows[0])[..self.model_dim]);
        metric.momentum_to_model(out);
        true
    }

    /// Draws a fresh momentum at the current draw, which becomes the only point of the trajectory.
    fn refresh(&mut self, metric: &Metric, lanes: &mut MomentumLanes) {
        self.end_rows = [0, 1, 2];
        let (arch, dim) = (self.arch(), self.model_dim);
        let normals = self.half.row_mut(0);
        lanes.fill_normals_on(arch, normals.as_chunks_mut().0);
        normals[dim..].fill(0.0);
        if metric.momentum(normals, self.end_momenta.row_mut(2)) {
            // The passes take what was made; the square is that of the normals.
            self.initial_square = arch.dispatch(Dot(normals, normals));
            normals.copy_from_slice(self.end_momenta.row(2));
            let ends = self.end_momenta.pair_mut(0, 1);
            arch.dispatch(Refresh { scale: None, normals, ends, sum: self.tree_sum.row_mut(0) });
        } else {
            let ends = self.end_momenta.pair_mut(0, 1);
            let pass = Refresh { scale: metric.momentum_scale(), normals, ends, sum: self.tree_sum.row_mut(0) };
            self.initial_square = arch.dispatch(pass);
        }
        self.initial_energy = 0.5 * self.initial_square - self.slots.log_density[self.draw];
        self.slots.energy[self.draw] = self.initial_energy;
        self.ends = [self.draw; 2];
        self.proposal = self.draw;
        if let Some(kept) = &mut self.kept_momenta {
            kept.row_mut(self.kept_rows[0]).copy_from_slice(self.end_momenta.row(0));
        }
    }

    /// Takes one leapfrog step forward from the current draw with a fresh momentum, to try a step size.
    pub fn probe(&mut self, stepsize: f64, metric: &Metric, lanes: &mut MomentumLanes) -> Step {
        self.refresh(metric, lanes);
        self.step = stepsize;
        self.forward = true;
        self.arch().dispatch(Start { trajectory: self, metric });
        Step::Evaluate
    }

    /// True when the probe's step was too small to change any coordinate.
    pub fn probe_stands_still(&self) -> bool {
        self.slots.model_position(self.pending) == self.slots.model_position(self.draw)
    }

    /// H0 - H of the probe just evaluated; -inf where the log density was refused or is not finite.
    pub fn probe_energy_gain(&mut self, log_density: Option<f64>, metric: &Metric) -> f64 {
        let Some(log_density) = log_density.filter(|l| l.is_finite()) else { return f64::NEG_INFINITY };
        let arch = self.arch();
        self.slots.map_from_model(self.pending, metric, arch);
        let pass = Leap {
            step: self.step,
            inv_metric: metric.inverse_row(),
            half: self.half.row_mut(0),
            gradient: self.slots.gradient(self.pending),
            sum: None,
            momentum: self.end_momenta.row_mut(2),
            previous: None,
            drift: None,
        };
        let sums = arch.dispatch(pass);
        let gain = self.initial_energy - (0.5 * sums.square - log_density);
        if gain.is_nan() { f64::NEG_INFINITY } else { gain }
    }

    fn end(&self) -> usize {
        usize::from(self.forward)
    }

    /// Half kick and drift from the end of the trajectory in the chosen direction.
    #[inline(always)]
    fn begin<S: Simd>(&mut self, simd: S, metric: &Metric) {
        let end = self.ends[self.end()];
        let next = self.free_slot(end);
        let momentum = self.end_momenta.row(self.end_rows[self.end()]);
        let (position, next_position, gradient) = self.slots.drift(end, next);
        let pass = Begin {
            step: self.step,
            inv_metric: metric.inverse_row(),
            momentum,
            gradient,
            position,
            half: self.half.row_mut(0),
            next: next_position,
        };
        simd.vectorize(pass);
        self.pending = next;
        self.slots.map_to_model(next, metric, self.arch());
    }

    /// A slot without a role. `current` has one too.
    #[inline]
    fn free_slot(&self, current: Slot) -> Slot {
        let taken = 1u32 << self.ends[0] | 1 << self.ends[1] | 1 << self.draw | 1 << self.proposal | 1 << current;
        let free = taken.trailing_ones() as usize;
        debug_assert!(free < SLOTS);
        free
    }

    /// Whether it has vectors of the shapes of `other`, and names none that there are not.
    pub fn is_like(&self, other: &Self) -> bool {
        let shape = |t: &Self| {
            let rows =
                [&t.half, &t.tree_sum, &t.end_momenta, &t.first_momenta, &t.sums, &t.passing_sums, &t.last_momenta];
            (rows.map(Rows::shape), t.kept_momenta.as_ref().map(Rows::shape), t.slots.shape(), t.model_dim)
        };
        let within = |places: &[usize], count: usize| places.iter().all(|place| *place < count);
        within(&[self.ends[0], self.ends[1], self.draw, self.proposal, self.pending], SLOTS)
            && within(&self.end_rows, self.end_rows.len())
            && within(&self.kept_rows, self.kept_rows.len())
            && shape(self) == shape(other)
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

/// [`Trajectory::begin`] outside a pass.
struct Start<'a> {
    trajectory: &'a mut Trajectory,
    metric: &'a Metric,
}

impl WithSimd for Start<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.trajectory.begin(simd, self.metric);
    }
}
