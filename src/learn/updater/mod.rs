//! Sequential Bayesian inference by weighted models, in several independent sets.
//!
//! Each datum multiplies every model's weight by its likelihood (Doucet, de Freitas and Gordon 2001; for experiments
//! Granade, Ferrie, Wiebe and Cory 2012); a set whose effective sample size falls below the threshold is resampled. The
//! sets share nothing, so that the spread of their estimates is an honest error.

mod resample;
mod reweigh;
mod saved;

use super::call::{For, With};
use super::liu_west::invalid;
use super::options::UpdaterOptions;
use super::parts::filled;
use super::priors::Prior;
use super::set::ModelSet;
use crate::error::{Code, Error};
use crate::model::{Experiments, Likelihood};
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use crate::particles::{BLOCK, Evidence, pooled};
use crate::random::{BlockLanes, ParticleStreams};
use crate::room;
use serde::{Deserialize, Serialize};

pub use resample::{CustomResampler, Resampled};

/// Most tries of drawing a valid model from the prior.
const PRIOR_TRIES: usize = 1000;
/// Each datum has so many generations of random numbers, one for each thing that draws.
const STRIDE: u64 = 4;

/// What a datum's random numbers are for.
#[derive(Debug, Clone, Copy)]
enum Draws {
    Timestep = 0,
    Resampling = 1,
    Prior = 2,
}

/// One datum of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The outcome, its width's numbers.
    pub outcome: Vec<f64>,
    /// The experiment's fields.
    pub experiment: Vec<f64>,
}

/// The state of sequential learning: sets of weighted models and what was seen.
///
/// Same seed, same bits: what becomes of a set depends on seed, id, options, model and data, not on the other sets, nor on
/// who runs the blocks. A verb that fails leaves everything as it was.
pub struct Updater {
    options: UpdaterOptions,
    names: Vec<String>,
    prior: Prior,
    sets: Vec<ModelSet>,
    /// Steps so far: what random numbers are named by.
    step: u64,
    /// Questions so far that drew and changed nothing.
    questions: u64,
    records: Vec<Record>,
    custom: Option<Box<CustomResampler>>,
}

impl Updater {
    /// Sets drawn from the prior; impossible models are drawn again.
    ///
    /// # Errors
    /// Options out of range; a prior for another number of parameters, or one that gives no possible model in 1000 tries.
    pub fn new<M: Likelihood, B: Blocks>(
        with: &With<'_, M, B>,
        options: UpdaterOptions,
        prior: Prior,
    ) -> Result<Self, Error> {
        options.check()?;
        let dim = with.model.parameters().len();
        let got = format!("{} of {dim} parameters in each of {} sets", options.num_models, options.num_sets);
        room::check("num_models", &[options.num_sets, options.num_models, dim + 1, size_of::<f64>()], got)?;
        let names = with.model.parameters();
        prior.check(names.len())?;
        let mut new =
            Self { options, names, prior, sets: Vec::new(), step: 0, questions: 0, records: Vec::new(), custom: None };
        let ids = (0..new.options.num_sets as u64).map(|i| new.options.init_set_id + i);
        for id in ids {
            let (layout, models) = new.drawn(with, id, new.options.num_models)?;
            new.sets.push(ModelSet::new(id, layout, models));
        }
        with.blocks.agree(Ok(new), |new| new.token())
    }

    /// A number that stands for the state, by which processes see whether they have the same.
    pub fn token(&self) -> u64 {
        let numbers = self.sets.iter().flat_map(|set| set.models.iter().chain([&set.total.sum, &set.total.largest]));
        let bytes = format!("{:?} {:?}", self.options, self.names).into_bytes().into_iter().map(u64::from);
        let records = self.records.iter().flat_map(|r| r.outcome.iter().chain(&r.experiment));
        token(bytes.chain([self.step]).chain(numbers.chain(records).map(|x| x.to_bits())))
    }

    /// Begins anew from the prior: no data, weights of 1. The models are others than before.
    pub fn reset<M: Likelihood, B: Blocks>(&mut self, with: &With<'_, M, B>) -> Result<(), Error> {
        let step = self.step;
        self.step += 1;
        let count = self.options.num_models;
        let ids: Vec<u64> = self.sets.iter().map(|set| set.id).collect();
        let drawn: Result<Vec<_>, Error> = ids.iter().map(|id| self.drawn(with, *id, count)).collect();
        let drawn = with.blocks.agree(drawn, |_| step).inspect_err(|_| self.step = step)?;
        self.sets = ids.iter().zip(drawn).map(|(id, (layout, models))| ModelSet::new(*id, layout, models)).collect();
        self.records.clear();
        Ok(())
    }

    fn generation(&self, what: Draws) -> u64 {
        self.step * STRIDE + what as u64
    }

