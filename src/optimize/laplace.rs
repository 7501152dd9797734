//! The normal distribution at a mode, and draws from it.

use super::hessian::{Curvature, Differences, Eigen, check_finite};
use super::vectors::{add, dot, norm};
use crate::model::{Ask, Block, Evaluation, Machine, Reply};
use crate::random::{Purpose, Stream};
use serde::{Deserialize, Serialize};

/// Largest rise of the log density from a point that counts as its mode to that of the normal distribution there: a mode
/// that was written with few digits is one, a point a seventh of a standard deviation away is not.
const MOST_RISE: f64 = 0.01;
/// Most draws that are evaluated as one block.
const MOST_ROWS: usize = 1000;

/// Everything a [`Laplace`] is made from besides the mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaplaceSettings {
    /// Its id, from 1: its streams.
    pub id: u64,
    /// Seed of the streams.
    pub seed: u64,
    /// Whether the log density includes the Jacobian of the transforms.
    pub jacobian: bool,
    /// Whether the model itself gives the Hessian; else it is made of differences of gradients.
    pub hessian: bool,
    /// Draws.
    pub draws: usize,
    /// Whether the log density is evaluated at the draws.
    pub evaluates: bool,
}

/// What a [`Laplace`] tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// The normal distribution is known.
    Fitted,
    /// The next draw is there, [`Laplace::draw`].
    Draw,
    /// All draws are told.
    Done,
    /// The point is no mode.
    Failed(LaplaceFailure),
}

