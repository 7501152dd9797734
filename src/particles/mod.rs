//! Weighted particles: their weights, resampling, and what is built on them. Pure: numbers in, numbers out.

pub mod blocks;
pub mod course;
mod evidence;
mod exp;
pub mod filter;
mod genealogy;
mod history;
pub mod mover;
pub mod normal;
pub mod path;
pub mod plan;
pub mod resample;
pub mod scale;
mod seats;
mod set;
pub mod spread;
pub mod stages;
pub mod temper;
pub mod weights;

pub use evidence::{Evidence, pooled};
pub(crate) use exp::exp;
pub use genealogy::Genealogy;
pub use history::{History, Resampling, Step};
pub use seats::Seats;
pub use set::{News, Set};

/// Particles are weighed, and their random numbers drawn, in blocks of so many (the last may be shorter), whatever the
/// number of threads: sums go block by block, in order, so that no cut of a set over threads changes a bit.
pub const BLOCK: usize = crate::random::PARTICLE_BLOCK;
