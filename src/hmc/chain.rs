//! The chain: initial point, step-size search, warm-up and sampling as one state machine.

use super::metric::Metric;
use super::trajectory::{Step, Trajectory};
use crate::adapt::{Adaptation, Covariance, DualAveraging, Estimator, Schedule, Variances};
use crate::random::{MomentumLanes, Purpose, Stream};
use serde::{Deserialize, Serialize};

/// Tries of random initial values before a chain gives up (Stan's number).
pub const INIT_TRIES: u32 = 100;
/// The step-size search looks for a step whose acceptance crosses this probability (Stan's number).
const SEARCH_ACCEPTANCE: f64 = 0.8;
/// A step size that can grow beyond this means an improper posterior (Stan's number).
const LARGEST_STEPSIZE: f64 = 1e7;

/// What a chain is made from. Two chains with equal settings and equal replies give the same bits.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChainSettings {
    /// Seed of the run.
    pub seed: u64,
    /// Id of the chain.
    pub chain_id: u64,
    /// Number of coordinates.
    pub dim: usize,
    /// Warm-up iterations.
    pub num_warmup: usize,
    /// Iterations after warm-up.
    pub num_samples: usize,
    /// Inverse metric at the start.
    pub metric: Metric,
    /// Step size at the start.
    pub stepsize: f64,
    /// Relative half-width of the uniform jitter of the step size.
    pub stepsize_jitter: f64,
    /// Most doublings of a trajectory.
    pub max_depth: u32,
    /// Energy error above which a trajectory is divergent.
    pub max_energy_error: f64,
    /// `None`: step size and metric stay as given.
    pub adaptation: Option<Adaptation>,
    /// Initial values not given are uniform on (-radius, radius).
    pub init_radius: f64,
    /// Keep each draw's momentum, for the diagnostic output; costs two more vectors.
    pub keep_momentum: bool,
}

impl ChainSettings {
    /// What else of these settings must agree with the `other` ones so that a chain made from these may go on in a run of
    /// those: the first thing that differs, its value here and there. The number of samples may change. Metrics are
    /// compared by [`Metric::fingerprint`].
    fn misfit(&self, metric: u32, other: &Self) -> Option<(&'static str, String, String)> {
        let theirs = other.fields(other.metric.fingerprint());
        let pairs = self.fields(metric).into_iter().zip(theirs);
        pairs.map(|((name, mine), (_, theirs))| (name, mine, theirs)).find(|(_, mine, theirs)| mine != theirs)
    }

    fn fields(&self, metric: u32) -> Vec<(&'static str, String)> {
        vec![
            ("seed", self.seed.to_string()),
            ("chain id", self.chain_id.to_string()),
            ("dimension", self.dim.to_string()),
            ("num_warmup", self.num_warmup.to_string()),
            ("initial metric", format!("one with checksum {metric:08x}")),
            ("stepsize", self.stepsize.to_string()),
            ("stepsize_jitter", self.stepsize_jitter.to_string()),
            ("max_depth", self.max_depth.to_string()),
            ("max_energy_error", self.max_energy_error.to_string()),
            ("adaptation", format!("{:?}", self.adaptation)),
            ("init_radius", self.init_radius.to_string()),
            ("diagnostic output", self.keep_momentum.to_string()),
        ]
    }
}

/// Where a chain starts: one value per coordinate; NaN is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start(pub Vec<f64>);

/// The answer to a [`Request`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reply {
    /// To everything but [`Request::Evaluate`]: go on.
    Continue,
    /// The log density at the position asked for; its gradient was written into the slice given.
    LogDensity(f64),
    /// The model refused the position.
    Rejected,
}

/// What a chain asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Evaluate at [`Chain::evaluation`], then [`Reply::LogDensity`] or [`Reply::Rejected`].
    Evaluate,
    /// The initial point was found; it is [`Chain::position`].
    Initialized,
    /// A transition is complete: [`Chain::transition`], [`Chain::position`].
    Draw,
    /// Warm-up is over: [`Chain::stepsize`] and [`Chain::metric`] are final. Comes once, also without warm-up.
    WarmupDone,
    /// All iterations are done.
    Done,
    /// The chain cannot go on.
    Failed(Failure),
}

