//! Independent sets of weighted traces of a host, worked on by threads.
//!
//! | room | purpose |
//! | --- | --- |
//! | `crew` | one call of the host for each of many traces: tasks, streams, failures, the interrupt |
//! | `steps` | what a step does to sets, so that all of it or nothing happens |
//! | `reorder` | resampling |
//! | `families` | traces that become several, traces that merge |
//! | `read` | weights, evidence, reports |
//! | `sets` | the number of sets: begun anew, grown, dropped |
//! | `ranks` | which sets are whose where several processes share them, and what those tell each other |
//! | `saved` | the whole population as bytes |
//! | `parts` | sets in parts over processes: what all must know, traces that move |
//! | `options` | what is chosen when it is made |

mod crew;
mod families;
mod options;
mod parts;
mod ranks;
mod read;
mod reorder;
mod saved;
mod sets;
mod steps;

pub use options::{PopulationOptions, PopulationSpread, TraceFailure};
pub use read::Which;

use crate::drive::{Pool, Shared};
use crate::error::Error;
use crate::io::{Interrupt, Logger, Never, Silent};
use crate::model::{Communicator, Operation, Traces, check_chain_ids};
use crate::particles::{History, Resampling, Set, Step};
use crew::Crew;
use serde::Serialize;
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
    /// The processes that share the population: all make the same calls with the same arguments, each has some of the traces and works
    /// on these, and all know the weights of all, with the bits of one process. Called by the calling thread.
    pub communicator: Option<Box<dyn Communicator + Send>>,
    /// What of it each of them has; without a communicator there are no others.
    pub spread: PopulationSpread,
}

impl Default for PopulationIo {
    fn default() -> Self {
        Self {
            logger: Box::new(Silent),
            interrupt: Box::new(Never),
            progress: None,
            communicator: None,
            spread: PopulationSpread::Sets,
        }
    }
}

/// Several independent sets, each a weighted set of traces.
///
/// Every verb is mapped over all traces of all sets in parallel; resampling and merging happen inside each set only. A
/// verb that fails leaves everything as it was (but see [`TraceFailure::Lose`]). One thread at a time uses a population.
///
/// Same seed, same bits: what is drawn for a trace depends on the seed, the id of its set, its number in the set and the
/// number of steps before; not on threads, nor on the other sets.
///
/// Over several processes ([`PopulationIo::communicator`]) each has whole sets, or a part of every set
/// ([`PopulationIo::spread`]). All make every call that may change the population or asks traces (those that take it as mutable); what fails on one fails on all, and leaves
/// everything as it was. Looking at weights, evidence and genealogies asks nobody. Once a process is lost no such call succeeds.
pub struct Population<H: Traces> {
    host: H,
    pool: Arc<Pool>,
    io: PopulationIo,
    options: PopulationOptions,
    /// All sets; of traces of other ranks only what they weigh.
    sets: Vec<Set<H::Trace>>,
    /// The rank that has the traces, of each set that is whole.
    owners: Vec<usize>,
    /// Why no other rank can be asked any more.
    lost: Option<Error>,
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
        let fits = check_chain_ids("init_set_id", options.init_set_id, 1).and_then(|()| check_spread(&host, &io)).and_then(|()| {
            if options.on_failure == TraceFailure::Lose || host.can_copy() {
                return Ok(());
            }
            let expected =
                "'lose', for the traces cannot be copied: an operation that fails could not leave them as they were";
            Err(Error::argument("on_trace_failure", expected, "'keep'"))
        });
        fits.inspect_err(|error| io.communicator.iter().for_each(|c| Shared::withdraw(c.as_ref(), error)))?;
        let mut population = Self {
            host,
            pool,
            io,
            next_id: options.init_set_id,
            options,
            sets: Vec::new(),
            owners: Vec::new(),
            lost: None,
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
        self.step("apply", Step::Apply(operation))
    }

    /// Makes every trace consistent with its observations and adds the increments.
    pub fn incorporate(&mut self) -> Result<(), Error> {
        self.step("incorporate", Step::Incorporate)
    }

    /// *Sets* every log weight to the trace's likelihood weight. The evidence is from here on their mean in each set.
    pub fn likelihood_weight(&mut self) -> Result<(), Error> {
        self.step("likelihood_weight", Step::LikelihoodWeight)
    }

    /// Resamples inside each set. The first use of a parent keeps the trace itself, further ones copy it; the weights
    /// are level afterwards, their sum what it was, so that the evidence is kept. Each trace alone is a draw from the
    /// weights, the distinguished one (the first) too.
    pub fn resample(&mut self, how: Resampling) -> Result<(), Error> {
        self.step("resample", Step::Resample(how))
    }

