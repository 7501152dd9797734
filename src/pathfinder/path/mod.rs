//! One path as a machine: an optimiser's points, a normal distribution at each, the best of them, draws.

mod race;
mod talk;

use super::PathNormal;
use super::covariance::Steps;
use crate::model::{Ask, Block, Evaluation, Machine, Reply};
use crate::optimize::{Ending, Optimizer, Passed};
use crate::random::{Purpose, Stream};
use crate::variational::{Bound, Draws};
use serde::{Deserialize, Serialize};

use race::Race;
pub use talk::{Found, PathFailure, PathSettings, Waypoint};

/// Standard deviation of what is added to a start where the gradient is nothing: without a step nothing is known of the
/// curvature.
const NUDGE: f64 = 0.1;

/// Steps that a covariance is made from, as a multiple of those that the optimiser holds: what it needs for a direction is less
/// than what tells the posterior's shape.
pub(crate) const STEPS_PER_HISTORY: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum State {
    /// The optimiser is asked.
    Following,
    /// The bound at the point passed last, by its first draws.
    Judging,
    /// The bounds of the points that may be the best, by all draws.
    Deciding,
    Drawing,
    /// An event is out; this comes after it.
    Told(After),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum After {
    Follow,
    Decide,
    Row(usize),
    Nothing,
}

/// One path. It asks what its optimiser asks, and for blocks of draws: at each point, and in the end.
#[derive(Clone, Serialize, Deserialize)]
pub struct Path {
    settings: PathSettings,
    state: State,
    event: Option<Waypoint>,
    optimizer: Optimizer,
    /// The optimiser began anew beside a start without a gradient.
    nudged: bool,
    steps: Steps,
    race: Race,
    best: Option<Found>,
    /// How the optimiser ended, once it has.
    ending: Option<Ending>,
    draws: Draws,
    /// The log density was asked for at the draws.
    evaluated: bool,
    /// Points without an approximation, because the steps' curvature gives none.
    unfit: usize,
    /// Gradients of an optimiser that was begun anew.
    gradients: u64,
    outputs_stream: Stream,
}

impl Path {
    /// A path that begins at `start`, NaN where a coordinate is to be drawn.
    pub fn new(settings: PathSettings, start: Vec<f64>) -> Self {
        let dim = start.len();
        let (seed, id) = (settings.optimizer.seed, settings.optimizer.id);
        Self {
            state: State::Told(After::Nothing),
            event: None,
            nudged: false,
            steps: Steps::new(dim, settings.optimizer.history.saturating_mul(STEPS_PER_HISTORY)),
            race: Race::new(settings.bound_draws, dim, Stream::new(seed, id, Purpose::Sampler)),
            best: None,
            ending: None,
            draws: Draws::new(settings.draws, dim, false),
            evaluated: false,
            unfit: 0,
            gradients: 0,
            outputs_stream: Stream::new(seed, id, Purpose::Outputs),
            optimizer: Optimizer::new(settings.optimizer.clone(), start),
            settings,
        }
    }

    /// The optimiser, at the point that it passed last.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// The best approximation, once the path is over.
    pub fn best(&self) -> Option<&Found> {
        self.best.as_ref()
    }

    /// How the optimiser ended, once it has.
    pub fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// The draws in the end, and the stream for their outputs.
    pub fn draws(&mut self) -> (&Draws, &mut Stream) {
        (&self.draws, &mut self.outputs_stream)
    }

    /// Draws for bounds without a finite log density.
    pub fn dropped(&self) -> u64 {
        self.race.dropped()
    }

    /// Evaluations so far, with gradient and without.
    pub fn evaluations(&self) -> [u64; 2] {
        let drawn = if self.evaluated { self.draws.rows() as u64 } else { 0 };
        [self.gradients + self.optimizer.evaluations(), self.race.densities() + drawn]
    }

    fn tell(&mut self, event: Waypoint, after: After) -> Ask<Waypoint> {
        self.state = State::Told(after);
        self.event = Some(event.clone());
        Ask::Event(event)
    }

    /// What the optimiser asks next.
    fn follow(&mut self, reply: Reply) -> Ask<Waypoint> {
        self.state = State::Following;
        match self.optimizer.resume(reply) {
            Ask::Event(Passed::Initial) => self.tell(Waypoint::Initialized, After::Follow),
            Ask::Event(Passed::Iteration) => {
                let (s, z) = self.optimizer.last_pair();
                self.steps.add(s, z);
                self.judge()
            }
            Ask::Event(Passed::Ended(ending)) => self.ended(ending),
            Ask::Event(Passed::Failed(failure)) => {
                self.tell(Waypoint::Failed(PathFailure::Start(failure)), After::Nothing)
            }
            Ask::Evaluate => Ask::Evaluate,
            Ask::EvaluateBlock | Ask::Meet(_) => unreachable!("L-BFGS asks for one evaluation at a time"),
        }
    }

    /// Asks for the draws that tell whether this point may be the best.
    fn judge(&mut self) -> Ask<Waypoint> {
        let (point, iteration) = (self.optimizer.point(), self.optimizer.iterations());
        let Some(normal) = PathNormal::new(&self.steps, &point.position, &point.gradient) else {
            self.unfit += 1;
            return self.tell(Waypoint::Unfit { iteration }, After::Follow);
        };
        self.race.pass(iteration, normal);
        self.state = State::Judging;
        Ask::EvaluateBlock
    }

    /// The draws at a point are answered.
    fn judged(&mut self) -> Ask<Waypoint> {
        let Bound { elbo, dropped } = self.race.passed();
        let (iteration, draws) = (self.optimizer.iterations(), self.race.first().rows());
        let after = if self.ending.is_some() { After::Decide } else { After::Follow };
        self.tell(Waypoint::Estimated { iteration, elbo, draws, dropped }, after)
    }

    /// The optimiser has ended. Where it took no step, it begins anew beside its start, or the start itself must do.
    fn ended(&mut self, ending: Ending) -> Ask<Waypoint> {
        let stood = self.optimizer.iterations() == 0;
        if stood && ending.is_converged() && !self.nudged {
            self.nudged = true;
            self.gradients += self.optimizer.evaluations();
            let mut settings = self.settings.optimizer.clone();
            settings.jitter = NUDGE;
            self.optimizer = Optimizer::new(settings, self.optimizer.point().position.clone());
            return self.tell(Waypoint::Nudged, After::Follow);
        }
        self.ending = Some(ending);
        if stood { self.judge() } else { self.decide() }
    }

    /// The path is over: asks for the draws that tell which of its points is the best.
    fn decide(&mut self) -> Ask<Waypoint> {
        if !self.race.finish() {
            return self.found();
        }
        self.state = State::Deciding;
        Ask::EvaluateBlock
    }

    /// Draws of the best approximation, or none.
    fn found(&mut self) -> Ask<Waypoint> {
        let ending = self.ending.expect("the optimiser has ended");
        let iterations = self.optimizer.iterations();
        let (best, mut stream) = self.race.best();
        let Some(best) = best else {
            let failure = PathFailure::NoBound { iterations, unfit: self.unfit, dropped: self.race.dropped(), ending };
            return self.tell(Waypoint::Failed(failure), After::Nothing);
        };
        self.draws.redraw(|_, x| best.normal.draw(&mut stream, x));
        self.best = Some(best);
        if !self.settings.evaluates {
            return self.tell(Waypoint::Drawn, After::Row(0));
        }
        self.evaluated = true;
        self.state = State::Drawing;
        Ask::EvaluateBlock
    }

    fn told(&mut self, after: After) -> Ask<Waypoint> {
        match after {
            After::Follow if self.ending.is_some() => self.decide(),
            After::Follow => self.follow(Reply::Continue),
            After::Decide => self.decide(),
            After::Row(row) if row < self.draws.rows() => self.tell(Waypoint::Row(row), After::Row(row + 1)),
            After::Row(_) => self.tell(Waypoint::Done, After::Nothing),
            After::Nothing => match self.event.clone() {
                None => self.follow(Reply::Continue),
                Some(event) => Ask::Event(event),
            },
        }
    }
}

impl Machine for Path {
    type Event = Waypoint;

    fn id(&self) -> u64 {
        self.settings.optimizer.id
    }

    fn resume(&mut self, reply: Reply) -> Ask<Waypoint> {
        match self.state {
            State::Following => self.follow(reply),
            State::Judging => self.judged(),
            State::Deciding => {
                self.race.finished();
                self.found()
            }
            State::Drawing => self.tell(Waypoint::Drawn, After::Row(0)),
            State::Told(after) => self.told(after),
        }
    }

    fn asked(&self) -> Option<Ask<Waypoint>> {
        match self.state {
            State::Following => Some(Ask::Evaluate),
            State::Judging | State::Deciding | State::Drawing => Some(Ask::EvaluateBlock),
            State::Told(_) => self.event.clone().map(Ask::Event),
        }
    }

    fn progress(&self) -> f64 {
        if self.ending.is_some() { 1.0 } else { self.optimizer.progress() }
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        self.optimizer.evaluation()
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        let draws = match self.state {
            State::Drawing => &mut self.draws,
            State::Deciding => self.race.rest(),
            _ => self.race.first(),
        };
        // The model draws from one stream, whatever is evaluated.
        (&mut draws.block, self.optimizer.evaluation().stream)
    }
}
