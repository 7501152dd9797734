//! Sequential learning, with the threads that compute and the host's logger and interrupt.
//!
//! `learn::Updater` is the state; this is who works on it: a pool's threads, or the calling one.

mod estimates;
mod steps;

use crate::drive::{Council, Hands, Pool, Shared};
use crate::error::{Code, Error};
use crate::io::{Interrupt, Logger, Never, Silent};
use crate::learn::{
    Benches, Calls, Cells, CustomResampler, Grain, Prior, Updater, UpdaterOptions, With, hypothetical, product,
    simulate,
};
use crate::model::{Communicator, Experiments, Likelihood, Threading};
use crate::particles::blocks::Blocks;
use crate::random::ParticlePurpose;
use crate::random::ParticleStreams;
use std::sync::{Arc, Mutex, PoisonError};

pub use steps::{Criterion, Design};

/// What a learner borrows from its host for as long as it lives.
pub struct LearnIo {
    /// Gets warnings and what the model logs.
    pub logger: Box<dyn Logger>,
    /// Asked every few milliseconds, on the calling thread, whether to end the verb under way.
    pub interrupt: Box<dyn Interrupt>,
    /// The processes that share the work: all make the same calls with the same data, each computes a part of every call's
    /// likelihoods, and all have the same sets, with the bits of one process. Called by the calling thread.
    pub communicator: Option<Box<dyn Communicator + Send>>,
}

impl Default for LearnIo {
    fn default() -> Self {
        Self { logger: Box::new(Silent), interrupt: Box::new(Never), communicator: None }
    }
}

/// A likelihood, weighted models, and the threads that work on them.
///
/// Small problems stay on the calling thread, whatever the pool; the measured cost of a cell decides. A likelihood that may
/// be called from one thread only is called on the calling one. One thread at a time uses a learner; a verb that fails leaves
/// everything as it was. Same seed, same bits, whoever computes.
pub struct Learner<M: Likelihood> {
    tools: Tools<M>,
    updater: Updater,
}

/// All but the state.
struct Tools<M: Likelihood> {
    model: M,
    pool: Arc<Pool>,
    io: LearnIo,
    benches: Benches<M::Worker>,
    grain: Grain,
    moves: Grain,
    seed: u64,
    /// Why no other process can be asked any more.
    lost: Mutex<Option<Error>>,
}

impl<M: Likelihood> Tools<M> {
    fn new(model: M, seed: u64, io: LearnIo, pool: Arc<Pool>) -> Result<Self, Error> {
        if model.parameters().is_empty() || model.outcome().width == 0 {
            let expected = "at least one parameter, and outcomes of at least one number";
            let error = Error::argument("likelihood", expected, "none");
            io.communicator.iter().for_each(|communicator| Shared::withdraw(communicator.as_ref(), &error));
            return Err(error);
        }
        Ok(Self {
            model,
            pool,
            io,
            benches: Benches::default(),
            grain: Grain::default(),
            moves: Grain::default(),
            seed,
            lost: Mutex::default(),
        })
    }

    /// Has `f` work with the threads, and with other processes. An interrupt that asks for the end asks for it before anything is
    /// done, too.
    fn with<R>(
        &self,
        f: impl FnOnce(&With<'_, M, Hands<'_, &dyn Fn() -> bool>>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let council = |c| Shared::new(Council::since(c, lost.clone()));
        let ranks = self.io.communicator.as_deref().map(|c| council(c as &dyn Communicator));
        let done = self.within(ranks.as_ref(), f);
        let Some(ranks) = ranks else { return done };
        let done = ranks.settle(done);
        *lost = ranks.lost();
        done
    }

    fn within<R>(
        &self,
        ranks: Option<&Shared<'_>>,
        f: impl FnOnce(&With<'_, M, Hands<'_, &dyn Fn() -> bool>>) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let poll = || self.io.interrupt.requested();
        if poll() {
            return Err(Error::new(
                Code::Interrupted,
                "the interrupt asked for the end; the state is as it was before the call",
            ));
        }
        let hands = Hands::new(&self.pool, self.model.threading(), &poll as &dyn Fn() -> bool).with_ranks(ranks);
        let calls = Calls {
            model: &self.model,
            benches: &self.benches,
            logger: self.io.logger.as_ref(),
            grain: &self.grain,
            moves: &self.moves,
            seed: self.seed,
        };
        f(&With { calls, blocks: &hands })
    }
}

impl<M: Likelihood> Learner<M> {
    /// Sets of models drawn from the prior.
    ///
    /// # Errors
    /// Those of [`Updater::new`].
    pub fn new(model: M, options: UpdaterOptions, prior: Prior, io: LearnIo, pool: Arc<Pool>) -> Result<Self, Error> {
        let tools = Tools::new(model, options.seed, io, pool)?;
        let updater = tools.with(|with| Updater::new(with, options, prior))?;
        Ok(Self { tools, updater })
    }

