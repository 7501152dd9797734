//! The chain: initial point, step-size search, warm-up and sampling as one state machine.

mod machine;
mod nearer;
mod settings;
mod shape;
mod sound;
mod steps;
mod talk;

use super::engine::Engine;
use super::metric::Metric;
use super::trajectory::{Step, Trajectory};
use crate::adapt::{InverseMetric, SetOutAnew, Warmup};
use crate::error::Error;
use crate::model::{Reply, open, seal};
use crate::random::{MomentumLanes, Purpose, Stream};
use serde::{Deserialize, Serialize};

use nearer::Nearer;
pub use settings::{ChainSettings, Start};
pub use talk::{Failure, Request, Transition};

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
    engine: Engine,
    initial_metric: u32,
    /// Emptied once the initial point is found.
    start: Start,
    state: State,
    request: Request,
    trajectory: Trajectory,
    metric: Metric,
    stepsize: f64,
    warmup: Warmup,
    /// Takes effect once the draw that brought it has been seen to; whether a step size is then searched for.
    new_metric: Option<(InverseMetric, bool)>,
    /// Comes once the draw that brought it has been seen to.
    meeting: Option<u64>,
    /// The chain was apart from the others when they last met.
    apart: bool,
    /// The chain lingered where next to nothing is, and set out from another one's draw.
    anew: Option<SetOutAnew>,
    /// Iterations of warm-up, once it is over.
    warmup_length: Option<usize>,
    iteration: usize,
    transition: Transition,
    warmup_evaluations: u64,
    sampling_evaluations: u64,
    init_stream: Stream,
    /// Where that stream was before the present initial point was drawn.
    drawn_from: Stream,
    nearer: Nearer,
    sampler_stream: Stream,
    outputs_stream: Stream,
    model_stream: Stream,
    lanes: MomentumLanes,
}

impl Chain {
    /// A NUTS chain that has not asked anything yet; call [`Chain::resume`] with [`Reply::Continue`]. All its memory is
    /// allocated here, but for that of a metric of another shape, which warm-up may come to under
    /// [`crate::adapt::MetricKind::Auto`]. `start` must have `settings.dim` entries.
    pub fn new(settings: ChainSettings, start: Start) -> Self {
        Self::with_engine(settings, Engine::Nuts, start)
    }

    /// As [`Chain::new`], moved by `engine`. [`Engine::Static`] has no use for `settings.max_depth`; [`Engine::FixedParam`]
    /// uses seed, id, number of samples and initial values only.
    pub fn with_engine(mut settings: ChainSettings, engine: Engine, start: Start) -> Self {
        assert_eq!(start.0.len(), settings.dim, "one start value per coordinate");
        let metric = std::mem::replace(&mut settings.metric, Metric::unit());
        let stream = |purpose| Stream::new(settings.seed, settings.chain_id, purpose);
        let dim = settings.dim;
        let moves = dim > 0 && engine != Engine::FixedParam;
        let warmup = match settings.adaptation.filter(|_| moves) {
            Some(options) => {
                Warmup::windows(settings.num_warmup, options, settings.stepsize, settings.metric_kind, dim)
            }
            None => Warmup::fixed(settings.num_warmup),
        };
        let levels = settings.levels(engine);
        Self {
            state: State::Fresh,
            request: Request::Evaluate,
            trajectory: Trajectory::new(
                dim,
                metric.coordinates(),
                levels,
                settings.max_energy_error,
                settings.keep_momentum,
            ),
            initial_metric: metric.fingerprint(),
            metric,
            stepsize: settings.stepsize,
            warmup,
            new_metric: None,
            meeting: None,
            apart: false,
            anew: None,
            warmup_length: None,
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
            drawn_from: stream(Purpose::Init),
            nearer: Nearer::default(),
            sampler_stream: stream(Purpose::Sampler),
            outputs_stream: stream(Purpose::Outputs),
            model_stream: stream(Purpose::Model),
            lanes: MomentumLanes::new(settings.seed, settings.chain_id),
            settings,
            engine,
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
            let (metric, stream) = (&self.metric, &mut self.sampler_stream);
            let step = match self.engine {
                Engine::Static { .. } => self.trajectory.resume_fixed(log_density, metric, stream),
                _ => self.trajectory.resume(log_density, metric, stream),
            };
            return match step {
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
                    Request::Initialized if self.warmup.searches() => self.search_stepsize(),
                    Request::Meet(_) => {
                        self.meeting = None;
                        self.advance()
                    }
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

    /// The nominal step size; NaN for a chain that never moves.
    pub fn stepsize(&self) -> f64 {
        if self.moves() { self.stepsize } else { f64::NAN }
    }

    /// The target of the acceptance statistic, as far as warm-up has raised it; `None` where the step size stays as it was given.
    pub fn delta(&self) -> Option<f64> {
        self.warmup.delta()
    }

    /// False when every iteration only draws outputs anew: without coordinates, or with fixed parameters.
    pub fn moves(&self) -> bool {
        self.settings.dim > 0 && self.engine != Engine::FixedParam
    }

    /// What moves the chain.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The inverse metric in use.
    pub fn metric(&self) -> &Metric {
        &self.metric
    }

    /// Iterations done, warm-up included.
    pub fn iterations(&self) -> usize {
        self.iteration
    }

    /// Iterations of warm-up once it is over, `None` before.
    pub fn warmup_length(&self) -> Option<usize> {
        self.warmup_length
    }

    /// Gradient evaluations answered before and after the end of warm-up.
    pub fn evaluations(&self) -> (u64, u64) {
        (self.warmup_evaluations, self.sampling_evaluations)
    }

    /// What the chain was made from, but for the metric: see [`Chain::metric`].
    pub fn settings(&self) -> &ChainSettings {
        &self.settings
    }

    /// The first thing in which `engine` and `settings` differ from those the chain was made from, its value then and now;
    /// `None` when the chain may go on in a run of these. The number of samples may differ.
    pub fn misfit(&self, engine: Engine, settings: &ChainSettings) -> Option<(&'static str, String, String)> {
        if self.engine != engine {
            return Some(("engine", format!("{:?}", self.engine), format!("{engine:?}")));
        }
        self.settings.misfit(self.initial_metric, settings)
    }

    /// Changes the number of iterations after warm-up of a chain that goes on.
    pub fn set_num_samples(&mut self, num_samples: usize) {
        self.settings.num_samples = num_samples;
        if self.request == Request::Done && self.state == State::Ended {
            self.state = State::Idle;
        }
    }

    /// The whole chain as bytes, at any point between two calls of [`Chain::resume`].
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(self)
    }

    /// Reads a chain back; it goes on with the same bits, its last request still unanswered.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        open(bytes)
    }

    /// Bytes the chain takes in memory, its vectors included.
    pub fn bytes(&self) -> usize {
        let numbers = self.warmup.numbers() + self.start.0.capacity();
        size_of::<Self>() + self.trajectory.bytes() + self.metric.bytes() + size_of::<f64>() * numbers
    }

    #[inline]
    fn count_evaluation(&mut self) {
        if self.warmup_length.is_some() {
            self.sampling_evaluations += 1;
        } else {
            self.warmup_evaluations += 1;
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
