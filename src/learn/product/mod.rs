//! A likelihood over a Cartesian product of outcomes, models and experiments, cut into blocks over whatever computes.
//!
//! A block is a row of models (what a host sees as one matrix) with some experiments and all outcomes; what experiments
//! share is prepared once for them. How many blocks make a piece depends on the measured cost of a cell: small products
//! stay on one thread. No cell depends on the cut.

mod hypothetical;
mod simulate;

use super::call::{Asked, Bench, Calls, For, With, no_likelihood, shown};
use super::kernels::is_valid;
use super::parts::{blocks_of, models_of};
use crate::error::Error;
use crate::model::{Experiments, Likelihood, Number};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use std::ops::Range;

pub use hypothetical::{Cells, hypothetical};
pub(super) use simulate::drawn;
pub use simulate::simulate;

/// Cells of a block, roughly: what stays in a core's second cache.
const BLOCK_CELLS: usize = 32 * 1024;
/// Cells of a call that covers all models: what a device has at once, 32 MB.
const JOINED_CELLS: usize = 4 << 20;

/// Models as they lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Models<'a> {
    /// Id of their set, for errors and random numbers.
    pub set: u64,
    /// Number of the first of them in the set.
    pub first: usize,
    pub layout: Layout,
    pub values: &'a [f64],
}

/// Some experiments of a table in groups of so many, each with what its experiments share.
fn groups<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    experiments: &Experiments,
    of: Range<usize>,
    size: usize,
) -> Result<Vec<(usize, Experiments, M::Context)>, Error> {
    let all: Vec<usize> = of.collect();
    let group = |rows: &[usize]| {
        let table = experiments.rows(rows);
        let context = with.prepare(&table).map_err(|e| e.within(&format!("experiments from {} on", rows[0])))?;
        Ok((rows[0], table, context))
    };
    all.chunks(size.max(1)).map(group).collect()
}

/// What one call covers.
#[derive(Clone, Copy)]
pub(super) struct Span {
    /// All models, as [`Likelihood::joins`] has it.
    pub joined: bool,
    /// Models.
    pub models: usize,
    /// Experiments.
    pub experiments: usize,
}

impl Span {
    /// Of `n_e` experiments with `n_o` outcomes each: all where the host wants all at once.
    pub fn of<M: Likelihood>(model: &M, layout: Layout, n_o: usize, n_e: usize) -> Self {
        let n_o = n_o.max(1);
        let models = layout.chunk.min(layout.particles);
        let joined = layout.particles * n_o;
        if model.whole() {
            Self { joined: false, models, experiments: usize::MAX }
        } else if model.joins((joined * n_e.max(1)).min(joined.max(JOINED_CELLS))) {
            Self { joined: true, models: layout.particles, experiments: (JOINED_CELLS / joined).max(1) }
        } else {
            Self::of_blocks(layout, n_o)
        }
    }

    /// Of one chunk of models.
    pub fn of_blocks(layout: Layout, n_o: usize) -> Self {
        let models = layout.chunk.min(layout.particles);
        Self { joined: false, models, experiments: (BLOCK_CELLS / (n_o.max(1) * models.max(1))).max(1) }
    }

    /// The chunks of models, each with the number of its first one.
    pub fn chunks<'a>(&self, dim: usize, models: &'a [f64]) -> impl Iterator<Item = (usize, &'a [f64])> {
        let span = self.models;
        models.chunks(span * dim).enumerate().map(move |(c, models)| (c * span, models))
    }
}

/// One block: its models from `first` on, its experiments, and where its rows go.
struct Piece<'a, C> {
    first: usize,
    models: &'a [f64],
    experiments: &'a (usize, Experiments, C),
    rows: Vec<&'a mut [f64]>,
}