    /// What [`Learner::save`] saved, over the same likelihood.
    ///
    /// # Errors
    /// Those of [`Updater::load`].
    pub fn load(model: M, bytes: &[u8], io: LearnIo, pool: Arc<Pool>) -> Result<Self, Error> {
        let mut tools = Tools::new(model, 0, io, pool)?;
        let load = || Updater::load(&tools.model, bytes);
        let updater = tools.with(|with| with.blocks.agree(load(), Updater::token))?;
        tools.seed = updater.options().seed;
        Ok(Self { tools, updater })
    }

    /// The whole state as bytes; see [`Updater::save`].
    pub fn save(&self) -> Vec<u8> {
        self.updater.save()
    }

    /// The state: sets, records, options.
    pub fn updater(&self) -> &Updater {
        &self.updater
    }

    /// The likelihood.
    pub fn model(&self) -> &M {
        &self.tools.model
    }

    /// As [`Updater::update`].
    pub fn update(&mut self, outcome: &[f64], experiments: &Experiments, at: usize) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.update(with, outcome, experiments, at))
    }

    /// As [`Updater::batch_update`].
    pub fn batch_update(&mut self, outcomes: &[f64], experiments: &Experiments, interval: usize) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.batch_update(with, outcomes, experiments, interval))
    }

    /// As [`hypothetical`], of the set with id `set`.
    pub fn hypothetical_update(&self, set: u64, outcomes: &[f64], experiments: &Experiments) -> Result<Cells, Error> {
        let set = &self.updater.sets()[self.updater.place(set)?];
        self.tools.with(|with| hypothetical(with, set, outcomes, experiments))
    }

    /// As [`Updater::resample`].
    pub fn resample(&mut self, count: Option<usize>) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.resample(with, count))
    }

    /// As [`Updater::resample_by`].
    pub fn resample_by(&mut self, custom: Option<Box<CustomResampler>>) {
        self.updater.resample_by(custom);
    }

    /// As [`Updater::reset`].
    pub fn reset(&mut self) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.reset(with))
    }

    /// As [`Updater::set_models`].
    pub fn set_models(&mut self, set: u64, models: &[f64], weights: &[f64]) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.set_models(with, set, models, weights))
    }

    /// As [`Updater::set_log_weights`].
    pub fn set_log_weights(&mut self, set: u64, log_weights: &[f64]) -> Result<(), Error> {
        let Self { tools, updater } = self;
        tools.with(|with| updater.set_log_weights(with, set, log_weights))
    }

    /// As [`product`]: likelihoods over outcomes, models and experiments, none of them the sets'.
    pub fn likelihood(
        &self,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.tools.with(|with| product(with, outcomes, models, experiments, out))
    }

    /// As [`simulate`]; each call draws anew.
    pub fn simulate(&mut self, models: &[f64], experiments: &Experiments) -> Result<Vec<f64>, Error> {
        self.question(|learner, generation| {
            learner.tools.with(|with| simulate(with, (crate::model::NO_CHAIN, generation), models, experiments))
        })
    }

    /// Has `f` ask a question that draws as no other does; one that fails was never asked.
    fn question<R>(&mut self, f: impl FnOnce(&Self, u64) -> Result<R, Error>) -> Result<R, Error> {
        let before = self.updater.questions();
        let generation = self.updater.ask();
        let answer = f(self, generation);
        if answer.is_err() {
            self.updater.set_questions(before);
        }
        answer
    }

    /// Whether several threads may compute.
    pub fn threads(&self) -> usize {
        if self.tools.model.threading() == Threading::Any { self.tools.pool.threads() } else { 1 }
    }

    /// A stream for a question.
    fn stream(&mut self) -> crate::random::Stream {
        let generation = self.updater.ask();
        ParticleStreams::new(self.tools.seed).at(0, 0, generation, ParticlePurpose::Choice)
    }
}
