//! The machine: a start, a step size, the ascent, draws.

mod steps;
mod talk;

use super::ascent::{Changes, Steps};
use super::average::Average;
use super::natural::Strides;
use super::start::StartSearch;
use super::{Approximation, Bound, Draws};
use crate::model::{Ask, Block, Machine, Reply};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

pub use talk::{AdviSettings, Ended, Happening, VariationalFailure};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    Fresh,
    Starting,
    FirstBound,
    /// Trying the step size of this place among all.
    Tuning(usize),
    TuningBound(usize),
    Climbing,
    Estimating,
    /// Estimating the bound of the average, which has this error.
    LastBound(f64, bool),
    Drawing,
    /// An event is out; this comes after it.
    Told(After),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum After {
    Begin,
    Climb,
    Draw,
    Row(usize),
    Nothing,
}

/// One fit. It asks for blocks: the draws of a gradient, those of an estimate of the bound, those in the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Advi {
    settings: AdviSettings,
    state: State,
    event: Option<Happening>,
    start: StartSearch,
    approximation: Approximation,
    steps: Steps,
    changes: Changes,
    /// Of the iterates, after the first estimate of the bound.
    average: Option<Average>,
    eta: f64,
    first_bound: f64,
    /// The bound with the step size tried last, and that step size.
    best: (f64, f64),
    gradient: Vec<f64>,
    gradient_draws: Draws,
    /// Whitened, of log p - log q at each draw.
    own: Vec<f64>,
    strides: Strides,
    /// The next draws for a gradient mirror the last ones; the last ones did.
    mirrors: bool,
    mirrored: bool,
    /// Of gradients' draws since the last estimate of the bound: all, those with a density, sum of their log ratios.
    passed: (usize, usize, f64),
    /// The normals of each row of `gradient_draws`; of the last row alone for other draws.
    normals: Vec<f64>,
    tries: u32,
    bound_draws: Draws,
    draws: Draws,
    last: Bound,
    dropped: u64,
    evaluations: [u64; 2],
    stream: Stream,
    model_stream: Stream,
    outputs_stream: Stream,
}

impl Advi {
    /// A fit that begins at `start`, NaN where a coordinate is to be drawn. Most of its memory is allocated here.
    pub fn new(settings: AdviSettings, start: Vec<f64>) -> Self {
        let dim = start.len();
        let stream = |purpose| Stream::new(settings.seed, settings.id, purpose);
        let approximation = Approximation::at(settings.family, &vec![0.0; dim]);
        let parameters = approximation.parameters.len();
        Self {
            state: State::Fresh,
            event: None,
            start: StartSearch::new(settings.seed, settings.id, settings.init_radius, start),
            steps: Steps::new(parameters),
            average: None,
            changes: Changes::new(settings.iterations / settings.eval_elbo),
            eta: settings.eta,
            first_bound: f64::NEG_INFINITY,
            best: (f64::NEG_INFINITY, 0.0),
            gradient: vec![0.0; parameters],
            gradient_draws: Draws::new(settings.grad_samples, dim, true),
            own: vec![0.0; settings.grad_samples * dim],
            strides: Strides::new(&approximation, if settings.adapt_iterations == 0 { settings.eta } else { 1.0 }),
            mirrors: false,
            mirrored: false,
            passed: (0, 0, 0.0),
            approximation,
            normals: vec![0.0; settings.grad_samples * dim],
            tries: 0,
            bound_draws: Draws::new(settings.elbo_samples, dim, false),
            draws: Draws::new(settings.output_draws, dim, false),
            last: Bound { elbo: f64::NEG_INFINITY, dropped: 0 },
            dropped: 0,
            evaluations: [0; 2],
            stream: stream(Purpose::Sampler),
            model_stream: stream(Purpose::Model),
            outputs_stream: stream(Purpose::Outputs),
            settings,
        }
    }

    /// The normal distribution as it is now.
    pub fn approximation(&self) -> &Approximation {
        &self.approximation
    }

    /// Where it began.
    pub fn start(&self) -> &[f64] {
        self.start.position()
    }

