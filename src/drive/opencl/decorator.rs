//! A likelihood whose product a device computes; whoever uses it does not know.

use super::cell::{CellShape, Product};
use super::program::DeviceProgram;
use crate::error::Error;
use crate::model::{Domain, Experiments, Field, Likelihood, OutcomeShape, Refusal, Task, Threading, WorkerError};
use std::sync::Arc;

/// `L`, with the likelihood itself computed by a device. Everything else (names, domains, simulation, validity) is `L`'s.
pub struct OnDevice<L> {
    host: L,
    program: DeviceProgram,
}

impl<L: Likelihood> OnDevice<L> {
    /// `host` on the device of `program`, which must have been compiled for cells of its shape.
    pub fn new(host: L, program: DeviceProgram) -> Self {
        Self { host, program }
    }

    /// The shape of `host`'s cells, for [`DeviceProgram::new`].
    pub fn shape(host: &L) -> CellShape {
        CellShape { outcome: host.outcome().width, parameters: host.parameters().len(), fields: host.fields().len() }
    }

    /// What the device computes.
    pub fn program(&self) -> &DeviceProgram {
        &self.program
    }
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

    /// One launch for all that is asked for.
    fn whole(&self) -> bool {
        true
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
        _worker: &mut L::Worker,
        _context: &L::Context,
        task: &mut Task<'_>,
        outcomes: &[f64],
        models: &[f64],
        experiments: &Experiments,
        out: &mut [f64],
    ) -> Result<(), Refusal> {
        let product = Product { outcomes, models, experiments: experiments.values(), shape: Self::shape(&self.host) };
        self.program.compute(&product, out).map_err(|e: Error| task.stop(e.message()))
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
