//! The ziggurat's layers: 1024 of equal area V under f(x) = exp(-x²/2), x ≥ 0.
//!
//! Layer 0 is the rectangle below f(R) and the tail beyond R, so `V = R f(R) + ∫_R^∞ f(x) dx`. Above it
//! `f(EDGES[i + 1]) = f(EDGES[i]) + V / EDGES[i]`, and R is the number for which the last layer ends at f(0) = 1. All values
//! were computed with 400 bits by this recurrence and rounded once; the test recomputes them.

mod edges;
mod heights;

pub(super) use edges::EDGES;
pub(super) use heights::HEIGHTS;

/// How many layers there are: with 1024, three normals in a thousand are not settled by the fast path, a quarter of what 256
/// layers leave, and the edges take 8 KiB.
pub(super) const LAYERS: usize = 1024;

/// R, where the tail begins: 4.038849846109504522714423405335931204701.
pub(super) const TAIL: f64 = f64::from_bits(0x4010_27C8_4109_FAD5);

const fn bits(words: [u64; LAYERS + 1]) -> [f64; LAYERS + 1] {
    let mut values = [0.0; LAYERS + 1];
    let mut i = 0;
    while i <= LAYERS {
        values[i] = f64::from_bits(words[i]);
        i += 1;
    }
    values
}

#[cfg(test)]
mod tests;
