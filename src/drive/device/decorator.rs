//! A likelihood whose product a device computes; whoever uses it does not know.

use super::choice::{Choice, Computes, Who};
use super::product::{CellShape, Product};
use crate::error::Error;
use crate::model::{
    Domain, Experiments, Field, Level, Likelihood, OutcomeShape, Refusal, Task, Threading, WorkerError,
};
use crate::particles::BLOCK;
use std::sync::Arc;
use std::time::Instant;

/// Cells of a piece of a large product, roughly.
const PIECE_CELLS: usize = 32 * 1024;

/// What computes products in the host's place. Used by several threads at once.
pub trait Device: Send + Sync {
    /// Its name.
    fn name(&self) -> &str;

    /// Computes the product into `out`.
    ///
    /// # Errors
    /// What it says when it fails; `out` has unspecified values then.
    fn compute(&self, product: &Product<'_>, out: &mut [f64]) -> Result<(), Error>;
}

/// `L`, with the likelihood itself computed by a device, or by whoever proves quicker. Everything else (names, domains,
/// simulation, validity) is `L`'s.
pub struct OnDevice<L> {
    host: L,
    shape: CellShape,
    device: Option<Box<dyn Device>>,
    /// Where who computes is measured.
    choice: Option<Choice>,
}

impl<L: Likelihood> OnDevice<L> {
    /// `host` as it is.
    pub fn none(host: L) -> Self {
        Self { shape: Self::shape(&host), host, device: None, choice: None }
    }

    /// `host` on `device`, which must be for cells of its shape.
    pub fn new(host: L, device: impl Device + 'static) -> Self {
        Self { device: Some(Box::new(device)), ..Self::none(host) }
    }

    /// `host` or `device`, whichever is quicker for products of a size: the first calls of each size (within a factor of 2) are
    /// computed by both and timed, `threads` being those that may share the host's work. The choice and its reason go to the
    /// log. Both have the same numbers but for rounding; which of them there are depends on time, so that bits may differ from
    /// one run to the next. A device that fails is left, with a warning.
    pub fn auto(host: L, device: impl Device + 'static, threads: usize) -> Self {
        Self { choice: Some(Choice::new(threads)), ..Self::new(host, device) }
    }

    /// The shape of `host`'s cells.
    pub fn shape(host: &L) -> CellShape {
        CellShape { outcome: host.outcome().width, parameters: host.parameters().len(), fields: host.fields().len() }
    }

    /// The device, where there is one.
    pub fn device(&self) -> Option<&dyn Device> {
        self.device.as_deref()
    }

    /// Who computes products of so many cells.
    pub fn computes(&self, cells: usize) -> Computes {
        match (&self.device, &self.choice) {
            (None, _) => Computes::Host,
            (Some(_), None) => Computes::Device,
            (Some(_), Some(choice)) => choice.computes(cells),
        }
    }

    /// By the host's function, block after block as it wants them.
    fn on_host(&self, call: &mut Call<'_, '_, L>, out: &mut [f64]) -> Result<(), Refusal> {
        let Call { worker, context, task, outcomes, models, experiments } = call;
        let dim = self.shape.parameters;
        let n = models.len() / dim;
        if self.host.whole() || n <= BLOCK {
            return self.host.likelihood(worker, context, task, outcomes, models, experiments, out);
        }
        let mut room = Vec::new();
        for (b, models) in models.chunks(BLOCK * dim).enumerate() {
            let own = models.len() / dim;
            room.resize(out.len() / n * own, 0.0);
            self.host.likelihood(worker, context, task, outcomes, models, experiments, &mut room)?;
            for (row, part) in out.chunks_mut(n).zip(room.chunks(own)) {
                row[b * BLOCK..][..own].copy_from_slice(part);
            }
        }
        Ok(())
    }

    fn on_device(&self, device: &dyn Device, call: &Call<'_, '_, L>, out: &mut [f64]) -> Result<(), Error> {
        let Call { task, outcomes, models, experiments, .. } = call;
        let n = models.len() / self.shape.parameters;
        let block = if self.host.whole() { n } else { BLOCK };
        let (owner, shape) = (task.chain_id(), self.shape);
        device.compute(&Product { owner, block, outcomes, models, experiments: experiments.values(), shape }, out)
    }

    /// Into how many pieces the host's work could be cut.
    fn most_pieces(&self, call: &Call<'_, '_, L>, out: &[f64]) -> usize {
        let blocks = (call.models.len() / self.shape.parameters).div_ceil(BLOCK);
        if self.host.whole() { 1 } else { blocks.max(out.len() / PIECE_CELLS) }
    }

