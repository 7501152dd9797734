//! How a set of states lies in memory: chunk after chunk, each an n x d matrix, column by column.

use crate::particles::BLOCK;
use std::ops::Range;

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
        if self.chunk == BLOCK && ancestors.iter().all(|&a| (a as usize) < full) {
            // All from full chunks: shifts instead of divisions, and one stride.
            for (j, out) in out.chunks_mut(n).enumerate() {
                for (out, &a) in out.iter_mut().zip(ancestors) {
                    let (chunk, row) = (a as usize / BLOCK, a as usize % BLOCK);
                    *out = states[(chunk * self.dim + j) * BLOCK + row];
                }
            }
            return;
        }
        for (i, &a) in ancestors.iter().enumerate() {
            for j in 0..self.dim {
                out[j * n + i] = states[self.place(a as usize, j)];
            }
        }
    }
}

/// Rows `rows` of column `j` of a matrix of `n` rows.
pub fn rows_of(matrix: &[f64], n: usize, j: usize, rows: Range<usize>) -> &[f64] {
    &matrix[j * n + rows.start..j * n + rows.end]
}