/// Why there is no normal distribution at a point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum LaplaceFailure {
    /// The model refused the point.
    #[error("the model has no log density at the mode given")]
    Refused,
    /// Log density or gradient are not finite.
    #[error("the log density at the mode given is {0}, or its gradient is not finite")]
    NotFinite(f64),
    /// The Hessian is not known.
    #[error(
        "the Hessian at the mode is not known: beside it, along coordinate {coordinate}, the model has no log density or gradient"
    )]
    NoHessian {
        /// Which, from 0.
        coordinate: usize,
    },
    /// The Hessian is that of no mode.
    #[error("the point given is no mode: {0}")]
    NoMode(Curvature),
    /// The log density rises from there.
    #[error(
        "the point given is no mode: the gradient's norm is {norm}, and the log density rises by about {rise} nearby"
    )]
    Gradient {
        /// Norm of the gradient.
        norm: f64,
        /// Rise to the normal distribution's own mode.
        rise: f64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum State {
    Fresh,
    /// The log density at the mode, with the Hessian where the model gives it.
    Looking,
    /// The Hessian's block.
    Curving,
    /// The block of draws.
    Drawing,
    Telling(Told),
}

/// The normal distribution at a mode as a plain value: it asks for the Hessian, then for the log density at its draws.
#[derive(Clone, Serialize, Deserialize)]
pub struct Laplace {
    settings: LaplaceSettings,
    state: State,
    mode: Vec<f64>,
    gradient: Vec<f64>,
    log_density: f64,
    differences: Differences,
    hessian: Vec<f64>,
    /// The Hessian has been read, if from points that are not the best.
    known: bool,
    eigen: Option<Eigen>,
    /// Log of the normal density at its mode.
    log_peak: f64,
    normals: Vec<f64>,
    block: Block,
    log_q: Vec<f64>,
    /// Draws of earlier blocks, and of this one, that were told.
    before: usize,
    row: usize,
    evaluations: [u64; 2],
    sampler_stream: Stream,
    model_stream: Stream,
    outputs_stream: Stream,
}

impl Laplace {
    /// One at `mode`, which has asked nothing yet.
    pub fn new(settings: LaplaceSettings, mode: Vec<f64>) -> Self {
        let dim = mode.len();
        let rows = settings.draws.min(MOST_ROWS);
        let stream = |purpose| Stream::new(settings.seed, settings.id, purpose);
        Self {
            state: State::Fresh,
            gradient: vec![0.0; dim],
            log_density: f64::NAN,
            // The model's own needs no points.
            differences: Differences::new(if settings.hessian { 0 } else { dim }, settings.jacobian),
            hessian: vec![0.0; dim * dim],
            known: false,
            eigen: None,
            log_peak: f64::NAN,
            normals: vec![0.0; dim],
            block: Block::new(rows, dim, false, settings.jacobian),
            log_q: vec![0.0; rows],
            before: 0,
            row: 0,
            evaluations: [0; 2],
            sampler_stream: stream(Purpose::Sampler),
            model_stream: stream(Purpose::Model),
            outputs_stream: stream(Purpose::Outputs),
            mode,
            settings,
        }
    }

    /// The mode; from [`Told::Fitted`] on that of the log density's second-order expansion at the one given.
    pub fn mode(&self) -> &[f64] {
        &self.mode
    }

    /// The log density at the mode.
    pub fn log_density(&self) -> f64 {
        self.log_density
    }

    /// Standard deviations of the coordinates; empty before [`Told::Fitted`].
    pub fn sd(&self) -> Vec<f64> {
        let Some(eigen) = &self.eigen else { return Vec::new() };
        let mut variances = vec![0.0; self.mode.len()];
        eigen.add_squares(|value| value.recip(), &mut variances);
        variances.into_iter().map(f64::sqrt).collect()
    }

    /// Evaluations answered, with gradient and without.
    pub fn evaluations(&self) -> [u64; 2] {
        self.evaluations
    }

    /// Draws told, the one of [`Told::Draw`] included.
    pub fn told(&self) -> usize {
        self.before + self.row
    }

    /// For [`Told::Draw`]: the log density there (-inf where it was refused, NaN where it was not wanted), the normal's own, the position and the
    /// stream for its outputs.
    pub fn draw(&mut self) -> (f64, f64, &[f64], &mut Stream) {
        let row = self.row - 1;
        let log_p = match self.settings.evaluates {
            true => self.block.log_density(row).unwrap_or(f64::NEG_INFINITY),
            false => f64::NAN,
        };
        (log_p, self.log_q[row], self.block.position(row), &mut self.outputs_stream)
    }

    fn fail(&mut self, failure: LaplaceFailure) {
        self.state = State::Telling(Told::Failed(failure));
    }

    fn look(&mut self, log_density: Option<f64>) {
        self.evaluations[0] += 1;
        let Some(value) = log_density else { return self.fail(LaplaceFailure::Refused) };
        if !value.is_finite() || self.gradient.iter().any(|g| !g.is_finite()) {
            return self.fail(LaplaceFailure::NotFinite(value));
        }
        self.log_density = value;
        match (self.settings.hessian, check_finite(self.mode.len(), &self.hessian)) {
            (false, _) => self.curve(),
            (true, Ok(())) => self.fit(),
            (true, Err(coordinate)) => self.fail(LaplaceFailure::NoHessian { coordinate }),
        }
    }

    fn curve(&mut self) {
        self.differences.ask(&self.mode);
        self.state = State::Curving;
    }

    /// The Hessian's block is answered.
    fn curved(&mut self) {
        self.evaluations[0] += self.differences.block().rows() as u64;
        let mut hessian = vec![0.0; self.hessian.len()];
        let read = self.differences.read(&mut hessian);
        let again = self.differences.refine(read.map(|()| &hessian[..]));
        match read {
            Ok(()) => (self.hessian, self.known) = (hessian, true),
            Err(coordinate) if !again && !self.known => return self.fail(LaplaceFailure::NoHessian { coordinate }),
            Err(_) => {}
        }
        if again { self.curve() } else { self.fit() }
    }

    fn fit(&mut self) {
        let eigen = Eigen::new(self.mode.len(), &self.hessian);
        let curvature = eigen.curvature();
        if curvature != Curvature::Mode {
            return self.fail(LaplaceFailure::NoMode(curvature));
        }
        let mut step = self.gradient.clone();
        eigen.newton(&mut step);
        let rise = 0.5 * dot(&step, &self.gradient);
        if rise > MOST_RISE {
            return self.fail(LaplaceFailure::Gradient { norm: norm(&self.gradient), rise });
        }
        // The mode of the second-order expansion, which for a normal density is the mode to rounding however few digits came.
        add(&mut self.mode, 1.0, &step);
        let log_values: f64 = eigen.values().iter().map(|value| libm::log(*value)).sum();
        self.log_peak = 0.5 * (log_values - self.mode.len() as f64 * libm::log(std::f64::consts::TAU));
        self.eigen = Some(eigen);
        self.state = State::Telling(Told::Fitted);
    }

    /// The next block of draws, or the end.
    fn draw_on(&mut self) {
        self.before += self.row;
        self.row = 0;
        let rows = (self.settings.draws - self.before).min(self.block.rows());
        let eigen = self.eigen.as_ref().expect("it is fitted");
        if rows == 0 {
            self.state = State::Telling(Told::Done);
            return;
        }
        if rows < self.block.rows() {
            self.block = Block::new(rows, self.mode.len(), false, self.settings.jacobian);
        }
        let positions = self.block.positions_mut().chunks_exact_mut(self.mode.len());
        for (position, log_q) in positions.zip(&mut self.log_q) {
            self.normals.iter_mut().for_each(|z| *z = self.sampler_stream.normal());
            position.copy_from_slice(&self.mode);
            // By the symmetric root, which changes little with the Hessian, as eigenvectors of like eigenvalues do not.
            eigen.combine(|vector, value| dot(vector, &self.normals) / value.sqrt(), position);
            *log_q = self.log_peak - 0.5 * dot(&self.normals, &self.normals);
        }
        if self.settings.evaluates {
            self.block.ask();
            self.state = State::Drawing;
        } else {
            self.tell();
        }
    }

    /// The next draw, or what comes after the last of a block.
    fn tell(&mut self) {
        if self.row < self.block.rows() {
            self.row += 1;
            self.state = State::Telling(Told::Draw);
        } else {
            self.draw_on();
        }
    }

    fn ask(&self) -> Ask<Told> {
        match &self.state {
            State::Fresh => unreachable!("it has asked"),
            State::Looking => Ask::Evaluate,
            State::Curving | State::Drawing => Ask::EvaluateBlock,
            State::Telling(told) => Ask::Event(told.clone()),
        }
    }
}

impl Machine for Laplace {
    type Event = Told;

    fn id(&self) -> u64 {
        self.settings.id
    }

    /// After [`Told::Done`] or [`Told::Failed`] it returns the same again.
    fn resume(&mut self, reply: Reply) -> Ask<Told> {
        match (&self.state, reply) {
            (State::Fresh, Reply::Continue) => self.state = State::Looking,
            (State::Looking, Reply::LogDensity(value)) => self.look(Some(value)),
            (State::Looking, Reply::Rejected) => self.look(None),
            (State::Curving, Reply::Continue) => self.curved(),
            (State::Drawing, Reply::Continue) => {
                self.evaluations[1] += self.block.rows() as u64;
                self.tell();
            }
            (State::Telling(Told::Fitted), Reply::Continue) => self.draw_on(),
            (State::Telling(Told::Draw), Reply::Continue) => self.tell(),
            (State::Telling(Told::Done | Told::Failed(_)), Reply::Continue) => {}
            (state, reply) => panic!("{reply:?} is no answer to a machine in {state:?}"),
        }
        self.ask()
    }

    fn asked(&self) -> Option<Ask<Told>> {
        (self.state != State::Fresh).then(|| self.ask())
    }

    fn progress(&self) -> f64 {
        self.told() as f64 / self.settings.draws.max(1) as f64
    }

    fn evaluation(&mut self) -> Evaluation<'_> {
        Evaluation {
            position: &self.mode,
            gradient: Some(&mut self.gradient),
            hessian: self.settings.hessian.then_some(&mut self.hessian[..]),
            jacobian: self.settings.jacobian,
            stream: &mut self.model_stream,
        }
    }

    fn block(&mut self) -> (&mut Block, &mut Stream) {
        let block = if self.state == State::Curving { self.differences.block() } else { &mut self.block };
        (block, &mut self.model_stream)
    }
}
