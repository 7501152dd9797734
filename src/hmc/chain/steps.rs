//! The steps between two requests: initial values, step-size search, transitions, warm-up.

use super::nearer::Verdict;
use super::{Chain, Failure, Request, State, Transition};
use crate::adapt::{Change, Lesson};
use crate::hmc::engine::{Engine, leapfrog_steps};
use crate::hmc::metric::Metric;
use crate::hmc::trajectory::Outcome;
use crate::model::{InitialValueReason, judge_initial, propose_initial, tries_again};

/// The step-size search looks for a step whose acceptance crosses this probability (Stan's number).
const SEARCH_ACCEPTANCE: f64 = 0.8;
/// A step size that can grow beyond this means an improper posterior (Stan's number).
const LARGEST_STEPSIZE: f64 = 1e7;

impl Chain {
    pub(super) fn propose_initial(&mut self, tries: u32) -> Request {
        self.state = State::Initial { tries };
        let slot = self.trajectory.free_pending();
        let (position, gradient) = self.trajectory.slots.start(slot);
        self.drawn_from = self.init_stream.clone();
        propose_initial(&self.start.0, self.settings.init_radius, &mut self.init_stream, position, gradient);
        Request::Evaluate
    }

    pub(super) fn judge_initial(&mut self, tries: u32, log_density: Option<f64>) -> Request {
        let slot = self.trajectory.pending();
        let gradient = self.trajectory.slots.model_gradient(slot);
        let reason = judge_initial(log_density, gradient);
        let tries = tries + 1;
        let verdict = self.look_at_initial(log_density, reason.as_ref());
        match (reason, log_density, verdict) {
            (None, Some(value), Verdict::Take) => self.begin_at(slot, value),
            (Some(reason), _, Verdict::Take)
                if !tries_again(&self.start.0, self.settings.init_radius, tries, &reason) =>
            {
                self.fail(Failure::InitialValue { tries, reason })
            }
            (_, _, Verdict::Return(stream)) => {
                self.init_stream = stream;
                self.propose_initial(tries)
            }
            _ => self.propose_initial(tries),
        }
    }

    /// What to do with an initial point, of which `reason` says what is wrong with it.
    fn look_at_initial(&mut self, log_density: Option<f64>, reason: Option<&InitialValueReason>) -> Verdict {
        let value = log_density.filter(|_| reason.is_none());
        let is_drawn = self.settings.init_radius > 0.0 && self.start.0.iter().any(|x| x.is_nan());
        let forgot = matches!(reason, Some(InitialValueReason::Unwritten { .. }));
        let is_far = value.is_some_and(|value| self.warmup.is_far(value));
        if is_drawn && !forgot && (is_far || self.nearer.keeps_one()) {
            self.nearer.look(value, is_far, &self.drawn_from)
        } else {
            Verdict::Take
        }
    }

    /// Begins at the initial point in `slot`.
    fn begin_at(&mut self, slot: usize, log_density: f64) -> Request {
        self.trajectory.slots.log_density[slot] = log_density;
        self.trajectory.set_draw(slot);
        self.begin_metric();
        self.trajectory.settle(&self.metric);
        self.start.0 = Vec::new();
        self.state = State::Idle;
        Request::Initialized
    }

    /// The metric that warm-up begins with, unless one was given.
    fn begin_metric(&mut self) {
        if !self.settings.metric_from_gradient {
            return;
        }
        let (slots, draw) = (&self.trajectory.slots, self.trajectory.draw());
        if let Some(inverse) = self.warmup.first(slots.log_density[draw], slots.model_gradient(draw))
            && let Ok(metric) = Metric::estimated(self.settings.dim, &inverse)
        {
            self.metric = metric;
        }
    }

    fn fail(&mut self, failure: Failure) -> Request {
        self.state = State::Ended;
        Request::Failed(failure)
    }

    /// Doubles or halves the step size until one step's acceptance crosses [`SEARCH_ACCEPTANCE`] (Hoffman and Gelman
    /// 2014, algorithm 4), with a fresh momentum for each try.
    pub(super) fn search_stepsize(&mut self) -> Request {
        self.state = State::Searching { grow: None };
        self.trajectory.probe(self.stepsize, &self.metric, &mut self.lanes);
        Request::Evaluate
    }

    pub(super) fn judge_probe(&mut self, grow: Option<bool>, log_density: Option<f64>) -> Request {
        let gain = self.trajectory.probe_energy_gain(log_density, &self.metric);
        let accepted = gain > libm::log(SEARCH_ACCEPTANCE);
        let grow = grow.unwrap_or(accepted);
        if accepted != grow {
            self.warmup.found(self.stepsize);
            return self.advance();
        }
        self.stepsize *= if grow { 2.0 } else { 0.5 };
        if self.stepsize > LARGEST_STEPSIZE {
            return self.fail(Failure::StepSizeTooLarge { stepsize: self.stepsize });
        }
        if self.stepsize == 0.0 {
            return self.fail(Failure::StepSizeTooSmall { iterations: self.iteration });
        }
        self.state = State::Searching { grow: Some(grow) };
        self.trajectory.probe(self.stepsize, &self.metric, &mut self.lanes);
        // A step that rounds to nothing would be accepted, and the chain would never move.
        if !grow && self.trajectory.probe_stands_still() {
            return self.fail(Failure::StepSizeTooSmall { iterations: self.iteration });
        }
        Request::Evaluate
    }