    /// As [`Population::resample`], set i to `counts[i]` traces. Samples of different sets then differ in distribution
    /// (a set of fewer traces is a coarser approximation), and no set can be grown any more.
    pub fn block_resample(&mut self, counts: &[usize], how: Resampling) -> Result<(), Error> {
        let fits = match counts.len() == self.sets.len() {
            true => Ok(()),
            false => Err(Error::argument("counts", format!("{} counts, one per set", self.sets.len()), counts.len())),
        };
        self.told(fits)?;
        let own = self.owners.iter().zip(counts).filter(|(owner, _)| self.in_parts() || **owner == self.rank());
        let hows: Vec<_> = own.map(|(_, &n)| Resampling { count: Some(n), ..how }).collect();
        self.single("block_resample", None, &(counts, how), |crew, sets, generation| {
            reorder::resample(crew, sets, &hows, generation)
        })
    }

    /// Begins inference anew: resamples to `how.count` traces, sets their weights to 1 and every trace back to the
    /// prior. The sets stay.
    pub fn reset_to_prior(&mut self, how: Resampling) -> Result<(), Error> {
        self.step("reset_to_prior", Step::Reset(how))
    }

    /// Every trace becomes several, with the weights added that the host gives them.
    pub fn diversify(&mut self, operation: Operation) -> Result<(), Error> {
        self.step("diversify", Step::Diversify(operation))
    }

    /// In each set, traces with equal fingerprints in `scope` merge: one of them, drawn by weight, is kept, and their
    /// weights are summed.
    pub fn collapse(&mut self, scope: i64) -> Result<(), Error> {
        self.step("collapse", Step::Collapse { scope, best: false })
    }

    /// As [`Population::collapse`], but the trace of the largest weight is kept, with its own weight.
    pub fn collapse_map(&mut self, scope: i64) -> Result<(), Error> {
        self.step("collapse_map", Step::Collapse { scope, best: true })
    }

    /// Does `operation` to every trace, and writes the value `what` of each afterwards, `width` numbers, into `out`.
    pub fn for_each(&mut self, operation: Operation, what: i64, width: usize, out: &mut [f64]) -> Result<(), Error> {
        let fits = self.check_room(Which::All, width, out);
        self.told(fits)?;
        self.apply(operation)?;
        self.report(Which::All, what, width, out)
    }

    /// Does `operation` to one trace alone; its increment, which is added. No set can be grown afterwards.
    pub fn on_trace(&mut self, set: u64, trace: usize, operation: &Operation) -> Result<f64, Error> {
        let fits = self.place(set).and_then(|place| self.check_trace(place, trace));
        self.told(fits)?;
        self.single("on_trace", Some(set), &(set, trace, operation), |crew, sets, generation| {
            steps::on_trace(crew, one(sets, set), trace, operation, generation)
        })
    }

    /// Sets the log weights of one set; the evidence is from here on their mean. No set can be grown afterwards.
    pub fn set_log_weights(&mut self, set: u64, log_weights: &[f64]) -> Result<(), Error> {
        let fits = self.place(set).map(drop);
        self.told(fits)?;
        self.single("set_log_weights", Some(set), &(set, log_weights), |crew, sets, _| {
            let fits = one(sets, set).map_or(Ok(()), |set| steps::check_log_weights(set, log_weights));
            crew.agree(fits)?;
            one(sets, set).into_iter().for_each(|set| set.set_log_weights(log_weights));
            Ok(())
        })
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
    fn step(&mut self, call: &str, step: Step) -> Result<(), Error> {
        let generation = self.history.len() + 1;
        self.act(call, None, &step, |crew, sets| steps::perform(crew, sets, &step, generation))?;
        self.history.push(&step);
        Ok(())
    }

    /// Does something to some sets or traces only.
    fn single<R>(
        &mut self,
        call: &str,
        of: Option<u64>,
        arguments: &impl Serialize,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>], u64) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let generation = self.history.len() + 1;
        let done = self.act(call, of, arguments, |crew, sets| act(crew, sets, generation))?;
        self.history.push(&Step::Single);
        Ok(done)
    }

    /// Changes sets (that of id `of` alone, where there is one), and has all ranks know what became of them.
    fn act<R>(
        &mut self,
        call: &str,
        of: Option<u64>,
        arguments: &impl Serialize,
        act: impl FnOnce(&mut Crew<'_, H>, &mut [Set<H::Trace>]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let (done, bulletins) = self.together(call, arguments, |crew, sets| crew.tell(sets, of, act))?;
        let here = self.rank();
        self.copies += ranks::heed(&mut self.sets, &self.owners, here, bulletins);
        Ok(done)
    }
}

/// Whether traces can be spread as `io` says.
fn check_spread<H: Traces>(host: &H, io: &PopulationIo) -> Result<(), Error> {
    if io.spread == PopulationSpread::Sets || io.communicator.is_none() || host.can_serialize() {
        return Ok(());
    }
    let expected = "'sets', for the host's traces can't be sent: there is nothing that writes and reads them (serialize, deserialize)";
    Err(Error::argument("io.spread", expected, "'traces'"))
}

/// The set of this id, where it is among those that are here.
fn one<T>(sets: &mut [Set<T>], id: u64) -> Option<&mut Set<T>> {
    sets.iter_mut().find(|set| set.id() == id)
}