    /// The draws in the end, and the stream for their outputs.
    pub fn draws(&mut self) -> (&Draws, &mut Stream) {
        (&self.draws, &mut self.outputs_stream)
    }

    /// The mean, and the stream for its outputs.
    pub fn mean(&mut self) -> (&[f64], &mut Stream) {
        (self.approximation.mean(), &mut self.outputs_stream)
    }

    /// Steps of the ascent; of a step size's trial, before it.
    pub fn iterations(&self) -> usize {
        self.steps.taken()
    }

    /// The step size.
    pub fn eta(&self) -> f64 {
        self.eta
    }

    /// The last estimate of the bound.
    pub fn bound(&self) -> Bound {
        self.last
    }

    /// Draws without finite log density, or gradient where that was wanted, so far; those in the end are not among them.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Evaluations so far, with gradient and without.
    pub fn evaluations(&self) -> [u64; 2] {
        self.evaluations
    }
}

impl Machine for Advi {
    type Event = Happening;

    fn id(&self) -> u64 {
        self.settings.id
    }

    fn resume(&mut self, reply: Reply) -> Ask<Happening> {
        assert_eq!(reply, Reply::Continue, "it asks for blocks and events only");
        match self.state {
            State::Fresh => {
                self.state = State::Starting;
                self.start.propose();
                self.evaluations[0] += 1;
                Ask::EvaluateBlock
            }
            State::Starting => match self.start.judge() {
                Err(failure) => self.fail(VariationalFailure::Start(failure)),
                Ok(true) => self.tell(Happening::Initialized, After::Begin),
                Ok(false) => {
                    self.evaluations[0] += 1;
                    Ask::EvaluateBlock
                }
            },
            State::FirstBound => match self.judge_bound() {
                Bound { elbo: f64::NEG_INFINITY, .. } => {
                    self.fail(VariationalFailure::FirstBound { draws: self.settings.elbo_samples })
                }
                bound => {
                    self.first_bound = bound.elbo;
                    self.tune(0)
                }
            },
            State::Tuning(place) => {
                // Where no draw has a gradient the step size is too large, which its bound will tell.
                if !self.judge_gradient() {
                    self.gradient.fill(0.0);
                }
                self.step();
                match self.steps.taken() == self.settings.adapt_iterations {
                    true => self.ask_bound(State::TuningBound(place)),
                    false => self.ask_gradient(State::Tuning(place)),
                }
            }
            State::TuningBound(place) => self.tuned(place),
            State::Climbing => self.climbed(),
            State::Estimating => {
                let bound = self.judge_bound();
                self.estimated(bound)
            }
            State::LastBound(error, enough) => {
                self.last = self.judge_bound();
                self.tell(Happening::Averaged { error, enough }, After::Draw)
            }
            State::Drawing => self.tell(Happening::Drawn, After::Row(0)),
            State::Told(After::Begin) => self.begin(),
            State::Told(After::Climb) => self.go_on(),
            State::Told(After::Draw) => self.ask_draws(),
            State::Told(After::Row(row)) => match row < self.draws.rows() {
                true => self.tell(Happening::Row(row), After::Row(row + 1)),
                false => self.tell(Happening::Done, After::Nothing),
            },
            State::Told(After::Nothing) => Ask::Event(self.event.clone().expect("it has told how it ended")),
        }
    }

    fn asked(&self) -> Option<Ask<Happening>> {
        match self.state {
            State::Fresh => None,
            State::Told(_) => self.event.clone().map(Ask::Event),
            _ => Some(Ask::EvaluateBlock),
        }
    }

    fn progress(&self) -> f64 {
        match self.state {
            State::Climbing | State::Estimating | State::Told(After::Climb) => {
                self.steps.taken() as f64 / self.settings.iterations.max(1) as f64
            }
            State::Drawing | State::Told(After::Draw | After::Row(_) | After::Nothing) => 1.0,
            _ => 0.0,
        }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        let block = match self.state {
            State::Starting => &mut self.start.block,
            State::Tuning(_) | State::Climbing => &mut self.gradient_draws.block,
            State::Drawing => &mut self.draws.block,
            _ => &mut self.bound_draws.block,
        };
        (block, &mut self.model_stream)
    }
}
