//! Systematic resampling, block by block: each block of particles knows which slots its offspring fill, so that blocks
//! may be spread over threads.

use crate::particles::BLOCK;
use pulp::{Arch, Simd, WithSimd};

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
        let mut slots: Vec<usize> =
            self.edges.iter().map(|&edge| below(edge * scale - shift, self.n as f64) as usize).collect();
        // The last block with any weight ends at the last slot, whatever rounding says.
        let total = self.total();
        let end = self.edges.partition_point(|&edge| edge < total);
        slots[end..].fill(self.n);
        slots
    }

    /// Fills `out`, the slots of block `block` by [`Spread::slots`] (`first` is the first of them), with its ancestors.
    /// `weights` are those of the block.
    pub fn fill(&self, block: usize, weights: &[f64], shift: f64, first: usize, out: &mut [u32]) {
        self.fill_on(Arch::new(), block, weights, shift, first, out);
    }

    fn fill_on(&self, arch: Arch, block: usize, weights: &[f64], shift: f64, first: usize, out: &mut [u32]) {
        if out.is_empty() {
            return;
        }
        let mut padded = [0.0; BLOCK];
        let of: &[f64; BLOCK] = weights.try_into().unwrap_or_else(|_| {
            padded[..weights.len()].copy_from_slice(weights);
            &padded
        });
        arch.dispatch(Fill {
            of,
            weights,
            edge: self.edges[block],
            scale: self.n as f64 / self.total(),
            shift,
            n: self.n as f64,
            first: first as u32,
            base: (block * BLOCK) as u32,
            out,
        });
    }

    /// All blocks, one after the other.
    pub fn systematic(&self, weights: &[f64], shift: f64, out: &mut [u32]) {
        let slots = self.slots(shift);
        for (b, block) in weights.chunks(BLOCK).enumerate() {
            self.fill(b, block, shift, slots[b], &mut out[slots[b]..slots[b + 1]]);
        }
    }
}

/// Adding this rounds to a whole number that stands in the low bits.
const ROUNDER: f64 = (1u64 << 52) as f64;

/// How many of the slots 0 .. `n` are below `x`: its ceiling.
#[inline(always)]
fn below(x: f64, n: f64) -> u32 {
    let positive = if x > 0.0 { x } else { 0.0 };
    let x = if positive < n { positive } else { n };
    let nearest = (x + ROUNDER) - ROUNDER;
    let ceiling = nearest + if nearest < x { 1.0 } else { 0.0 };
    (ceiling + ROUNDER).to_bits() as u32
}

/// The block is cut into so many parts, which are cumulated side by side, each from zero; then they are put end to end.
const PARTS: usize = 8;
const PART: usize = BLOCK / PARTS;

/// Numbers spread to the right in rows of so many: one by one, each step is a branch that cannot be predicted.
const ROW: usize = 8;

/// Each number, or the one `BY` places before it if that is larger.
#[inline(always)]
fn after<const BY: usize>(x: [u32; ROW]) -> [u32; ROW] {
    // A loop: a closure over the array may stay a call, and without vectors.
    let mut spread = x;
    for i in BY..ROW {
        spread[i] = x[i].max(x[i - BY]);
    }
    spread
}

/// A block's pass, for vector instructions: see [`Spread::fill`].
struct Fill<'a> {
    /// The weights, and as a whole block with zeros beyond.
    weights: &'a [f64],
    of: &'a [f64; BLOCK],
    /// The sum of all weights before the block.
    edge: f64,
    scale: f64,
    shift: f64,
    n: f64,
    /// The first slot, and the first particle.
    first: u32,
    base: u32,
    out: &'a mut [u32],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { weights, of, edge, scale, shift, n, first, base, out } = self;
        let mut cumulated = [0.0; BLOCK];
        let mut sums = [0.0; PARTS];
        for i in 0..PART {
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum += of[part * PART + i];
                cumulated[part * PART + i] = *sum;
            }
        }
        let mut ends = [0; BLOCK];
        let mut before = edge;
        for (part, whole) in sums.into_iter().enumerate() {
            let range = part * PART..(part + 1) * PART;
            for (end, sum) in ends[range.clone()].iter_mut().zip(&cumulated[range]) {
                *end = below((before + sum) * scale - shift, n);
            }
            before += whole;
        }
        // Each particle leaves its number where its offspring begin. One without offspring is overwritten by the next,
        // so that no branch depends on the weights; then numbers spread to the right.
        out.fill(0);
        let mut slot = 0;
        for (i, end) in (0..weights.len() as u32).zip(&ends) {
            if let Some(place) = out.get_mut(slot) {
                *place = i;
            }
            slot = end.saturating_sub(first) as usize;
        }
        // Where rounding left slots open, particles of no weight at the end of the block may have left their number.
        if let (Some(place), Some(last)) = (out.get_mut(slot), weights.iter().rposition(|&w| w > 0.0)) {
            *place = last as u32;
        }
        let mut most = 0;
        let (rows, rest) = out.as_chunks_mut::<ROW>();
        for row in rows {
            let spread = after::<4>(after::<2>(after::<1>(*row)));
            for (out, own) in row.iter_mut().zip(&spread) {
                *out = base + most.max(*own);
            }
            most = most.max(spread[ROW - 1]);
        }
        for out in rest {
            most = most.max(*out);
            *out = base + most;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_ancestors_on_every_instruction_set() {
        for n in [1, 700, BLOCK, 3 * BLOCK + 5] {
            let weight = |i: usize| if i % 5 == 2 { 0.0 } else { (i * 7919 % 1013) as f64 * 1e-3 + 1e-9 };
            let weights: Vec<f64> = (0..n).map(weight).collect();
            let spread = Spread::new(&weights, n);
            let slots = spread.slots(0.37);
            let all = |arch: Arch| {
                let mut out = vec![9; n];
                for (b, block) in weights.chunks(BLOCK).enumerate() {
                    spread.fill_on(arch, b, block, 0.37, slots[b], &mut out[slots[b]..slots[b + 1]]);
                }
                out
            };
            let scalar = all(Arch::Scalar);
            assert!(scalar.is_sorted() && scalar.iter().all(|&a| a % 5 != 2));
            assert_eq!(all(Arch::new()), scalar);
            #[cfg(target_arch = "x86_64")]
            if let Some(v3) = pulp::x86::V3::try_new() {
                assert_eq!(all(Arch::V3(v3)), scalar);
            }
        }
    }

    #[test]
    fn slots_below_a_number_are_counted() {
        for (x, expected) in [(-0.7, 0), (0.0, 0), (0.2, 1), (1.0, 1), (1.0 + 1e-15, 2), (6.5, 7), (1e9, 7)] {
            assert_eq!(below(x, 7.0), expected, "{x}");
        }
        assert_eq!(below(4e9, f64::from(u32::MAX)), 4_000_000_000);
    }
}
