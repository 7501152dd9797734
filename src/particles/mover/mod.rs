//! A block of a set's particles as a machine: it asks for their evaluations, meets the set's other blocks between stages,
//! and moves its particles.

mod hmc;
mod nuts;
mod store;
mod talk;
mod walk;

use super::course::{Action, Course, Head, Order, Tally};
use super::normal::Normal;
use super::path::EXTRA;
use super::plan::{Kernel, Plan};
use super::scale::Scale;
use super::stages;
use crate::model::{Block, Reply};
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
        let order =
            Order { action: Action::Again, course, at_end: false, ess: f64::NAN, acceptance: f64::NAN, refused: 0.0 };
        Self {
            id,
            index,
            course,
            order,
            taken: Vec::new(),
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

    /// Asks for the block's rows at the proposals, where the path has come to.
    fn ask_proposed(&mut self, gradient: bool) -> Waits {
        let (dim, course) = (self.plan.dim, self.course);
        let extra = [course.segment as f64, course.share, f64::from(u8::from(gradient))];
        let rows = self.block.positions_mut().chunks_exact_mut(dim + EXTRA);
        for (row, x) in rows.zip(self.proposed.chunks_exact(dim)) {
            row[..dim].copy_from_slice(x);
            row[dim..].copy_from_slice(&extra);
        }
        self.block.ask();
        Waits::Block
    }

    /// Asks for state `state` of every chain where the segment begins.
    fn weigh(&mut self, state: usize) -> Waits {
        for row in 0..self.points.len() {
            let x = self.store.points.at(self.store.place(row, state));
            self.proposed[row * self.plan.dim..][..self.plan.dim].copy_from_slice(x);
        }
        self.phase = Phase::Weighing(state);
        self.ask_proposed(false)
    }

    /// Takes what was asked for by [`Mover::weigh`]. What the model refuses has no weight.
    fn weighed(&mut self, state: usize) -> Waits {
        let dim = self.plan.dim;
        for row in 0..self.points.len() {
            let at = self.store.place(row, state);
            let answered = self.block.log_density(row);
            let (increment, base) = (self.block.gradient(row)[dim], self.block.gradient(row)[dim + 1]);
            if answered.is_none() || base == f64::NEG_INFINITY {
                self.tally.refused += 1.0;
                (self.store.points.base[at], self.store.points.increment[at]) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
                continue;
            }
            if let Some(invalid) = self.invalid(self.plan.rows(self.index).start * self.plan.keep + at, base, increment)
            {
                return invalid;
            }
            (self.store.points.base[at], self.store.points.increment[at]) = (base, increment);
        }
        if state + 1 < self.plan.keep { self.weigh(state + 1) } else { self.meet() }
    }

    /// A particle without numbers for what the path has there ends the set.
    fn invalid(&mut self, particle: usize, base: f64, increment: f64) -> Option<Waits> {
        if base.is_finite() && increment < f64::INFINITY {
            return None;
        }
        self.phase = Phase::Over;
        Some(Waits::Event(Happening::Invalid { particle, base, increment }))
    }

    fn meet(&mut self) -> Waits {
        self.phase = Phase::Meeting;
        self.meeting += 1;
        Waits::Meeting
    }

    /// Follows the order of the last meeting.
    fn follow(&mut self) -> Waits {
        let dim = self.plan.dim;
        match self.order.action {
            Action::Again => self.move_on(),
            Action::Extend => {
                self.store.log_weights.copy_from_slice(&self.taken);
                self.weigh(0)
            }
            Action::Move => {
                let scale = dim + Scale::len(dim, self.plan.is_dense());
                self.normal.copy_from(&self.taken[..dim], &self.taken[dim..scale]);
                self.points.read(&self.taken[scale..]);
                self.moved = 0;
                if self.plan.moves > 0 && self.plan.refreshes() {
                    self.proposed.copy_from_slice(&self.points.x);
                    self.phase = Phase::Refreshing;
                    return self.ask_proposed(self.plan.kernel.has_gradient());
                }
                for row in 0..self.points.len() {
                    self.values[row] = self.points.value(row, self.course.share);
                }
                self.begin_moves()
            }
            Action::Finish => {
                self.store.log_weights.copy_from_slice(&self.taken);
                self.end()
            }
            Action::Lost | Action::Stalled | Action::Broken => self.end(),
        }
    }

    fn end(&mut self) -> Waits {
        self.phase = Phase::Over;
        let Order { action, course, .. } = self.order;
        Waits::Event(Happening::End { action, course, refused: self.all_refused })
    }

    fn refreshed(&mut self) -> Waits {
        let dim = self.plan.dim;
        for row in 0..self.points.len() {
            let value = self.block.log_density(row).unwrap_or(f64::NAN);
            let (increment, base) = (self.block.gradient(row)[dim], self.block.gradient(row)[dim + 1]);
            let base = if value.is_nan() { value } else { base };
            if let Some(invalid) = self.invalid(self.points.family[row] as usize, base, increment) {
                return invalid;
            }
            self.values[row] = value;
            (self.points.base[row], self.points.increment[row]) = (base, increment);
            if !self.gradients.is_empty() {
                let g = &self.block.gradient(row)[..dim];
                self.gradients[row * dim..][..dim].copy_from_slice(g);
            }
        }
        self.begin_moves()
    }

    /// The chains' first states are there.
    fn begin_moves(&mut self) -> Waits {
        if self.plan.keep > 1 || self.plan.moves == 0 {
            self.store.keep(&self.points, 0);
        }
        if self.plan.moves == 0 { self.meet() } else { self.move_on() }
    }

    /// Begins a move of all points.
    fn move_on(&mut self) -> Waits {
        self.generation += 1;
        let (streams, block) = (ParticleStreams::new(self.plan.seed), self.index as u64);
        self.lanes = streams.lanes_at(self.id, block, self.generation);
        self.stream = streams.at(self.id, block, self.generation, ParticlePurpose::Move);
        self.phase = Phase::Moving;
        let log_step = self.course.log_step;
        match self.plan.kernel {
            Kernel::RandomWalk | Kernel::Independent => {
                self.propose(log_step);
                self.ask_proposed(false)
            }
            Kernel::Hmc => {
                self.set_out(log_step);
                self.ask_proposed(true)
            }
            Kernel::Nuts => {
                self.set_out_alone(log_step);
                Waits::Evaluation
            }
        }
    }

    /// Takes what a move has asked for.
    fn moving(&mut self, reply: Reply) -> Waits {
        match self.plan.kernel {
            Kernel::RandomWalk | Kernel::Independent => self.judge(),
            Kernel::Hmc => {
                if self.step() {
                    return self.ask_proposed(true);
                }
            }
            Kernel::Nuts => {
                let log_density = if let Reply::LogDensity(value) = reply { Some(value) } else { None };
                if self.step_alone(log_density) {
                    return Waits::Evaluation;
                }
            }
        }
        self.moved += 1;
        if self.plan.keep > 1 {
            self.store.keep(&self.points, self.moved);
        } else if self.is_moved() {
            self.store.keep(&self.points, 0);
        }
        self.meet()
    }

    /// Whether the moves of a stage are done.
    fn is_moved(&self) -> bool {
        self.moved == self.plan.moves
    }

    /// What this block brings to a meeting.
    fn head(&self) -> Head {
        let stages = self.generation == 0 || self.plan.moves == 0 || self.is_moved();
        let moved_at_end = stages && self.order.at_end;
        Head { stages, moved_at_end, course: self.course, tally: self.tally }
    }
}