/// Why a chain cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum Failure {
    /// No initial point was accepted.
    #[error("no usable initial value after {tries} {}; the last one was rejected because {reason}", if *.tries == 1 { "try" } else { "tries" })]
    InitialValue {
        /// How many were tried.
        tries: u32,
        /// What was wrong with the last one.
        reason: InitialValueReason,
    },
    /// The step-size search never found a rejected step.
    #[error("the posterior seems improper: steps of size {stepsize} are still accepted; check the model")]
    StepSizeTooLarge {
        /// The last step size tried.
        stepsize: f64,
    },
    /// The step-size search never found an accepted step.
    #[error(
        "no step size is small enough to be accepted; the log density or its gradient may be wrong or discontinuous at the initial value"
    )]
    StepSizeTooSmall,
}

/// What was wrong with an initial value.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
pub enum InitialValueReason {
    /// The model refused the point.
    #[error("the model refused it")]
    Refused,
    /// The log density is not a finite number.
    #[error("its log density is {0}")]
    LogDensity(f64),
    /// An element of the gradient is not a finite number.
    #[error("element {index} of its gradient is {value}")]
    Gradient {
        /// Which element, from 0.
        index: usize,
        /// Its value.
        value: f64,
    },
}

/// One transition's report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// Number of the iteration, from 0, warm-up included.
    pub iteration: usize,
    /// Log density of the draw.
    pub log_density: f64,
    /// Mean acceptance probability over the trajectory's points.
    pub accept_stat: f64,
    /// Step size used (jittered); NaN for a model of dimension 0.
    pub stepsize: f64,
    /// Completed doublings.
    pub depth: u32,
    /// Leapfrog steps, one gradient each.
    pub n_leapfrog: u64,
    /// True when the trajectory diverged.
    pub divergent: bool,
    /// Total energy of the draw.
    pub energy: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    Fresh,
    Initial {
        tries: u32,
    },
    Moving,
    /// Trying step sizes; `grow` is known after the first try.
    Searching {
        grow: Option<bool>,
    },
    /// Waiting for a reply to anything but an evaluation.
    Idle,
    Ended,
}

/// A Markov chain as a plain value: it asks, a driver answers.
#[derive(Clone, Serialize, Deserialize)]
pub struct Chain {
    /// Without the metric, which lives on in `metric` only.
    settings: ChainSettings,
    initial_metric: u32,
    /// Emptied once the initial point is found.
    start: Start,
    state: State,
    request: Request,
    trajectory: Trajectory,
    metric: Metric,
    stepsize: f64,
    averaging: Option<DualAveraging>,
    schedule: Schedule,
    estimator: Estimator,
    metric_due: bool,
    warmup_done: bool,
    iteration: usize,
    transition: Transition,
    warmup_evaluations: u64,
    sampling_evaluations: u64,
    init_stream: Stream,
    sampler_stream: Stream,
    outputs_stream: Stream,
    model_stream: Stream,
    lanes: MomentumLanes,
}

impl Chain {
    /// A chain that has not asked anything yet; call [`Chain::resume`] with [`Reply::Continue`]. All its memory is
    /// allocated here. `start` must have `settings.dim` entries.
    pub fn new(mut settings: ChainSettings, start: Start) -> Self {
        assert_eq!(start.0.len(), settings.dim, "one start value per coordinate");
        let metric = std::mem::replace(&mut settings.metric, Metric::unit());
        let stream = |purpose| Stream::new(settings.seed, settings.chain_id, purpose);
        let dim = settings.dim;
        let adaptation = settings.adaptation.filter(|_| settings.num_warmup > 0 && dim > 0);
        let schedule = match adaptation {
            Some(a) => Schedule::new(settings.num_warmup, a.init_buffer, a.term_buffer, a.window),
            None => Schedule::new(0, 0, 0, 0),
        };
        let estimator = match (schedule.ends().is_empty(), metric.kind()) {
            (true, _) | (_, super::MetricKind::Unit) => Estimator::None,
            (_, super::MetricKind::Diag) => Estimator::Diag(Variances::new(dim)),
            (_, super::MetricKind::Dense) => Estimator::Dense(Covariance::new(dim)),
        };
        let dense = metric.kind() == super::MetricKind::Dense;
        Self {
            state: State::Fresh,
            request: Request::Evaluate,
            trajectory: Trajectory::new(
                dim,
                dense,
                settings.max_depth,
                settings.max_energy_error,
                settings.keep_momentum,
            ),
            initial_metric: metric.fingerprint(),
            metric,
            stepsize: settings.stepsize,
            averaging: adaptation.map(|a| DualAveraging::new(a, settings.stepsize)),
            schedule,
            estimator,
            metric_due: false,
            warmup_done: false,
            iteration: 0,
            transition: Transition {
                iteration: 0,
                log_density: 0.0,
                accept_stat: 0.0,
                stepsize: f64::NAN,
                depth: 0,
                n_leapfrog: 0,
                divergent: false,
                energy: 0.0,
            },
            warmup_evaluations: 0,
            sampling_evaluations: 0,
            init_stream: stream(Purpose::Init),
            sampler_stream: stream(Purpose::Sampler),
            outputs_stream: stream(Purpose::Outputs),
            model_stream: stream(Purpose::Model),
            lanes: MomentumLanes::new(settings.seed, settings.chain_id),
            settings,
            start,
        }
    }

