//! Independent sets of weighted traces of a host, worked on by threads.
//!
//! | room | purpose |
//! | --- | --- |
//! | `crew` | one call of the host for each of many traces: tasks, streams, failures, the interrupt |
//! | `steps` | what a step does to sets, so that all of it or nothing happens |
//! | `reorder` | resampling, traces that become several, traces that merge |
//! | `read` | weights, evidence, reports |
//! | `sets` | the number of sets: begun anew, grown, dropped |
//! | `saved` | the whole population as bytes |
//! | `options` | what is chosen when it is made |

mod crew;
mod options;
mod read;
mod reorder;
mod saved;
mod sets;
mod steps;

pub use options::{PopulationOptions, TraceFailure};
pub use read::Which;

use crate::drive::Pool;
use crate::error::Error;
use crate::io::{Interrupt, Logger, Never, Silent};
use crate::model::{Operation, Traces, check_chain_ids};
use crate::particles::{History, Resampling, Set, Step};
use crate::random::ParticleStreams;
use crew::{Crew, Watch};
use std::sync::Arc;

/// Told how many traces of a step are done, of how many.
pub type StepProgress = dyn FnMut(usize, usize);

/// What a population borrows from its host for as long as it lives.
pub struct PopulationIo {
    /// Gets warnings (traces that were lost) and what traces log.
    pub logger: Box<dyn Logger>,
    /// Asked every few milliseconds, on the calling thread, whether to end the step under way.
    pub interrupt: Box<dyn Interrupt>,
    /// Called every few milliseconds, on the calling thread, while a step is under way.
    pub progress: Option<Box<StepProgress>>,
}

impl Default for PopulationIo {
    fn default() -> Self {
        Self { logger: Box::new(Silent), interrupt: Box::new(Never), progress: None }
    }
}

/// Several independent sets, each a weighted set of traces.
///
/// Every verb is mapped over all traces of all sets in parallel; resampling and merging happen inside each set only. A
/// verb that fails leaves everything as it was (but see [`TraceFailure::Lose`]). One thread at a time uses a population.
///
/// Same seed, same bits: what is drawn for a trace depends on the seed, the id of its set, its number in the set and the
/// number of steps before; not on threads, nor on the other sets.
pub struct Population<H: Traces> {
    host: H,
    pool: Arc<Pool>,
    io: PopulationIo,
    options: PopulationOptions,
    sets: Vec<Set<H::Trace>>,
    /// Id of the next set to be made.
    next_id: u64,
    /// Traces of a set before the first step.
    founders: usize,
    history: History,
    /// How often values were drawn from traces.
    samplings: u64,
    /// Copies that resampling made so far.
    copies: u64,
}

impl<H: Traces> Population<H> {
    /// A population of one set of one trace, from the prior.
    pub fn new(host: H, options: PopulationOptions, io: PopulationIo, pool: Arc<Pool>) -> Result<Self, Error> {
        check_chain_ids("init_set_id", options.init_set_id, 1)?;
        if options.on_failure == TraceFailure::Keep && !host.can_copy() {
            return Err(Error::argument(
                "on_trace_failure",
                "'lose', for the traces cannot be copied: an operation that fails could not leave them as they were",
                "'keep'",
            ));
        }
        let mut population = Self {
            host,
            pool,
            io,
            next_id: options.init_set_id,
            options,
            sets: Vec::new(),
            founders: 1,
            history: History::default(),
            samplings: 0,
            copies: 0,
        };
        population.reinitialize(1, 1)?;
        Ok(population)
    }

    /// Does the host's `operation` to every trace of every set and adds the increments to the log weights.
    pub fn apply(&mut self, operation: Operation) -> Result<(), Error> {
        self.step(Step::Apply(operation))
    }

    /// Makes every trace consistent with its observations and adds the increments.
    pub fn incorporate(&mut self) -> Result<(), Error> {
        self.step(Step::Incorporate)
    }

    /// *Sets* every log weight to the trace's likelihood weight. The evidence is from here on their mean in each set.
    pub fn likelihood_weight(&mut self) -> Result<(), Error> {
        self.step(Step::LikelihoodWeight)
    }

    /// Resamples inside each set. The first use of a parent keeps the trace itself, further ones copy it; the weights
    /// are level afterwards, their sum what it was, so that the evidence is kept. Each trace alone is a draw from the
    /// weights, the distinguished one (the first) too.
    pub fn resample(&mut self, how: Resampling) -> Result<(), Error> {
        self.step(Step::Resample(how))
    }

