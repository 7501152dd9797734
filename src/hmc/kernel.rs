//! NUTS for many points: one set of a trajectory's rows moves them one after the other.

use super::metric::Metric;
use super::slots::SLOTS;
use super::trajectory::{Step, Trajectory};
use crate::random::{MomentumLanes, Stream};
use serde::{Deserialize, Serialize};

/// How many points a transition holds at once; see [`Kernel::pending`].
pub const POINTS: usize = SLOTS;

/// What a transition of one point needs, to be used for one point after the other. Allocates when it is made only.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kernel {
    trajectory: Trajectory,
    metric: Metric,
}

impl Kernel {
    /// For points of `dim` coordinates, at least 1; all metrics that it gets are of the kind of `metric`.
    pub fn new(dim: usize, metric: Metric, max_depth: u32, max_energy_error: f64) -> Self {
        Self { trajectory: Trajectory::new(dim, metric.coordinates(), max_depth, max_energy_error, false), metric }
    }

    /// Another metric, for the points to come.
    pub fn set_metric(&mut self, metric: Metric) {
        debug_assert_eq!(metric.kind(), self.metric.kind(), "rows were made for this kind");
        self.metric = metric;
    }

    /// Goes to a point whose log density and gradient are known. Returns the place it has among [`POINTS`].
    pub fn place(&mut self, position: &[f64], log_density: f64, gradient: &[f64]) -> usize {
        const HERE: usize = 0;
        let slots = &mut self.trajectory.slots;
        slots.model_position_mut(HERE).copy_from_slice(position);
        slots.evaluation(HERE).1.copy_from_slice(gradient);
        slots.log_density[HERE] = log_density;
        self.trajectory.set_draw(HERE);
        self.trajectory.settle(&self.metric);
        HERE
    }

    /// Begins a transition from there; [`Kernel::evaluation`] is asked for.
    pub fn begin(&mut self, stepsize: f64, lanes: &mut MomentumLanes, stream: &mut Stream) {
        self.trajectory.start(stepsize, &self.metric, lanes, stream);
    }

    /// The position to evaluate, and where its gradient goes.
    pub fn evaluation(&mut self) -> (&[f64], &mut [f64]) {
        let pending = self.trajectory.pending();
        self.trajectory.slots.evaluation(pending)
    }

    /// The place among [`POINTS`] of what is to be evaluated: the transition may end at it, so a caller that knows more of
    /// a point keeps it there.
    pub fn pending(&self) -> usize {
        self.trajectory.pending()
    }

    /// Takes the log density there, `None` where it was refused; true when the transition is over.
    pub fn resume(&mut self, log_density: Option<f64>, stream: &mut Stream) -> bool {
        self.trajectory.resume(log_density, &self.metric, stream) == Step::Complete
    }

    /// The place among [`POINTS`] of where the transition ended.
    pub fn drawn(&self) -> usize {
        self.trajectory.draw()
    }

    /// Position, log density and gradient where the transition ended.
    pub fn draw(&self) -> (&[f64], f64, &[f64]) {
        let (slots, draw) = (&self.trajectory.slots, self.trajectory.draw());
        (slots.model_position(draw), slots.log_density[draw], slots.model_gradient(draw))
    }

    /// Mean acceptance probability over the steps, and whether the transition diverged.
    pub fn acceptance(&self) -> (f64, bool) {
        let outcome = self.trajectory.outcome();
        (outcome.accept_stat, outcome.divergent)
    }
}