    /// Models from the prior, possible ones.
    fn drawn<M: Likelihood, B: Blocks>(
        &self,
        with: &With<'_, M, B>,
        id: u64,
        count: usize,
    ) -> Result<(Layout, Vec<f64>), Error> {
        let dim = self.names.len();
        let layout = Layout::new(count, dim, with.model.whole());
        let streams = ParticleStreams::new(self.options.seed);
        let generation = self.generation(Draws::Prior);
        let mut models = vec![0.0; count * dim];
        let (prior, calls) = (&self.prior, &with.calls);
        filled(with, &mut models, layout.chunk_size(), |bench, c, out| {
            let (first, n) = (c * layout.chunk, out.len() / dim);
            let mut lanes = BlockLanes::new(streams, id, generation, (first / BLOCK) as u64, n);
            prior.fill(&mut lanes, n, out);
            if !calls.model.has_validity() {
                return Ok(());
            }
            let of = For { set: id, first, models: n, generation };
            let mut again = vec![0.0; out.len()];
            for _ in 0..PRIOR_TRIES {
                let open = invalid(calls, bench, of, out)?;
                if open.is_empty() {
                    return Ok(());
                }
                prior.fill(&mut lanes, n, &mut again);
                for place in open {
                    (0..dim).for_each(|j| out[j * n + place] = again[j * n + place]);
                }
            }
            let words = format!("expected a possible model in {PRIOR_TRIES} draws from the prior, got none");
            Err(Error::new(Code::Initialization, words).in_set(id).of_particle(first))
        })?;
        Ok((layout, models))
    }

    /// The options it was made with.
    pub fn options(&self) -> &UpdaterOptions {
        &self.options
    }

    /// Names of the parameters.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The prior.
    pub fn prior(&self) -> &Prior {
        &self.prior
    }

    /// The sets, in the order of their ids.
    pub fn sets(&self) -> &[ModelSet] {
        &self.sets
    }

    /// What was seen so far, in its order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// log of the probability (density) of all data, with its error over the sets.
    pub fn log_total_likelihood(&self) -> Evidence {
        let each: Vec<f64> = self.sets.iter().map(ModelSet::log_total_likelihood).collect();
        pooled(&each)
    }

    /// A generation of random numbers for a question that changes nothing.
    pub fn ask(&mut self) -> u64 {
        self.questions += 1;
        1 << 63 | self.questions
    }

    /// How many questions drew so far.
    pub fn questions(&self) -> u64 {
        self.questions
    }

    /// Has the next question draw as the one after `questions` did.
    pub fn set_questions(&mut self, questions: u64) {
        self.questions = questions;
    }

    /// Puts other models, each with its weight (not negative, one of them at least positive), in the place of a set's:
    /// `models` is n x d, column by column. What was learnt so far is carried.
    ///
    /// # Errors
    /// A set that is not there, or numbers that do not fit.
    pub fn set_models<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        set: u64,
        models: &[f64],
        weights: &[f64],
    ) -> Result<(), Error> {
        let place = self.place(set)?;
        let made = resample::given(with.model.whole(), self.names.len(), models, weights).map_err(|e| e.in_set(set));
        let given = || token(models.iter().chain(weights).map(|x| x.to_bits()));
        self.sets[place].replace(with.blocks.agree(made, |_| given())?);
        Ok(())
    }

    /// *Sets* the log weights of a set (not NaN or +inf); what was learnt so far is carried, and their mean is 1 from here on.
    ///
    /// # Errors
    /// A set that is not there, or numbers that do not fit.
    pub fn set_log_weights<M: Likelihood, B: Blocks>(
        &mut self,
        with: &With<'_, M, B>,
        set: u64,
        log_weights: &[f64],
    ) -> Result<(), Error> {
        let place = self.place(set)?;
        let made = self.sets[place].of_logs(log_weights).map_err(|e| e.in_set(set));
        let (weights, log_base) = with.blocks.agree(made, |_| token(log_weights.iter().map(|x| x.to_bits())))?;
        self.sets[place].begin_weights(weights, log_base);
        Ok(())
    }

    /// The place of the set with this id.
    ///
    /// # Errors
    /// No such set.
    pub fn place(&self, set: u64) -> Result<usize, Error> {
        self.sets.iter().position(|s| s.id == set).ok_or_else(|| {
            let (first, last) = (self.options.init_set_id, self.options.init_set_id + self.sets.len() as u64 - 1);
            Error::argument("set", format_args!("an id from {first} to {last}"), set)
        })
    }

    /// Refuses experiments of other fields and outcomes that cannot be.
    fn check_datum<M: Likelihood, B: Blocks>(
        &self,
        with: &With<'_, M, B>,
        outcome: &[f64],
        experiments: &Experiments,
        at: usize,
    ) -> Result<(), Error> {
        with.check_fields(experiments)?;
        if at >= experiments.len() {
            return Err(Error::argument("experiment", format_args!("one of {}", experiments.len()), at));
        }
        with.check_outcomes(outcome, 1, experiments, at)
    }
}

/// A number that stands for others, so that processes can see whether they have the same (FNV-1a, by words).
fn token(words: impl Iterator<Item = u64>) -> u64 {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const FACTOR: u64 = 0x100_0000_01b3;
    words.fold(START, |hash, word| (hash ^ word).wrapping_mul(FACTOR).rotate_left(29))
}
