//! What a chain writes: draws, diagnostics, progress, and Stan's lines.

use super::{Seat, in_words};
use crate::drive::{Bench, PoolReducer};
use crate::error::{Code, Error};
use crate::hmc::{Engine, MetricKind, Transition};
use crate::io::Level;
use crate::model::{Density, Refusal, Task};
use crate::services::SampleOptions;
use crate::services::control::Progress;
use std::sync::Arc;

/// Writes what stands in the engine's columns ([`Engine::columns`]) to the start of `row`; returns how many that are.
fn sampler_values(engine: Engine, t: &Transition, row: &mut [f64]) -> usize {
    let mut write = |values: &[f64]| {
        row[..values.len()].copy_from_slice(values);
        values.len()
    };
    match engine {
        Engine::Nuts => write(&[
            t.log_density,
            t.accept_stat,
            t.stepsize,
            f64::from(t.depth),
            t.n_leapfrog as f64,
            f64::from(u8::from(t.divergent)),
            t.energy,
        ]),
        Engine::Static { int_time } => write(&[t.log_density, t.accept_stat, t.stepsize, int_time, t.energy]),
        Engine::FixedParam => write(&[t.log_density, t.accept_stat]),
    }
}

/// Stan's lines at the end of a chain's output, from seconds of warm-up and of sampling. A chain that was stopped has not
/// written them, for it may be resumed.
pub fn elapsed_lines(warmup: f64, sampling: f64) -> [String; 5] {
    [
        String::new(),
        format!(" Elapsed Time: {warmup:.3} seconds (Warm-up)"),
        format!("               {sampling:.3} seconds (Sampling)"),
        format!("               {:.3} seconds (Total)", warmup + sampling),
        String::new(),
    ]
}

impl<D: Density> Seat<'_, D> {
    pub(super) fn drawn(&mut self, bench: &mut Bench<D::Worker>) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        let options = &run.options;
        let chain = self.record.chain.as_ref().expect("it has just drawn");
        let t = *chain.transition();
        let warmup = t.iteration < self.settings.num_warmup;
        if !warmup {
            self.record.divergences += u64::from(t.divergent);
            self.record.saturated += u64::from(t.depth >= self.settings.max_depth);
        }
        self.show(warmup);
        let nth = if warmup { t.iteration } else { t.iteration - self.settings.num_warmup };
        self.progress(t.iteration);
        if nth % options.thin != 0 || (warmup && !options.save_warmup) {
            return Ok(());
        }
        let outputs_at = sampler_values(run.engine, &t, &mut bench.row);
        if self.sinks.sample.is_some() {
            self.outputs(bench, outputs_at)?;
            if let Some(writer) = &mut self.sinks.sample {
                writer.row(&bench.row[..self.run.columns.len()])?;
            }
        }
        if let Some(writer) = &mut self.sinks.diagnostic {
            let chain = self.record.chain.as_ref().expect("it has just drawn");
            let dim = self.settings.dim;
            let row = &mut bench.row[..self.run.diagnostic_columns.len()];
            let (position, rest) = row[outputs_at..].split_at_mut(dim);
            let (momentum, gradient) = rest.split_at_mut(dim);
            position.copy_from_slice(chain.position());
            if !chain.momentum(momentum) {
                momentum.fill(f64::NAN);
            }
            for (out, g) in gradient.iter_mut().zip(chain.gradient()) {
                *out = -g;
            }
            writer.row(row)?;
        }
        self.record.rows += 1;
        Ok(())
    }

    /// The model's outputs into the row, from column `at` on; NaN where the model refuses, as in Stan.
    fn outputs(&mut self, bench: &mut Bench<D::Worker>, at: usize) -> Result<(), Error> {
        let id = self.id();
        let reducer = PoolReducer::new(&self.run.pool, &self.run.workers);
        let chain = self.record.chain.as_mut().expect("it has just drawn");
        let (position, stream) = chain.draw();
        bench.message.clear();
        let outputs = &mut bench.row[at..self.run.columns.len()];
        let mut task = Task::new(id, stream, &mut bench.message, &reducer).with_logger(self.run.logger);
        match self.run.density.constrain(&mut bench.worker, &mut task, position, outputs) {
            Ok(()) => Ok(()),
            Err(Refusal::Reject) => {
                outputs.fill(f64::NAN);
                self.log(Level::Warning, &format!("the outputs of a draw were refused{}", in_words(&bench.message)));
                Ok(())
            }
            Err(Refusal::Stop) => Err(Error::new(
                Code::Model,
                format!("the model stopped the run while computing outputs{}", in_words(&bench.message)),
            )),
        }
    }

    /// What [`Control::progress`] tells of the chain.
    fn show(&self, in_warmup: bool) {
        let Some(chain) = &self.record.chain else { return };
        let (warmup, sampling) = chain.evaluations();
        self.run.control.show(
            self.place,
            &Progress {
                iteration: chain.iterations(),
                in_warmup,
                divergences: self.record.divergences,
                gradients: warmup + sampling,
                stepsize: chain.stepsize(),
                over: false,
            },
        );
    }

    fn progress(&self, iteration: usize) {
        let SampleOptions { refresh, num_warmup, num_samples, .. } = self.run.options;
        let (done, total) = (iteration + 1, num_warmup + num_samples);
        if refresh == 0 || !(done == 1 || done == total || done.is_multiple_of(refresh)) {
            return;
        }
        let phase = if iteration < num_warmup { "Warmup" } else { "Sampling" };
        let width = total.to_string().len();
        let percent = 100 * done / total;
        self.log(Level::Info, &format!("Iteration: {done:width$} / {total} [{percent:3}%]  ({phase})"));
    }

    /// Stan's lines after warm-up, to the sample and diagnostic writers.
    pub(super) fn adapted(&mut self) -> Result<(), Error> {
        let chain = self.record.chain.as_ref().expect("it has just ended its warm-up");
        if chain.engine() == Engine::FixedParam {
            return Ok(());
        }
        let mut lines = Vec::new();
        if self.settings.adaptation.is_some() && self.settings.num_warmup > 0 {
            lines.push("Adaptation terminated".to_string());
        }
        lines.push(format!("Step size = {}", crate::io::shortest(chain.stepsize())));
        let inverse = chain.metric().inverse();
        let join = |row: &[f64]| row.iter().map(|v| crate::io::shortest(*v)).collect::<Vec<_>>().join(", ");
        match chain.metric().kind() {
            MetricKind::Unit => lines.push("No free parameters for unit metric".into()),
            MetricKind::Diag => {
                lines.push("Diagonal elements of inverse mass matrix:".into());
                lines.push(join(&inverse));
            }
            MetricKind::Dense => {
                lines.push("Elements of inverse mass matrix:".into());
                lines.extend(inverse.chunks(self.settings.dim.max(1)).map(join));
            }
        }
        self.messages(&lines)
    }

    /// Stan's lines at the end, to the sample and diagnostic writers.
    pub(super) fn timing(&mut self) -> Result<(), Error> {
        let (warmup, sampling) = (self.record.warmup_time.as_secs_f64(), self.record.sampling_time.as_secs_f64());
        self.messages(&elapsed_lines(warmup, sampling))
    }

    fn messages(&mut self, lines: &[String]) -> Result<(), Error> {
        for writer in [&mut self.sinks.sample, &mut self.sinks.diagnostic].into_iter().flatten() {
            for line in lines {
                writer.message(line)?;
            }
        }
        Ok(())
    }
}
