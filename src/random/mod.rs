//! Streams of random numbers that depend on the seed, the chain id and the purpose alone; see `docs/random-streams.md`.

mod stream;

pub use stream::{MomentumLanes, Purpose, Stream};
