//! What candidates for the next experiment are expected to teach: Bayes risk and information gain, in one pass.
//!
//! For each experiment and each outcome it may have, sums over all models of w L, w L ln L and w L (x - m), w L (x - m)²
//! give the outcome's probability, the divergence of the weights after it from those before, and the variances after it.
//! Blocks of models times groups of experiments are spread over the threads; sums of blocks are added in their order.
//! Granade, Ferrie, Wiebe and Cory (2012), equations 7 to 11, with the sums that QInfer's `bayes_risk` and
//! `expected_information_gain` make one experiment after the other.

use super::heuristics::drawn as drawn_model;
use crate::error::Error;
use crate::learn::call::{Bench, Calls, For, With};
use crate::learn::estimates;
use crate::learn::kernels::{gains, weighted_sums};
use crate::learn::parts::blocks_of;
use crate::learn::product::{Models, Span, drawn, likelihoods};
use crate::learn::set::ModelSet;
use crate::model::{Domain, Experiments, Likelihood};
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use crate::random::{ParticlePurpose, ParticleStreams};
use std::borrow::Cow;
use std::ops::Range;

/// Sums that are kept at once, at most: 32 MB.
const ROOM: usize = 4 << 20;

/// What an experiment is expected to teach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// Expected Kullback-Leibler divergence of the weights after the experiment from those before, in nats.
    pub information_gain: f64,
    /// Expected Σ q_j times the variance of parameter j after the experiment.
    pub risk: f64,
}

/// Experiments of equal outcomes in a row.
struct Group {
    first: usize,
    table: Experiments,
    outcomes: Vec<f64>,
    n_o: usize,
    /// Whether the outcomes are all there are; else they are a sample.
    listed: bool,
}

/// What each of `experiments` is expected to teach the set. `scales` are the q of the risk, one per parameter (empty: all 1).
/// Outcomes that cannot be listed are simulated, `samples` of them for each experiment, as those of `generation`.
///
/// # Errors
/// Those of [`super::super::product`]; `samples` of 0 where they are needed.
pub fn worth<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    experiments: &Experiments,
    scales: &[f64],
    samples: usize,
    generation: u64,
) -> Result<Vec<Worth>, Error> {
    with.check_fields(experiments)?;
    let dim = set.dim();
    if !(scales.is_empty() || scales.len() == dim) {
        return Err(Error::argument("scales", format_args!("{dim} numbers or none"), scales.len()));
    }
    if set.total.sum == 0.0 {
        return Err(Error::argument("set", "weights that are not all zero", "zeros").in_set(set.id()));
    }
    let ones = vec![1.0; dim];
    let pass = Pass {
        set,
        scales: if scales.is_empty() { &ones } else { scales },
        weights: set.weights(),
        mean: estimates::mean(set),
    };
    let groups = groups(with, set, experiments, samples, generation)?;
    let per_cell = set.blocks() * pass.width();
    let mut out = Vec::with_capacity(experiments.len());
    let mut rest = &groups[..];
    while !rest.is_empty() {
        let (mut taken, mut cells) = (0, 0);
        while taken < rest.len() && (taken == 0 || (cells + rest[taken].cells()) * per_cell <= ROOM) {
            cells += rest[taken].cells();
            taken += 1;
        }
        out.extend(pass.round(with, &rest[..taken])?);
        rest = &rest[taken..];
    }
    Ok(out)
}

impl Group {
    /// Outcomes times experiments.
    fn cells(&self) -> usize {
        self.n_o * self.table.len()
    }
}

/// The experiments in groups that share outcomes, each not larger than a block has room for.
fn groups<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    experiments: &Experiments,
    samples: usize,
    generation: u64,
) -> Result<Vec<Group>, Error> {
    let width = with.model.outcome().width;
    // Where processes share the work the groups are the same on all of them, whoever computes there.
    let span = |outcomes: &[f64]| match with.blocks.processes() {
        1 => Span::of(with.model, set.layout, outcomes.len() / width, experiments.len()),
        _ => Span::of_blocks(set.layout, outcomes.len() / width),
    };
    let mut all: Vec<(usize, Vec<usize>, Vec<f64>, bool)> = Vec::new();
    for e in 0..experiments.len() {
        match with.domain(experiments, e)? {
            Domain::Finite(outcomes) => match all.last_mut() {
                Some((_, rows, same, true)) if *same == outcomes && rows.len() < span(&outcomes).experiments => {
                    rows.push(e);
                }
                _ => all.push((e, vec![e], outcomes, true)),
            },
            Domain::Sampled => all.push((e, vec![e], sampled(with, set, experiments, e, samples, generation)?, false)),
        }
    }
    let group = |(first, rows, outcomes, listed): (usize, Vec<usize>, Vec<f64>, bool)| Group {
        first,
        table: experiments.rows(&rows),
        n_o: outcomes.len() / width,
        outcomes,
        listed,
    };
    Ok(all.into_iter().map(group).collect())
}

