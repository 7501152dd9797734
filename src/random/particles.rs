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

/// Random numbers of numeric particles are drawn in blocks of so many particles, each block from lanes of its own, so
/// that they depend on no cut of a set over threads.
pub const PARTICLE_BLOCK: usize = 1024;

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

/// The lanes of the blocks that one call covers: a row of particles of a set, beginning with a block.
///
/// Numbers come as columns, one number per particle in each: particle i of block b takes lane i mod 8 of the block's
/// lanes. Whatever is drawn next goes on where the blocks' lanes were.
#[derive(Debug, Clone)]
pub struct BlockLanes {
    streams: ParticleStreams,
    set: u64,
    generation: u64,
    first_block: u64,
    particles: usize,
    /// Made when they are first asked for.
    lanes: Vec<MomentumLanes>,
}

impl BlockLanes {
    /// The lanes of `particles` particles of `set` in `generation`, from block `first_block` on.
    pub fn new(streams: ParticleStreams, set: u64, generation: u64, first_block: u64, particles: usize) -> Self {
        Self { streams, set, generation, first_block, particles, lanes: Vec::new() }
    }

    /// As [`BlockLanes::new`], in the memory of these.
    pub fn restart(&mut self, other: Self) {
        let lanes = std::mem::take(&mut self.lanes);
        *self = Self { lanes, ..other };
        self.lanes.clear();
    }

    /// How many particles the call covers.
    pub fn particles(&self) -> usize {
        self.particles
    }

    /// Fills `out` with columns of standard normals, each as long as there are particles.
    ///
    /// # Panics
    /// When `out` is not whole columns.
    pub fn fill_normals(&mut self, out: &mut [f64]) {
        self.fill(out, MomentumLanes::fill_normals);
    }

    /// Fills `out` with columns of uniforms on (0, 1), each as long as there are particles.
    ///
    /// # Panics
    /// When `out` is not whole columns.
    pub fn fill_uniforms(&mut self, out: &mut [f64]) {
        self.fill(out, MomentumLanes::fill_uniforms);
    }

    fn fill(&mut self, out: &mut [f64], draw: impl Fn(&mut MomentumLanes, &mut [[f64; LANES]])) {
        if out.is_empty() {
            return;
        }
        assert!(self.particles > 0 && out.len().is_multiple_of(self.particles), "whole columns");
        let blocks = self.particles.div_ceil(PARTICLE_BLOCK);
        for block in self.lanes.len()..blocks {
            self.lanes.push(self.streams.lanes_at(self.set, self.first_block + block as u64, self.generation));
        }
        for column in out.chunks_mut(self.particles) {
            for (block, lanes) in column.chunks_mut(PARTICLE_BLOCK).zip(&mut self.lanes) {
                let (rows, rest) = block.as_chunks_mut::<LANES>();
                draw(lanes, rows);
                if !rest.is_empty() {
                    let mut last = [[0.0; LANES]];
                    draw(lanes, &mut last);
                    rest.copy_from_slice(&last[0][..rest.len()]);
                }
            }
        }
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
        streams.lanes_at(1, 2, 3).fill_uniforms(&mut normals);
        for (lane, mut stream) in streams.lanes_at(1, 2, 3).streams().into_iter().enumerate() {
            assert!(normals.iter().all(|row| row[lane] == stream.uniform_open()));
        }
    }

    #[test]
    fn blocks_draw_the_same_however_they_are_called() {
        let streams = ParticleStreams::new(9);
        for particles in [5, PARTICLE_BLOCK, 2 * PARTICLE_BLOCK + 77] {
            let mut whole = vec![0.0; 3 * particles];
            let mut lanes = BlockLanes::new(streams, 2, 7, 0, particles);
            lanes.fill_normals(&mut whole[..2 * particles]);
            lanes.fill_uniforms(&mut whole[2 * particles..]);
            for (block, first) in (0..particles).step_by(PARTICLE_BLOCK).enumerate() {
                let n = PARTICLE_BLOCK.min(particles - first);
                let mut part = vec![0.0; 3 * n];
                lanes.restart(BlockLanes::new(streams, 2, 7, block as u64, n));
                lanes.fill_normals(&mut part[..n]);
                lanes.fill_normals(&mut part[n..2 * n]);
                lanes.fill_uniforms(&mut part[2 * n..]);
                for c in 0..3 {
                    assert_eq!(part[c * n..][..n], whole[c * particles + first..][..n], "column {c}, block {block}");
                }
            }
            assert!(whole[2 * particles..].iter().all(|u| 0.0 < *u && *u < 1.0));
        }
    }
}