    /// As [`Population::resample`], set i to `counts[i]` traces. Samples of different sets then differ in distribution
    /// (a set of fewer traces is a coarser approximation), and no set can be grown any more.
    pub fn block_resample(&mut self, counts: &[usize], how: Resampling) -> Result<(), Error> {
        if counts.len() != self.sets.len() {
            let expected = format!("{} counts, one per set", self.sets.len());
            return Err(Error::argument("counts", expected, counts.len()));
        }
        self.single(|crew, sets, generation| {
            let hows = counts.iter().map(|&n| Resampling { count: Some(n), ..how });
            reorder::resample(crew, sets, &hows.collect::<Vec<_>>(), generation)
        })
    }

    /// Begins inference anew: resamples to `how.count` traces, sets their weights to 1 and every trace back to the
    /// prior. The sets stay.
    pub fn reset_to_prior(&mut self, how: Resampling) -> Result<(), Error> {
        self.step(Step::Reset(how))
    }

    /// Every trace becomes several, with the weights added that the host gives them.
    pub fn diversify(&mut self, operation: Operation) -> Result<(), Error> {
        self.step(Step::Diversify(operation))
    }

    /// In each set, traces with equal fingerprints in `scope` merge: one of them, drawn by weight, is kept, and their
    /// weights are summed.
    pub fn collapse(&mut self, scope: i64) -> Result<(), Error> {
        self.step(Step::Collapse { scope, best: false })
    }

    /// As [`Population::collapse`], but the trace of the largest weight is kept, with its own weight.
    pub fn collapse_map(&mut self, scope: i64) -> Result<(), Error> {
        self.step(Step::Collapse { scope, best: true })
    }

    /// Does `operation` to every trace, and writes the value `what` of each afterwards, `width` numbers, into `out`.
    pub fn for_each(&mut self, operation: Operation, what: i64, width: usize, out: &mut [f64]) -> Result<(), Error> {
        self.check_room(Which::All, width, out)?;
        self.apply(operation)?;
        self.report(Which::All, what, width, out)
    }

    /// Does `operation` to one trace alone; its increment, which is added. No set can be grown afterwards.
    pub fn on_trace(&mut self, set: u64, trace: usize, operation: &Operation) -> Result<f64, Error> {
        let place = self.place(set)?;
        self.check_trace(place, trace)?;
        self.single(|crew, sets, generation| steps::on_trace(crew, &mut sets[place], trace, operation, generation))
    }

    /// Sets the log weights of one set; the evidence is from here on their mean. No set can be grown afterwards.
    pub fn set_log_weights(&mut self, set: u64, log_weights: &[f64]) -> Result<(), Error> {
        let place = self.place(set)?;
        self.single(|_, sets, _| steps::set_log_weights(&mut sets[place], log_weights))
    }

    /// Forgets what was done so far. Sets can't be grown until the population is begun anew.
    pub fn clear_history(&mut self) {
        self.history.clear();
    }

    /// Number of steps since the population was begun.
    pub fn generation(&self) -> u64 {
        self.history.len()
    }

    /// Who brings the traces.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Does a step to all sets and remembers it.
    fn step(&mut self, step: Step) -> Result<(), Error> {
        self.act(step, |crew, sets, step, generation| steps::perform(crew, sets, step, generation))
    }

    /// Does something to some sets or traces only.
    fn single<R>(
        &mut self,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>], u64) -> Result<R, Error>,
    ) -> Result<R, Error> {
        self.act(Step::Single, |crew, sets, _, generation| act(crew, sets, generation))
    }

    fn act<R>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>], &Step, u64) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let generation = self.history.len() + 1;
        let (done, copies) = self.with_crew(|crew, sets| Ok((act(crew, sets, &step, generation)?, crew.copies)))?;
        self.copies += copies;
        self.history.push(&step);
        Ok(done)
    }

    fn with_crew<R>(
        &mut self,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut crew = Crew {
            host: &self.host,
            pool: &self.pool,
            streams: ParticleStreams::new(self.options.seed),
            on_failure: self.options.on_failure,
            genealogy: self.options.genealogy,
            watch: Watch::new(&mut self.io),
            copies: 0,
        };
        act(&mut crew, &mut self.sets)
    }
}
