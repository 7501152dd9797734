//! Systematic resampling, block by block: each block of particles knows which slots its offspring fill, so that blocks
//! may be spread over threads.

use crate::particles::BLOCK;

/// The cumulated weights at the edges of blocks, for `n` offspring.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Sums of the weights before each block, and of all.
    edges: Vec<f64>,
    n: usize,
}

/// Partial sums of a block.
const LANES: usize = 8;

fn block_sum(weights: &[f64]) -> f64 {
    let (rows, rest) = weights.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for row in rows {
        for l in 0..LANES {
            sums[l] += row[l];
        }
    }
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

impl Spread {
    /// Of all weights, in blocks of [`BLOCK`].
    pub fn new(weights: &[f64], n: usize) -> Self {
        Self::of_sums(weights.chunks(BLOCK).map(block_sum), n)
    }

    /// Of the sums of the weights of each block.
    pub fn of_sums(sums: impl IntoIterator<Item = f64>, n: usize) -> Self {
        let mut edges = vec![0.0];
        let mut sum = 0.0;
        for block in sums {
            sum += block;
            edges.push(sum);
        }
        Self { edges, n }
    }

    /// The sum of all weights.
    pub fn total(&self) -> f64 {
        self.edges[self.edges.len() - 1]
    }

    /// The slot of the first offspring beyond each edge, for a point at `shift` of each n-th part of the sum: the
    /// offspring of block b fill the slots from the b-th of these to the next.
    pub fn slots(&self, shift: f64) -> Vec<usize> {
        let scale = self.n as f64 / self.total();
        let mut slots: Vec<usize> = self.edges.iter().map(|&edge| below(edge * scale - shift).min(self.n)).collect();
        // The last block with any weight ends at the last slot, whatever rounding says.
        let total = self.total();
        let end = self.edges.partition_point(|&edge| edge < total);
        slots[end..].fill(self.n);
        slots
    }

    /// Fills `out`, the slots of block `block` by [`Spread::slots`] (`first` is the first of them), with its ancestors.
    /// `weights` are those of the block.
    pub fn fill(&self, block: usize, weights: &[f64], shift: f64, first: usize, out: &mut [u32]) {
        if out.is_empty() {
            return;
        }
        let scale = self.n as f64 / self.total();
        let base = (block * BLOCK) as u32;
        out.fill(0);
        // Each particle leaves its number where its offspring begin. One without offspring is overwritten by the next,
        // so that no branch depends on the weights; then numbers spread to the right.
        let (mut cumulated, mut slot) = (self.edges[block], 0);
        let mut last = 0;
        for (i, &w) in weights.iter().enumerate() {
            if slot < out.len() {
                out[slot] = i as u32;
            }
            cumulated += w;
            let end = below(cumulated * scale - shift).saturating_sub(first);
            last = if w > 0.0 { i } else { last };
            slot = end;
        }
        // Particles of no weight at the end of the block may have left their number where rounding left slots open.
        if slot < out.len() {
            out[slot] = last as u32;
        }
        let mut most = 0;
        for out in out {
            most = most.max(*out);
            *out = base + most;
        }
    }

    /// All blocks, one after the other.
    pub fn systematic(&self, weights: &[f64], shift: f64, out: &mut [u32]) {
        let slots = self.slots(shift);
        for (b, block) in weights.chunks(BLOCK).enumerate() {
            self.fill(b, block, shift, slots[b], &mut out[slots[b]..slots[b + 1]]);
        }
    }
}

/// How many whole numbers from 0 on are below `x`: its ceiling.
#[inline(always)]
fn below(x: f64) -> usize {
    let whole = x as u64;
    (whole + u64::from((whole as f64) < x)) as usize
}