    /// Takes the reply to the last request and returns the next. After [`Request::Done`] or [`Request::Failed`] it
    /// returns the same again.
    ///
    /// # Panics
    /// When the reply does not fit the request.
    #[inline]
    pub fn resume(&mut self, reply: Reply) -> Request {
        if self.state == State::Moving {
            // The hot path: one leapfrog step.
            self.count_evaluation();
            let log_density = log_density(reply);
            return match self.trajectory.resume(log_density, &self.metric, &mut self.sampler_stream) {
                Step::Evaluate => Request::Evaluate,
                Step::Complete => self.complete_transition(),
            };
        }
        self.request = self.resume_slow(reply);
        self.request.clone()
    }

    fn resume_slow(&mut self, reply: Reply) -> Request {
        match self.state {
            State::Fresh => {
                assert_eq!(reply, Reply::Continue, "a fresh chain has asked nothing");
                self.propose_initial(0)
            }
            State::Initial { tries } => {
                self.count_evaluation();
                self.judge_initial(tries, log_density(reply))
            }
            State::Searching { grow } => {
                self.count_evaluation();
                self.judge_probe(grow, log_density(reply))
            }
            State::Idle => {
                assert_eq!(reply, Reply::Continue, "the last request was not an evaluation");
                match self.request {
                    Request::Initialized if self.averaging.is_some() => self.search_stepsize(),
                    _ => self.advance(),
                }
            }
            State::Ended => self.request.clone(),
            State::Moving => unreachable!("handled by the caller"),
        }
    }

    /// The last request, still to be answered by [`Chain::resume`]; `None` before the first call. A driver goes on with
    /// it after reading a chain back.
    pub fn request(&self) -> Option<Request> {
        match self.state {
            State::Fresh => None,
            State::Initial { .. } | State::Moving | State::Searching { .. } => Some(Request::Evaluate),
            State::Idle | State::Ended => Some(self.request.clone()),
        }
    }

    /// The position to evaluate, where to write its gradient, and the stream for what the model draws.
    #[inline]
    pub fn evaluation(&mut self) -> (&[f64], &mut [f64], &mut Stream) {
        let (position, gradient) = self.trajectory.slots.evaluation(self.trajectory.pending());
        (position, gradient, &mut self.model_stream)
    }

    /// The current draw (or initial point) and the stream for its outputs.
    pub fn draw(&mut self) -> (&[f64], &mut Stream) {
        (self.trajectory.slots.model_position(self.trajectory.draw()), &mut self.outputs_stream)
    }

    /// The current draw (or initial point).
    pub fn position(&self) -> &[f64] {
        self.trajectory.slots.model_position(self.trajectory.draw())
    }

    /// Gradient of the log density at the current draw.
    pub fn gradient(&self) -> &[f64] {
        self.trajectory.slots.model_gradient(self.trajectory.draw())
    }

    /// Writes the momentum the current draw was reached with; false unless [`ChainSettings::keep_momentum`].
    pub fn momentum(&self, out: &mut [f64]) -> bool {
        self.trajectory.draw_momentum(&self.metric, out)
    }

    /// Report of the last transition.
    pub fn transition(&self) -> &Transition {
        &self.transition
    }

    /// The nominal step size.
    pub fn stepsize(&self) -> f64 {
        if self.settings.dim == 0 { f64::NAN } else { self.stepsize }
    }