    /// Goes on after a draw, an initial point, the end of warm-up or a step-size search.
    pub(super) fn advance(&mut self) -> Request {
        if let Some(number) = self.meeting {
            self.state = State::Idle;
            return Request::Meet(number);
        }
        if self.update_metric() {
            return self.search_stepsize();
        }
        self.state = State::Idle;
        let Some(warmup_length) = self.warmup_length else {
            if self.warmup.is_over(self.iteration) {
                return self.end_warmup();
            }
            return self.set_out();
        };
        if self.iteration >= warmup_length.saturating_add(self.settings.num_samples) {
            self.state = State::Ended;
            return Request::Done;
        }
        self.set_out()
    }

    fn end_warmup(&mut self) -> Request {
        self.warmup_length = Some(self.iteration);
        self.trajectory.set_max_depth(self.settings.max_depth);
        if let Some(stepsize) = self.warmup.end() {
            self.stepsize = stepsize;
        }
        Request::WarmupDone
    }

    /// Begins the next transition.
    fn set_out(&mut self) -> Request {
        if !self.moves() {
            return self.draw_without_moving();
        }
        let jitter = self.settings.stepsize_jitter;
        let stepsize = if jitter > 0.0 {
            self.stepsize * (1.0 + jitter * (2.0 * self.sampler_stream.uniform_open() - 1.0))
        } else {
            self.stepsize
        };
        self.transition.stepsize = stepsize;
        if self.warmup_length.is_none() {
            self.trajectory.set_max_depth(self.warmup.depth(self.iteration, self.settings.max_depth));
        }
        self.state = State::Moving;
        let (metric, lanes) = (&self.metric, &mut self.lanes);
        match self.engine {
            Engine::Static { int_time } => {
                self.trajectory.start_fixed(stepsize, leapfrog_steps(int_time, self.stepsize), metric, lanes)
            }
            _ => self.trajectory.start(stepsize, metric, lanes, &mut self.sampler_stream),
        };
        Request::Evaluate
    }

    /// A model of dimension 0 has one point, as fixed parameters are; each iteration asks for its outputs. With fixed
    /// parameters all numbers of the sampler are 0, as in Stan.
    fn draw_without_moving(&mut self) -> Request {
        if self.engine != Engine::FixedParam {
            let log_density = self.trajectory.slots.log_density[self.trajectory.draw()];
            self.transition.log_density = log_density;
            self.transition.energy = -log_density;
            self.transition.accept_stat = 1.0;
        }
        self.transition.iteration = self.iteration;
        self.iteration += 1;
        Request::Draw
    }

    pub(super) fn complete_transition(&mut self) -> Request {
        let draw = self.trajectory.draw();
        let outcome = self.trajectory.outcome();
        self.transition = Transition {
            iteration: self.iteration,
            log_density: self.trajectory.slots.log_density[draw],
            accept_stat: outcome.accept_stat,
            stepsize: self.transition.stepsize,
            depth: outcome.depth,
            n_leapfrog: outcome.n_leapfrog,
            divergent: outcome.divergent,
            energy: self.trajectory.slots.energy[draw],
        };
        if self.warmup_length.is_none() {
            self.learn(&outcome);
        }
        self.iteration += 1;
        self.state = State::Idle;
        self.request = Request::Draw;
        Request::Draw
    }

    fn learn(&mut self, outcome: &Outcome) {
        let draw = self.trajectory.draw();
        let slots = &self.trajectory.slots;
        let (position, gradient) = (slots.model_position(draw), slots.model_gradient(draw));
        let &Outcome { accept_stat, divergent, .. } = outcome;
        let (iteration, log_density) = (self.iteration, slots.log_density[draw]);
        let lesson = Lesson { iteration, accept_stat, divergent, log_density, position, gradient };
        let Change { stepsize, metric, searches, meets, .. } = self.warmup.learn(lesson);
        self.stepsize = stepsize.unwrap_or(self.stepsize);
        self.new_metric = metric.map(|metric| (metric, searches));
        self.meeting = meets;
    }

    /// Takes the metric that warm-up has estimated; false when there is none, or the estimate is no metric.
    fn update_metric(&mut self) -> bool {
        let Some((inverse, searches)) = self.new_metric.take() else { return false };
        let Ok(metric) = Metric::estimated(self.settings.dim, &inverse) else { return false };
        self.use_metric(metric);
        searches
    }
}
