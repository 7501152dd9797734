//! The optimiser: initial point, directions, line searches as one state machine.

use super::hessian::Curvature;
use super::line_search::{LineSearch, Next};
use super::memory::Memory;
use super::pairs::Pairs;
use super::settings::OptimizerSettings;
use super::talk::{Convergence, Ending, Failure, Lacking, Passed, Point, Stuck};
use super::vectors::{add, dot, norm, subtract};
use crate::model::{judge_initial, propose_initial, tries_again};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// What it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum State {
    Fresh,
    /// The log density at an initial point.
    Initial {
        tries: u32,
    },
    /// The Hessian's block.
    Curving,
    /// The log density at a step.
    Searching,
    /// Somebody to see to this.
    Telling(Passed),
}

/// One start's optimiser as a plain value: it asks, a driver answers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Optimizer {
    pub(super) settings: OptimizerSettings,
    /// NaN where coordinates are to be drawn.
    start: Vec<f64>,
    pub(super) state: State,
    pub(super) current: Point,
    /// The step being tried.
    pub(super) trial: Point,
    /// The best step of the search so far.
    best: Point,
    /// The step of the last iteration and the change of the objective's gradient along it.
    pub(super) pair: [Vec<f64>; 2],
    pub(super) direction: Vec<f64>,
    pub(super) memory: Memory,
    search: LineSearch,
    /// The search goes along the gradient because nothing is known, or what was known failed.
    plain: bool,
    lacking: Option<Lacking>,
    /// The tolerance that the last iterations have met, and how many of them in a row.
    pub(super) held: Option<(Convergence, usize)>,
    /// The last iteration has hardly moved it.
    pub(super) stands: bool,
    /// How often what was known of the curvature was forgotten where a tolerance was met.
    pub(super) renewals: u32,
    /// How it will end, once the iteration that brought it has been seen to.
    ending: Option<Ending>,
    pub(super) iterations: usize,
    pub(super) evaluations: u64,
    init_stream: Stream,
    pub(super) model_stream: Stream,
}

impl Optimizer {
    /// One that has not asked anything yet. `start` has an entry for each coordinate; NaN is drawn.
    pub fn new(settings: OptimizerSettings, start: Vec<f64>) -> Self {
        let dim = settings.dim;
        assert_eq!(start.len(), dim, "one start value per coordinate");
        let stream = |purpose| Stream::new(settings.seed, settings.id, purpose);
        let point = || Point::new(dim);
        Self {
            state: State::Fresh,
            current: point(),
            trial: point(),
            best: point(),
            pair: [vec![0.0; dim], vec![0.0; dim]],
            direction: vec![0.0; dim],
            memory: Memory::new(&settings),
            search: LineSearch::new(0.0, 0.0, 0.0),
            plain: true,
            lacking: None,
            held: None,
            stands: false,
            renewals: 0,
            ending: None,
            iterations: 0,
            evaluations: 0,
            init_stream: stream(Purpose::Init),
            model_stream: stream(Purpose::Model),
            start,
            settings,
        }
    }

    /// The point passed last.
    pub fn point(&self) -> &Point {
        &self.current
    }

    /// What L-BFGS holds of its last steps; `None` with another algorithm.
    pub fn pairs(&self) -> Option<&Pairs> {
        if let Memory::Lbfgs(pairs) = &self.memory { Some(pairs) } else { None }
    }

    /// The step of the last iteration, and the change of the gradient of the negative log density along it, whether or not
    /// it went into [`Optimizer::pairs`]; zeros before.
    pub fn last_pair(&self) -> (&[f64], &[f64]) {
        (&self.pair[0], &self.pair[1])
    }

    /// Length of the last step as a multiple of the direction.
    pub fn alpha(&self) -> f64 {
        self.search.trial()
    }

    /// Iterations done.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Evaluations answered, those of blocks included.
    pub fn evaluations(&self) -> u64 {
        self.evaluations
    }

    /// What it was made from.
    pub fn settings(&self) -> &OptimizerSettings {
        &self.settings
    }

    pub(super) fn propose_initial(&mut self, tries: u32) {
        if tries == 0 && self.settings.jitter > 0.0 {
            let Self { start, init_stream, settings, .. } = self;
            start.iter_mut().filter(|x| !x.is_nan()).for_each(|x| *x += settings.jitter * init_stream.normal());
        }
        let Point { position, gradient, .. } = &mut self.trial;
        propose_initial(&self.start, self.settings.init_radius, &mut self.init_stream, position, gradient);
        self.state = State::Initial { tries };
    }

    pub(super) fn judge_initial(&mut self, tries: u32, log_density: Option<f64>) {
        let tries = tries + 1;
        match (judge_initial(log_density, &self.trial.gradient), log_density) {
            (None, Some(value)) => {
                self.trial.log_density = value;
                std::mem::swap(&mut self.trial, &mut self.current);
                self.state = State::Telling(Passed::Initial);
                self.ending = self.at_rest();
            }
            (Some(reason), _) if !tries_again(&self.start, self.settings.init_radius, tries, &reason) => {
                self.state = State::Telling(Passed::Failed(Failure::InitialValue { tries, reason }));
            }
            _ => self.propose_initial(tries),
        }
    }

    /// How it ends before its first iteration: where the gradient is nothing, or without iterations to do.
    fn at_rest(&self) -> Option<Ending> {
        let rest = norm(&self.current.gradient);
        match (rest == 0.0 || rest < self.settings.tolerances.gradient, self.settings.max_iterations) {
            (true, _) => Some(Ending::Converged(Convergence::Gradient)),
            (false, 0) => Some(Ending::IterationLimit),
            _ => None,
        }
    }