    /// The inverse metric in use.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// Iterations done, warm-up included.
    pub fn iterations(&self) -> usize {
        self.iteration
    }

    /// Gradient evaluations answered before and after the end of warm-up.
    pub fn evaluations(&self) -> (u64, u64) {
        (self.warmup_evaluations, self.sampling_evaluations)
    }

    /// What the chain was made from, but for the metric: see [`Chain::metric`].
    pub fn settings(&self) -> &ChainSettings {
        &self.settings
    }

    /// The first thing in which `settings` differ from those the chain was made from, its value then and now; `None` when
    /// the chain may go on in a run of `settings`. The number of samples may differ.
    pub fn misfit(&self, settings: &ChainSettings) -> Option<(&'static str, String, String)> {
        self.settings.misfit(self.initial_metric, settings)
    }

    /// Changes the number of iterations after warm-up of a chain that goes on.
    pub fn set_num_samples(&mut self, num_samples: usize) {
        self.settings.num_samples = num_samples;
        if self.request == Request::Done && self.state == State::Ended {
            self.state = State::Idle;
        }
    }

    /// Bytes the chain takes in memory, its vectors included.
    pub fn bytes(&self) -> usize {
        let estimator = match self.estimator {
            Estimator::None => 0,
            Estimator::Diag(_) => 2 * self.settings.dim,
            Estimator::Dense(_) => (self.settings.dim + 2) * self.settings.dim,
        };
        let numbers = estimator + self.start.0.capacity();
        size_of::<Self>() + self.trajectory.bytes() + self.metric.bytes() + size_of::<f64>() * numbers
    }

    #[inline]
    fn count_evaluation(&mut self) {
        if self.warmup_done {
            self.sampling_evaluations += 1;
        } else {
            self.warmup_evaluations += 1;
        }
    }

    fn propose_initial(&mut self, tries: u32) -> Request {
        self.state = State::Initial { tries };
        let slot = self.trajectory.free_pending();
        let radius = self.settings.init_radius;
        let position = self.trajectory.slots.model_position_mut(slot);
        for (x, given) in position.iter_mut().zip(&self.start.0) {
            *x = if given.is_nan() { self.init_stream.uniform_between(-radius, radius) } else { *given };
        }
        Request::Evaluate
    }

    fn judge_initial(&mut self, tries: u32, log_density: Option<f64>) -> Request {
        let slot = self.trajectory.pending();
        let gradient = self.trajectory.slots.model_gradient(slot);
        let reason = match log_density {
            None => Some(InitialValueReason::Refused),
            Some(value) if !value.is_finite() => Some(InitialValueReason::LogDensity(value)),
            Some(_) => gradient
                .iter()
                .position(|g| !g.is_finite())
                .map(|index| InitialValueReason::Gradient { index, value: gradient[index] }),
        };
        let tries = tries + 1;
        let random = self.settings.init_radius > 0.0 && self.start.0.iter().any(|x| x.is_nan());
        match (reason, log_density) {
            (None, Some(value)) => {
                self.trajectory.slots.log_density[slot] = value;
                self.trajectory.set_draw(slot);
                self.trajectory.settle(&self.metric);
                self.start.0 = Vec::new();
                self.state = State::Idle;
                Request::Initialized
            }
            (Some(reason), _) if tries == INIT_TRIES || !random => self.fail(Failure::InitialValue { tries, reason }),
            _ => self.propose_initial(tries),
        }
    }

    fn fail(&mut self, failure: Failure) -> Request {
        self.state = State::Ended;
        Request::Failed(failure)
    }

    /// Doubles or halves the step size until one step's acceptance crosses [`SEARCH_ACCEPTANCE`] (Hoffman and Gelman
    /// 2014, algorithm 4), with a fresh momentum for each try.
    fn search_stepsize(&mut self) -> Request {
        self.state = State::Searching { grow: None };
        self.trajectory.probe(self.stepsize, &self.metric, &mut self.lanes);
        Request::Evaluate
    }