/// The likelihoods (logarithms where the model says so) of `n_o` outcomes under all models in all experiments:
/// `out[(e * n_o + o) * n_m + m]`.
///
/// # Errors
/// Sizes that do not fit, other fields, a refusal, a value that is no likelihood, named by outcome, model and experiment.
pub fn product<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    outcomes: &[f64],
    models: &[f64],
    experiments: &Experiments,
    out: &mut [f64],
) -> Result<(), Error> {
    let (dim, width) = (with.dim(), with.model.outcome().width);
    with.check_fields(experiments)?;
    if models.is_empty() || !models.len().is_multiple_of(dim) {
        let expected = format!("a matrix of {dim} columns");
        return Err(Error::argument("models", expected, format_args!("{} numbers", models.len())));
    }
    if outcomes.is_empty() || !outcomes.len().is_multiple_of(width) {
        let expected = format!("a matrix of {width} columns");
        return Err(Error::argument("outcomes", expected, format_args!("{} numbers", outcomes.len())));
    }
    let kind = with.model.outcome().kind;
    if let Some(i) = outcomes.iter().position(|x| !kind.admits(*x)) {
        return Err(Error::argument(format!("outcomes[{i}]"), kind, outcomes[i]));
    }
    let layout = Layout::new(models.len() / dim, dim, with.model.whole());
    let mut values = vec![0.0; models.len()];
    layout.scatter(models, &mut values);
    cells(with, outcomes, Models { set: crate::model::NO_CHAIN, first: 0, layout, values: &values }, experiments, out)
}

/// As [`product`], of models that lie as they are passed on.
pub(super) fn cells<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    outcomes: &[f64],
    models: Models<'_>,
    experiments: &Experiments,
    out: &mut [f64],
) -> Result<(), Error> {
    let n_o = outcomes.len() / with.model.outcome().width;
    let (n, n_e) = (models.layout.particles, experiments.len());
    let total = n * n_o * n_e;
    if out.len() != total {
        return Err(Error::argument("out", format_args!("room for {total} numbers"), out.len()));
    }
    if total == 0 {
        return Ok(());
    }
    let (processes, blocks) = (with.blocks.processes(), n.div_ceil(BLOCK));
    if processes == 1 {
        return part(with, outcomes, models, experiments, 0..n_e, out);
    }
    // By experiments, so that each is prepared by one process alone, unless parts of the models are smaller.
    if n_e.div_ceil(processes) * blocks <= n_e * blocks.div_ceil(processes) {
        let own = with.blocks.own(n_e);
        let mut made = vec![0.0; own.len() * n_o * n];
        let done = part(with, outcomes, models, experiments, own, &mut made);
        return with.blocks.exchange(n_e, done.map(|()| made), |rows, numbers| {
            out[rows.start * n_o * n..rows.end * n_o * n].copy_from_slice(numbers);
        });
    }
    let own = with.blocks.own(blocks);
    let (layout, values) = blocks_of(models.layout, models.values, &own);
    let some = Models { set: models.set, first: models.first + models_of(n, &own).start, layout, values: &values };
    let mut made = vec![0.0; layout.particles * n_o * n_e];
    let done = part(with, outcomes, some, experiments, 0..n_e, &mut made);
    with.blocks.exchange(blocks, done.map(|()| made), |part, numbers| {
        let rows = models_of(n, &part);
        let parts = numbers.chunks(rows.len().max(1));
        out.chunks_mut(n).zip(parts).for_each(|(row, part)| row[rows.clone()].copy_from_slice(part));
    })
}

