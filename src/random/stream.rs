use rand_core::Rng;
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

/// What the numbers of a stream are for. Streams of different purposes never overlap.
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
    /// The first of the lanes that fill momenta.
    Momentum = 8,
}

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of `purpose` in chain `chain_id` of a run seeded with `seed`.
    pub fn new(seed: u64, chain_id: u64, purpose: Purpose) -> Self {
        let mixed = seed ^ chain_id.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((purpose as u64) << 56);
        Self(Xoshiro256PlusPlus::seed_from_u64(mixed))
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform on [0, 1), a multiple of 2^-53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

impl Stream {
    pub fn uniform_open(&mut self) -> f64 {
        ((self.bits() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }
}
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MomentumLanes(Stream);
impl MomentumLanes {
    pub fn new(seed: u64, chain_id: u64) -> Self {
        Self(Stream::new(seed, chain_id, Purpose::Momentum))
    }
    pub fn fill_normals(&mut self, out: &mut [[f64; 8]]) {
        for x in out.iter_mut().flatten() {
            *x = libm::sqrt(-2.0 * libm::log(self.0.uniform_open()))
                * libm::cos(2.0 * std::f64::consts::PI * self.0.uniform());
        }
    }
}
