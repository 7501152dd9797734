//! Work on models that processes share: each does its part, and all have what became of the whole.

use super::call::{Bench, With};
use crate::error::Error;
use crate::model::Likelihood;
use crate::particles::BLOCK;
use crate::particles::blocks::Blocks;
use crate::particles::filter::Layout;
use std::borrow::Cow;
use std::ops::Range;

/// Has `work` fill `values` chunk by chunk, each of `size` numbers but the last; it gets the number of each chunk. Of several
/// processes each fills a part of the chunks.
pub(super) fn filled<M: Likelihood, B: Blocks>(
    with: &With<'_, M, B>,
    values: &mut [f64],
    size: usize,
    work: impl Fn(&mut Bench<M::Worker>, usize, &mut [f64]) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let count = values.len().div_ceil(size);
    let own = with.blocks.own(count);
    let mine = numbers_of(&own, size, values.len());
    let mut chunks: Vec<_> = values[mine.clone()].chunks_mut(size).enumerate().collect();
    let units = with.moves.units(chunks.len(), mine.len());
    let calls = &with.calls;
    let done = with.blocks.for_each(
        chunks.chunks_mut(units),
        || calls.bench(),
        |bench, chunks| {
            let cells = chunks.iter().map(|(_, chunk)| chunk.len()).sum();
            calls.moves.timed(cells, || chunks.iter_mut().try_for_each(|(c, out)| work(bench, own.start + *c, out)))
        },
    );
    if with.blocks.processes() == 1 {
        return done;
    }
    let made = done.map(|()| values[mine].to_vec());
    let length = values.len();
    with.blocks.exchange(count, made, |part, numbers| {
        values[numbers_of(&part, size, length)].copy_from_slice(numbers);
    })
}

/// Where the numbers of these chunks stand.
fn numbers_of(chunks: &Range<usize>, size: usize, length: usize) -> Range<usize> {
    (chunks.start * size).min(length)..(chunks.end * size).min(length)
}

/// Models of some blocks of a set, as a set of their own.
pub(super) fn blocks_of<'a>(layout: Layout, models: &'a [f64], blocks: &Range<usize>) -> (Layout, Cow<'a, [f64]>) {
    let rows = models_of(layout.particles, blocks);
    let part =
        Layout { particles: rows.len(), chunk: if layout.chunk == BLOCK { BLOCK } else { rows.len() }, ..layout };
    if layout.chunk == BLOCK || rows.len() == layout.particles {
        return (part, Cow::Borrowed(&models[rows.start * layout.dim..rows.end * layout.dim]));
    }
    let columns = models.chunks(layout.particles).flat_map(|column| &column[rows.clone()]);
    (part, Cow::Owned(columns.copied().collect()))
}

/// The models of some blocks, of so many models.
pub(super) fn models_of(count: usize, blocks: &Range<usize>) -> Range<usize> {
    (blocks.start * BLOCK).min(count)..(blocks.end * BLOCK).min(count)
}
