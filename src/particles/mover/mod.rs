//! A block of a set's particles as a machine: it asks for their evaluations, meets the set's other blocks between stages,
//! and moves its particles.

mod flow;
mod hmc;
mod nuts;
mod store;
mod talk;
mod walk;

use super::course::{Action, Course, Order, Tally};
use super::normal::Normal;
use super::path::EXTRA;
use super::plan::{Kernel, Plan};
use super::scale::Scale;
use super::stages;
use crate::model::Block;
use crate::random::{LANES, MomentumLanes, ParticlePurpose, ParticleStreams, Stream};
use nuts::Nuts;
use serde::{Deserialize, Serialize};
use store::{Points, Store};

pub use talk::{Happening, StageRecord};

/// See the module's words.
#[derive(Serialize, Deserialize)]
pub struct Mover {
    plan: Plan,
    /// The set's id.
    id: u64,
    /// The block's number in its set.
    index: usize,
    course: Course,
    order: Order,
    /// Numbers taken from the last meeting, behind the order.
    taken: Vec<f64>,
    /// Moments of the block's particles, while the set meets for its scale.
    moments: Vec<f64>,
    store: Store,
    /// The points under way, one per chain, their log densities on the path and gradients (with kernels that have any).
    points: Points,
    values: Vec<f64>,
    gradients: Vec<f64>,
    /// Mean and spread of the set's particles.
    normal: Normal,
    block: Block,
    /// Where the points may go next.
    proposed: Vec<f64>,
    /// Standard normals behind the proposals; momenta.
    momenta: Vec<f64>,
    steps: Vec<f64>,
    /// Energies where trajectories began.
    energies: Vec<f64>,
    /// Trajectories that have met a point without a density.
    refused: Vec<bool>,
    leapfrog: u32,
    nuts: Option<Nuts>,
    lanes: MomentumLanes,
    stream: Stream,
    /// For what the model draws.
    model_stream: Stream,
    /// Moves so far.
    generation: u64,
    moved: usize,
    tally: Tally,
    /// Points refused in all of the set so far.
    all_refused: f64,
    meeting: u64,
    phase: Phase,
    waits: Waits,
    /// The last stage, whose moves are still under way.
    record: Option<StageRecord>,
    /// What is to be told before it goes on.
    news: Vec<Happening>,
}

/// What comes when the present ask is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    Fresh,
    /// The particles are being drawn.
    Drawing,
    /// State `.0` of all chains is being evaluated where a segment begins.
    Weighing(usize),
    /// At a meeting.
    Meeting,
    /// The order of the last meeting is to be followed.
    Ordered,
    /// The points are being evaluated where the path has come to.
    Refreshing,
    Moving,
    Over,
}

/// What it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Waits {
    Nothing,
    Block,
    Evaluation,
    Meeting,
    Event(Happening),
}

/// What the path has at a point.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Answer {
    value: f64,
    base: f64,
    increment: f64,
}

/// The answer with these extra numbers of a row's gradient; `None` where a move must not go.
fn check(log_density: Option<f64>, extra: &[f64]) -> Option<Answer> {
    let answer = Answer { value: log_density?, base: extra[1], increment: extra[0] };
    let below = |x: f64| x < f64::INFINITY;
    (below(answer.value) && below(answer.increment)).then_some(answer)
}

impl Mover {
    /// Block `index` of set `id`.
    pub fn new(plan: &Plan, id: u64, index: usize) -> Self {
        let (rows, dim) = (plan.rows(index).len(), plan.dim);
        let streams = ParticleStreams::new(plan.seed);
        let scale = if plan.is_dense() { Scale::dense_of(&vec![1.0; dim]) } else { Scale::identity(dim) };
        let gradients = if plan.kernel.has_gradient() { rows * dim } else { 0 };
        let course = stages::start(plan);
        let order = Order {
            action: Action::Again,
            course,
            at_end: false,
            ess: f64::NAN,
            acceptance: f64::NAN,
            refused: 0.0,
            ancestors: f64::NAN,
        };
        Self {
            id,
            index,
            course,
            order,
            taken: Vec::new(),
            moments: Vec::new(),
            store: Store::new(plan, index),
            points: Points::new(rows, dim),
            values: vec![0.0; rows],
            gradients: vec![0.0; gradients],
            normal: Normal::new(vec![0.0; dim], scale),
            block: Block::new(rows, dim + EXTRA, true, true),
            proposed: vec![0.0; rows * dim],
            momenta: vec![0.0; (rows * dim).next_multiple_of(LANES)],
            steps: vec![0.0; rows],
            energies: vec![0.0; rows],
            refused: vec![false; rows],
            leapfrog: 0,
            nuts: (plan.kernel == Kernel::Nuts).then(|| Nuts::new(plan)),
            lanes: streams.lanes_at(id, index as u64, 0),
            stream: streams.at(id, index as u64, 0, ParticlePurpose::Move),
            // Generation 0 of this purpose belongs to particles: see `draw_stream`.
            model_stream: streams.at(id, index as u64, 1, ParticlePurpose::Work),
            generation: 0,
            moved: 0,
            tally: Tally::default(),
            all_refused: 0.0,
            meeting: 0,
            phase: Phase::Fresh,
            waits: Waits::Nothing,
            record: None,
            news: Vec::new(),
            plan: plan.clone(),
        }
    }

    /// What row `row` of the block was answered, if a move may go there.
    #[inline]
    fn answer(&self, row: usize) -> Option<Answer> {
        check(self.block.log_density(row), &self.block.gradient(row)[self.plan.dim..])
    }

    /// Counts a proposal that was refused.
    #[cold]
    fn refuse(&mut self) {
        self.tally.refused += 1.0;
        self.tally.count(0.0);
    }

    /// Moves point `row` to its proposal with probability exp(gain), at most 1.
    #[inline]
    fn decide(&mut self, row: usize, gain: f64, answer: Answer) {
        let probability = if gain.is_nan() { 0.0 } else { super::exp::exp(gain.min(0.0)) };
        self.tally.count(probability);
        if self.stream.uniform() >= probability {
            return;
        }
        let dim = self.plan.dim;
        let at = row * dim..(row + 1) * dim;
        self.points.at_mut(row).copy_from_slice(&self.proposed[at.clone()]);
        (self.points.base[row], self.points.increment[row]) = (answer.base, answer.increment);
        self.values[row] = answer.value;
        if !self.gradients.is_empty() {
            self.gradients[at].copy_from_slice(&self.block.gradient(row)[..dim]);
        }
    }

    /// Draws standard normals for all coordinates of all points.
    fn normals(&mut self) {
        self.lanes.fill_normals(self.momenta.as_chunks_mut().0);
    }
}
