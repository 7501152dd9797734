//! A normal fitted to a short run of NUTS: where the path begins when nothing else is known.

use crate::error::{Code, Error};
use crate::io::{Level, TableWriter, Writer};
use crate::model::Density;
use crate::particles::normal::Normal;
use crate::particles::scale::Scale;
use crate::services::{Engine, Outcome, SampleIo, SampleOptions, sample_nuts};

/// Chains of the short run, always of the same ids, so that the normal does not depend on which sets run.
const CHAINS: usize = 4;
const WARMUP: usize = 300;
const DRAWS: usize = 250;
/// The normal's standard deviations are so many times the draws', for a path is better begun too wide than too narrow.
const WIDER: f64 = 1.5;
/// Above this dimension correlations are left to the moves.
const LARGEST_DENSE: usize = 64;

/// The normal; `None` when the run was interrupted.
///
/// # Errors
/// No chain came to its end, or its draws are no numbers.
pub(super) fn fitted<D: Density>(
    density: &D,
    options: &SampleOptions,
    io: &SampleIo<'_>,
) -> Result<Option<Normal>, Error> {
    let mut tables: Vec<TableWriter> = (0..CHAINS).map(|_| TableWriter::default()).collect();
    let short = SampleOptions {
        num_chains: CHAINS,
        init_chain_id: 1,
        num_warmup: WARMUP,
        num_samples: DRAWS,
        refresh: 0,
        batch_size: if density.has_batch() { options.batch_size } else { 0 },
        max_evaluations: 0,
        seed: options.seed,
        num_threads: options.num_threads,
        batch_wait: options.batch_wait,
        max_depth: options.max_depth,
        max_energy_error: options.max_energy_error,
        ..SampleOptions::stan()
    };
    let run_io = SampleIo {
        diagnostic_writers: tables.iter_mut().map(|t| t as &mut dyn Writer).collect(),
        logger: io.logger,
        interrupt: io.interrupt,
        pool: io.pool.clone(),
        ..SampleIo::default()
    };
    io.logger.log(Level::Info, None, "a normal to begin with is fitted to a short run of NUTS");
    let report = sample_nuts(density, &short, run_io)?;
    if report.interrupted {
        return Ok(None);
    }
    let (dim, skip) = (density.dim(), Engine::Nuts.columns().len());
    let width = skip + 3 * dim;
    let done = tables.iter().zip(&report.chains).filter(|(_, chain)| chain.outcome == Outcome::Finished);
    let rows: Vec<&[f64]> =
        done.flat_map(|(t, _)| t.values().chunks_exact(width)).map(|row| &row[skip..skip + dim]).collect();
    if rows.is_empty() {
        let why = report.status().err().map_or(String::new(), |e| e.to_string());
        return Err(Error::new(Code::Initialization, format!("no reference could be fitted: {why}")));
    }
    normal(dim, &rows).map(Some).ok_or_else(|| {
        Error::new(Code::Initialization, "no reference could be fitted: the draws of the short run don't spread")
    })
}

/// A normal of the rows' mean and widened spread.
fn normal(dim: usize, rows: &[&[f64]]) -> Option<Normal> {
    let n = rows.len() as f64;
    let mean: Vec<f64> = (0..dim).map(|j| rows.iter().map(|r| r[j]).sum::<f64>() / n).collect();
    let moment = |i: usize, j: usize| {
        let sum: f64 = rows.iter().map(|r| (r[i] - mean[i]) * (r[j] - mean[j])).sum();
        WIDER * WIDER * sum / n
    };
    let sds: Vec<f64> = (0..dim).map(|i| moment(i, i).sqrt()).collect();
    let diag = || Scale::diag(&sds, "reference").ok();
    let scale = if dim <= LARGEST_DENSE {
        // As in the fit of particles, correlations count a little less, so that the matrix is a covariance.
        let kept = n / (n + dim as f64);
        let element = |k: usize| moment(k / dim, k % dim) * if k / dim == k % dim { 1.0 } else { kept };
        Scale::of_covariance(dim, &(0..dim * dim).map(element).collect::<Vec<_>>()).or_else(diag)
    } else {
        diag()
    };
    mean.iter().all(|m| m.is_finite()).then_some(())?;
    Some(Normal::new(mean, scale?))
}