/// Outcomes of one experiment under models drawn by their weights.
fn sampled<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    set: &ModelSet,
    experiments: &Experiments,
    e: usize,
    samples: usize,
    generation: u64,
) -> Result<Vec<f64>, Error> {
    if samples == 0 {
        return Err(Error::argument("samples", "at least 1, for outcomes cannot be listed", 0));
    }
    let mut stream = ParticleStreams::new(with.seed).at(set.id(), e as u64, generation, ParticlePurpose::Choice);
    let chosen: Vec<usize> = (0..samples).map(|_| drawn_model(set, &mut stream)).collect();
    let columns: Vec<f64> = (0..set.dim()).flat_map(|j| chosen.iter().map(move |i| set.coordinate(*i, j))).collect();
    let layout = Layout::new(samples, set.dim(), with.model.whole());
    let mut values = vec![0.0; columns.len()];
    layout.scatter(&columns, &mut values);
    drawn(with, Models { set: set.id(), first: 0, layout, values: &values }, generation, &experiments.rows(&[e]))
}

/// What all pieces share.
struct Pass<'a> {
    set: &'a ModelSet,
    scales: &'a [f64],
    weights: Vec<f64>,
    mean: Vec<f64>,
}

/// A chunk of models with a group of experiments and what these share, and where the sums of its blocks go.
struct Piece<'a, C> {
    first: usize,
    models: &'a [f64],
    joined: bool,
    group: &'a Group,
    context: &'a C,
    sums: &'a mut [f64],
}

/// A group as far as this process works on it: some blocks of models, and what the experiments share.
struct Part<'a, C> {
    group: &'a Group,
    context: C,
    blocks: Range<usize>,
    models: Cow<'a, [f64]>,
    span: Span,
}

