//! Streams of random numbers that depend on the seed, the chain id and the purpose alone.
//!
//! `docs/random-streams.md` is the contract: where each stream starts, how its numbers are made and test vectors.

mod jump;
mod lanes;
mod particles;
mod stream;
mod tables;
mod threefry;
mod xoshiro;
mod ziggurat;

pub use lanes::{LANES, MomentumLanes};
pub use particles::{BlockLanes, OF_SET, PARTICLE_BLOCK, ParticlePurpose, ParticleStreams};
pub use stream::{Purpose, Stream};
