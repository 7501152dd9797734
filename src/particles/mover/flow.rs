//! What a block of particles does, from one ask to the next.

use super::{Happening, Mover, Phase, Waits};
use crate::model::Reply;
use crate::particles::course::{Action, Head, Order, Purpose};
use crate::particles::path::EXTRA;
use crate::particles::plan::Kernel;
use crate::particles::spread::Moments;
use crate::random::{ParticlePurpose, ParticleStreams};

impl Mover {
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
    pub(super) fn weigh(&mut self, state: usize) -> Waits {
        for row in 0..self.points.len() {
            let x = self.store.points.at(self.store.place(row, state));
            self.proposed[row * self.plan.dim..][..self.plan.dim].copy_from_slice(x);
        }
        self.phase = Phase::Weighing(state);
        self.ask_proposed(false)
    }

    /// Takes what was asked for by [`Mover::weigh`]. What the model refuses has no weight.
    pub(super) fn weighed(&mut self, state: usize) -> Waits {
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
    pub(super) fn follow(&mut self) -> Waits {
        let dim = self.plan.dim;
        match self.order.action {
            Action::Again => self.move_on(),
            Action::Extend => {
                self.store.log_weights.copy_from_slice(&self.taken);
                self.weigh(0)
            }
            Action::Move => {
                let (weights, rest) = self.taken.split_at(self.store.points.len());
                let (ancestors, rows) = rest.split_at(self.points.len());
                self.points.read(ancestors, rows);
                let particles = weights.iter().enumerate().map(|(i, w)| (self.store.points.at(i), *w));
                Moments::of(&self.plan, particles).write(&mut self.moments);
                self.meet()
            }
            Action::Scale => {
                self.normal.copy_from(&self.taken[..dim], &self.taken[dim..]);
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

    pub(super) fn refreshed(&mut self) -> Waits {
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
    pub(super) fn moving(&mut self, reply: Reply) -> Waits {
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
    pub(super) fn head(&self) -> Head {
        let purpose = match self.generation == 0 || self.plan.moves == 0 || self.is_moved() {
            _ if !self.moments.is_empty() => Purpose::Scaling,
            true => Purpose::Stage,
            false => Purpose::Tuning,
        };
        let moved_at_end = purpose == Purpose::Stage && self.order.at_end;
        Head { purpose, moved_at_end, course: self.course, tally: self.tally }
    }
}
