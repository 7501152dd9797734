//! How a set of states lies in memory: chunk after chunk, each an n x d matrix, column by column.

use crate::particles::BLOCK;
use std::ops::Range;

/// Ancestors of a block that span fewer chunks than this have their chunks read ahead.
const NEAR: usize = 4;

/// The cut of `particles` states of `dim` numbers into chunks of `chunk` particles, the last one shorter: what one call
/// of the model covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Particles of the set.
    pub particles: usize,
    /// Numbers in a state.
    pub dim: usize,
    /// Particles of a chunk: [`BLOCK`], or all.
    pub chunk: usize,
}

impl Layout {
    /// Chunks of one block, or one chunk of all.
    pub fn new(particles: usize, dim: usize, whole: bool) -> Self {
        Self { particles, dim, chunk: if whole { particles } else { BLOCK } }
    }

    /// Numbers of a chunk but the last.
    pub fn chunk_size(&self) -> usize {
        self.chunk * self.dim
    }

    /// Particles of the chunk that holds particle `first` as its first.
    fn length(&self, first: usize) -> usize {
        self.chunk.min(self.particles - first)
    }

    /// Where coordinate `j` of a particle stands.
    #[inline(always)]
    pub fn place(&self, particle: usize, j: usize) -> usize {
        let first = particle - particle % self.chunk;
        first * self.dim + j * self.length(first) + (particle - first)
    }

    /// Coordinate `j` of all particles, into a column.
    pub fn column(&self, states: &[f64], j: usize, out: &mut [f64]) {
        for (chunk, out) in states.chunks(self.chunk_size()).zip(out.chunks_mut(self.chunk)) {
            out.copy_from_slice(&chunk[j * out.len()..(j + 1) * out.len()]);
        }
    }

    /// States that come as a matrix of all particles, column by column, into their places.
    pub fn scatter(&self, columns: &[f64], states: &mut [f64]) {
        for (c, chunk) in states.chunks_mut(self.chunk_size()).enumerate() {
            let rows = chunk.len() / self.dim;
            for (j, out) in chunk.chunks_mut(rows).enumerate() {
                out.copy_from_slice(&columns[j * self.particles + c * self.chunk..][..rows]);
            }
        }
    }

    /// The states of `ancestors` as the columns of a matrix of as many rows.
    pub fn gather(&self, states: &[f64], ancestors: &[u32], out: &mut [f64]) {
        if self.dim == 1 {
            return out.iter_mut().zip(ancestors).for_each(|(out, &a)| *out = states[a as usize]);
        }
        let full = self.particles - self.particles % self.chunk;
        let n = ancestors.len();
        if self.chunk == BLOCK && n <= BLOCK && ancestors.iter().all(|&a| (a as usize) < full) {
            return self.gather_block(states, ancestors, out);
        }
        for (i, &a) in ancestors.iter().enumerate() {
            for j in 0..self.dim {
                out[j * n + i] = states[self.place(a as usize, j)];
            }
        }
    }

    /// As [`Layout::gather`], at most a block of ancestors, all from full blocks: shifts instead of divisions, and one
    /// stride for all columns.
    fn gather_block(&self, states: &[f64], ancestors: &[u32], out: &mut [f64]) {
        let chunk = |a: u32| a as usize / BLOCK;
        let n = ancestors.len();
        let (first, last) = (chunk(ancestors[0]), chunk(ancestors[n - 1]));
        if (first..first + NEAR).contains(&last) {
            // Sorted ancestors come from neighbouring chunks. Read in one sweep, one number of each cache line, these
            // arrive at memory speed, which by columns of a few pages each they don't.
            let lines = states[first * self.chunk_size()..(last + 1) * self.chunk_size()].iter().step_by(8);
            std::hint::black_box(lines.sum::<f64>());
        }
        let (mut places, mut most) = ([0; BLOCK], 0);
        for (place, &a) in places.iter_mut().zip(ancestors) {
            *place = chunk(a) * self.chunk_size() + a as usize % BLOCK;
            most = most.max(*place);
        }
        for (j, out) in out.chunks_mut(n).enumerate() {
            let column = &states[j * BLOCK..][..most + 1];
            let (quads, rest) = out.as_chunks_mut::<4>();
            let (of_quads, _) = places.as_chunks::<4>();
            for (quad, of) in quads.iter_mut().zip(of_quads) {
                *quad = of.map(|place| column[place]);
            }
            let done = n - rest.len();
            rest.iter_mut().zip(&places[done..]).for_each(|(out, &place)| *out = column[place]);
        }
    }
}

/// Rows `rows` of column `j` of a matrix of `n` rows.
pub fn rows_of(matrix: &[f64], n: usize, j: usize, rows: Range<usize>) -> &[f64] {
    &matrix[j * n + rows.start..j * n + rows.end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_gathered_from_their_places() {
        for (particles, dim) in [(10, 1), (10, 3), (5 * BLOCK + 7, 2), (3 * BLOCK, 5)] {
            for whole in [false, true] {
                let layout = Layout::new(particles, dim, whole);
                let mut states = vec![0.0; particles * dim];
                for i in 0..particles {
                    (0..dim).for_each(|j| states[layout.place(i, j)] = (i * 10 + j) as f64);
                }
                let mut column = vec![0.0; particles];
                layout.column(&states, dim - 1, &mut column);
                assert!(column.iter().enumerate().all(|(i, x)| *x == (i * 10 + dim - 1) as f64));
                for (step, n) in [(0, 3), (1, particles.min(BLOCK)), (7, 701), (5000, 9)] {
                    let ancestors: Vec<u32> = (0..n).map(|i| (i * step % particles) as u32).collect();
                    let mut out = vec![0.0; n * dim];
                    layout.gather(&states, &ancestors, &mut out);
                    let right = |(k, x): (usize, &f64)| *x == f64::from(ancestors[k % n] * 10) + (k / n) as f64;
                    assert!(out.iter().enumerate().all(right), "{particles} particles, d = {dim}, step {step}");
                }
            }
        }
    }
}
