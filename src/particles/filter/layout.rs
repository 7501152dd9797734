//! How a set of states lies in memory: chunk after chunk, each an n x d matrix, column by column.

use crate::particles::BLOCK;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Sorted ancestors of a block come in runs from one chunk each. Of more runs than this they are taken as unsorted.
const RUNS: usize = 16;

/// A run from which on its chunk is read ahead.
const LONG: usize = 128;

/// Numbers of a cache line.
const LINE: usize = 8;

/// The cut of `particles` states of `dim` numbers into chunks of `chunk` particles, the last one shorter: what one call
/// of the model covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
        if self.chunk == BLOCK && ancestors.len() <= BLOCK && ancestors.iter().all(|&a| (a as usize) < full) {
            return self.gather_block(states, ancestors, out);
        }
        self.gather_one_by_one(states, ancestors, out);
    }

    fn gather_one_by_one(&self, states: &[f64], ancestors: &[u32], out: &mut [f64]) {
        let n = ancestors.len();
        for (i, &a) in ancestors.iter().enumerate() {
            for j in 0..self.dim {
                out[j * n + i] = states[self.place(a as usize, j)];
            }
        }
    }

    /// As [`Layout::gather`], at most a block of ancestors, all from full blocks.
    fn gather_block(&self, states: &[f64], ancestors: &[u32], out: &mut [f64]) {
        let n = ancestors.len();
        let (mut runs, mut count, mut rows) = ([(0, 0); RUNS], 0, 0);
        for run in ancestors.chunk_by(|&a, &b| chunk(a) == chunk(b)) {
            if count == RUNS {
                return self.gather_one_by_one(states, ancestors, out);
            }
            rows += run.len();
            runs[count] = (chunk(run[0]) * self.chunk_size(), rows);
            count += 1;
        }
        for run in 0..count {
            let (first, end) = runs[run];
            if end - run.checked_sub(1).map_or(0, |before| runs[before].1) >= LONG {
                // Read in one sweep, one number of each cache line, a chunk arrives at memory speed, which by the jumps
                // along its columns it doesn't.
                let (lines, _) = states[first..first + self.chunk_size()].as_chunks::<LINE>();
                std::hint::black_box(lines.iter().fold(0, |all, line| all ^ line[0].to_bits()));
            }
        }
        let mut within = [0; BLOCK];
        for (within, &a) in within.iter_mut().zip(ancestors) {
            *within = (a as usize % BLOCK) as u16;
        }
        for (j, column) in out.chunks_mut(n).enumerate() {
            let mut rows = 0;
            for &(first, end) in &runs[..count] {
                let (of, _) = states[first + j * BLOCK..].as_chunks::<BLOCK>();
                for (value, &i) in column[rows..end].iter_mut().zip(&within[rows..end]) {
                    *value = of[0][i as usize % BLOCK];
                }
                rows = end;
            }
        }
    }
}

/// The chunk of one block that holds particle `a`.
fn chunk(a: u32) -> usize {
    a as usize / BLOCK
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