/// What this process computes of a product: all of these models in experiments `of` of the table.
fn part<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    outcomes: &[f64],
    models: Models<'_>,
    experiments: &Experiments,
    of: Range<usize>,
    out: &mut [f64],
) -> Result<(), Error> {
    if out.is_empty() {
        return Ok(());
    }
    let Models { layout, .. } = models;
    let n_o = outcomes.len() / with.model.outcome().width;
    let (n, total) = (layout.particles, out.len());
    let span = Span::of(with.model, layout, n_o, of.len());
    let groups = groups(with, experiments, of, span.experiments)?;
    let mut pieces = Vec::new();
    let mut rest = out;
    for group in &groups {
        let (slab, after) = rest.split_at_mut(group.1.len() * n_o * n);
        rest = after;
        let chunks = span.chunks(layout.dim, models.values);
        let mut own: Vec<_> =
            chunks.map(|(first, models)| Piece { first, models, experiments: group, rows: Vec::new() }).collect();
        for row in slab.chunks_mut(n) {
            row.chunks_mut(span.models).zip(&mut own).for_each(|(part, piece)| piece.rows.push(part));
        }
        pieces.append(&mut own);
    }
    let units = with.grain.units(pieces.len(), total);
    let calls = &with.calls;
    let work = |bench: &mut Bench<M::Worker>, pieces: &mut [Piece<'_, M::Context>]| {
        let cells = pieces.iter().map(|piece| piece.rows.len() * piece.models.len() / layout.dim).sum();
        calls.grain.timed(cells, || {
            pieces.iter_mut().try_for_each(|p| block(calls, bench, outcomes, n_o, models, span.joined, p))
        })
    };
    with.blocks.for_each(pieces.chunks_mut(units), || calls.bench(), |bench, pieces| work(bench, pieces))
}

fn block<M: Likelihood>(
    calls: &Calls<'_, M>,
    bench: &mut Bench<M::Worker>,
    outcomes: &[f64],
    n_o: usize,
    models: Models<'_>,
    joined: bool,
    piece: &mut Piece<'_, M::Context>,
) -> Result<(), Error> {
    let n = piece.models.len() / models.layout.dim;
    let of = For { set: models.set, first: models.first + piece.first, models: n, generation: 0 };
    let (from, table, context) = piece.experiments;
    let size = piece.rows.len() * n;
    likelihoods(calls, bench, of, context, outcomes, (joined, piece.models), (*from, table), size)?;
    let room = &bench.room[..size];
    for (row, part) in piece.rows.iter_mut().zip(room.chunks(n)) {
        row.copy_from_slice(part);
    }
    debug_assert_eq!(piece.rows.len(), n_o * table.len());
    Ok(())
}

/// The likelihoods of one block, checked, in the bench's room.
#[allow(clippy::too_many_arguments, reason = "what a call of a likelihood takes")]
pub(super) fn likelihoods<M: Likelihood>(
    calls: &Calls<'_, M>,
    bench: &mut Bench<M::Worker>,
    of: For,
    context: &M::Context,
    outcomes: &[f64],
    (joined, models): (bool, &[f64]),
    (from, experiments): (usize, &Experiments),
    size: usize,
) -> Result<(), Error> {
    let model = calls.model;
    let what = Asked { of, outcomes, width: model.outcome().width, experiments: (from, experiments.len()) };
    calls.call(bench, of, what, |worker, task, room| {
        if room.len() < size {
            room.resize(size, 0.0);
        }
        let out = &mut room[..size];
        if joined {
            model.likelihood_joined(worker, context, task, outcomes, models, experiments, out)
        } else {
            model.likelihood(worker, context, task, outcomes, models, experiments, out)
        }
    })?;
    let (shape, log) = (model.outcome(), model.is_log());
    let probability = shape.kind == Number::Integer;
    let valid = |x: f64| if log { x < f64::INFINITY } else { is_valid(x, probability) };
    let bad = bench.room[..size].chunks(of.models).position(|row| !row.iter().fold(true, |all, x| all & valid(*x)));
    let Some(row) = bad else { return Ok(()) };
    let at = bench.room[row * of.models..].iter().position(|x| !valid(*x)).unwrap_or(0);
    let n_o = outcomes.len() / shape.width;
    let outcome: Vec<f64> = (0..shape.width).map(|k| outcomes[k * n_o + row % n_o]).collect();
    let value = bench.room[row * of.models + at];
    let error = no_likelihood(shape, log, &shown(&outcome), of.first + at, from + row / n_o, value);
    Err(if of.set == crate::model::NO_CHAIN { error } else { error.in_set(of.set) })
}
