//! The Bayesian Cramér-Rao bound (Van Trees 1968), where the model has a score.

use crate::error::Error;
use crate::learn::call::{Bench, For, With};
use crate::learn::linear;
use crate::learn::product::{Models, drawn, likelihoods};
use crate::learn::set::ModelSet;
use crate::model::{Domain, Experiments, Likelihood};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;

/// Fisher's information of one outcome of each experiment, the mean over the set's models: d x d for each experiment, one
/// after the other. Outcomes that cannot be listed are simulated, one per model, as those of `generation`.
///
/// # Errors
/// A model without a score; a refusal.
pub fn fisher_information<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    experiments: &Experiments,
    generation: u64,
) -> Result<Vec<f64>, Error> {
    with.check_fields(experiments)?;
    if !with.model.has_score() {
        return Err(Error::argument("score", "a function, for the bound", "none"));
    }
    let dim = set.dim();
    let mut out = Vec::with_capacity(experiments.len() * dim * dim);
    for e in 0..experiments.len() {
        out.extend(of_experiment(with, set, experiments, e, generation)?);
    }
    Ok(out)
}

fn of_experiment<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    experiments: &Experiments,
    e: usize,
    generation: u64,
) -> Result<Vec<f64>, Error> {
    let (dim, layout) = (set.dim(), set.layout);
    let width = with.model.outcome().width;
    let table = experiments.rows(&[e]);
    let context = with.prepare(&table)?;
    let listed = match with.domain(experiments, e)? {
        Domain::Finite(outcomes) => Some(outcomes),
        Domain::Sampled => None,
    };
    let models = Models { set: set.id, layout, values: &set.models };
    let sampled = match listed {
        Some(_) => Vec::new(),
        None => drawn(with, models, generation, &table)?,
    };
    let weights = set.weights();
    let mut parts = vec![0.0; set.blocks() * dim * dim];
    let room = layout.chunk.div_ceil(BLOCK) * dim * dim;
    let chunks: Vec<_> = set.models.chunks(layout.chunk_size()).zip(parts.chunks_mut(room)).enumerate().collect();
    let calls = &with.calls;
    let work = |bench: &mut Bench<M::Worker>, (c, (own, sum)): (usize, (&[f64], &mut [f64]))| -> Result<(), Error> {
        let (first, n) = (c * layout.chunk, own.len() / dim);
        let of = For { set: set.id, first, models: n, generation };
        let score = |bench: &mut Bench<M::Worker>, of: For, outcomes: &[f64], models: &[f64]| {
            let mut scores = vec![0.0; outcomes.len() / width * dim * of.models];
            calls.call(bench, of, "score", |worker, task, _| {
                calls.model.score(worker, &context, task, outcomes, models, &table, &mut scores)
            })?;
            Ok::<_, Error>(scores)
        };
        match &listed {
            Some(outcomes) => {
                let n_o = outcomes.len() / width;
                likelihoods(calls, bench, of, &context, outcomes, (false, own), (e, &table), n_o * n)?;
                let mut chances = bench.room[..n_o * n].to_vec();
                if calls.model.is_log() {
                    chances.iter_mut().for_each(|x| *x = libm::exp(*x));
                }
                let scores = score(bench, of, outcomes, own)?;
                for o in 0..n_o {
                    let of_outcome = &scores[o * dim * n..(o + 1) * dim * n];
                    add(sum, dim, n, of_outcome, |i| weights[first + i] * chances[o * n + i]);
                }
            }
            None => {
                let mut model = vec![0.0; dim];
                for i in 0..n {
                    (0..dim).for_each(|j| model[j] = own[j * n + i]);
                    let outcome: Vec<f64> = (0..width).map(|k| sampled[k * set.len() + first + i]).collect();
                    let scores = score(bench, For { models: 1, ..of }, &outcome, &model)?;
                    let block = i / BLOCK * dim * dim;
                    add(&mut sum[block..], dim, 1, &scores, |_| weights[first + i]);
                }
            }
        }
        Ok(())
    };
    with.blocks.for_each(chunks.into_iter(), || calls.bench(), |bench, chunk| work(bench, chunk))?;
    let mut out = vec![0.0; dim * dim];
    parts.chunks(dim * dim).for_each(|part| out.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
    Ok(out)
}

/// Adds the weighted outer squares of scores (n x d) to the sums of their blocks; what has no weight counts for nothing, whatever its score.
fn add(sum: &mut [f64], dim: usize, n: usize, scores: &[f64], weight: impl Fn(usize) -> f64) {
    for i in 0..n {
        let w = weight(i);
        if w > 0.0 {
            let sum = &mut sum[i / BLOCK * dim * dim..];
            for j in 0..dim {
                (0..dim).for_each(|k| sum[j * dim + k] += w * scores[j * n + i] * scores[k * n + i]);
            }
        }
    }
}

/// The bound of the expected squared error of any estimate: the inverse of the prior's information plus that of all
/// experiments, d x d each. A normal prior's information is the inverse of its covariance.
///
/// # Errors
/// Information that is singular.
pub fn bayesian_bound(prior: &[f64], experiments: &[f64], dim: usize) -> Result<Vec<f64>, Error> {
    if dim == 0 {
        return Err(Error::argument("dimension", "at least 1", dim));
    }
    let size = dim * dim;
    if prior.len() != size || !experiments.len().is_multiple_of(size) {
        let got = format!("{} and {} numbers", prior.len(), experiments.len());
        return Err(Error::argument("information", format_args!("matrices of {size} numbers"), got));
    }
    let mut sum = prior.to_vec();
    experiments.chunks(size).for_each(|part| sum.iter_mut().zip(part).for_each(|(sum, x)| *sum += x));
    linear::inverse(&sum, dim).ok_or_else(|| Error::argument("information", "a sum that is positive", "a singular one"))
}
