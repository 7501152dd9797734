//! The normals that momenta are made of, eight at a time.

use super::jump;
use super::stream::{Stream, seed_state};
use super::xoshiro::{self, State};
use super::ziggurat::{self, Bits};
use pulp::{Arch, Scalar, Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// How many generators work side by side, whatever the width of the machine's vectors.
pub const LANES: usize = 8;

/// The stream number of lane 0 within a chain; lane l has the l-th after it.
const FIRST_STREAM: u64 = 8;

/// Word w of the state of lane l is at `[w][l]`, so that a vector holds one word of several lanes; aligned so that no
/// vector straddles two cache lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[repr(align(64))]
struct States([[u64; LANES]; 4]);

impl States {
    #[inline(always)]
    fn get(&self, lane: usize) -> State {
        std::array::from_fn(|w| self.0[w][lane])
    }

    #[inline(always)]
    fn put(&mut self, lane: usize, state: State) {
        for (word, x) in self.0.iter_mut().zip(state) {
            word[lane] = x;
        }
    }
}

/// Eight streams whose standard normals are drawn side by side.
///
/// Lane l gives what [`Stream::normal`] gives on stream 8 + l of the chain. The vector instructions are chosen at run
/// time and change no bit. One thread uses the lanes at a time; written and read back with serde they go on where they
/// were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MomentumLanes {
    states: States,
}

impl MomentumLanes {
    /// The lanes of chain `chain_id` of a run seeded with `seed`.
    pub fn new(seed: u64, chain_id: u64) -> Self {
        let mut state = jump::jumped(seed_state(seed), chain_id, FIRST_STREAM);
        Self::of_states(std::array::from_fn(|_| {
            let here = state;
            state = jump::jumped(state, 0, 1);
            here
        }))
    }

    /// Lanes in these states.
    pub(super) fn of_states(of: [State; LANES]) -> Self {
        let mut states = States([[0; LANES]; 4]);
        for (lane, state) in of.into_iter().enumerate() {
            states.put(lane, state);
        }
        Self { states }
    }

    /// The eight streams, each at its lane's present place.
    pub fn streams(&self) -> [Stream; LANES] {
        std::array::from_fn(|lane| Stream::from_state(self.states.get(lane)))
    }

    /// Fills `out` with independent standard normals, `out[b][l]` being the b-th of lane l.
    #[inline]
    pub fn fill_normals(&mut self, out: &mut [[f64; LANES]]) {
        self.fill_normals_on(Arch::new(), out);
    }

    /// Fills `out` with uniforms on (0, 1), `out[b][l]` being the b-th of lane l, as [`Stream::uniform_open`] gives it.
    pub fn fill_uniforms(&mut self, out: &mut [[f64; LANES]]) {
        Arch::new().dispatch(FillUniforms { states: &mut self.states, out });
    }

    /// As [`MomentumLanes::fill_normals`], with the instructions of `arch`.
    #[inline]
    pub(crate) fn fill_normals_on(&mut self, arch: Arch, out: &mut [[f64; LANES]]) {
        arch.dispatch(Fill { states: &mut self.states, out });
    }
}

struct Fill<'a> {
    states: &'a mut States,
    out: &'a mut [[f64; LANES]],
}

impl WithSimd for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { states, out } = self;
        let mut words = words_of(simd, states);
        for block in out {
            let mut bits = [0; LANES];
            for (part, bits) in S::as_mut_simd_u64s(&mut bits).0.iter_mut().enumerate() {
                *bits = xoshiro::next(simd, &mut words[part]);
            }
            let mut edges = [0.0; LANES];
            let mut inner = [0.0; LANES];
            for lane in 0..LANES {
                (edges[lane], inner[lane]) = ziggurat::edges(bits[lane]);
            }
            let mut open = false;
            let parts = S::as_mut_simd_f64s(block).0.iter_mut().zip(S::as_simd_u64s(&bits).0);
            let tables = S::as_simd_f64s(&edges).0.iter().zip(S::as_simd_f64s(&inner).0);
            for ((x, &bits), (&edge, &inner)) in parts.zip(tables) {
                let (candidate, outside) = ziggurat::candidate(simd, bits, edge, inner);
                *x = candidate;
                open |= simd.first_true_m64s(outside) < S::F64_LANES;
            }
            if open {
                keep::<S>(&words, states);
                finish(states, &bits, block);
                words = words_of(simd, states);
            }
        }
        keep::<S>(&words, states);
    }
}

struct FillUniforms<'a> {
    states: &'a mut States,
    out: &'a mut [[f64; LANES]],
}

impl WithSimd for FillUniforms<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut words = words_of(simd, self.states);
        for block in self.out {
            let mut bits = [0; LANES];
            for (part, bits) in S::as_mut_simd_u64s(&mut bits).0.iter_mut().enumerate() {
                *bits = xoshiro::next(simd, &mut words[part]);
            }
            let mantissas = bits.map(|bits| bits >> 12);
            for (x, &m) in S::as_mut_simd_f64s(block).0.iter_mut().zip(S::as_simd_u64s(&mantissas).0) {
                *x = ziggurat::mantissa_open(simd, m);
            }
        }
        keep::<S>(&words, self.states);
    }
}

/// The states as vectors, which registers can hold: word w of part p is at `[p][w]`; the first `LANES / S::U64_LANES` parts are in use.
type Words<S> = [[<S as Simd>::u64s; 4]; LANES];

#[inline(always)]
fn words_of<S: Simd>(simd: S, states: &States) -> Words<S> {
    let mut words = [[simd.splat_u64s(0); 4]; LANES];
    for (w, word) in states.0.iter().enumerate() {
        for (part, &v) in S::as_simd_u64s(word).0.iter().enumerate() {
            words[part][w] = v;
        }
    }
    words
}

#[inline(always)]
fn keep<S: Simd>(words: &Words<S>, states: &mut States) {
    for (w, word) in states.0.iter_mut().enumerate() {
        for (part, v) in S::as_mut_simd_u64s(word).0.iter_mut().enumerate() {
            *v = words[part][w];
        }
    }
}

/// Draws the normals of the lanes whose candidate was not accepted.
#[cold]
#[inline(never)]
fn finish(states: &mut States, bits: &[u64; LANES], block: &mut [f64; LANES]) {
    // As a mask of bits, since which lane it is cannot be predicted.
    let mut outside = 0u32;
    for lane in 0..LANES {
        outside |= u32::from(block[lane].abs() >= ziggurat::edges(bits[lane]).1) << lane;
    }
    while outside != 0 {
        let lane = outside.trailing_zeros() as usize;
        let mut source = Lane(states.get(lane));
        block[lane] = ziggurat::finished(bits[lane], block[lane], &mut source);
        states.put(lane, source.0);
        outside &= outside - 1;
    }
}

/// One lane's generator, taken out of the lanes.
struct Lane(State);

impl Bits for Lane {
    #[inline]
    fn bits(&mut self) -> u64 {
        xoshiro::next(Scalar, &mut self.0)
    }
}

#[cfg(test)]
mod tests;
