//! One call of a likelihood: its task, its worker, its refusals in words.

use super::grain::Grain;
use crate::error::{Code, Error};
use crate::model::{Domain, Experiments, Likelihood, Logger, NO_CHAIN, OutcomeShape, Refusal, SerialReducer, Task};
use crate::particles::BLOCK;
use crate::particles::blocks::{Blocks, Lender, Lent};
use crate::random::{BlockLanes, ParticlePurpose, ParticleStreams};
use std::fmt::{self, Display};
use std::ops::Deref;

/// What one thread needs while it works on a piece.
pub struct Bench<W> {
    pub(super) worker: W,
    lanes: BlockLanes,
    message: String,
    /// Room for likelihoods.
    pub(super) room: Vec<f64>,
}

/// The benches of a likelihood, lent to threads.
pub type Benches<W> = Lender<Bench<W>>;

/// A likelihood with what its calls need, on any thread.
pub struct Calls<'a, M: Likelihood> {
    /// The likelihood.
    pub model: &'a M,
    /// Scratch memory of threads.
    pub benches: &'a Benches<M::Worker>,
    /// Gets what the model logs, and warnings.
    pub logger: &'a dyn Logger,
    /// What a cell of the product costs.
    pub grain: &'a Grain,
    /// What moving a coordinate of a model costs.
    pub moves: &'a Grain,
    /// Seed of all streams.
    pub seed: u64,
}

/// A likelihood, and who runs pieces of work with it.
pub struct With<'a, M: Likelihood, B: Blocks> {
    /// The likelihood with what its calls need.
    pub calls: Calls<'a, M>,
    /// Who runs pieces of work: threads, or one.
    pub blocks: &'a B,
}

impl<'a, M: Likelihood, B: Blocks> Deref for With<'a, M, B> {
    type Target = Calls<'a, M>;

    fn deref(&self) -> &Calls<'a, M> {
        &self.calls
    }
}

/// For which models a call is: a row of a set, beginning with a block.
#[derive(Debug, Clone, Copy)]
pub struct For {
    pub set: u64,
    pub first: usize,
    pub models: usize,
    pub generation: u64,
}

impl For {
    /// For no models in particular.
    pub const NOBODY: Self = Self { set: NO_CHAIN, first: 0, models: 0, generation: 0 };
}

impl<'a, M: Likelihood> Calls<'a, M> {
    /// Number of parameters.
    pub fn dim(&self) -> usize {
        self.model.parameters().len()
    }

