//! One stream and what can be drawn from it.

use super::jump;
use super::xoshiro::State;
use super::ziggurat::{self, Bits};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// What the numbers of a [`Stream`] are for. Streams of different purposes never overlap, so that drawing more for one
/// purpose leaves all others as they were. Numbers 8 to 15 belong to [`super::MomentumLanes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial values.
    Init = 0,
    /// The sampler's decisions.
    Sampler = 1,
    /// Outputs (generated quantities).
    Outputs = 2,
    /// What a model draws inside an evaluation.
    Model = 3,
    /// What a model draws while it makes a position of an init context.
    Start = 4,
}

/// A stream of 2^124 numbers of Xoshiro256++ (Blackman and Vigna 2021) that depends on a seed, a chain id (or none) and
/// a purpose alone.
///
/// What is drawn is a function of the place in the stream, with the same bits on every platform. One thread uses a
/// stream at a time; written and read back with serde it goes on where it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of `purpose` in chain `chain_id` of a run seeded with `seed`; every value of both is valid, and a
    /// large id costs about what a small one does.
    pub fn new(seed: u64, chain_id: u64, purpose: Purpose) -> Self {
        Self::from_state(jump::jumped(seed_state(seed), chain_id, purpose as u64))
    }

    /// The stream of `purpose` that belongs to no chain of a run seeded with `seed`: no chain id reaches it.
    pub fn of_run(seed: u64, purpose: Purpose) -> Self {
        Self::from_state(jump::jumped_of_run(seed_state(seed), purpose as u64))
    }

    /// The stream whose generator is in `state`.
    pub(super) fn from_state(state: State) -> Self {
        let mut seed = [0; 32];
        for (bytes, word) in seed.as_chunks_mut::<8>().0.iter_mut().zip(state) {
            *bytes = word.to_le_bytes();
        }
        Self(Xoshiro256PlusPlus::from_seed(seed))
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform on [0, 1), a multiple of 2^-53. Takes one number.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        ziggurat::uniform(self.bits())
    }

    /// Uniform on (0, 1), an odd multiple of 2^-53. Takes one number.
    #[inline]
    pub fn uniform_open(&mut self) -> f64 {
        ziggurat::uniform_open(self.bits())
    }

    /// Uniform between `low` and `high`: `low + (high - low) u` with u of [`Stream::uniform_open`]. An end is reached
    /// only where rounding gives it, never for `-r` and `r`. Takes one number.
    #[inline]
    pub fn uniform_between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform_open()
    }

    /// A standard normal by the ziggurat method. Takes one number in 99.7 % of calls, more in the others.
    #[inline]
    pub fn normal(&mut self) -> f64 {
        ziggurat::normal(self)
    }

    /// A standard exponential, `-log(u)` with u of [`Stream::uniform_open`]. Takes one number.
    #[inline]
    pub fn exponential(&mut self) -> f64 {
        ziggurat::exponential(self)
    }
}

impl Bits for Stream {
    #[inline]
    fn bits(&mut self) -> u64 {
        Stream::bits(self)
    }
}

/// The state from which all streams of a run are counted: four outputs of SplitMix64, as rand_xoshiro seeds itself.
pub(super) fn seed_state(seed: u64) -> State {
    let mut words = rand_xoshiro::SplitMix64::seed_from_u64(seed);
    std::array::from_fn(|_| words.next_u64())
}
