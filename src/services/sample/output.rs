//! What a chain writes: draws, diagnostics, progress, and Stan's lines.

use super::sampling::Sampling;
use super::watched::Watched;
use crate::adapt::LowRank;
use crate::error::Error;
use crate::hmc::{Chain, Engine, MetricKind, Transition};
use crate::io::Level;
use crate::model::Density;
use crate::services::Progress;
use crate::services::outputs::outputs_of_draw;
use crate::services::service::Here;

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

/// What `auto` has come to, in words.
fn chosen(chain: &Chain) -> String {
    let dim = chain.settings().dim;
    let directions = LowRank::from_numbers(&chain.metric().inverse()).map_or(0, |m| m.values.len());
    let shape = match chain.metric().kind() {
        MetricKind::LowRank if directions > 0 => format!("a diagonal one with {directions} directions that stand out"),
        MetricKind::Diag | MetricKind::LowRank => "a diagonal one, because no more stands out".to_string(),
        _ => "a full matrix".to_string(),
    };
    format!("metric=auto chose {shape}, for {dim} coordinates")
}

/// What the target of the acceptance statistic has risen to from `delta`, in words.
fn raised(delta: f64, chain: &Chain) -> Option<String> {
    let raised = chain.delta().filter(|now| *now > delta)?;
    let shortest = crate::io::shortest;
    Some(format!(
        "raise_delta: many transitions of warm-up diverged, so delta rose from {} to {}",
        shortest(delta),
        shortest(raised)
    ))
}

/// The lines of a low-rank metric that other metrics have not.
fn direction_lines(low_rank: &LowRank) -> Vec<String> {
    let mut lines = vec![format!("Variances along {} directions of the scaled coordinates:", low_rank.values.len())];
    lines.push(join(&low_rank.values));
    lines.extend(low_rank.vectors.chunks(low_rank.variances.len().max(1)).map(join));
    lines
}

fn join(row: &[f64]) -> String {
    row.iter().map(|v| crate::io::shortest(*v)).collect::<Vec<_>>().join(", ")
}

impl Sampling<'_> {
    pub(super) fn drawn<D: Density>(&mut self, watched: &mut Watched, here: &mut Here<'_, D>) -> Result<(), Error> {
        let chain = &mut watched.chain;
        let t = *chain.transition();
        // Warm-up is over once the chain has said so, which it does between two draws.
        let warmup_length = chain.warmup_length();
        let nth = t.iteration - warmup_length.unwrap_or(0);
        if warmup_length.is_some() {
            self.record.divergences += u64::from(t.divergent);
            self.record.saturated += u64::from(t.depth >= self.settings.max_depth);
        }
        self.tell(chain, here);
        let options = &here.run.options;
        if !nth.is_multiple_of(options.thin) || (warmup_length.is_none() && !options.save_warmup) {
            return Ok(());
        }
        let outputs_at = sampler_values(self.columns.engine, &t, &mut here.bench.row);
        let is_kept = watched.is_looked_at() && warmup_length.is_some();
        let chain = &mut watched.chain;
        if self.sinks.sample.is_some() || is_kept {
            outputs_of_draw(here, chain.draw(), outputs_at..self.columns.sample.len(), &mut self.refused)?;
        }
        if is_kept {
            watched.keep(&here.bench.row);
        }
        let chain = &watched.chain;
        if let Some(writer) = &mut self.sinks.sample {
            writer.row(&here.bench.row[..self.columns.sample.len()])?;
            self.record.rows += 1;
        }
        if let Some(writer) = &mut self.sinks.diagnostic {
            let dim = self.settings.dim;
            let row = &mut here.bench.row[..self.columns.diagnostic.len()];
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
        // Rows are those that the sample writer took, also where the other one fails at the same draw.
        self.record.rows += usize::from(self.sinks.sample.is_none());
        Ok(())
    }

    /// What is told of the chain after each iteration.
    fn tell<D: Density>(&self, chain: &Chain, here: &Here<'_, D>) {
        let in_warmup = chain.warmup_length().is_none();
        let (warmup, sampling) = chain.evaluations();
        let iteration = chain.iterations();
        here.show(&Progress {
            iteration,
            in_warmup,
            divergences: self.record.divergences,
            gradients: warmup + sampling,
            stepsize: chain.stepsize(),
            over: false,
        });
        let total = self.settings.num_warmup + self.settings.num_samples;
        here.tell("Iteration", iteration, total, if in_warmup { "Warmup" } else { "Sampling" });
    }

    /// Stan's lines after warm-up, to the sample and diagnostic writers.
    pub(super) fn adapted<D: Density>(&mut self, chain: &Chain, here: &Here<'_, D>) -> Result<(), Error> {
        if chain.engine() == Engine::FixedParam {
            return Ok(());
        }
        let mut lines = Vec::new();
        if here.run.options.metric == MetricKind::Auto && chain.moves() {
            let told = chosen(chain);
            // Of every run by default, and no news to most.
            here.log(Level::Debug, &told);
            lines.push(told);
        }
        let (planned, done) = (self.settings.num_warmup, chain.warmup_length().unwrap_or(0));
        if self.settings.adaptation.is_some_and(|a| a.warmup_until) && chain.moves() {
            let ended = if done < planned { "its conditions held" } else { "not all of its conditions held" };
            let told = format!("Warm-up ended after {done} of at most {planned} iterations: {ended}");
            here.log(Level::Info, &told);
            lines.push(told);
        }
        if let Some(told) = self.settings.adaptation.and_then(|a| raised(a.delta, chain)) {
            here.log(Level::Info, &told);
            lines.push(told);
        }
        let (kind, mut inverse) = chain.inverse_metric();
        if kind == MetricKind::LowRank {
            // Readers of Stan's files take what stands between the diagonal and the times for the diagonal.
            // Of no coordinates there are no numbers.
            let low_rank = LowRank::from_numbers(&inverse).unwrap_or_default();
            lines.extend(direction_lines(&low_rank));
            inverse = low_rank.variances;
        }
        if self.settings.adaptation.is_some() && self.settings.num_warmup > 0 {
            lines.push("Adaptation terminated".to_string());
        }
        lines.push(format!("Step size = {}", crate::io::shortest(chain.stepsize())));
        match kind {
            MetricKind::Unit => lines.push("No free parameters for unit metric".into()),
            MetricKind::LowRank | MetricKind::Diag | MetricKind::FisherDiag => {
                lines.push("Diagonal elements of inverse mass matrix:".into());
                lines.push(join(&inverse));
            }
            _ => {
                lines.push("Elements of inverse mass matrix:".into());
                lines.extend(inverse.chunks(self.settings.dim.max(1)).map(join));
            }
        }
        self.messages(&lines)
    }

    /// Lines of text to the sample and diagnostic writers.
    pub(super) fn messages(&mut self, lines: &[String]) -> Result<(), Error> {
        for writer in [&mut self.sinks.sample, &mut self.sinks.diagnostic].into_iter().flatten() {
            for line in lines {
                writer.message(line)?;
            }
        }
        Ok(())
    }
}
