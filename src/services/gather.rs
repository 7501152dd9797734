//! Evaluations of many chains in one call of the model's batch function.

use super::seat::{Run, Seat};
use crate::drive::{Bench, Gather, PoolReducer, Seated};
use crate::error::{Code, Error};
use crate::hmc::Reply;
use crate::model::{Density, NO_CHAIN, Refusal, Task};
use crate::random::{Purpose, Stream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Gathers the evaluations that chains wait for, each at its own place in its own tree.
pub(super) struct Gatherer<'a, D: Density> {
    run: Arc<Run<'a, D>>,
    /// Arrays not in use; as many as there were batches at once.
    free: Mutex<Vec<Arrays>>,
}

/// One batch's arrays, as long as the largest batch.
struct Arrays {
    positions: Vec<f64>,
    log_densities: Vec<f64>,
    gradients: Vec<f64>,
    outcomes: Vec<Result<(), Refusal>>,
}

impl Arrays {
    fn new(size: usize, dim: usize) -> Self {
        Self {
            positions: vec![0.0; size * dim],
            log_densities: vec![0.0; size],
            gradients: vec![0.0; size * dim],
            outcomes: vec![Ok(()); size],
        }
    }
}

impl<'a, D: Density> Gatherer<'a, D> {
    pub fn new(run: Arc<Run<'a, D>>) -> Self {
        Self { run, free: Mutex::new(Vec::new()) }
    }

    fn call(&self, bench: &mut Bench<D::Worker>, arrays: &mut Arrays, n: usize) -> Result<(), Refusal> {
        let dim = self.run.density.dim();
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        // An evaluation's own random numbers would depend on the company it comes in: a batch has none but fixed ones.
        let mut stream = Stream::of_run(self.run.options.seed, Purpose::Model);
        bench.message.clear();
        let mut task = Task::new(NO_CHAIN, &mut stream, &mut bench.message, &reducer).with_logger(self.run.logger);
        arrays.outcomes[..n].fill(Ok(()));
        self.run.density.log_density_gradient_batch(
            &mut bench.worker,
            &mut task,
            &arrays.positions[..n * dim],
            &mut arrays.log_densities[..n],
            &mut arrays.gradients[..n * dim],
            &mut arrays.outcomes[..n],
        )
    }
}

impl<'a, D: Density> Gather<Seat<'a, D>> for Gatherer<'a, D> {
    fn size(&self) -> usize {
        self.run.options.batch_size.min(self.run.options.num_chains)
    }

    fn wait(&self) -> Duration {
        self.run.options.batch_wait
    }

    fn answer(&self, jobs: &mut [Seated<Seat<'a, D>>]) {
        let start = Instant::now();
        let (n, dim) = (jobs.len(), self.run.density.dim());
        let mut bench = match self.run.workers.check_out() {
            Ok(bench) => bench,
            Err(error) => {
                let error = Error::new(Code::Model, format!("a worker's memory could not be made: {error}"));
                return jobs.iter_mut().for_each(|seated| seated.job.fail(error.clone()));
            }
        };
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut arrays = free.unwrap_or_else(|| Arrays::new(self.size(), dim));
        for (seated, row) in jobs.iter_mut().zip(arrays.positions.chunks_exact_mut(dim)) {
            row.copy_from_slice(seated.job.evaluation().0);
        }
        let all = self.call(&mut bench, &mut arrays, n);
        let share = start.elapsed() / n as u32;
        for (i, seated) in jobs.iter_mut().enumerate() {
            match all.and(arrays.outcomes[i]) {
                Ok(()) => {
                    seated.job.evaluation().1.copy_from_slice(&arrays.gradients[i * dim..(i + 1) * dim]);
                    seated.job.reply(Reply::LogDensity(arrays.log_densities[i]), share);
                }
                Err(Refusal::Reject) => seated.job.reply(Reply::Rejected, share),
                Err(Refusal::Stop) => seated.job.stopped_by_model(&bench.message),
            }
        }
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(arrays);
    }
}