    /// A bench for this thread.
    pub fn bench(&self) -> Result<Lent<'a, Bench<M::Worker>>, Error> {
        self.benches.lend(|| {
            let failed = |e| Error::new(Code::Model, format!("a worker's memory could not be made: {e}"));
            let worker = self.model.new_worker().map_err(failed)?;
            let lanes = BlockLanes::new(ParticleStreams::new(0), 0, 0, 0, 0);
            Ok(Bench { worker, lanes, message: String::new(), room: Vec::new() })
        })
    }

    /// Calls the model for some models of a set; `what` says in an error what was being done.
    pub fn call<R>(
        &self,
        bench: &mut Bench<M::Worker>,
        of: For,
        what: impl Display,
        f: impl FnOnce(&mut M::Worker, &mut Task<'_>, &mut Vec<f64>) -> Result<R, Refusal>,
    ) -> Result<R, Error> {
        let streams = ParticleStreams::new(self.seed);
        let block = (of.first / BLOCK) as u64;
        let Bench { worker, lanes, message, room } = bench;
        lanes.restart(BlockLanes::new(streams, of.set, of.generation, block, of.models));
        let mut stream = streams.at(of.set, block, of.generation, ParticlePurpose::Work);
        message.clear();
        let reducer = SerialReducer(|| ());
        let mut task = Task::new(of.set, &mut stream, message, &reducer).with_logger(self.logger);
        if of.models > 0 {
            task = task.with_particle(of.first).with_lanes(lanes);
        }
        let done = f(worker, &mut task, room);
        done.map_err(|_| {
            let says = if message.is_empty() { String::new() } else { format!("; it says: {message}") };
            let error = Error::new(Code::Model, format!("{what}: the model stopped{says}"));
            if of.set == NO_CHAIN { error } else { error.in_set(of.set) }
        })
    }

    /// What the experiments of a block share.
    pub fn prepare(&self, experiments: &Experiments) -> Result<M::Context, Error> {
        let mut bench = self.bench()?;
        self.call(&mut bench, For::NOBODY, "prepare", |_, task, _| self.model.prepare(task, experiments))
    }

    /// What each experiment costs.
    pub fn costs(&self, experiments: &Experiments) -> Result<Vec<f64>, Error> {
        let (mut bench, mut out) = (self.bench()?, vec![1.0; experiments.len()]);
        self.call(&mut bench, For::NOBODY, "experiment_cost", |_, task, _| {
            self.model.experiment_cost(task, experiments, &mut out)
        })?;
        Ok(out)
    }

    /// The outcomes of experiment `at` of a table.
    pub fn domain(&self, experiments: &Experiments, at: usize) -> Result<Domain, Error> {
        let mut bench = self.bench()?;
        let one = experiments.rows(&[at]);
        let domain = self.call(&mut bench, For::NOBODY, "domain", |_, task, _| self.model.domain(task, &one))?;
        let OutcomeShape { width, .. } = self.model.outcome();
        match &domain {
            Domain::Finite(values) if values.is_empty() || !values.len().is_multiple_of(width) => {
                let expected = format!("a list of at least one outcome of {width} numbers for experiment {at}");
                Err(Error::argument("domain", expected, format_args!("{} numbers", values.len())))
            }
            _ => Ok(domain),
        }
    }

    /// Refuses outcomes, `count` of them in columns, that are not of the model's kind or not in the domain of `experiment`.
    pub fn check_outcomes(
        &self,
        outcomes: &[f64],
        count: usize,
        experiments: &Experiments,
        at: usize,
    ) -> Result<(), Error> {
        let OutcomeShape { kind, width } = self.model.outcome();
        if outcomes.len() != count * width || count == 0 {
            let expected = format!("{count} outcomes of {width} numbers, at least one");
            return Err(Error::argument("outcome", expected, format_args!("{} numbers", outcomes.len())));
        }
        if let Some(i) = outcomes.iter().position(|x| !kind.admits(*x)) {
            return Err(Error::argument(format!("outcome[{}]", i % count), kind, outcomes[i]));
        }
        let Domain::Finite(domain) = self.domain(experiments, at)? else { return Ok(()) };
        let n = domain.len() / width;
        let outside = |o: &usize| !(0..n).any(|k| (0..width).all(|c| domain[c * n + k] == outcomes[c * count + o]));
        let Some(o) = (0..count).find(outside) else { return Ok(()) };
        let shown: Vec<String> = (0..width).map(|c| outcomes[c * count + o].to_string()).collect();
        let expected = format!("one of the {n} outcomes that experiment {at} can have");
        Err(Error::argument("outcome", expected, shown.join(" ")))
    }

    /// Refuses a table whose fields are not the model's.
    pub fn check_fields(&self, experiments: &Experiments) -> Result<(), Error> {
        let fields = self.model.fields();
        if experiments.fields() == &fields[..] {
            return Ok(());
        }
        let names =
            |fields: &[crate::model::Field]| fields.iter().map(|f| f.name.clone()).collect::<Vec<_>>().join(", ");
        let expected = format!("the fields {}", names(&fields));
        Err(Error::argument("experiments", expected, names(experiments.fields())))
    }
}

/// A call of a likelihood, in words.
pub struct Asked<'a> {
    pub of: For,
    /// Outcomes, each of `width` numbers, in columns.
    pub outcomes: &'a [f64],
    pub width: usize,
    /// Number of the first experiment, and how many there are.
    pub experiments: (usize, usize),
}

impl Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |f: &mut fmt::Formatter<'_>, what: &str, first: usize, count: usize| match count {
            1 => write!(f, ", {what} {first}"),
            _ => write!(f, ", {what}s {first} to {}", first + count.max(1) - 1),
        };
        match self.outcomes.len() / self.width {
            1 => write!(f, "likelihood of outcome {}", shown(self.outcomes))?,
            n => write!(f, "likelihood of {n} outcomes")?,
        }
        range(f, "model", self.of.first, self.of.models)?;
        range(f, "experiment", self.experiments.0, self.experiments.1)
    }
}

/// The numbers of an outcome, for words.
pub fn shown(outcome: &[f64]) -> String {
    outcome.iter().map(f64::to_string).collect::<Vec<_>>().join(" ")
}

/// The error of a likelihood that is none: which cell, what was expected, what came.
pub fn no_likelihood(
    shape: OutcomeShape,
    log: bool,
    outcome: &str,
    model: usize,
    experiment: usize,
    value: f64,
) -> Error {
    let expected = match (log, shape.kind) {
        (true, _) => "a log likelihood that is a number or -inf",
        (false, crate::model::Number::Integer) => "a probability from 0 to 1",
        (false, crate::model::Number::Real) => "a density that is finite and not negative",
    };
    let words = format!("outcome {outcome}, model {model}, experiment {experiment}: expected {expected}, got {value}");
    Error::new(Code::Model, words).of_particle(model)
}