impl Pass<'_> {
    /// Numbers for each block and cell: the reference of logarithms, Σ w L, Σ w L ln L, and two for each parameter.
    fn width(&self) -> usize {
        3 + 2 * self.set.dim()
    }

    fn round<M: Likelihood, B: Blocks>(&self, with: &With<'_, M, B>, groups: &[Group]) -> Result<Vec<Worth>, Error> {
        let (width, blocks) = (self.width(), self.set.blocks());
        // One block of one group is a unit; groups stand one after the other, so that few processes prepare the same one.
        let count = groups.len() * blocks;
        let own = with.blocks.own(count);
        let starts: Vec<usize> = groups
            .iter()
            .scan(0, |end, group| Some(std::mem::replace(end, *end + blocks * group.cells() * width)))
            .collect();
        let place = |unit: usize| match groups.get(unit / blocks) {
            Some(group) => starts[unit / blocks] + unit % blocks * group.cells() * width,
            None => starts.last().map_or(0, |last| last + blocks * groups[groups.len() - 1].cells() * width),
        };
        let mut sums = vec![0.0; place(count)];
        let done = self.fill(with, groups, &own, &mut sums[place(own.start)..place(own.end)]);
        let made = done.map(|()| match with.blocks.processes() {
            1 => Vec::new(),
            _ => sums[place(own.start)..place(own.end)].to_vec(),
        });
        if with.blocks.processes() == 1 {
            made?;
        } else {
            with.blocks.exchange(count, made, |part, numbers| {
                sums[place(part.start)..place(part.end)].copy_from_slice(numbers);
            })?;
        }
        let mut out = Vec::new();
        for (group, start) in groups.iter().zip(&starts) {
            let own = &sums[*start..start + blocks * group.cells() * width];
            out.extend((0..group.table.len()).map(|e| self.of_experiment(group, own, e)));
        }
        Ok(out)
    }

    /// Fills the sums of units `own`.
    fn fill<M: Likelihood, B: Blocks>(
        &self,
        with: &With<'_, M, B>,
        groups: &[Group],
        own: &Range<usize>,
        sums: &mut [f64],
    ) -> Result<(), Error> {
        let (blocks, dim, width) = (self.set.blocks(), self.set.dim(), self.width());
        let mut parts = Vec::new();
        for (g, group) in groups.iter().enumerate() {
            let within = |unit: usize| unit.saturating_sub(g * blocks).min(blocks);
            let blocks = within(own.start)..within(own.end);
            if blocks.is_empty() {
                continue;
            }
            let (layout, models) = blocks_of(self.set.layout, &self.set.models, &blocks);
            let span = Span::of(with.model, layout, group.n_o, group.table.len());
            parts.push(Part { group, context: with.prepare(&group.table)?, blocks, models, span });
        }
        let mut pieces = Vec::new();
        let (mut rest, mut cells) = (sums, 0);
        for part in &parts {
            let Part { group, context, span, .. } = part;
            for (from, models) in span.chunks(dim, &part.models) {
                let own = (models.len() / dim).div_ceil(BLOCK);
                let (sums, after) = rest.split_at_mut(own * group.cells() * width);
                let first = part.blocks.start * BLOCK + from;
                pieces.push(Piece { first, models, joined: span.joined, group, context, sums });
                rest = after;
            }
            cells += group.cells() * part.models.len() / dim;
        }
        let units = with.grain.units(pieces.len(), cells);
        let calls = &with.calls;
        let work = |bench: &mut Bench<M::Worker>, pieces: &mut [Piece<'_, M::Context>]| {
            pieces.iter_mut().try_for_each(|piece| self.piece(calls, bench, piece))
        };
        with.blocks.for_each(pieces.chunks_mut(units), || calls.bench(), |bench, pieces| work(bench, pieces))
    }

    /// Fills the sums of a piece: block by block, cell by cell.
    fn piece<M: Likelihood>(
        &self,
        calls: &Calls<'_, M>,
        bench: &mut Bench<M::Worker>,
        piece: &mut Piece<'_, M::Context>,
    ) -> Result<(), Error> {
        let (width, dim) = (self.width(), self.set.dim());
        let Piece { first, models, .. } = *piece;
        let n = models.len() / dim;
        let of = For { set: self.set.id(), first, models: n, generation: 0 };
        let Group { first: from, table, outcomes, .. } = piece.group;
        let cells = piece.group.cells();
        likelihoods(calls, bench, of, piece.context, outcomes, (piece.joined, models), (*from, table), cells * n)?;
        for (cell, row) in bench.room[..cells * n].chunks_mut(n).enumerate() {
            for (b, row) in row.chunks_mut(BLOCK).enumerate() {
                let sums = &mut piece.sums[(b * cells + cell) * width..][..width];
                let block = first / BLOCK + b;
                if calls.model.is_log() {
                    sums[0] = unlogged(row);
                }
                let weights = &self.weights[block * BLOCK..][..row.len()];
                let gains = gains(weights, row);
                (sums[1], sums[2]) = (gains.mass, gains.information);
                for j in 0..dim {
                    let column = self.set.column(block, j);
                    let pair = weighted_sums(weights, row, column, self.mean[j]);
                    (sums[3 + 2 * j], sums[4 + 2 * j]) = pair;
                }
            }
        }
        Ok(())
    }

    fn of_experiment(&self, group: &Group, sums: &[f64], e: usize) -> Worth {
        let (width, n_o) = (self.width(), group.n_o);
        let mut all = Worth { information_gain: 0.0, risk: 0.0 };
        for o in 0..n_o {
            let cell = e * n_o + o;
            let parts = || sums.chunks(width).skip(cell).step_by(group.cells());
            let top = parts().map(|s| s[0]).fold(f64::NEG_INFINITY, f64::max);
            let mut sum = vec![0.0; width];
            for part in parts().filter(|part| part[1] > 0.0) {
                let scale = if part[0] == top { 1.0 } else { libm::exp(part[0] - top) };
                sum[1] += scale * part[1];
                sum[2] += scale * (part[2] + part[0] * part[1]);
                (3..width).for_each(|i| sum[i] += scale * part[i]);
            }
            // An outcome that no model allows teaches nothing and never comes.
            if sum[1] > 0.0 {
                let share = if group.listed { sum[1] * libm::exp(top) } else { 1.0 / n_o as f64 };
                let gain = sum[2] / sum[1] - libm::log(sum[1]) - top;
                let variance = |j: usize| {
                    let mean = sum[3 + 2 * j] / sum[1];
                    self.scales[j] * (sum[4 + 2 * j] / sum[1] - mean * mean)
                };
                all.information_gain += share * gain;
                all.risk += share * (0..self.scales.len()).map(variance).sum::<f64>();
            }
        }
        all
    }
}

/// Turns a row of logarithms into likelihoods over the largest of them, which it returns.
fn unlogged(row: &mut [f64]) -> f64 {
    let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let reference = if top == f64::NEG_INFINITY { 0.0 } else { top };
    row.iter_mut().for_each(|x| *x = crate::particles::exp(*x - reference));
    reference
}
