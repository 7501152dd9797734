//! Outcomes drawn from models.

use super::{Models, likelihoods};
use crate::error::{Code, Error};
use crate::learn::call::{Bench, Calls, For, With};
use crate::model::{Domain, Experiments, Likelihood, NO_CHAIN};
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;

/// How far the probabilities of all outcomes may be from 1 together.
const CLOSE: f64 = 1e-8;

/// Draws one outcome for each model (a matrix of n_m rows) in each experiment: number k of that of model m in experiment e
/// at `out[(e * width + k) * n_m + m]`. By the model's `simulate`, or from the probabilities of a finite domain.
///
/// Random numbers are those of set `set` in `generation`, whoever computes.
///
/// # Errors
/// Sizes that do not fit; a domain that cannot be listed and no `simulate`; probabilities that do not sum to 1.
pub fn simulate<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    (set, generation): (u64, u64),
    models: &[f64],
    experiments: &Experiments,
) -> Result<Vec<f64>, Error> {
    let dim = with.dim();
    with.check_fields(experiments)?;
    if models.is_empty() || !models.len().is_multiple_of(dim) {
        let expected = format!("a matrix of {dim} columns");
        return Err(Error::argument("models", expected, format_args!("{} numbers", models.len())));
    }
    let layout = Layout::new(models.len() / dim, dim, with.model.whole());
    let mut values = vec![0.0; models.len()];
    layout.scatter(models, &mut values);
    drawn(with, Models { set, first: 0, layout, values: &values }, generation, experiments)
}

/// One chunk of models, and where its outcomes go: a part of each of the rows.
struct Chunk<'a> {
    first: usize,
    models: &'a [f64],
    rows: Vec<&'a mut [f64]>,
}

/// As [`simulate`], of models that lie as they are passed on.
pub(in crate::learn) fn drawn<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    models: Models<'_>,
    generation: u64,
    experiments: &Experiments,
) -> Result<Vec<f64>, Error> {
    let (n, width, layout) = (models.layout.particles, with.model.outcome().width, models.layout);
    let mut out = vec![0.0; n * width * experiments.len()];
    let context = with.prepare(experiments)?;
    let domains = if with.model.has_simulator() { Vec::new() } else { domains(with, experiments)? };
    let mut chunks: Vec<_> = models
        .values
        .chunks(layout.chunk_size())
        .enumerate()
        .map(|(c, models)| Chunk { first: c * layout.chunk, models, rows: Vec::new() })
        .collect();
    for row in out.chunks_mut(n) {
        row.chunks_mut(layout.chunk).zip(&mut chunks).for_each(|(part, chunk)| chunk.rows.push(part));
    }
    let (count, own) = (chunks.len(), with.blocks.own(chunks.len()));
    let cells = n * experiments.len() * domains.first().map_or(1, |(_, _, _, d)| d.len());
    let units = with.grain.units(count, cells);
    let calls = &with.calls;
    let one = |bench: &mut Bench<M::Worker>, chunk: &mut Chunk<'_>| -> Result<(), Error> {
        let m = chunk.models.len() / layout.dim;
        let of = For { set: models.set, first: chunk.first, models: m, generation };
        let mut own = vec![0.0; m * chunk.rows.len()];
        if domains.is_empty() {
            calls.call(bench, of, "simulate", |worker, task, _| {
                calls.model.simulate(worker, &context, task, chunk.models, experiments, &mut own)
            })?;
        } else {
            calls.call(bench, of, "simulate", |_, task, _| task.fill_uniforms(&mut own[..m * experiments.len()]))?;
            let uniforms = own[..m * experiments.len()].to_vec();
            for ((e, table, context, domain), u) in domains.iter().zip(uniforms.chunks(m)) {
                invert(calls, bench, of, context, chunk.models, (*e, table), domain, u, &mut own)?;
            }
        }
        chunk.rows.iter_mut().zip(own.chunks(m)).for_each(|(row, own)| row.copy_from_slice(own));
        Ok(())
    };
    let work =
        |bench: &mut Bench<M::Worker>, chunks: &mut [Chunk<'_>]| chunks.iter_mut().try_for_each(|c| one(bench, c));
    let pieces = chunks[own.clone()].chunks_mut(units);
    let done = with.blocks.for_each(pieces, || calls.bench(), |bench, chunks| work(bench, chunks));
    if with.blocks.processes() == 1 {
        return done.map(|()| out);
    }
    let made = done.map(|()| {
        let rows = chunks[own].iter().flat_map(|chunk| chunk.rows.iter());
        rows.flat_map(|row| row.iter().copied()).collect()
    });
    with.blocks.exchange(count, made, |part, numbers| {
        let mut rest = numbers;
        for row in chunks[part].iter_mut().flat_map(|chunk| &mut chunk.rows) {
            row.copy_from_slice(rest.split_off(..row.len()).expect("as many as were made"));
        }
    })?;
    Ok(out)
}

type Listed<C> = (usize, Experiments, C, Vec<f64>);

/// Each experiment with its outcomes, which must be a list.
fn domains<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    experiments: &Experiments,
) -> Result<Vec<Listed<M::Context>>, Error> {
    let one = |e: usize| match with.domain(experiments, e)? {
        Domain::Finite(outcomes) => {
            let table = experiments.rows(&[e]);
            let context = with.prepare(&table)?;
            Ok((e, table, context, outcomes))
        }
        Domain::Sampled => {
            let expected = "a function, for the outcomes of experiments cannot be listed";
            Err(Error::argument("simulate", expected, "none"))
        }
    };
    (0..experiments.len()).map(one).collect()
}

/// Draws outcomes of one experiment by the inverse of their distribution.
#[allow(clippy::too_many_arguments, reason = "what a call of a likelihood takes")]
fn invert<M: Likelihood>(
    calls: &Calls<'_, M>,
    bench: &mut Bench<M::Worker>,
    of: For,
    context: &M::Context,
    models: &[f64],
    (e, table): (usize, &Experiments),
    domain: &[f64],
    uniforms: &[f64],
    out: &mut [f64],
) -> Result<(), Error> {
    let (m, width) = (of.models, calls.model.outcome().width);
    let n_o = domain.len() / width;
    likelihoods(calls, bench, of, context, domain, (false, models), (e, table), n_o * m)?;
    if calls.model.is_log() {
        bench.room[..n_o * m].iter_mut().for_each(|x| *x = libm::exp(*x));
    }
    let room = &bench.room[..n_o * m];
    for i in 0..m {
        let (mut sum, mut chosen) = (0.0, None);
        for o in 0..n_o {
            sum += room[o * m + i];
            if chosen.is_none() && uniforms[i] < sum {
                chosen = Some(o);
            }
        }
        if sum.is_nan() || (sum - 1.0).abs() >= CLOSE {
            let words =
                format!("model {}, experiment {e}: expected probabilities that sum to 1, got {sum}", of.first + i);
            let error = Error::new(Code::Model, words).of_particle(of.first + i);
            return Err(if of.set == NO_CHAIN { error } else { error.in_set(of.set) });
        }
        // Where rounding left a gap at the end: the last outcome that can be.
        let chosen = chosen.or_else(|| (0..n_o).rev().find(|o| room[o * m + i] > 0.0)).unwrap_or(0);
        (0..width).for_each(|k| out[(e * width + k) * m + i] = domain[k * n_o + chosen]);
    }
    Ok(())
}