    /// The next iteration, or the end.
    pub(super) fn go_on(&mut self) {
        // Newton's method says of its last point, too, whether it is a mode.
        if let (Memory::Newton(newton), None | Some(Ending::Converged(_))) = (&mut self.memory, self.ending) {
            if !self.settings.hessian {
                newton.differences.ask(&self.current.position);
            }
            self.state = State::Curving;
            return;
        }
        match self.ending {
            Some(ending) => self.state = State::Telling(Passed::Ended(ending)),
            None => self.set_out(),
        }
    }

    /// The Hessian's block is answered, or the model has given it with this log density.
    pub(super) fn curve(&mut self, log_density: Option<f64>) {
        let Memory::Newton(newton) = &mut self.memory else { unreachable!("only Newton's method asks for a Hessian") };
        let gives = self.settings.hessian;
        let learned = match gives && log_density.is_none() {
            // The model has a density here, and refuses the Hessian of its first coordinate with all others.
            true => Err(0),
            false => newton.learn(self.settings.dim, gives),
        };
        self.evaluations += newton.differences.block().rows() as u64;
        let ending = match (learned, self.ending) {
            (Err(coordinate), _) => Some(Ending::NoHessian(coordinate)),
            (Ok(Curvature::Mode), ending) => ending,
            (Ok(no_mode), Some(_)) => Some(Ending::NoMode(no_mode)),
            (Ok(_), None) => None,
        };
        match ending {
            Some(ending) => self.state = State::Telling(Passed::Ended(ending)),
            None => self.set_out(),
        }
    }

    /// Begins a search along the direction that what is known makes of the gradient.
    fn set_out(&mut self) {
        self.plain = self.memory.is_empty();
        self.direction.copy_from_slice(&self.current.gradient);
        self.memory.multiply(&mut self.direction);
        let mut slope = -dot(&self.current.gradient, &self.direction);
        if !(slope < 0.0 && slope.is_finite()) {
            self.memory.clear();
            self.plain = true;
            self.direction.copy_from_slice(&self.current.gradient);
            slope = -dot(&self.current.gradient, &self.direction);
        }
        let first = if self.plain { self.settings.init_alpha } else { 1.0 };
        self.search = LineSearch::new(-self.current.log_density, slope, first);
        self.lacking = None;
        self.propose_step();
    }

    fn propose_step(&mut self) {
        self.trial.position.copy_from_slice(&self.current.position);
        add(&mut self.trial.position, self.search.trial(), &self.direction);
        // A step that rounds to nothing would be taken for one.
        if self.trial.position == self.current.position {
            return self.give_up();
        }
        self.state = State::Searching;
    }

    pub(super) fn judge_step(&mut self, log_density: Option<f64>) {
        let finite = self.trial.gradient.iter().all(|g| g.is_finite());
        let lacking = match log_density {
            None => Some(Lacking::Anything),
            Some(f64::INFINITY) => return self.state = State::Telling(Passed::Ended(Ending::Unbounded)),
            Some(f64::NEG_INFINITY) => Some(Lacking::Support),
            Some(value) if value.is_nan() => Some(Lacking::Number),
            Some(_) if !finite => Some(Lacking::Gradient),
            Some(_) => None,
        };
        self.lacking = lacking.or(self.lacking);
        self.trial.log_density = log_density.unwrap_or(f64::NAN);
        let slope = -dot(&self.trial.gradient, &self.direction);
        let value = if lacking.is_none() { -self.trial.log_density } else { f64::NAN };
        match self.search.answer(value, slope) {
            Next::Try { keep } => {
                if keep {
                    std::mem::swap(&mut self.best, &mut self.trial);
                }
                self.propose_step();
            }
            Next::Take => self.take(),
            Next::Settle { keep } => {
                if !keep {
                    std::mem::swap(&mut self.best, &mut self.trial);
                }
                self.settle();
            }
            Next::GiveUp => self.give_up(),
        }
    }

    /// No step was any good: once more along the gradient, for what is known of the curvature may be wrong. Where the log
    /// density has met a tolerance already, there is no more to be had.
    fn give_up(&mut self) {
        if let Some((met, _)) = self.held {
            if self.begins_anew() {
                return self.set_out();
            }
            return self.state = State::Telling(Passed::Ended(Ending::Converged(met)));
        }
        if !self.plain && !self.search.is_at_rounding() {
            self.memory.clear();
            return self.set_out();
        }
        let stuck = match self.lacking {
            Some(lacking) if !self.search.met_finite() => Stuck::NotFinite(lacking),
            _ => Stuck::NoProgress,
        };
        self.state = State::Telling(Passed::Ended(Ending::LineSearch(stuck)));
    }

    /// The trial is the next point, though no good one: what is known of the curvature is not to be trusted. Where nothing
    /// was, or rounding hides what steps are good for, this is the last one.
    fn settle(&mut self) {
        let last = self.plain || self.search.is_at_rounding();
        self.take();
        self.memory.clear();
        if last && self.ending.is_none() {
            let stuck = Ending::LineSearch(Stuck::NoProgress);
            self.ending = Some(self.held.map_or(stuck, |(met, _)| Ending::Converged(met)));
        }
    }

    /// The trial is the next point.
    fn take(&mut self) {
        let [step, change] = &mut self.pair;
        subtract(&self.trial.position, &self.current.position, step);
        subtract(&self.current.gradient, &self.trial.gradient, change);
        std::mem::swap(&mut self.trial, &mut self.current);
        self.memory.push(&self.pair[0], &self.pair[1]);
        self.iterations += 1;
        self.ending = self.judge();
        self.state = State::Telling(Passed::Iteration);
    }
}
