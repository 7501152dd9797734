//! The normals that momenta are made of, eight at a time.

use super::jump::{self, State};
use super::stream::{Stream, seed_state};
use super::ziggurat::{self, Bits};
use pulp::{Arch, Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// How many generators work side by side, whatever the width of the machine's vectors.
pub const LANES: usize = 8;

/// The stream number of lane 0 within a chain; lane l has the l-th after it.
const FIRST_STREAM: u64 = 8;

/// Word w of the state of lane l is at `[w][l]`, so that a vector holds one word of several lanes.
type States = [[u64; LANES]; 4];

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
        let mut states = [[0; LANES]; 4];
        let mut state = jump::jumped(seed_state(seed), chain_id, FIRST_STREAM);
        for lane in 0..LANES {
            put(&mut states, lane, state);
            state = jump::jumped(state, 0, 1);
        }
        Self { states }
    }

    /// The eight streams, each at its lane's present place.
    pub fn streams(&self) -> [Stream; LANES] {
        std::array::from_fn(|lane| Stream::from_state(get(&self.states, lane)))
    }

    /// Fills `out` with independent standard normals, `out[b][l]` being the b-th of lane l.
    #[inline]
    pub fn fill_normals(&mut self, out: &mut [[f64; LANES]]) {
        self.fill_normals_on(Arch::new(), out);
    }

    fn fill_normals_on(&mut self, arch: Arch, out: &mut [[f64; LANES]]) {
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
    fn with_simd<S: Simd>(self, _: S) {
        let mut states = *self.states;
        for block in self.out {
            let bits: [u64; LANES] = std::array::from_fn(|lane| {
                let mut state = get(&states, lane);
                let bits = next(&mut state);
                put(&mut states, lane, state);
                bits
            });
            let mut accepted = [false; LANES];
            for lane in 0..LANES {
                (block[lane], accepted[lane]) = ziggurat::candidate(bits[lane]);
            }
            if accepted != [true; LANES] {
                // Through a copy, so that the states stay in registers everywhere else.
                let mut copy = states;
                finish(&mut copy, &bits, &accepted, block);
                states = copy;
            }
        }
        *self.states = states;
    }
}

/// Draws the normals of the lanes whose candidate was not accepted.
#[cold]
#[inline(never)]
fn finish(states: &mut States, bits: &[u64; LANES], accepted: &[bool; LANES], block: &mut [f64; LANES]) {
    for lane in (0..LANES).filter(|&lane| !accepted[lane]) {
        let mut source = Lane(get(states, lane));
        block[lane] = ziggurat::finished(bits[lane], &mut source);
        put(states, lane, source.0);
    }
}

/// One lane's generator, taken out of the lanes.
struct Lane(State);

impl Bits for Lane {
    #[inline]
    fn bits(&mut self) -> u64 {
        next(&mut self.0)
    }
}

/// The output of Xoshiro256++ and the step to the next state.
#[inline(always)]
fn next(s: &mut State) -> u64 {
    let bits = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
    jump::advance(s);
    bits
}

#[inline(always)]
fn get(states: &States, lane: usize) -> State {
    std::array::from_fn(|w| states[w][lane])
}

#[inline(always)]
fn put(states: &mut States, lane: usize, state: State) {
    for (word, x) in states.iter_mut().zip(state) {
        word[lane] = x;
    }
}

#[cfg(test)]
mod tests;