    fn by_choice(
        &self,
        device: &dyn Device,
        choice: &Choice,
        call: &mut Call<'_, '_, L>,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let warn = |call: &Call<'_, '_, L>, error: Error| {
            if choice.give_up()
                && let Some(logger) = call.task.logger()
            {
                let words = format!("{}; the host computes from here on", error.message());
                logger.log(Level::Warning, None, &words);
            }
        };
        match choice.who(out.len()) {
            Who::Host => self.on_host(call, out),
            Who::Device => match self.on_device(device, call, out) {
                Ok(()) => Ok(()),
                Err(error) => {
                    warn(call, error);
                    self.on_host(call, out)
                }
            },
            Who::Both(mut trial) => {
                let begun = Instant::now();
                let failed = self.on_device(device, call, out).err();
                let by_device = begun.elapsed();
                let begun = Instant::now();
                self.on_host(call, out)?;
                match failed {
                    Some(error) => warn(call, error),
                    None => {
                        if let (Some(words), Some(logger)) = (
                            trial.note(begun.elapsed(), by_device, self.most_pieces(call, out), device.name()),
                            call.task.logger(),
                        ) {
                            logger.log(Level::Info, None, &words);
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

/// What a call of a likelihood brings.
struct Call<'a, 't, L: Likelihood> {
    worker: &'a mut L::Worker,
    context: &'a L::Context,
    task: &'a mut Task<'t>,
    outcomes: &'a [f64],
    models: &'a [f64],
    experiments: &'a Experiments,
}

impl<L: Likelihood> Likelihood for OnDevice<L> {
    type Worker = L::Worker;
    type Context = L::Context;

    fn parameters(&self) -> Vec<String> {
        self.host.parameters()
    }

    fn fields(&self) -> Arc<[Field]> {
        self.host.fields()
    }

    fn outcome(&self) -> OutcomeShape {
        self.host.outcome()
    }

    fn threading(&self) -> Threading {
        self.host.threading()
    }

    fn whole(&self) -> bool {
        self.host.whole()
    }

    /// One launch for all that is asked for.
    fn joins(&self, cells: usize) -> bool {
        self.host.joins(cells) || self.computes(cells) != Computes::Host
    }

    fn is_log(&self) -> bool {
        self.host.is_log()
    }

    fn new_worker(&self) -> Result<L::Worker, WorkerError> {
        self.host.new_worker()
    }

    fn prepare(&self, task: &mut Task<'_>, experiments: &Experiments) -> Result<L::Context, Refusal> {
        self.host.prepare(task, experiments)
    }

    fn likelihood(
        &self,
        worker: &mut L::Worker,
        context: &L::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        // Whoever may choose was asked for all models at once where a device is wanted.
        match self.device.as_deref().filter(|_| self.choice.is_none()) {
            None => self.host.likelihood(worker, context, task, outcomes, models, experiments, out),
            Some(device) => {
                let call = Call { worker, context, task, outcomes, models, experiments };
                self.on_device(device, &call, out).map_err(|error| call.task.stop(error.message()))
            }
        }
    }

    fn likelihood_joined(
        &self,
        worker: &mut L::Worker,
        context: &L::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let mut call = Call { worker, context, task, outcomes, models, experiments };
        match (self.device.as_deref(), &self.choice) {
            (Some(device), Some(choice)) => self.by_choice(device, choice, &mut call, out),
            (Some(_), None) => self.likelihood(worker, context, task, outcomes, models, experiments, out),
            (None, _) => self.host.likelihood_joined(worker, context, task, outcomes, models, experiments, out),
        }
    }

    fn has_validity(&self) -> bool {
        self.host.has_validity()
    }

    fn are_valid(
        &self,
        worker: &mut L::Worker,
        task: &mut Task<'_>,
        models: &[f64],
        valid: &mut [bool],
    ) -> Result<(), Refusal> {
        self.host.are_valid(worker, task, models, valid)
    }

    fn has_canonical(&self) -> bool {
        self.host.has_canonical()
    }

    fn canonicalize(&self, worker: &mut L::Worker, task: &mut Task<'_>, models: &mut [f64]) -> Result<(), Refusal> {
        self.host.canonicalize(worker, task, models)
    }

    fn domain(&self, task: &mut Task<'_>, experiment: &Experiments) -> Result<Domain, Refusal> {
        self.host.domain(task, experiment)
    }

    fn has_simulator(&self) -> bool {
        self.host.has_simulator()
    }

    fn simulate(
        &self,
        worker: &mut L::Worker,
        context: &L::Context,
        task: &mut Task<'_>,
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        self.host.simulate(worker, context, task, models, experiments, out)
    }

    fn has_timestep(&self) -> bool {
        self.host.has_timestep()
    }

    fn update_timestep(
        &self,
        worker: &mut L::Worker,
        task: &mut Task<'_>,
        experiment: &Experiments,
        models: &mut [f64],
    ) -> Result<(), Refusal> {
        self.host.update_timestep(worker, task, experiment, models)
    }

    fn experiment_cost(&self, task: &mut Task<'_>, experiments: &Experiments, out: &mut [f64]) -> Result<(), Refusal> {
        self.host.experiment_cost(task, experiments, out)
    }

    fn has_score(&self) -> bool {
        self.host.has_score()
    }

    fn score(
        &self,
        worker: &mut L::Worker,
        context: &L::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        self.host.score(worker, context, task, outcomes, models, experiments, out)
    }
}