    fn judge_probe(&mut self, grow: Option<bool>, log_density: Option<f64>) -> Request {
        let gain = self.trajectory.probe_energy_gain(log_density, &self.metric);
        let accepted = gain > libm::log(SEARCH_ACCEPTANCE);
        let grow = grow.unwrap_or(accepted);
        if accepted != grow {
            if let Some(averaging) = &mut self.averaging {
                averaging.restart(self.stepsize);
            }
            return self.advance();
        }
        self.stepsize *= if grow { 2.0 } else { 0.5 };
        if self.stepsize > LARGEST_STEPSIZE {
            return self.fail(Failure::StepSizeTooLarge { stepsize: self.stepsize });
        }
        if self.stepsize == 0.0 {
            return self.fail(Failure::StepSizeTooSmall);
        }
        self.state = State::Searching { grow: Some(grow) };
        self.trajectory.probe(self.stepsize, &self.metric, &mut self.lanes);
        // A step that rounds to nothing would be accepted, and the chain would never move.
        if !grow && self.trajectory.probe_stands_still() {
            return self.fail(Failure::StepSizeTooSmall);
        }
        Request::Evaluate
    }

    /// Goes on after a draw, an initial point, the end of warm-up or a step-size search.
    fn advance(&mut self) -> Request {
        if self.metric_due {
            self.metric_due = false;
            if self.update_metric() {
                return self.search_stepsize();
            }
        }
        self.state = State::Idle;
        if self.iteration >= self.settings.num_warmup && !self.warmup_done {
            self.warmup_done = true;
            if let Some(stepsize) = self.averaging.as_ref().and_then(DualAveraging::average) {
                self.stepsize = stepsize;
            }
            self.averaging = None;
            self.estimator = Estimator::None;
            return Request::WarmupDone;
        }
        if self.iteration >= self.settings.num_warmup.saturating_add(self.settings.num_samples) {
            self.state = State::Ended;
            return Request::Done;
        }
        if self.settings.dim == 0 {
            return self.draw_without_moving();
        }
        let jitter = self.settings.stepsize_jitter;
        let stepsize = if jitter > 0.0 {
            self.stepsize * (1.0 + jitter * (2.0 * self.sampler_stream.uniform_open() - 1.0))
        } else {
            self.stepsize
        };
        self.transition.stepsize = stepsize;
        self.state = State::Moving;
        self.trajectory.start(stepsize, &self.metric, &mut self.lanes, &mut self.sampler_stream);
        Request::Evaluate
    }

    /// A model of dimension 0 has one point; each iteration asks for its outputs.
    fn draw_without_moving(&mut self) -> Request {
        let log_density = self.trajectory.slots.log_density[self.trajectory.draw()];
        self.transition.log_density = log_density;
        self.transition.energy = -log_density;
        self.transition.accept_stat = 1.0;
        self.transition.iteration = self.iteration;
        self.iteration += 1;
        Request::Draw
    }

    fn complete_transition(&mut self) -> Request {
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
        if !self.warmup_done {
            self.learn(outcome.accept_stat);
        }
        self.iteration += 1;
        self.state = State::Idle;
        self.request = Request::Draw;
        Request::Draw
    }

    fn learn(&mut self, accept_stat: f64) {
        let Some(averaging) = &mut self.averaging else { return };
        self.stepsize = averaging.learn(accept_stat);
        if self.schedule.collects(self.iteration) {
            let draw = self.trajectory.draw();
            self.estimator.add(self.trajectory.slots.model_position(draw));
        }
        self.metric_due = self.schedule.updates_after(self.iteration);
    }

    /// Takes the window's estimate; false when there is none (unit metric, or an estimate that is no metric).
    fn update_metric(&mut self) -> bool {
        let dim = self.settings.dim;
        let metric = match &mut self.estimator {
            Estimator::None => return false,
            Estimator::Diag(variances) => {
                let mut new = vec![0.0; dim];
                variances.take(&mut new).then(|| Metric::diag(&new))
            }
            Estimator::Dense(covariance) => {
                let mut new = vec![0.0; dim * dim];
                covariance.take(&mut new).then(|| Metric::dense(dim, &new))
            }
        };
        match metric {
            Some(Ok(metric)) => {
                self.metric = metric;
                self.trajectory.settle(&self.metric);
                true
            }
            _ => false,
        }
    }
}

/// The log density in a reply to an evaluation.
#[inline]
fn log_density(reply: Reply) -> Option<f64> {
    match reply {
        Reply::LogDensity(value) => Some(value),
        Reply::Rejected => None,
        Reply::Continue => panic!("an evaluation must be answered with a log density or a rejection"),
    }
}
