//! Streams of particles: as many as anybody may want, each begun in a few dozen nanoseconds.

use super::lanes::{LANES, MomentumLanes};
use super::stream::{Stream, seed_state};
use super::threefry;
use super::xoshiro::State;

/// What a stream of a particle is for; one of each for every set, particle and generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParticlePurpose {
    /// What the host draws while it works on a trace or on a block of particles.
    Work = 0,
    /// Which particles go on: resampling, merging.
    Choice = 1,
    /// Proposals and acceptance of a move.
    Move = 2,
    /// What the host draws to report a value.
    Report = 3,
    /// What the host draws while it copies, writes or reads a trace.
    Copy = 4,
}

/// The number of the first of the eight purposes that [`ParticleStreams::lanes_at`] uses.
const FIRST_LANE: u64 = 8;

/// Streams of a seed by set, particle (or block of particles), generation and purpose.
///
/// The state of Xoshiro256++ is the image of these four numbers under a bijection keyed by the seed
/// (Threefry-4x64-20), so that no two streams begin alike. Unlike those of chains they are not placed apart: of 2^64
/// streams with 2^40 numbers each the chance that any two overlap is below 2^-80. Depends on no number of threads, sets
/// or particles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParticleStreams {
    key: State,
}

impl ParticleStreams {
    /// The streams of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { key: seed_state(seed) }
    }

    /// One stream.
    pub fn at(&self, set: u64, particle: u64, generation: u64, purpose: ParticlePurpose) -> Stream {
        Stream::from_state(threefry::image(self.key, [set, particle, generation, purpose as u64]))
    }

    /// Eight streams whose normals are drawn side by side.
    pub fn lanes_at(&self, set: u64, particle: u64, generation: u64) -> MomentumLanes {
        let lane = |lane| threefry::image(self.key, [set, particle, generation, FIRST_LANE + lane as u64]);
        MomentumLanes::of_states(std::array::from_fn::<_, LANES, _>(lane))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_names_another_stream() {
        let first = |seed, set, particle, generation, purpose| {
            ParticleStreams::new(seed).at(set, particle, generation, purpose).bits()
        };
        use ParticlePurpose::*;
        let here = first(1, 2, 3, 4, Work);
        assert_eq!(here, first(1, 2, 3, 4, Work));
        let others = [
            first(2, 2, 3, 4, Work),
            first(1, 3, 3, 4, Work),
            first(1, 2, 4, 4, Work),
            first(1, 2, 3, 5, Work),
            first(1, 2, 3, 4, Choice),
        ];
        assert!(others.iter().all(|&other| other != here));
    }

    #[test]
    fn lanes_are_streams_of_their_own() {
        let streams = ParticleStreams::new(9);
        let mut normals = [[0.0; LANES]; 3];
        streams.lanes_at(1, 2, 3).fill_normals(&mut normals);
        for (lane, mut stream) in streams.lanes_at(1, 2, 3).streams().into_iter().enumerate() {
            for row in &normals {
                assert_eq!(row[lane], stream.normal());
            }
        }
    }
}
